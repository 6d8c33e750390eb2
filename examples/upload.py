"""Upload from a file and from a generator, without the content in memory: ``python upload.py URL FILE``.

A generator's size is unknown, so it goes as ``Transfer-Encoding: chunked``. With a Content-Length header of
the caller's, the bytes sent must be exactly as many, or LocalProtocolError is raised.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import httpstream


def pieces(path: str) -> Iterator[bytes]:
    """The file, 64 KiB at a time."""
    with open(path, "rb") as file:
        while piece := file.read(64 * 1024):
            yield piece


def main(url: str, path: str) -> None:
    with httpstream.Client() as client:
        response = client.post(url, content=pieces(path))
        print("chunked:", response.status_code, response.text)

        length = {"Content-Length": str(os.path.getsize(path))}
        response = client.put(url, content=pieces(path), headers=length)
        print("with a length:", response.status_code, response.text)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
