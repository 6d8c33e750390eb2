"""Read JSON lines one at a time, however many there are: ``python json_lines.py URL``.

Blank lines are skipped. A line that is not JSON is named by its number, and ends the reading.
"""

from __future__ import annotations

import sys

import httpstream


def total(url: str) -> tuple[int, int]:
    """How many records there are, and the sum of their values."""
    count = total = 0
    with httpstream.stream("GET", url) as response:
        response.raise_for_status()
        for record in response.iter_json():  # loads=orjson.loads is faster still
            count += 1
            total += record["value"]
    return count, total


if __name__ == "__main__":
    try:
        print("{} records, sum {}".format(*total(sys.argv[1])))
    except httpstream.InvalidJSONLine as exc:
        sys.exit(f"line {exc.lineno} is not JSON: {exc.msg}")
