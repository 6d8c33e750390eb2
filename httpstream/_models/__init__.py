"""Messages as values: ``Headers``, ``Cookies``, ``Request``, ``Response``, each in its own file."""

from __future__ import annotations

from .cookies import Cookies
from .headers import Headers

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from .request import Request
    from .response import Response

__all__ = ["Cookies", "Headers", "Request", "Response"]


def __getattr__(name: str) -> Any:
    # Lazily, because the files of this folder import one another through this module.
    if name == "Request":
        from .request import Request

        return Request
    if name == "Response":
        from .response import Response

        return Response
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
