"""Follow server-sent events as they happen: ``python live_events.py URL``.

Each event is handed over as soon as it has arrived: nothing waits for a buffer to fill. Only the wait for the
next byte is limited, so a quiet stream may last for ever: ``read=None``.
"""

from __future__ import annotations

import sys

import httpstream


def follow(url: str) -> None:
    """Print the data of each event."""
    timeout = httpstream.Timeout(10.0, read=None)
    with httpstream.Client(timeout=timeout) as client, client.sse(url) as source:
        source.response.raise_for_status()
        for event in source:
            print("event:", event.data, flush=True)


if __name__ == "__main__":
    follow(sys.argv[1])
