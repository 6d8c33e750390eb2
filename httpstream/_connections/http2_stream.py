"""One stream of an HTTP/2 connection: what its response has brought, and how much more may come (RFC 9113 section 5.2).

A value without frames, waits or locks: `multiplexer` fills it, and the reader of the response empties it.
"""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable

    from httpstream._exceptions import TransportError

    Fields = list[tuple[bytes, bytes]]

WINDOW = 256 * 1024
"""Bytes that a server may send on a stream ahead of its reader; also what a stream that is not read holds at most."""

LARGEST_WINDOW = 8 * 1024 * 1024
"""The window of a stream doubles up to here while its reader empties it faster than the network fills it."""

_SMALL_PIECE_BYTES = (
    2048  # smaller pieces are joined: a content of single bytes would else cost forty times its size
)
_JOINED_BYTES = 16 * 1024


class Stream:
    """One exchange: what its response has brought so far.

    head: status and fields of the final response. is_over: nothing more comes: the content is complete, or `error`
    says why not. was_not_processed: the server says so, and the request may be sent again. is_sent: the request has
    gone out whole. left: content that is still to come, as announced; None: unknown. window: how many bytes may come
    now. wake: called when something came.
    """

    __slots__ = (
        "_pieces",
        "_taken",
        "bytes_taken",
        "error",
        "head",
        "id",
        "informational",
        "informational_count",
        "is_head_request",
        "is_over",
        "is_sent",
        "left",
        "trailers",
        "wake",
        "was_not_processed",
        "window",
        "window_size",
    )

    def __init__(self, stream_id: int, is_head_request: bool, is_sent: bool) -> None:
        self.id = stream_id
        self.is_head_request = is_head_request
        self.is_sent = is_sent
        self.is_over = False
        self.was_not_processed = False
        self.error: TransportError | None = None
        self.head: tuple[int, Fields] | None = None
        self.trailers: Fields = []
        self.informational: deque[tuple[int, Fields]] = deque()
        self.informational_count = 0
        self.left: int | None = None
        self.bytes_taken = 0
        self.window = self.window_size = WINDOW
        self.wake: Callable[[], None] | None = None
        self._pieces: deque[bytes | bytearray] = deque()  # content that nobody has taken yet
        self._taken = 0  # bytes that the window has not been given back yet

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    def has_content(self) -> bool:
        """Whether there is content that nobody has taken yet, or its end."""
        return bool(self._pieces) or self.is_over

    def has_head(self) -> bool:
        """Whether there is the head of a response, informational or final, or the end."""
        return bool(self.informational) or self.head is not None or self.is_over

    def notify(self) -> None:
        """Something came: wake whoever waits for it."""
        if self.wake is not None:
            self.wake()

    def received(self, content: memoryview, padding: int) -> None:
        """The content of a frame; padding: bytes of the frame that count for the window, and are nobody's."""
        self._taken += padding
        if len(content) >= _SMALL_PIECE_BYTES:
            self._pieces.append(bytes(content))
        elif content:
            last = self._pieces[-1] if self._pieces else None
            if isinstance(last, bytearray) and len(last) < _JOINED_BYTES:
                last += content
            else:
                self._pieces.append(bytearray(content))

    def take(self) -> bytes | None:
        """The next piece of content, if any."""
        if not self._pieces:
            return None
        piece = self._pieces.popleft()
        self.bytes_taken += len(piece)
        self._taken += len(piece)
        return bytes(piece)

    def size(self) -> int | None:
        """All of the content in bytes, taken or not; None: unknown."""
        left = 0 if self.is_over and self.error is None else self.left
        return None if left is None else self.bytes_taken + sum(map(len, self._pieces)) + left

    def drop(self) -> None:
        """Nobody wants what is here."""
        self._pieces.clear()

    def reopen(self, growth_left: int) -> tuple[int, int]:
        """By how much the window is to be opened now, and how much of that is growth.

        growth_left: by how much the windows of the connection may still grow. The window goes back in halves, so that
        a small response costs no frame; it grows when its reader waits for the network, not the network for it.
        """
        if self.is_over or self._taken * 2 < self.window_size:
            return 0, 0
        growth = 0
        if not self._pieces and self.window_size < LARGEST_WINDOW:
            growth = min(self.window_size, growth_left)
        increment = self._taken + growth
        self._taken = 0
        self.window += increment
        self.window_size += growth
        return increment, growth
