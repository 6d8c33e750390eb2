"""What scenarios say again and again: wire texts, how an error must look, and that the client still works
after it.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

import httpstream
from tests.flavours import Caller
from tests.servers.fault import FaultServer

OK = b"HTTP/1.1 200 OK\r\n"
FIVE = OK + b"Content-Length: 5\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HELLO = FIVE + b"hello"


def head(*lines: str, status: str = "200 OK", version: str = "HTTP/1.1") -> bytes:
    """A response head with these field lines."""
    return "\r\n".join((f"{version} {status}", *lines, "", "")).encode("latin-1")


def check_error(error: BaseException, server: FaultServer, kind: type[BaseException], what: str = "") -> None:
    """The error has this very class, names its request and the origin, and says what was wrong."""
    assert type(error) is kind, f"{type(error).__name__}: {error}"
    assert isinstance(error, httpstream.RequestError)
    assert str(error.request.url).startswith(server.url)
    assert server.url in str(error), f"the message does not name {server.url}: {error}"
    assert re.search(what, str(error), re.IGNORECASE), f"the message does not say {what!r}: {error}"


async def check_next_request(client: Caller, server: FaultServer) -> None:
    """The next request on the same client gets its own answer, whole."""
    for target in ("/next", "/after-next"):
        response = await client.get(server.url + target, timeout=20.0)
        assert (response.status_code, response.text) == (200, f"GET {target}")


async def get_fails(
    client: Caller, server: FaultServer, kind: type[BaseException], what: str = "", **options: Any
) -> BaseException:
    """GET /fault raises as `check_error` says, and the client works after it. Returns the error."""
    with pytest.raises(httpstream.HTTPError) as caught:
        await client.get(server.url + "/fault", **options)
    check_error(caught.value, server, kind, what)
    await check_next_request(client, server)
    return caught.value
