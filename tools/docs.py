"""Checks the Markdown files: links inside the tree lead somewhere, and Python examples compile.

`python tools/docs.py`; prints what is wrong, a line each, and ends with status 1 when there is something.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FENCED = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def markdown_files() -> list[Path]:
    """Return the Markdown files of the checkout, without its environment and what was built."""
    built = {"build", "dist", "wheelhouse"}
    found = (path.relative_to(ROOT) for path in sorted(ROOT.rglob("*.md")))
    return [ROOT / path for path in found if not built & {*path.parts} and not path.parts[0].startswith(".")]


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a file."""
    headings = re.findall(r"^#+ +(.+?) *$", FENCED.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path: Path) -> Iterator[str]:
    """Yield what is wrong with the links of a file; addresses of other places are not asked."""
    for target in LINK.findall(FENCED.sub("", path.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = path.parent / name if name else path
        if not linked.exists():
            yield f"no file {name}"
        elif anchor and linked.suffix == ".md" and anchor not in anchors(linked):
            yield f"no heading #{anchor} in {linked.name}"


def typed(example: str) -> str:
    """What was typed in a session with prompts; an example without prompts is returned as it is."""
    if not example.startswith(">>> "):
        return example
    return "".join(f"{line[4:]}\n" for line in example.splitlines() if line.startswith((">>> ", "... ")))


def broken_examples(path: Path) -> Iterator[str]:
    """Yield the Python examples of a file that do not compile (`await` outside a function is welcome)."""
    if path == ROOT / "ARCHITECTURE.md":
        return  # its contracts are signatures in shorthand
    source = path.read_text()
    for match in FENCED.finditer(source):
        if match[2] not in ("python", "py"):
            continue
        try:
            compile(typed(textwrap.dedent(match[3])), "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except SyntaxError as exc:
            line = source.count("\n", 0, match.start(3)) + (exc.lineno or 1)
            yield f"line {line}: {exc.msg}"


def main() -> None:
    files = markdown_files()
    wrong = 0
    for path in files:
        for problem in [*broken_links(path), *broken_examples(path)]:
            print(f"{path.relative_to(ROOT)}: {problem}")
            wrong += 1
    print(f"{len(files)} Markdown files, {wrong} problems")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
