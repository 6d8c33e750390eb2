r"""What the splitters must agree with, in plain Python: slow, and short enough to be seen to be right."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable
from typing import Any

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


BOM = b"\xef\xbb\xbf"
Event = tuple[str, str, str, "int | None"]


def events(data: bytes, limit: int | None = None) -> tuple[list[Event], bool]:
    """The server-sent events of the whole input, and whether a larger one than `limit` follows them."""
    found: list[Event] = []
    kind = last_id = ""
    texts: list[str] = []
    retry, pending, size = None, False, 0
    *whole, rest = re.split(rb"\r\n|\r|\n", data)
    for number, raw in enumerate([*whole, rest]):
        if limit is not None and size + len(raw) > limit:
            return found, True
        if number == len(whole):
            break  # it has no end, so it is no line
        line = raw.removeprefix(BOM) if number == 0 else raw
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if not line:
            if pending:
                found.append((kind or "message", "\n".join(texts), last_id, retry))
            kind, texts, retry, pending, size = "", [], None, False, 0
            continue
        size += len(line) if name else 0
        if name == "data":
            texts.append(value)
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            retry = int(value)
        else:
            continue
        pending = True
    return found, False


def json_values(data: bytes) -> list[Any]:
    """The value of each line that is not blank."""
    kept = [line.decode("utf-8", "surrogatepass").strip(" \t") for line in lines(data.removeprefix(BOM))]
    return [json.loads(line) for line in kept if line]
