"""Stream a file to disk with a progress line: ``python download.py URL FILE``.

``chunk_size=None`` hands over what has arrived, unsplit: the fastest way, and memory stays flat at any size.
"""

from __future__ import annotations

import sys

import httpstream


def download(url: str, path: str) -> int:
    """Returns the number of bytes written. Raises httpstream.HTTPError."""
    with httpstream.stream("GET", url) as response:
        response.raise_for_status()
        total = int(response.headers.get("content-length", 0))
        done = shown = 0
        with open(path, "wb") as file:
            for chunk in response.iter_bytes(chunk_size=None):
                file.write(chunk)
                done += len(chunk)
                if total and done * 10 // total > shown:
                    shown = done * 10 // total
                    print(f"{shown * 10} %")
    return done


if __name__ == "__main__":
    print(download(sys.argv[1], sys.argv[2]), "bytes")
