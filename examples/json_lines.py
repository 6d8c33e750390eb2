"""Read JSON lines one at a time, however many there are: ``python json_lines.py URL``.

A line ends at ``\\n``, ``\\r\\n`` or ``\\r`` and nowhere else, so that a U+2028 inside a JSON string splits
nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import httpstream


def records(url: str) -> Iterator[Any]:
    """The value of each line that is not blank."""
    with httpstream.stream("GET", url) as response:
        response.raise_for_status()
        for line in response.iter_lines_bytes():  # bytes: json.loads needs no str
            if line.strip():
                yield json.loads(line)


if __name__ == "__main__":
    count = total = 0
    for record in records(sys.argv[1]):
        count += 1
        total += record["value"]
    print(f"{count} records, sum {total}")
