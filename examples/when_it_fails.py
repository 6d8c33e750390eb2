"""What can go wrong and how it is told: ``python when_it_fails.py URL``.

Everything raised is an ``httpstream.HTTPError`` or ``InvalidURL``; its class says who is to blame and when it
happened, and ``.request`` says for what.
"""

from __future__ import annotations

import sys

import httpstream


def outcome(url: str) -> str:
    """One sentence about what became of a GET."""
    timeout = httpstream.Timeout(5.0, connect=2.0, read=0.5)  # seconds
    try:
        with httpstream.Client(timeout=timeout) as client, client.stream("GET", url) as response:
            response.raise_for_status()
            size = sum(len(chunk) for chunk in response.iter_bytes(chunk_size=None))
            return f"complete: {size} bytes"
    except httpstream.HTTPStatusError as exc:
        return f"the server refused: {exc.response.status_code}"
    except httpstream.TimeoutException as exc:
        return f"too slow: {type(exc).__name__}"
    except httpstream.TransportError as exc:
        return f"broken: {type(exc).__name__}"


if __name__ == "__main__":
    base_url = sys.argv[1]
    for path in ("/hello", "/missing", "/stalls", "/cut-short"):
        print(f"{path:<11}", outcome(base_url + path))
    print(f"{'(nobody)':<11}", outcome("http://127.0.0.1:1/"))
