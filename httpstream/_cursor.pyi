from collections.abc import Buffer  # type: ignore[attr-defined]  # from 3.12 on

from httpstream._chunker import Splitter

class Cursor(Splitter[bytes]):
    def take(self, size: int) -> bytes | None: ...
    def fill(self, buffer: Buffer) -> int | None: ...
