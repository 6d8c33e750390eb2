from typing import TypeVar

from ._chunker import Splitter

E = TypeVar("E", bound=Event)

class Event:
    event: str
    data: str
    id: str
    retry: int | None
    def __init__(self, event: str, data: str, id: str, retry: int | None) -> None: ...

class EventSplitter(Splitter[E]):
    def __init__(self, kind: type[E], max_event_bytes: int | None = ...) -> None: ...
