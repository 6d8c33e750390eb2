from typing import TypeVar, overload

from ._chunker import Splitter

T = TypeVar("T", bytes, str)

LINEWISE: frozenset[str]

class LineSplitter(Splitter[T]):
    @overload
    def __init__(self: LineSplitter[bytes], encoding: None = None, max_line_bytes: int = ...) -> None: ...
    @overload
    def __init__(self: LineSplitter[str], encoding: str, max_line_bytes: int = ...) -> None: ...
