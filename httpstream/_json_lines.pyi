from collections.abc import Callable
from json import JSONDecodeError
from typing import Any

from ._chunker import Splitter
from ._exceptions import DecodingError

class InvalidJSONLine(DecodingError, JSONDecodeError):
    def __init__(self, msg: str, doc: str | bytes, pos: int, lineno: int) -> None: ...

class JSONLineSplitter(Splitter[Any]):
    def __init__(self, loads: Callable[[bytes], Any] = ..., max_line_bytes: int = ...) -> None: ...
