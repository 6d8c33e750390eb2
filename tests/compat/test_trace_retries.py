"""`retries` of a transport: what is tried again, how often and when; and what the cause of a network error is."""

from __future__ import annotations

import itertools
import socket
import ssl
import struct
import threading
import time
from typing import Any

import pytest

from tests.compat.harness import Lib, same
from tests.compat.secure import authority, secure_site
from tests.compat.site import answer
from tests.compat.tracing import Recorder

REFUSED = "http://127.0.0.1:1/"


@pytest.mark.parametrize("retries", [0, 1])
@same("another number of attempts, or no event of a new one")
async def test_connecting_is_attempted_again(lib: Lib, retries: int) -> Any:
    trace = Recorder(lib)
    async with lib.client(transport=lib.transport(retries=retries)) as client:
        caught = await lib.caught(lambda: client.get(REFUSED, extensions={"trace": trace.extension}))
    return caught, trace.names


@pytest.mark.slow
@same("another pause between two attempts")
async def test_the_pauses_are_none_and_then_doubled(lib: Lib) -> Any:
    times: list[float] = []

    def look(name: str, info: Any) -> None:
        if name == "connection.connect_tcp.started":
            times.append(time.monotonic())

    trace = Recorder(lib, look)
    async with lib.client(transport=lib.transport(retries=3)) as client:
        await lib.caught(lambda: client.get(REFUSED, extensions={"trace": trace.extension}))
    return [round((after - before) * 2) / 2 for before, after in itertools.pairwise(times)]


@same("the error of the first attempt raised instead of that of the last, or a success not returned")
async def test_a_later_attempt_that_succeeds_counts(lib: Lib) -> Any:
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))

        def look(name: str, info: Any) -> None:
            if name == "connection.retry.started":
                reserved.listen()
                threading.Thread(target=serve_once, args=(reserved,), daemon=True).start()

        trace = Recorder(lib, look)
        async with lib.client(transport=lib.transport(retries=1)) as client:
            url = f"http://127.0.0.1:{reserved.getsockname()[1]}/"
            response = await client.get(url, extensions={"trace": trace.extension})
    return response.status_code, trace.names[:6]


def serve_once(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(answer("204 No Content"))


@same("a request sent twice because of retries")
async def test_what_was_sent_is_not_sent_again(lib: Lib) -> Any:
    url = lib.site.on("/", b"\r\nConnection: close\r\n")  # no answer, and the end
    async with lib.client(transport=lib.transport(retries=3)) as client:
        caught = await lib.caught(lambda: client.get(url))
    return caught, len(lib.site.wire), lib.site.connections


@pytest.mark.slow
@same("a TLS handshake that takes too long not attempted again")
async def test_a_handshake_that_times_out_is_attempted_again(lib: Lib) -> Any:
    accepted: list[socket.socket] = []

    def accept(listener: socket.socket) -> None:
        while len(accepted) < 2:
            accepted.append(listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=(listener,), daemon=True)
        thread.start()
        async with lib.client(transport=lib.transport(retries=1), timeout=0.1) as client:
            caught = await lib.caught(lambda: client.get(f"https://127.0.0.1:{listener.getsockname()[1]}/"))
        thread.join(5.0)
    for one in accepted:
        one.close()
    return caught[1], len(accepted)


@same("a certificate that does not convince not attempted again, unlike any other failure to connect")
async def test_a_failed_verification_is_attempted_again(lib: Lib) -> Any:
    trace = Recorder(lib)
    with secure_site() as site:
        transport = lib.transport(retries=1, verify=ssl.create_default_context())
        async with lib.client(transport=transport) as client:
            caught = await lib.caught(lambda: client.get(site.url, extensions={"trace": trace.extension}))
    return caught[1], trace.names


@same("a timeout of the pool attempted again")
async def test_waiting_for_the_pool_is_not_attempted_again(lib: Lib) -> Any:
    limits = lib.httpx.Limits(max_connections=1)
    trace = Recorder(lib)
    async with lib.client(transport=lib.transport(retries=3, limits=limits), timeout=0.05) as client:
        async with client.stream("GET", lib.site.url):
            caught = await lib.caught(lambda: client.get(lib.site.url, extensions={"trace": trace.extension}))
    return caught, trace.names


@same("the system's error elsewhere than at exc.__cause__.__context__")
async def test_the_system_error_of_a_refused_connection(lib: Lib) -> Any:
    return await chain(lib, REFUSED)


@same("the system's error elsewhere than at exc.__cause__.__context__, for names")
async def test_the_system_error_of_an_unknown_name(lib: Lib) -> Any:
    return await chain(lib, "http://no-such-name.invalid/")


@same("the system's error elsewhere than at exc.__cause__.__context__, for certificates")
async def test_the_system_error_of_a_failed_verification(lib: Lib) -> Any:
    with secure_site() as site:
        kind, context = (await chain(lib, site.url, verify=ssl.create_default_context()))[:2]
    return kind, context


@same("the attributes of ssl's error lost")
async def test_the_ssl_error_keeps_its_attributes(lib: Lib) -> Any:
    with secure_site(authority().server_context("other.example")) as site:
        async with lib.client(verify=authority().client_context()) as client:
            try:
                await client.get(site.url)
            except lib.httpx.ConnectError as exc:
                cause = exc.__cause__.__context__
                return type(cause).__name__, cause.reason, cause.verify_code, cause.verify_message


@same("the system's error elsewhere than at exc.__cause__.__context__, for a reset")
async def test_the_system_error_of_a_reset(lib: Lib) -> Any:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=reset_once, args=(listener,), daemon=True).start()
        kind, _, errno = await chain(lib, f"http://127.0.0.1:{listener.getsockname()[1]}/")
    # On asyncio an exception of anyio stands in httpx's chain.
    return kind, lib.is_async or errno


def reset_once(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


async def chain(lib: Lib, url: str, **options: Any) -> Any:
    """The class of the error, of what stands at its __cause__.__context__, and that one's number (sync: asyncio has
    other ones).
    """
    async with lib.client(**options) as client:
        try:
            await client.get(url)
        except lib.httpx.TransportError as exc:
            assert exc.__cause__ is not None
            cause = exc.__cause__.__context__
            return (
                type(exc).__name__,
                isinstance(cause, OSError),
                lib.is_async or getattr(cause, "errno", None),
            )


@same("the system's error not the cause itself", differs="is the operating system's error itself")
async def test_the_cause_is_the_system_error_itself(lib: Lib) -> Any:
    async with lib.client() as client:
        try:
            await client.get(REFUSED)
        except lib.httpx.ConnectError as exc:
            return isinstance(exc.__cause__, OSError)
