"""Several downloads at once over one client: ``python async_downloads.py URL...``.

The pool keeps the connections; ``Limits`` says how many there may be, and the others wait their turn.
"""

from __future__ import annotations

import asyncio
import sys

import httpstream


async def size_of(client: httpstream.AsyncClient, url: str) -> int:
    """Stream the content and count its bytes."""
    size = 0
    async with client.stream("GET", url) as response:
        response.raise_for_status()
        async for chunk in response.aiter_bytes(chunk_size=None):
            size += len(chunk)
    return size


async def main(urls: list[str]) -> None:
    limits = httpstream.Limits(max_connections=4)
    async with httpstream.AsyncClient(limits=limits) as client:
        sizes = await asyncio.gather(*(size_of(client, url) for url in urls))
    for url, size in zip(urls, sizes, strict=True):
        print(f"{size} bytes from {url}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
