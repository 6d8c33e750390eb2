"""Aliases of the types that public signatures name, under the names that httpx gives them.

For annotations, and for programs that import them. The package imports it for type checkers alone, so
that ``typing`` is not part of its start-up. Imports nothing of ours at run time, but for the two bases of streams:
programs look for them here, and they are handed on when they are asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    from http.cookiejar import CookieJar

    from ._auth import Auth
    from ._config import Timeout
    from ._content_types import Content
    from ._models.cookies import Cookies
    from ._models.headers import Headers
    from ._models.proxy import Proxy
    from ._models.request import Request
    from ._streams import AsyncByteStream as AsyncByteStream
    from ._streams import Stream
    from ._streams import SyncByteStream as SyncByteStream
    from ._urls import URL, QueryParams

__all__ = ["AsyncByteStream", "SyncByteStream"]

# A quoted name cannot stand in `X | Y` at run time: those few unions are spelled out.
PrimitiveData = str | int | float | bool | None

URLTypes = Union["URL", str]

QueryParamTypes = Union[
    "QueryParams",
    Mapping[str, PrimitiveData | Sequence[PrimitiveData]],
    list[tuple[str, PrimitiveData]],
    tuple[tuple[str, PrimitiveData], ...],
    str,
    bytes,
]

HeaderTypes = Union[
    "Headers",
    Mapping[str, str],
    Mapping[bytes, bytes],
    Sequence[tuple[str, str]],
    Sequence[tuple[bytes, bytes]],
]

CookieTypes = Union["Cookies", "CookieJar", dict[str, str], list[tuple[str, str]]]

TimeoutTypes = Union[
    float,
    None,
    tuple[float | None, float | None],
    tuple[float | None, float | None, float | None],
    tuple[float | None, float | None, float | None, float | None],
    "Timeout",
]

ProxyTypes = Union["URL", str, "Proxy"]

CertTypes = str | tuple[str, str] | tuple[str, str, str]

AuthTypes = Union[tuple[str | bytes, str | bytes], Callable[["Request"], "Request"], "Auth"]

RequestContent = Union[str, bytes, Iterable[bytes], AsyncIterable[bytes], "Stream", "Content"]
ResponseContent = Union[str, bytes, Iterable[bytes], AsyncIterable[bytes], "Stream", "Content"]

RequestData = Union[Mapping[str, Any], "Stream", "Content"]

FileContent = Union[IO[bytes], bytes, str, "Stream", "Content"]
FileTypes = (
    FileContent
    | tuple[str | None, FileContent]
    | tuple[str | None, FileContent, str | None]
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
RequestFiles = Mapping[str, FileTypes] | Sequence[tuple[str, FileTypes]]

RequestExtensions = Mapping[str, Any]
ResponseExtensions = Mapping[str, Any]

if not TYPE_CHECKING:  # where type checkers see it, every misspelt name would be right

    def __getattr__(name: str) -> object:
        if name not in ("AsyncByteStream", "SyncByteStream"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from . import _streams

        return getattr(_streams, name)
