"""What programs import from httpx's module of this name. Nothing of ours does: each thing has its place elsewhere."""

from __future__ import annotations

from ._mounts import URLPattern
from ._mounts import environment_proxies as get_environment_proxies

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from ._types import PrimitiveData

__all__ = ["URLPattern", "get_environment_proxies", "primitive_value_to_str", "to_bytes", "to_str"]


def primitive_value_to_str(value: PrimitiveData) -> str:
    """A value as forms and queries have it: ``true``, ``false``, nothing for None, else its str."""
    if value is True or value is False:
        return "true" if value else "false"
    return "" if value is None else str(value)


def to_bytes(value: str | bytes, encoding: str = "utf-8") -> bytes:
    return value.encode(encoding) if isinstance(value, str) else value


def to_str(value: str | bytes, encoding: str = "utf-8") -> str:
    return value if isinstance(value, str) else value.decode(encoding)
