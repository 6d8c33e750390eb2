"""Holds the floors of ARCHITECTURE.md and the lengths of files and functions, by reading sources."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "httpstream"
MODULES = sorted(path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".pyx", ".pxd"))
OURS = [*MODULES, ROOT / "setup.py"] + [
    path
    for folder in ("bench", "examples", "tests", "tools", "vendor")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
ENGINE_AND_CLIENTS = [path for path in MODULES if path.suffix == ".py" and path.parent.name != "_cli"]
TOP_FLOOR = 6
# Names that programs look for in a module of httpx's, and that live above it here: handed on when asked for.
HANDED_ON = {"_config": {"_models/proxy", "_network/tls"}, "_types": {"_streams"}}
WORLDS = {"_backend", "_readiness"}  # where the sync and the async world differ
IO_MODULES = {"socket", "ssl", "select", "selectors", "threading", "asyncio", "anyio", "trio", "time"}
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60


def name_of(path: Path) -> str:
    """`httpstream/_network/tls.py` is `_network/tls`; a package's `__init__.py` has the package's name."""
    name = path.relative_to(PACKAGE).with_suffix("").as_posix()
    return name.removesuffix("/__init__")


def read_floors() -> dict[str, int]:
    """Read the table of floors: module name -> floor."""
    floors = {"__version__": 0, "__init__": TOP_FLOOR}
    for row in re.findall(r"^\| (\d) \w+ \| (.+?) \|", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE):
        for name in re.findall(r"`([\w/.]+)`", row[1]):
            floors[re.sub(r"\.p(yx|xd|y)$", "", name)] = int(row[0])
    return floors


FLOORS = read_floors()


def floor_of(name: str) -> int | None:
    """Return the floor of a module: its own row's, its folder's, or for a folder its lowest module's."""
    for known in (name, name.rpartition("/")[0]):
        if known in FLOORS:
            return FLOORS[known]
    return min((floor for other, floor in FLOORS.items() if other.startswith(name + "/")), default=None)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def walk_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the nodes that run: what stands under `if TYPE_CHECKING` is for mypy alone."""
    yield node
    children = node.orelse if is_type_checking(node) else ast.iter_child_nodes(node)
    for child in children:
        yield from walk_run_time(child)


def import_statements(path: Path) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports that run. In Cython files each is one line, and `cimport` counts too."""
    if path.suffix == ".py":
        tree = ast.parse(path.read_text())
    else:
        found = re.findall(r"^\s*((?:from [\w.]+ )?c?import [^#\n(]+)", path.read_text(), re.MULTILINE)
        tree = ast.parse("\n".join(re.sub(r"\bcimport\b", "import", line.strip()) for line in found))
    for node in walk_run_time(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node


def imports_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (absolute dotted module, imported name or "") for each name that `path` imports."""
    package = ["httpstream", *path.relative_to(PACKAGE).parts[:-1]]
    for node in import_statements(path):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        else:
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, node.module] if node.module else above)
            yield from ((module, alias.name) for alias in node.names)


def our_imports_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (name of our module, imported name) for each import of a module of ours."""
    names = {name_of(module) for module in MODULES}
    for module, imported in imports_of(path):
        if module.split(".")[0] == "httpstream":
            inside = "/".join(module.split(".")[1:])
            deeper = f"{inside}/{imported}".lstrip("/")
            yield deeper if deeper in names else inside or "__init__", imported


def body_lengths(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (function, lines of its body), neither signature nor docstring counted."""
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                yield node.name, body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]
        return
    source = re.sub(r'^(\s+)r?"""(?:.|\n)*?"""\n', "", path.read_text(), flags=re.MULTILINE)
    function = re.compile(
        r"^( *)(?:async def|c?p?def)\b(?! class)[^\n=]*?(\w+)\((?:[^()]|\([^()]*\))*\)[^\n=]*:\n",
        re.MULTILINE,
    )
    for match in function.finditer(source):
        body = re.match(rf"(?:{match[1]} +[^\n]*\n|\s*\n)*", source[match.end() :])
        yield match[2], len(body[0].rstrip().splitlines()) if body else 0


def id_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=id_of)
def test_every_module_has_its_floor_in_the_table(path: Path) -> None:
    assert floor_of(name_of(path)) is not None, "enter it in the table of floors in ARCHITECTURE.md"


@pytest.mark.parametrize("name", FLOORS)
def test_every_row_of_the_table_is_a_module(name: str) -> None:
    assert any((PACKAGE / f"{name}{end}").is_file() for end in (".py", ".pyx", ".pxd", "/__init__.py"))


@pytest.mark.parametrize("path", MODULES, ids=id_of)
def test_imports_go_to_lower_floors_or_neighbours(path: Path) -> None:
    here = floor_of(name_of(path))
    assert here is not None
    upwards = {name for name, _ in our_imports_of(path) if (floor_of(name) or 0) > here}
    assert upwards == HANDED_ON.get(name_of(path), set())


@pytest.mark.parametrize("name", HANDED_ON)
def test_what_is_handed_on_is_imported_in_a_function(name: str) -> None:
    program = f"import sys, httpstream.{name}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert {f"httpstream.{each.replace('/', '.')}" for each in HANDED_ON[name]}.isdisjoint(loaded.split())


@pytest.mark.parametrize("path", [path for path in MODULES if (floor_of(name_of(path)) or 0) <= 2], ids=id_of)
def test_floors_0_to_2_do_no_input_or_output(path: Path) -> None:
    imported = {module.split(".")[0] for module, _ in imports_of(path)}
    assert name_of(path) in WORLDS or not imported & IO_MODULES


@pytest.mark.parametrize("path", [path for path in MODULES if floor_of(name_of(path)) in (3, 4)], ids=id_of)
def test_network_and_connections_know_no_response_and_no_client(path: Path) -> None:
    assert not [name for _, name in our_imports_of(path) if name in ("Response", "Client", "AsyncClient")]
    assert not [module for module, _ in our_imports_of(path) if module == "_models/response"]


@pytest.mark.parametrize("path", MODULES, ids=id_of)
def test_anyio_is_imported_in_the_backend_and_for_asgi_alone(path: Path) -> None:
    assert name_of(path) in ("_backend", "_transports/asgi") or "anyio" not in {
        module.split(".")[0] for module, _ in imports_of(path)
    }


@pytest.mark.parametrize("path", ENGINE_AND_CLIENTS, ids=id_of)
def test_there_is_no_async_generator_and_no_asynccontextmanager(path: Path) -> None:
    assert "asynccontextmanager" not in path.read_text()
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.AsyncFunctionDef):
            inner = {
                id(node)
                for child in ast.walk(function)
                if is_nested(child, function)
                for node in ast.walk(child)
            }
            own = [node for node in ast.walk(function) if id(node) not in inner]
            assert not any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in own), function.name


def is_nested(node: ast.AST, function: ast.AST) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and node is not function


@pytest.mark.parametrize("path", MODULES, ids=id_of)
def test_every_file_begins_with_its_law(path: Path) -> None:
    assert re.match(r'\s*(?:r?"""|# )\S', path.read_text()), "say at the top what lives here"


@pytest.mark.parametrize("path", OURS, ids=id_of)
def test_files_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES
    assert {name: lines for name, lines in body_lengths(path) if lines > MAX_FUNCTION_LINES} == {}


@pytest.mark.parametrize("path", [path for path in MODULES if path.suffix == ".pyx"], ids=id_of)
def test_every_c_function_says_how_it_fails(path: Path) -> None:
    """One that returns a C value needs `noexcept` or `except`; one that returns an object needs neither."""
    value = r"(?:const )?(?:u?int\w*|bint|size_t|Py_ssize_t|void|char|double|long|unsigned \w+)\b[ *]*"
    signature = re.compile(
        rf"^ *cdef (?:inline )?{value}\w+\((?:[^()]|\([^()]*\))*\)([^\n]*):\n", re.MULTILINE
    )
    silent = [match[0].strip() for match in signature.finditer(path.read_text()) if "except" not in match[1]]
    assert silent == []
