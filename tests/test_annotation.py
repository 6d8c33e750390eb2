"""Holds the hot loops to C: no line of a function marked `# hot: no Python` is yellow in Cython's annotation.

The whole body counts, but for `with nogil:`, which gives the lock away and takes it back. The signature does
not count: the code that reports an error is booked on it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MARKED = re.compile(
    r"^(?P<indent> *)# hot: no Python\n"
    r"(?: *@[^\n]*\n)*"
    r"(?P<signature> *cdef\b[^(]*?(?P<name>\w+)\((?:[^()]|\([^()]*\))*\)[^\n]*:\n)"
    r"(?P<body>(?:(?P=indent) +[^\n]*\n|\n)+)",
    re.MULTILINE,
)
Scores = Callable[[str], dict[int, int]]


def hot_functions() -> dict[str, tuple[str, range]]:
    """Find the marked functions: "file.function" -> (file, line numbers of the body)."""
    found = {}
    for path in sorted((ROOT / "httpstream").glob("*.pyx")):
        source = path.read_text()
        for match in MARKED.finditer(source):
            first = source.count("\n", 0, match.start("body")) + 1
            lines = range(first, first + len(match["body"].rstrip().splitlines()))
            found[f"{path.stem}.{match['name']}"] = (path.name, lines)
    return found


HOT = hot_functions()


def directives() -> dict[str, object]:
    """Read the directives with which setup.py compiles, so that the annotation is of the same code."""
    for node in ast.parse((ROOT / "setup.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DIRECTIVES":
            value: dict[str, object] = ast.literal_eval(node.value)
            return value
    raise AssertionError("setup.py names no DIRECTIVES")


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Scores:
    """Return a function: name of a .pyx -> {line number: score}; above 0 is a shade of yellow."""
    build = pytest.importorskip("Cython.Build", reason="Cython is not installed")
    folder = tmp_path_factory.mktemp("annotation")
    known: dict[str, dict[int, int]] = {}

    def of(name: str) -> dict[int, int]:
        if name not in known:
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(ROOT)
                build.cythonize(
                    f"httpstream/{name}",
                    build_dir=str(folder),
                    compiler_directives=directives(),
                    annotate=True,
                    force=True,
                    quiet=True,
                )
            page = (folder / "httpstream" / name).with_suffix(".html").read_text()
            rows = re.findall(
                r'<pre class="cython line score-(\d+)"[^>]*>[^<]*<span class="">(\d+)</span>', page
            )
            known[name] = {int(line): int(score) for score, line in rows}
        return known[name]

    return of


def test_every_mark_stands_above_a_c_function() -> None:
    marks = sum(path.read_text().count("# hot: no Python") for path in (ROOT / "httpstream").glob("*.pyx"))
    assert marks == len(HOT) >= 5


@pytest.mark.parametrize("function", HOT)
def test_hot_loops_are_c(function: str, scores: Scores) -> None:
    name, lines = HOT[function]
    source = (ROOT / "httpstream" / name).read_text().splitlines()
    yellow = {line: source[line - 1].strip() for line in lines if scores(name)[line] > 0}
    assert {line: text for line, text in yellow.items() if text != "with nogil:"} == {}


def test_the_annotation_shows_calls_of_python(scores: Scores) -> None:
    """Were the page's form to change unnoticed, every function would look white."""
    assert max(scores("_parser.pyx").values()) > 10
