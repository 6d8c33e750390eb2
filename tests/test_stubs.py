"""The .pyi files say what the compiled modules have: nothing that is not there, and every name of its classes."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "httpstream"
MODULES = sorted(path.stem for path in PACKAGE.glob("*.pyx"))
FOR_TYPES_ALONE = {"Protocol", "TypeVar"}  # what is made of these exists in stubs only


def names_in(body: list[ast.stmt]) -> set[str]:
    """Return the public names that the statements of a stub define, protocols and type variables left out."""
    names = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {node.name} - {node.name for base in node.bases if ast.unparse(base) in FOR_TYPES_ALONE}
        elif isinstance(node, ast.AnnAssign):
            names.add(ast.unparse(node.target))
        elif isinstance(node, ast.Assign) and ast.unparse(node.value).split("(")[0] not in FOR_TYPES_ALONE:
            names |= {ast.unparse(target) for target in node.targets}
    return {name for name in names if not name.startswith("_")}


def stub(module: str) -> list[ast.stmt]:
    return ast.parse((PACKAGE / f"{module}.pyi").read_text()).body


def inherited(kind: type) -> set[str]:
    return {name for base in kind.__mro__[1:] for name in vars(base)}


@pytest.mark.parametrize("module", MODULES)
def test_what_a_stub_names_is_there(module: str) -> None:
    compiled = importlib.import_module(f"httpstream.{module}")
    assert {name for name in names_in(stub(module)) if not hasattr(compiled, name)} == set()


@pytest.mark.parametrize("module", MODULES)
def test_a_class_in_a_stub_has_the_public_names_of_the_compiled_one(module: str) -> None:
    compiled = importlib.import_module(f"httpstream.{module}")
    for node in stub(module):
        if isinstance(node, ast.ClassDef) and node.name in names_in([node]):
            kind = getattr(compiled, node.name)
            there = {name for name in vars(kind) if not name.startswith("_")}
            said = names_in(node.body)
            assert (node.name, there - said - inherited(kind), said - there - inherited(kind)) == (
                node.name,
                set(),
                set(),
            )
