"""Aliases of the types that public signatures name, under the names that httpx gives them.

For annotations, and for programs that import them. The package imports it for type checkers alone, so
that ``typing`` is not part of its start-up. Imports nothing of ours at run time.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    from http.cookiejar import CookieJar

    from ._config import Timeout
    from ._models.headers import Headers
    from ._models.request import Request
    from ._urls import URL, QueryParams

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

CookieTypes = Union["CookieJar", dict[str, str], list[tuple[str, str]]]

TimeoutTypes = Union[
    float,
    None,
    tuple[float | None, float | None],
    tuple[float | None, float | None, float | None],
    tuple[float | None, float | None, float | None, float | None],
    "Timeout",
]

CertTypes = str | tuple[str, str] | tuple[str, str, str]

AuthTypes = tuple[str | bytes, str | bytes] | Callable[["Request"], "Request"]

RequestContent = str | bytes | Iterable[bytes] | AsyncIterable[bytes]
ResponseContent = str | bytes | Iterable[bytes] | AsyncIterable[bytes]

RequestData = Mapping[str, Any]

FileContent = IO[bytes] | bytes | str
FileTypes = (
    FileContent
    | tuple[str | None, FileContent]
    | tuple[str | None, FileContent, str | None]
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
RequestFiles = Mapping[str, FileTypes] | Sequence[tuple[str, FileTypes]]

RequestExtensions = Mapping[str, Any]
ResponseExtensions = Mapping[str, Any]
