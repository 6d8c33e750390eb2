"""The bodies that the server sends: made once, the same on every machine, kept under build/bench/.

random     1 MiB of random bytes, repeated to any size
lines      1 MiB of JSON lines of about 120 bytes, repeated
values     the same with a last line that is not cut off
events     2000 server-sent events of 120 bytes, repeated
longline   32 MiB that are one line
text.*     64 MiB of JSON lines under a content coding, as large services send them
upload     256 MiB that are sent to the server (not served)
"""

from __future__ import annotations

import functools
import gzip
import json
import random
import zlib
from collections.abc import Callable
from pathlib import Path

from bench.build import BUILD

MIB = 1 << 20
LONG_LINE_BYTES = 32 * MIB
TEXT_BYTES = 64 * MIB
UPLOAD_BYTES = 256 * MIB
EVENT_BYTES = 120
EVENTS_BYTES = 2000 * EVENT_BYTES
SERVED = BUILD / "bodies-1"
UPLOAD = BUILD / "upload-1"
TEXT = BUILD / "text-1"


def _json_lines(size: int, seed: int) -> bytes:
    """Exactly `size` bytes of whole lines; ASCII."""
    source = random.Random(seed)
    words = [
        "".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=source.randint(3, 9))) for _ in range(600)
    ]
    lines, total = [], 0
    while total < size:
        record = {
            "id": source.randrange(10**9),
            "user": source.choice(words),
            "at": f"2026-{source.randint(1, 12):02}-{source.randint(1, 28):02}T{source.randint(0, 23):02}:00:00Z",
            "text": " ".join(source.choices(words, k=source.randint(2, 12))),
        }
        line = json.dumps(record).encode() + b"\n"
        lines.append(line)
        total += len(line)
    text = b"".join(lines)[: size - 1]
    return text + b"\n"


def _json_values(size: int, seed: int) -> bytes:
    """Exactly `size` bytes of lines each of which is JSON."""
    text = _json_lines(size - 200, seed)
    text = text[: text[:-1].rindex(b"\n") + 1]
    return text + json.dumps({"pad": "x" * (size - len(text) - len('{"pad": ""}') - 1)}).encode() + b"\n"


def _events(size: int, seed: int) -> bytes:
    """Exactly `size` bytes of server-sent events, as a model that writes text sends them."""
    source = random.Random(seed)
    events = []
    for number in range(size // EVENT_BYTES):
        start = f'id: {number}\nevent: delta\ndata: {{"index": {source.randrange(4)}, "text": "'
        letters = source.choices(
            "abcdefghijklmnopqrstuvwxyz     ", k=EVENT_BYTES - len(start) - len('"}\n\n')
        )
        events.append(start + "".join(letters) + '"}\n\n')
    return "".join(events).encode()


def _write(path: Path, make: Callable[[], bytes]) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = BUILD / (path.name + ".part")
    unfinished.write_bytes(make())
    unfinished.replace(path)


def _repeated(block: bytes, size: int) -> bytes:
    return block * (size // len(block))


def text() -> bytes:
    """The content of the coded bodies, decoded."""
    _write(TEXT, lambda: _repeated(_json_lines(8 * MIB, 3), TEXT_BYTES))
    return TEXT.read_bytes()


def _brotli() -> bytes:
    import brotli

    return bytes(brotli.compress(text(), quality=5))


def _zstd() -> bytes:
    try:
        from compression import zstd
    except ImportError:
        from backports import zstd
    return bytes(zstd.compress(text(), 3))


def make_all() -> list[str]:
    """Make what is missing. Returns a sentence for each body that cannot be made here."""
    missing = []
    _write(SERVED / "random", lambda: random.Random(1).randbytes(MIB))
    _write(SERVED / "lines", lambda: _json_lines(MIB, 2))
    _write(SERVED / "values", lambda: _json_values(MIB, 5))
    _write(SERVED / "events", lambda: _events(EVENTS_BYTES, 6))
    _write(SERVED / "longline", lambda: _json_lines(LONG_LINE_BYTES, 4).replace(b"\n", b" ")[:-1] + b"\n")
    _write(UPLOAD, lambda: _repeated((SERVED / "random").read_bytes(), UPLOAD_BYTES))
    coders: dict[str, Callable[[], bytes]] = {
        "gzip": lambda: gzip.compress(text(), 6, mtime=0),
        "br": _brotli,
        "zstd": _zstd,
    }
    for coding, make in coders.items():
        try:
            _write(SERVED / f"text.{coding}", make)
        except ImportError as exc:
            missing.append(f"no body for {coding}: {exc}")
    return missing


@functools.cache
def served(name: str) -> bytes:
    """A served body as it lies in its file."""
    return (SERVED / name).read_bytes()


def items_in(name: str, size: int) -> int:
    """Lines, or events, in `size` bytes of the served body `name`; the size must end at one's end."""
    body = served(name)
    return body.count(b"\n\n" if name == "events" else b"\n") * (size // len(body))


def crc(name: str, size: int) -> int:
    """CRC-32 of `size` bytes of a served body, repeated; of a coded one: of its whole content."""
    if name.startswith("text."):
        return zlib.crc32(text())
    body = served(name)
    value, left = 0, size
    while left:
        piece = body[:left]
        value = zlib.crc32(piece, value)
        left -= len(piece)
    return value
