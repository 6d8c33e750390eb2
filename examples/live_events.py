"""Follow server-sent events as they happen: ``python live_events.py URL``.

Each line is handed over as soon as it has arrived: nothing waits for a buffer to fill. Only the wait for the
next byte is limited, so a quiet stream may last for ever: ``read=None``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import httpstream


def events(client: httpstream.Client, url: str) -> Iterator[str]:
    """The data of each event."""
    timeout = httpstream.Timeout(10.0, read=None)
    with client.stream("GET", url, headers={"Accept": "text/event-stream"}, timeout=timeout) as response:
        response.raise_for_status()
        data: list[str] = []
        for line in response.iter_lines():
            if line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line and data:  # a blank line ends the event
                yield "\n".join(data)
                data.clear()


if __name__ == "__main__":
    with httpstream.Client() as client:
        for event in events(client, sys.argv[1]):
            print("event:", event, flush=True)
