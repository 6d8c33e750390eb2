"""Numbers as people read and write them: sizes, rates, times. Pure functions."""

from __future__ import annotations

import re

_UNITS = {
    "": 1, "b": 1,
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip


def parse_size(text: str) -> int:
    """``"1GiB"``, ``"1.5 MB"``, ``"64M"`` or ``"1000"`` in bytes: KiB and K are 1024, KB is 1000.

    Raises ValueError, whose message says what is accepted.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text, re.ASCII)
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError(f"{text!r} is not a size; write for example 1GiB, 64MiB, 500MB or 1000 (bytes)")
    return round(float(match[1]) * _UNITS[match[2].lower()])


def size_text(size: float) -> str:
    """``"1.00 GiB"``; bytes below 1 KiB without a fraction."""
    for unit, bytes_each in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= bytes_each:
            amount = size / bytes_each
            return f"{amount:.2f} {unit}" if amount < 100 else f"{amount:.0f} {unit}"
    return f"{size:.0f} B"


def byte_rate_text(bytes_per_second: float) -> str:
    """``"1,850 MB/s"``, ``"12.3 MB/s"``, ``"45 kB/s"``; decimal, as links are sold."""
    if bytes_per_second >= 100e6:
        return f"{bytes_per_second / 1e6:,.0f} MB/s"
    if bytes_per_second >= 1e6:
        return f"{bytes_per_second / 1e6:.1f} MB/s"
    return f"{bytes_per_second / 1e3:.0f} kB/s"


def count_rate_text(per_second: float, noun: str) -> str:
    """``"4.25 M lines/s"``, ``"998 events/s"``."""
    if per_second >= 1e6:
        return f"{per_second / 1e6:.2f} M {noun}/s"
    return f"{per_second:,.0f} {noun}/s"


def seconds_text(seconds: float) -> str:
    """``"35 ms"``, ``"0.8 s"``, ``"0:01:30"`` from a minute on."""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
