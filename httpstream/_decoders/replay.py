"""What is good in front of a fault: a library that raises keeps what it had decompressed in that call.

What a member has taken is kept, as long as that is little, and taken once more by a fresh member in ever smaller
steps, up to the byte in which the fault shows. A member that can be copied (zlib's) is, from time to time, and taken
up again from there; of any other nothing is kept past its first `KEPT_BYTES`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from .coding import Member, Opener

KEPT_BYTES = 256 * 1024
"""Input and output together: most answers of an API whole, and soon decompressed again."""

_STEPS = (1024, 32, 1)  # bytes of input
_OUTPUT_BYTES = 64 * 1024


class Replay:
    """What one member has taken and given since it was opened, or since a copy of it was made."""

    __slots__ = ("_given_bytes", "_open", "_prefix", "_taken", "_taken_bytes")

    def __init__(self, open_member: Opener, prefix: bytes) -> None:
        """open_member, prefix: how to come by that member again."""
        self._open = open_member
        self._prefix = prefix
        self._taken: list[bytes | memoryview] = []
        self._taken_bytes = 0
        self._given_bytes = 0

    def take(self, data: bytes | memoryview) -> None:
        """The member is about to take this."""
        self._taken.append(data)
        self._taken_bytes += len(data)

    def give(self, member: Member, size: int) -> Replay | None:
        """The member has given so many bytes. Returns what keeps its input from here on; None: nothing does."""
        self._given_bytes += size
        if self._given_bytes + self._taken_bytes <= KEPT_BYTES:
            return self
        copy = getattr(member, "copy", None)
        if copy is None:
            return None
        if not member.needs_input:  # a copy would hold input, which could not be taken in steps
            return self
        twin = copy()
        return Replay(lambda prefix: (twin.copy(), 0), b"")

    def good_output(self, errors: tuple[type[Exception], ...]) -> bytes:
        """What the member, which has failed with one of the errors, could have given before that: up to 256 KiB."""
        data = b"".join(self._taken)
        sure = len(data) - len(self._taken[-1]) if self._taken else 0
        good = b""
        for step in _STEPS:
            sure, good = self._repeat(data, sure, step, errors)
        return good

    def _repeat(
        self, data: bytes, sure: int, step: int, errors: tuple[type[Exception], ...]
    ) -> tuple[int, bytes]:
        """Take ``data``, up to ``sure`` at once and from there in steps, until a step fails.

        Returns where that step begins, and the output that the member had not given yet.
        """
        opened = self._open(self._prefix)
        assert opened is not None  # it opened a member before
        member = opened[0]
        known, good = self._given_bytes, b""
        at, end = 0, sure or step
        while at < len(data) and not member.eof:
            piece = data[at:end]
            try:
                while piece or not member.needs_input:
                    output = member.decompress(piece, _OUTPUT_BYTES)
                    piece = b""
                    good += output[known:]
                    known = max(0, known - len(output))
                    if len(good) > KEPT_BYTES:  # br holds back as much as its window
                        return at, good[:KEPT_BYTES]
            except errors:
                break
            at, end = end, end + step
        return at, good
