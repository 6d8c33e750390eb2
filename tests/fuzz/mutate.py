"""Broken input from good input: seeded, so that every find can be made again. Knows bytes and chance; no
target.
"""

from __future__ import annotations

import random

# What parsers stumble over: line ends, signs, digits at the edges of their types, framing fields.
TOKENS = (
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n\r\n",
        b"\x00",
        b" ",
        b"\t",
        b":",
        b";",
        b",",
        b"-",
        b"+",
        b"_",
        b"0",
        b"0x",
    ),
    *(b"\xff", b"\x80", b"\xc3", b"\xe2\x80\xa8", b"\x85", b"\x0b", b"\x0c", b"\x1e"),
    *(
        b"ffffffffffffffff",
        b"10000000000000000",
        b"18446744073709551616",
        b"9223372036854775808",
        b"4294967296",
    ),
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 ", b"HTTP/1.1 100 Continue\r\n\r\n", b"204", b"304", b"101", b"099"),
    *(
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"Upgrade: x\r\n",
    ),
    *(b"0\r\n\r\n", b"5\r\nhello\r\n", b"5;a=b\r\n", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x78\x9c"),
)


def mutate(chance: random.Random, data: bytes, corpus: list[bytes]) -> bytes:
    """Change the data at a few places: flip, drop, repeat, insert, overwrite, cut, splice with another input."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        data = _mutate_once(chance, data, corpus)
    return data


def _mutate_once(chance: random.Random, data: bytes, corpus: list[bytes]) -> bytes:
    at = chance.randint(0, len(data))
    size = min(chance.choice((1, 1, 2, 4, 16, 64)), len(data) - at)
    before, piece, after = data[:at], data[at : at + size], data[at + size :]
    kind = chance.randrange(8)
    if kind == 0 and piece:
        return before + bytes([piece[0] ^ (1 << chance.randrange(8))]) + piece[1:] + after
    if kind == 1:
        return before + after
    if kind == 2:
        return before + piece * chance.choice((2, 2, 3, 50)) + after
    if kind == 3:
        return before + chance.choice(TOKENS) + piece + after
    if kind == 4:
        return before + chance.choice(TOKENS) + after
    if kind == 5:
        return before
    if kind == 6:
        other = chance.choice(corpus)
        return before + other[chance.randint(0, len(other)) :]
    return before + chance.randbytes(size) + after


def random_cuts(chance: random.Random, size: int) -> list[int]:
    """Positions at which to cut so many bytes: none, few, many, or every one."""
    kind = chance.randrange(6)
    if kind == 0:
        return list(range(size))
    count = (0, 1, 2, 5, 20)[kind - 1]
    return [chance.randint(0, size) for _ in range(count)]
