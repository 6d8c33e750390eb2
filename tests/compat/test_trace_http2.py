"""The request extension `trace`, the log and the command line over HTTP/2."""

from __future__ import annotations

import logging
import re
from typing import Any

from tests.compat.commands import SAME_FIELDS, run
from tests.compat.harness import Lib, same
from tests.compat.multiplexed import http2_site
from tests.compat.secure import authority
from tests.compat.test_logs import logging_at
from tests.compat.tracing import Recorder


def client(lib: Lib) -> Any:
    return lib.client(http2=True, verify=authority().client_context())


@same("a step of HTTP/2 left out, or under another name")
async def test_a_request_over_http2_is_traced_step_by_step(lib: Lib) -> Any:
    trace = Recorder(lib)
    with http2_site() as url:
        async with client(lib) as one:
            response = await one.post(url + "/a", content=b"x", extensions={"trace": trace.extension})
    return response.http_version, once(trace.names)


def once(names: list[str]) -> list[str]:
    """httpcore waits for the settings of a server after the head has been sent; here nobody waits for them."""
    return [name for name in names if "receive_remote_settings" not in name]


@same("another key in the info of an event of HTTP/2")
async def test_the_keys_of_each_info_of_http2(lib: Lib) -> Any:
    trace = Recorder(lib)
    with http2_site() as url:
        async with client(lib) as one:
            await one.get(url + "/a", extensions={"trace": trace.extension})
    return [
        (name, list(info))
        for name, info in trace.events
        if name.startswith("http2") and name in once(trace.names)
    ]


@same("a second request on a connection with the steps of a first")
async def test_a_second_request_over_http2_has_its_own_stream(lib: Lib) -> Any:
    trace = Recorder(lib)
    with http2_site() as url:
        async with client(lib) as one:
            await one.get(url + "/a")
            await one.get(url + "/b", extensions={"trace": trace.extension})
    return trace.names, {info["stream_id"] for _, info in trace.events if "stream_id" in info}


@same("the head of a response of HTTP/2 with a version or a reason phrase")
async def test_the_head_of_a_response_of_http2(lib: Lib) -> Any:
    trace = Recorder(lib)
    with http2_site() as url:
        async with client(lib) as one:
            response = await one.get(url + "/a", extensions={"trace": trace.extension})
    head = trace.info("http2.receive_response_headers.complete")["return_value"]
    return head, response.extensions["http_version"], response.reason_phrase


@same("the INFO record of a response of HTTP/2 in another form")
async def test_the_info_record_over_http2(lib: Lib) -> Any:
    with http2_site() as url, logging_at(lib, logging.INFO) as log:
        async with client(lib) as one:
            await one.get(url + "/a")
    return [re.sub(r":\d+", ":<port>", line) for line in log.lines]


@same("the protocol, or the heads of HTTP/2, not shown by the command line")
def test_the_command_line_speaks_http2(httpx: Any) -> Any:
    trusted = {"SSL_CERT_FILE": str(authority().ca_file)}
    with http2_site() as url:
        code, said, raised = run(httpx, url + "/a", "--http2", "-v", *SAME_FIELDS, environment=trusted)
    return code, re.sub(r"(cert #|serialNumber).*", "", said), raised
