r"""What the splitters must agree with, in plain Python: slow, and short enough to be seen to be right."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from httpstream._text import incremental_decoder


def lines(data: bytes) -> list[bytes]:
    r"""The lines of the whole input: ends are \n, \r\n and \r; no empty line behind the last end."""
    found = re.split(rb"\r\n|\r|\n", data)
    return found if found[-1] else found[:-1]


def text_lines(text: str) -> list[str]:
    r"""The same of text."""
    found = re.split(r"\r\n|\r|\n", text)
    return found if found[-1] else found[:-1]


def exact_chunks(data: bytes, size: int) -> list[bytes]:
    """Chunks of exactly this size, but for the last."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def arriving_chunks(pieces: Iterable[bytes], size: int) -> list[bytes]:
    """Chunks of at most this size, none of which waits for the next piece."""
    return [chunk for piece in pieces for chunk in exact_chunks(piece, size)]


def text_chunks(chunks: list[bytes], encoding: str) -> list[str]:
    """What each chunk adds to the decoded whole; a character that is cut goes to the next one."""
    decoder = incremental_decoder(encoding)
    found = [decoder.decode(chunk) for chunk in chunks] + [decoder.decode(b"", True)]
    assert "".join(found) == b"".join(chunks).decode(encoding, "replace")
    return [text for text in found if text]


def cut(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The input in pieces, cut at these positions; no piece is empty."""
    edges = [0, *sorted({min(at, len(data)) for at in cuts}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges) if start < end]
