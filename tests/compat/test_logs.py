"""The log: which records come, from which logger, at which level, and what they say."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.compat.harness import Lib, own_words, same
from tests.compat.site import answer

# Where httpcore's records have their counterpart.
OWN_LOGGERS = {"httpcore": "<engine>", "httpx": "<library>", "httpstream": "<library>"}


class Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def lines(self) -> list[str]:
        """Each record as text; what stands for an object in memory is only its class."""
        lines = []
        for record in self.records:
            head, dot, tail = record.name.partition(".")
            name = f"<engine>.{tail}" if dot else OWN_LOGGERS[head]
            said = re.sub(r"<[\w.]+ object at 0x[0-9a-f]+>", "<object>", record.getMessage())
            lines.append(f"{record.levelname} {name} {own_words(said)}")
        return lines


@contextlib.contextmanager
def logging_at(lib: Lib, level: int, *names: str) -> Iterator[Records]:
    """What the library logs at this level or above. names: of the loggers; left out: all of them."""
    own = lib.httpx.__name__
    engine = "httpcore" if own == "httpx" else own
    loggers = [logging.getLogger(engine + name) for name in names] or [
        logging.getLogger(name) for name in {own, engine}
    ]
    records = Records()
    for logger in loggers:
        logger.addHandler(records)
        logger.setLevel(level)
    try:
        yield records
    finally:
        for logger in loggers:
            logger.removeHandler(records)
            logger.setLevel(logging.NOTSET)


@same("a second INFO record, or another text of the one")
async def test_one_info_record_per_request(lib: Lib) -> Any:
    with logging_at(lib, logging.INFO) as log:
        async with lib.client() as client:
            await client.get(lib.site.on("/a", answer("404 Not Here")) + "?b=c")
            await client.post(lib.site.url, content=b"x")
    return log.lines


@same("the record written after the content was read, or not at all for a stream")
async def test_the_info_record_comes_before_the_content_is_read(lib: Lib) -> Any:
    with logging_at(lib, logging.INFO) as log:
        async with lib.client() as client:
            async with client.stream("GET", lib.site.url):
                return log.lines


@same("an INFO record of a request that got no answer")
async def test_a_request_without_an_answer_has_no_info_record(lib: Lib) -> Any:
    with logging_at(lib, logging.INFO) as log:
        async with lib.client() as client:
            caught = await lib.caught(lambda: client.get("http://127.0.0.1:1/"))
    return caught, log.lines


@same("a reason phrase made up in the INFO record where the server sent none")
async def test_the_info_record_has_the_reason_phrase_of_the_server(lib: Lib) -> Any:
    with logging_at(lib, logging.INFO) as log:
        async with lib.client() as client:
            for reason in ("Fine By Me", ""):
                await client.get(lib.site.on("/", answer(f"200 {reason}")))
    return log.lines


@same("HTTP/1.0 logged as HTTP/1.1")
async def test_the_info_record_has_the_version_of_the_response(lib: Lib) -> Any:
    with logging_at(lib, logging.INFO) as log:
        async with lib.client() as client:
            await client.get(lib.site.on("/", b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nx"))
    return log.lines


@same("the args of the INFO record, which handlers look at, in another order or shape")
async def test_the_info_record_is_formatted_by_its_handler(lib: Lib) -> Any:
    with logging_at(lib, logging.INFO) as log:
        async with lib.client() as client:
            await client.get(lib.site.url)
    [record] = log.records
    return record.msg, len(record.args or ()), [str(one) for one in record.args or ()], record.levelno


@same("the password of a URL in the log", differs="The password of a URL is `[secure]` in the log line")
async def test_the_info_record_hides_a_password(lib: Lib) -> Any:
    with logging_at(lib, logging.INFO) as log:
        async with lib.client() as client:
            await client.get(lib.site.url.replace("://", "://user:secret@"))
    return log.lines


@same("a debug record left out, written twice, or in another form")
async def test_the_debug_records_of_a_get(lib: Lib) -> Any:
    with logging_at(lib, logging.DEBUG) as log:
        async with lib.client() as client:
            await client.get(lib.site.url)
    return log.lines


@same("a debug record of connecting when the connection was there")
async def test_the_debug_records_on_an_idle_connection(lib: Lib) -> Any:
    async with lib.client() as client:
        await client.get(lib.site.url)
        with logging_at(lib, logging.DEBUG) as log:
            await client.post(lib.site.url, content=b"x")
            return log.lines


@same("the end of an idle connection not logged")
async def test_closing_an_idle_connection_is_logged(lib: Lib) -> Any:
    async with lib.client() as client:
        await client.get(lib.site.url)
        with logging_at(lib, logging.DEBUG) as log:
            await client.close()
            return log.lines


@same("the end of a connection logged twice when the server ended it")
async def test_a_connection_that_the_server_ends_logs_no_close(lib: Lib) -> Any:
    url = lib.site.on("/", answer("200 OK", "Connection: close"))
    with logging_at(lib, logging.DEBUG) as log:
        async with lib.client() as client:
            await client.get(url)
    return log.lines


@same("a failed connection logged without its exception")
async def test_a_refused_connection_is_logged_as_failed(lib: Lib) -> Any:
    with logging_at(lib, logging.DEBUG) as log:
        async with lib.client() as client:
            await lib.caught(lambda: client.get("http://127.0.0.1:1/"))
    return [re.sub(r"\(.*\)", "(...)", line) for line in log.lines]


@pytest.mark.parametrize("name", [".connection", ".http11"])
@same("the debug records tied to the level of another logger")
async def test_each_debug_logger_has_its_own_level(lib: Lib, name: str) -> Any:
    with logging_at(lib, logging.DEBUG, name) as log:
        async with lib.client() as client:
            await client.get(lib.site.url)
    return log.lines


@same("debug records written at INFO")
async def test_no_debug_records_at_info(lib: Lib) -> Any:
    with logging_at(lib, logging.INFO, ".connection", ".http11") as log:
        async with lib.client() as client:
            await client.get(lib.site.url)
    return log.lines


@same("what a response is changed by somebody who logs")
async def test_a_response_is_the_same_when_it_is_logged(lib: Lib) -> Any:
    url = lib.site.on("/", answer("200 OK", content=b"line 1\nline 2\n" * 200))
    with logging_at(lib, logging.DEBUG):
        async with lib.client() as client:
            response = await client.get(url)
            async with client.stream("GET", url) as streamed:
                lines = [line async for line in streamed.iter("lines")]
    return response.content, lines, response.num_bytes_downloaded, response.is_stream_consumed


@same("Set-Cookie in the log", differs="The values of `Set-Cookie`")
async def test_the_debug_records_show_no_cookie(lib: Lib) -> Any:
    url = lib.site.on("/", answer("200 OK", "Set-Cookie: session=secret"))
    with logging_at(lib, logging.DEBUG, ".http11") as log:
        async with lib.client() as client:
            await client.get(url)
    return [line for line in log.lines if "secret" in line]


@same("credentials of the request in the log")
async def test_the_debug_records_show_no_field_of_the_request(lib: Lib) -> Any:
    with logging_at(lib, logging.DEBUG) as log:
        async with lib.client() as client:
            await client.get(lib.site.url, headers={"Authorization": "Basic secret", "Cookie": "a=secret"})
    return [line for line in log.lines if "secret" in line]


@same("the password of a Location in the log", differs="a password in `Location`")
async def test_the_debug_records_show_no_password_of_a_redirect(lib: Lib) -> Any:
    url = lib.site.on("/", answer("302 Found", "Location: http://user:secret@host/"))
    with logging_at(lib, logging.DEBUG, ".http11") as log:
        async with lib.client() as client:
            await client.get(url)
    return [line for line in log.lines if "secret" in line]
