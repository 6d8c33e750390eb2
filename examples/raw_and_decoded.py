"""The content as sent, and as meant: ``python raw_and_decoded.py URL``.

``iter_raw`` gives the bytes as they crossed the network (still compressed), ``iter_bytes`` what they stand
for.
"""

from __future__ import annotations

import sys

import httpstream


def main(url: str) -> None:
    with httpstream.Client(headers={"Accept-Encoding": "gzip"}) as client:
        with client.stream("GET", url) as response:
            coding = response.headers.get("content-encoding", "none")
            raw = sum(len(piece) for piece in response.iter_raw(chunk_size=None))
        with client.stream("GET", url) as response:
            decoded = sum(len(piece) for piece in response.iter_bytes(chunk_size=None))
            received = response.num_bytes_downloaded
    print(f"content coding {coding}: {raw} bytes as sent, {decoded} decoded ({received} received for them)")


if __name__ == "__main__":
    main(sys.argv[1])
