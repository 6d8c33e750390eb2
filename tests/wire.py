"""Responses as bytes on the wire, with the verdict that any split of them must give."""

from __future__ import annotations

from typing import NamedTuple

from httpstream import RemoteProtocolError
from httpstream._parser import ResponseParser


class Outcome(NamedTuple):
    """What a parser made of some bytes. error: the first line of the message, or None."""

    heads: list
    content: bytes
    error: str | None
    complete: bool
    keep_alive: bool
    trailers: list
    leftover: bytes


def parse(pieces: list[bytes], *, method: bytes = b"GET", end: bool = True, **settings) -> Outcome:
    """Parse one response that arrives in these pieces; end: the connection ends behind them."""
    parser = ResponseParser(**settings)
    parser.start(method)
    heads: list = []
    content: list[bytes] = []
    error = None
    held = b""
    try:
        for piece in [*pieces, b""] if end else pieces:
            if parser.content_complete:
                held += piece  # what a connection would find in its buffer, or still unread
                continue
            parser.feed(piece)
            while (not heads or (heads[-1][1] < 200 and heads[-1][1] != 101)) and (
                head := parser.next_head()
            ):
                heads.append(head)
            if heads and (heads[-1][1] >= 200 or heads[-1][1] == 101):
                while taken := parser.take():
                    content.append(taken)
    except RemoteProtocolError as exc:
        error = str(exc).split("\n")[0]
    leftover = b"" if error else parser.leftover() + held  # behind an error nothing counts
    keep_alive = parser.keep_alive and not leftover
    return Outcome(
        heads, b"".join(content), error, parser.content_complete, keep_alive, parser.trailers, leftover
    )


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

# name: (bytes, content, keep-alive)
GOOD = {
    "a length": (OK + b"Content-Length: 5\r\n\r\nhello", b"hello", True),
    "a length of zero": (OK + b"Content-Length: 0\r\n\r\n", b"", True),
    "a length with leading zeros": (OK + b"Content-Length: 0005\r\n\r\nhello", b"hello", True),
    "chunks": (CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world", True),
    "upper-case chunk sizes": (CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789", True),
    "lower-case chunk sizes": (CHUNKED + b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789", True),
    "chunk extensions": (CHUNKED + b'5;a=b;c="d;e"\r\nhello\r\n0;x\r\n\r\n', b"hello", True),
    "blanks behind a chunk size": (CHUNKED + b"5  \r\nhello\r\n0\r\n\r\n", b"hello", True),
    "trailers": (CHUNKED + b"5\r\nhello\r\n0\r\nDigest: abc\r\n\r\n", b"hello", True),
    "no framing at all": (OK + b"\r\nuntil the end", b"until the end", False),
    "Connection: close": (OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", b"hello", False),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", False),
    "HTTP/1.0 keep-alive": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
        b"hello",
        True,
    ),
    "HTTP/1.0 chunked": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        b"x",
        False,
    ),
    "both framings": (
        OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        b"x",
        False,
    ),
    "both framings the other way round": (
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        b"x",
        False,
    ),
    "204 with a length": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b"", True),
    "304 with a length": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"", True),
    "304 with chunked": (b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", b"", True),
    "no reason phrase": (b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", b"", True),
    "no blank behind the status code": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b"", True),
    "a status nobody knows": (b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n", b"", True),
    "obs-text in reason and value": (
        b"HTTP/1.1 200 \xe9t\xe9\r\nX: \xff\r\nContent-Length: 0\r\n\r\n",
        b"",
        True,
    ),
    "lone line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", b"hello", True),
    "empty lines in front": (b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", True),
    "informational responses": (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
        + OK
        + b"Content-Length: 2\r\n\r\nok",
        b"ok",
        True,
    ),
    "a 100 nobody asked for": (
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok",
        b"ok",
        True,
    ),
    # What else llhttp's own examples of responses ask, with our verdict (connection, framing, line ends).
    "blanks and tabs around values": (
        OK + b"A:\tv\r\nB:  v \t\r\nContent-Length:\t2 \t\r\n\r\nok",
        b"ok",
        True,
    ),
    "an underscore in a name": (OK + b"X_Server: a\r\nContent-Length: 0\r\n\r\n", b"", True),
    "two blanks in front of the reason": (b"HTTP/1.1 200  OK\r\nContent-Length: 0\r\n\r\n", b"", True),
    "a final status and nothing else": (b"HTTP/1.1 301\r\n\r\n", b"", False),
    "line feeds alone in front": (b"\n\n" + OK + b"Content-Length: 0\r\n\r\n", b"", True),
    "lone line feeds in trailers": (CHUNKED + b"5\r\nhello\r\n0\r\nX: y\n\n", b"hello", True),
    "close among other options": (
        OK + b"Connection: keep-alive, Close\r\nContent-Length: 2\r\n\r\nok",
        b"ok",
        False,
    ),
    "close in a second field": (
        OK + b"Connection: keep-alive\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"ok",
        False,
    ),
    "an option that begins like close": (
        OK + b"Connection: closer\r\nContent-Length: 2\r\n\r\nok",
        b"ok",
        True,
    ),
    "Proxy-Connection: close": (OK + b"Proxy-Connection: close\r\nContent-Length: 2\r\n\r\nok", b"ok", False),
    "HTTP/1.0 keep-alive without framing": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nok",
        b"ok",
        False,
    ),
    "HTTP/1.0 keep-alive 204": (b"HTTP/1.0 204 No Content\r\nConnection: keep-alive\r\n\r\n", b"", True),
    "HTTP/1.0 204": (b"HTTP/1.0 204 No Content\r\n\r\n", b"", False),
    "204 and close": (b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", b"", False),
    "204 with chunked": (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", b"", True),
    "205": (b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", b"", True),
    "an upgrade that was not taken up": (
        OK + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok",
        b"ok",
        True,
    ),
    "an upgrade that was not taken up, chunked": (
        OK + b"Connection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"ok",
        True,
    ),
    "framing in an informational response counts for nothing": (
        b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n"
        b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n"
        + OK
        + b"Content-Length: 2\r\n\r\nok",
        b"ok",
        True,
    ),
    "names that begin and end like a framing field": (
        OK
        + b"Content-Length-X: 0\r\nX-Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"ok",
        True,
    ),
    "a length with a hundred zeros": (
        OK + b"Content-Length: " + b"0" * 100 + b"5\r\n\r\nhello",
        b"hello",
        True,
    ),
    "Chunked in capitals": (OK + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok", True),
    "chunk sizes with zeros in front": (CHUNKED + b"0" * 40 + b"5\r\nhello\r\n000\r\n\r\n", b"hello", True),
    "blanks between a chunk size and its extension": (
        CHUNKED + b"5 ;a=b\r\nhello\r\n0\r\n\r\n",
        b"hello",
        True,
    ),
    "a tab behind a chunk size": (CHUNKED + b"5\t\r\nhello\r\n0\r\n\r\n", b"hello", True),
    "a quoted pair in a chunk extension": (CHUNKED + b'5;a="b\\"c"\r\nhello\r\n0\r\n\r\n', b"hello", True),
    "framing fields in trailers count for nothing": (
        CHUNKED
        + b"5\r\nhello\r\n0\r\nContent-Length: 3\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n",
        b"hello",
        True,
    ),
}

# name: (bytes, content in front of the error, part of the message)
BAD = {
    "no HTTP": (b"garbage\r\n\r\n", b"", "at byte 0 of the response head"),
    "HTTP/0.9": (b"HTTP/0.9 200 OK\r\n\r\n", b"", "HTTP/0.9"),
    "HTTP/2.0": (b"HTTP/2.0 200 OK\r\n\r\n", b"", "HTTP/2.0"),
    "HTTP/1.2": (b"HTTP/1.2 200 OK\r\n\r\n", b"", ""),
    "a status of two digits": (b"HTTP/1.1 20 OK\r\n\r\n", b"", "status"),
    "a status of four digits": (b"HTTP/1.1 2000 OK\r\n\r\n", b"", "status"),
    "a status below 100": (b"HTTP/1.1 099 OK\r\n\r\n", b"", "status code 099"),
    "a status with a sign": (b"HTTP/1.1 +20 OK\r\n\r\n", b"", "status"),
    "a NUL in the reason phrase": (b"HTTP/1.1 200 O\0K\r\n\r\n", b"", "control character"),
    "no colon": (OK + b"Content-Length 5\r\n\r\n", b"", "header field"),
    "a blank in a field name": (OK + b"Conten t-Length: 12\r\n\r\n", b"", "header token"),
    "a blank in front of the colon": (OK + b"Content-Length : 5\r\n\r\n", b"", "header field"),
    "an empty field name": (OK + b": 5\r\n\r\n", b"", "header token"),
    "a NUL in a value": (OK + b"X: a\0b\r\n\r\n", b"", "header value"),
    "a lone carriage return": (OK + b"X: a\rb\r\n\r\n", b"", "after header value"),
    "obs-fold": (OK + b"X: a\r\n b\r\n\r\n", b"", "whitespace"),
    "obs-fold at once": (OK + b" X: a\r\n\r\n", b"", ""),
    "two lengths": (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", b"", "Content-Length"),
    "two equal lengths": (OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n", b"", "Content-Length"),
    "a list of lengths": (OK + b"Content-Length: 5, 5\r\n\r\n", b"", "Content-Length"),
    "a signed length": (OK + b"Content-Length: +5\r\n\r\n", b"", "Content-Length"),
    "a negative length": (OK + b"Content-Length: -5\r\n\r\n", b"", "Content-Length"),
    "a hexadecimal length": (OK + b"Content-Length: 0x5\r\n\r\n", b"", "Content-Length"),
    "a length with underscores": (OK + b"Content-Length: 1_0\r\n\r\n", b"", "Content-Length"),
    "a length with a blank inside": (OK + b"Content-Length: 1 0\r\n\r\n", b"", "Content-Length"),
    "an empty length": (OK + b"Content-Length: \r\n\r\n", b"", "Content-Length"),
    "a length past 64 bits": (OK + b"Content-Length: 18446744073709551616\r\n\r\n", b"", "Content-Length"),
    "a length past 63 bits": (OK + b"Content-Length: 9223372036854775808\r\n\r\n", b"", "Content-Length"),
    "Transfer-Encoding: gzip": (OK + b"Transfer-Encoding: gzip\r\n\r\n", b"", "Transfer-Encoding"),
    "gzip, chunked": (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", b"", "Transfer-Encoding"),
    "chunked, gzip": (OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n", b"", ""),
    "chunked twice": (OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n", b"", ""),
    "chunked in two fields": (
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"",
        "",
    ),
    "xchunked": (OK + b"Transfer-Encoding: xchunked\r\n\r\n", b"", "Transfer-Encoding"),
    "identity": (OK + b"Transfer-Encoding: identity\r\n\r\n", b"", "Transfer-Encoding"),
    "a chunk size that is no number": (CHUNKED + b"5\r\nhello\r\nxyz\r\n", b"hello", "chunk size"),
    "a negative chunk size": (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", b"", "chunk size"),
    "a chunk size with 0x": (CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", b"", "chunk size"),
    "a chunk size with underscores": (CHUNKED + b"1_0\r\nhello\r\n0\r\n\r\n", b"", "chunk size"),
    "an empty chunk size": (CHUNKED + b"\r\nhello\r\n0\r\n\r\n", b"", "chunk size"),
    "a blank in front of a chunk size": (CHUNKED + b" 5\r\nhello\r\n0\r\n\r\n", b"", "chunk size"),
    "a chunk size past 64 bits": (CHUNKED + b"fffffffffffffffff\r\nhello", b"", "hunk size"),
    "a chunk longer than its size": (CHUNKED + b"5\r\nhelloX\r\n0\r\n\r\n", b"hello", "chunk data"),
    "a chunk without its line end": (CHUNKED + b"5\r\nhello0\r\n\r\n", b"hello", "chunk data"),
    "a lone line feed behind a chunk": (CHUNKED + b"5\nhello\n0\n\n", b"", "chunk"),
    "a bad trailer": (CHUNKED + b"5\r\nhello\r\n0\r\nBad Name: x\r\n\r\n", b"hello", "header token"),
    "no response at all": (b"", b"", "without a response"),
    "half a status line": (b"HTTP/1.", b"", "in the middle of the response head"),
    "half a head": (OK + b"Content-Le", b"", "in the middle of the response head"),
    "half a length": (OK + b"Content-Length: 10\r\n\r\nhello", b"hello", "after 5 of 10 bytes"),
    "half a chunk": (CHUNKED + b"a\r\nhello", b"hello", "before the last chunk"),
    "no last chunk": (CHUNKED + b"5\r\nhello\r\n", b"hello", "before the last chunk"),
    "half a last chunk": (CHUNKED + b"5\r\nhello\r\n0\r\n", b"hello", "before the last chunk"),
    "half a trailer section": (CHUNKED + b"5\r\nhello\r\n0\r\nX: y\r\n", b"hello", "before the last chunk"),
    # What else llhttp's own examples of responses ask, with our verdict: it takes some of these.
    "another protocol": (b"HTTER/1.1 200 OK\r\n\r\n", b"", "expected HTTP/ at byte 3"),
    "lower-case http": (b"http/1.1 200 OK\r\n\r\n", b"", "expected HTTP/ at byte 0"),
    "RTSP": (b"RTSP/1.1 200 OK\r\n\r\n", b"", "expected HTTP/ at byte 0"),
    "ICE": (b"ICE/1.0 200 OK\r\n\r\n", b"", "expected HTTP/ at byte 0"),
    "ICY": (b"ICY 200 OK\r\n\r\n", b"", "expected HTTP/ at byte 0"),
    "a blank in front of the status line": (b" " + OK + b"\r\n", b"", "expected HTTP/ at byte 0"),
    "a carriage return in front of the status line": (b"\r" + OK + b"\r\n", b"", "expected HTTP/ at byte 1"),
    "HTTP/01.1": (b"HTTP/01.1 200 OK\r\n\r\n", b"", "expected dot at byte 6"),
    "HTTP/11.1": (b"HTTP/11.1 200 OK\r\n\r\n", b"", "expected dot at byte 6"),
    "HTTP/1.01": (b"HTTP/1.01 200 OK\r\n\r\n", b"", "after version at byte 8"),
    "HTTP/1.": (b"HTTP/1. 200 OK\r\n\r\n", b"", "minor version at byte 7"),
    "HTTP/1": (b"HTTP/1 200 OK\r\n\r\n", b"", "expected dot at byte 6"),
    "HTTP/5.6": (b"HTTP/5.6 200 OK\r\n\r\n", b"", "version"),
    "a tab behind the version": (b"HTTP/1.1\t200 OK\r\n\r\n", b"", "after version at byte 8"),
    "two blanks behind the version": (b"HTTP/1.1  200 OK\r\n\r\n", b"", "status code at byte 9"),
    "a tab behind the status": (b"HTTP/1.1 200\tOK\r\n\r\n", b"", "response status at byte 12"),
    "a status of one digit": (b"HTTP/1.1 2 OK\r\n\r\n", b"", "status code at byte 10"),
    "no status": (b"HTTP/1.1\r\n\r\n", b"", "after version"),
    "an escape character in the reason phrase": (b"HTTP/1.1 200 \x1b[31m\r\n\r\n", b"", "control character"),
    "a carriage return in the reason phrase": (b"HTTP/1.1 200 O\rK\r\n\r\n", b"", "expected LF after CR"),
    "a blank in front of the first field": (OK + b" Host: foo\r\n\r\n", b"", "space after start line"),
    "a tab in front of the first field": (OK + b"\tHost: foo\r\n\r\n", b"", "header token"),
    "fields separated by carriage returns": (OK + b"Foo: 1\rBar: 2\r\n\r\n", b"", "after header value"),
    "a carriage return in the empty line": (OK + b"A: b\r\n\rX", b"", "LF after headers"),
    "brackets in a field name": (OK + b"X(a): a\r\n\r\n", b"", "header token"),
    "a character past ASCII in a field name": (OK + b"Serv\xe9r: a\r\n\r\n", b"", "header token"),
    "a control character in a value": (OK + b"X: a\x01b\r\n\r\n", b"", "header value"),
    "DEL in a value": (OK + b"X: a\x7fb\r\n\r\n", b"", "header value"),
    "a length with a fraction": (OK + b"Content-Length: 5.0\r\n\r\n", b"", "Content-Length at byte 34"),
    "a length with a word behind it": (OK + b"Content-Length: 5 x\r\n\r\n", b"", "Content-Length"),
    "a length in other digits": (OK + b"Content-Length: \xef\xbc\x95\r\n\r\n", b"", "Content-Length"),
    "chunked and a tab": (
        OK + b"Transfer-Encoding: chunked\t\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"",
        "Transfer-Encoding",
    ),
    "chunked, a blank and a tab": (OK + b"Transfer-Encoding:  chunked \t\r\n\r\n", b"", "Transfer-Encoding"),
    "chunked with a parameter": (OK + b"Transfer-Encoding: chunked;a=b\r\n\r\n", b"", "Transfer-Encoding"),
    "chunked and a comma": (OK + b"Transfer-Encoding: chunked,\r\n\r\n", b"", "Transfer-Encoding"),
    "a comma and chunked": (OK + b"Transfer-Encoding: , chunked\r\n\r\n", b"", "Transfer-Encoding"),
    "chunkedx": (OK + b"Transfer-Encoding: chunkedx\r\n\r\n", b"", "Transfer-Encoding"),
    "chunked in quotes": (OK + b'Transfer-Encoding: "chunked"\r\n\r\n', b"", "Transfer-Encoding"),
    "a vertical tab and chunked": (OK + b"Transfer-Encoding: \x0bchunked\r\n\r\n", b"", "header value"),
    "an empty Transfer-Encoding": (OK + b"Transfer-Encoding:\r\n\r\n", b"", "Transfer-Encoding"),
    "gzip and chunked in two fields": (
        OK + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"",
        "Transfer-Encoding",
    ),
    "chunked, gzip and a length": (
        OK + b"Transfer-Encoding: chunked, gzip\r\nContent-Length: 2\r\n\r\nok",
        b"",
        "Transfer-Encoding",
    ),
    "obs-fold behind chunked": (OK + b"Transfer-Encoding: chunked\r\n abc\r\n\r\n", b"", "whitespace"),
    "a lone line feed behind a chunk size": (CHUNKED + b"5\nhello\r\n0\r\n\r\n", b"", "chunk size at byte 2"),
    "a lone line feed behind chunk data": (
        CHUNKED + b"5\r\nhello\n0\r\n\r\n",
        b"hello",
        "chunk data at byte 9",
    ),
    "a lone line feed behind a chunk extension": (
        CHUNKED + b"5;a\nhello\r\n0\r\n\r\n",
        b"",
        "chunk extension",
    ),
    "a lone line feed behind the last chunk size": (CHUNKED + b"1\r\nx\r\n0\n\r\n", b"x", "chunk size"),
    "a carriage return behind a chunk size": (CHUNKED + b"5\rhello\r\n0\r\n\r\n", b"", "chunk size"),
    "a carriage return behind chunk data": (CHUNKED + b"5\r\nhello\rX0\r\n\r\n", b"hello", "chunk data"),
    "a chunk shorter than its size": (CHUNKED + b"6\r\nhello\r\n0\r\n\r\n", b"hello\r", "chunk data"),
    "a chunk size with a plus": (CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n", b"", "chunk size at byte 0"),
    "a chunk size and a comma": (CHUNKED + b"5,a\r\nhello\r\n0\r\n\r\n", b"", "chunk size at byte 1"),
    "an empty chunk extension": (CHUNKED + b"5;\r\nhello\r\n0\r\n\r\n", b"", "chunk extension"),
    "a chunk extension with an open quote": (
        CHUNKED + b'5;a="b\r\nhello\r\n0\r\n\r\n',
        b"",
        "chunk extension",
    ),
    "a NUL in a chunk extension": (CHUNKED + b"5;a\0\r\nhello\r\n0\r\n\r\n", b"", "chunk extension"),
    "obs-fold in trailers": (CHUNKED + b"1\r\nx\r\n0\r\nX: a\r\n b\r\n\r\n", b"x", "whitespace"),
    "a NUL in a trailer": (CHUNKED + b"1\r\nx\r\n0\r\nX: a\0\r\n\r\n", b"x", "header value"),
    "an informational response and the end": (
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"",
        "in the middle of the response head",
    ),
}
