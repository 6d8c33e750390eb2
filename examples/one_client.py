"""One client for many small requests: ``python one_client.py URL``.

A client keeps the connection open between requests, and adds its base URL, headers and parameters to each.
"""

from __future__ import annotations

import sys

import httpstream


def main(base_url: str) -> None:
    with httpstream.Client(base_url=base_url, headers={"X-Example": "one client"}) as client:
        for number in range(3):
            response = client.get("/echo", params={"number": number})
            answer = response.raise_for_status().json()
            print(f"{answer['method']} {answer['target']} from port {answer['client_port']}")

        response = client.post("/echo", json={"name": "httpstream"})
        print(f"the server received {response.json()['content']}")


if __name__ == "__main__":
    main(sys.argv[1])
