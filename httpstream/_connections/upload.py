"""The content of one request on its way out: framed, joined with its head, stopped by an early answer.

Knows the connection it goes out on; where pieces come from is the connection's business.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from .connection import Connection, Head
    from .exchange import ContentWriter

FIRST_SEND_BYTES = 64 * 1024
"""Head and first piece of the content go out in one send up to here; above, joining costs more than a send."""


class Upload:
    """The content of one request on its way out."""

    __slots__ = ("_connection", "_informational", "_sends", "_unsent", "_write", "_writer")

    def __init__(
        self,
        connection: Connection,
        writer: ContentWriter,
        unsent: bytes,
        write: float | None,
        informational: Any,
    ) -> None:
        self._connection = connection
        self._writer = writer
        self._unsent = unsent  # the head, as long as it has not gone out
        self._write = write
        self._informational = informational
        self._sends = 0

    async def send(self, piece: bytes) -> Head | None:
        """Send a piece. Returns the head of an early response: then the rest is not wanted.

        Raises TypeError for anything that is not bytes, and LocalProtocolError past the announced length.
        """
        if type(piece) is not bytes:
            piece = bytes(memoryview(piece))  # raises TypeError for None, text and numbers
        data = self._writer.frame(piece)
        return await self._send(data) if data else None

    async def end(self) -> Head | None:
        """The content has ended. Raises LocalProtocolError when some is missing."""
        data = self._writer.end()
        return await self._send(data) if data or self._unsent else None

    async def _send(self, data: bytes) -> Head | None:
        connection = self._connection
        if self._unsent:
            unsent, self._unsent = self._unsent, b""
            if len(data) > FIRST_SEND_BYTES:
                early = await connection.send(
                    unsent + data[:FIRST_SEND_BYTES], self._write, self._informational
                )
                if early is not None:
                    return early
                return await connection.send(
                    memoryview(data)[FIRST_SEND_BYTES:], self._write, self._informational
                )
            data = unsent + data
        elif connection.stream.get_extra_info("is_readable"):
            # Sends that never block would not notice an answer before the whole content has gone out.
            await connection.stream.wait_recv(None)
            early = await connection.head_that_is_there(self._informational)
            if early is not None:
                return early
        return await connection.send(data, self._write, self._informational)
