"""`alias_httpx()`: from now on ``import httpx`` and ``import httpx2`` give httpstream, in this whole process.

It knows the import system and module names, nothing of HTTP. Programs call it at their very start, so it loads nothing:
a module is looked for under its own name when somebody imports it under another one.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["alias_httpx"]

PACKAGE = __name__.partition(".")[0]
OTHER_NAMES = ("httpx", "httpx2")


def alias_httpx() -> None:
    """Make ``import httpx`` and ``import httpx2`` resolve to httpstream, with all submodules, in this process.

    For programs whose libraries import httpx. It comes before everything else, in a ``sitecustomize`` say; a library
    must not call it, since it is the program's to decide. Calling it again does nothing. Nothing that is installed
    changes, and nothing that `importlib.metadata` says of it.

    Raises RuntimeError when one of the two has been imported already; then it has done nothing.
    """
    package = sys.modules[PACKAGE]
    for name in OTHER_NAMES:
        if sys.modules.get(name, package) is not package:
            raise RuntimeError(
                f"{name} has been imported already, and what has been taken from it is in use:"
                f" call alias_httpx() before anything imports {name}"
            )
    if _importer not in sys.meta_path:
        sys.meta_path.insert(0, _importer)
    for name in OTHER_NAMES:
        sys.modules[name] = package


alias_httpx.__module__ = PACKAGE


class Importer:
    """Finds and gives modules of httpstream under the other names: an entry of ``sys.meta_path``, and its loader.

    A module is loaded once, under its own name; the import system then enters the same object under the other one.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module by its other name; None: that is no name of ours, or there is no such module."""
        top, _, inside = fullname.partition(".")
        if top not in OTHER_NAMES:
            return None
        from importlib.machinery import ModuleSpec
        from importlib.util import find_spec

        own = find_spec(f"{PACKAGE}.{inside}" if inside else PACKAGE)
        if own is None:
            return None
        spec = ModuleSpec(fullname, self, origin=own.origin, loader_state=own.name)  # type: ignore[arg-type]  # a loader by its methods
        spec.submodule_search_locations = own.submodule_search_locations
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        from importlib import import_module

        module = import_module(spec.loader_state)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has given it the spec of its other name; reload() and pickle need its own.
        given = module.__spec__
        module.__spec__ = None if given is None else given.loader_state


_importer = Importer()
