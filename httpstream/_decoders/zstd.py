"""zstd: frames in a row, skippable ones too (RFC 8878)."""

from __future__ import annotations

from .coding import OneCoding, optional_import

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from httpstream._config import MessageLimits

    from .coding import Member


def make(coding: str, limits: MessageLimits) -> OneCoding | None:
    """The decoder, or None where no library is installed."""
    zstd = optional_import("compression.zstd") or optional_import("backports.zstd")
    if zstd is None:
        return None

    def open_member(prefix: bytes) -> tuple[Member, int]:
        member = zstd.ZstdDecompressor()
        # libzstd checks a frame's length only when it comes whole: the verdict must not depend on that.
        member.decompress(prefix[:1])
        return member, 1

    return OneCoding(coding, limits, open_member, (zstd.ZstdError,), allows_more=True)
