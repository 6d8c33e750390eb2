"""What the command line shows of a request and its response, in the colours and the layout of httpx's command line.

A `View` listens to the events of a request and prints what they tell. It sends nothing, and prints no character that
would steer the terminal: what a server sends is not to be obeyed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import IO, Any

from rich.console import Console

import httpstream

# What would move the cursor, ring, or begin a command of the terminal; tabs and line ends stay.
_STEERING = {code: 0xFFFD for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A, 0x0D)}
_NAMES = ("subject", "issuer")  # the parts of a certificate that are lists of lists


class View:
    """Prints the messages of a request as their events come; its `trace` is the extension.

    verbose: the request too, and how the connection was made.
    """

    def __init__(self, console: Console, verbose: bool) -> None:
        self._console = console
        self._events: dict[str, Callable[..., None]] = {
            "http11.receive_response_headers.complete": self._response_head,
            "http2.receive_response_headers.complete": self._http2_response_head,
        }
        if verbose:
            self._events |= {
                "connection.connect_tcp.started": self._connecting,
                "connection.connect_tcp.complete": self._connected,
                "connection.start_tls.complete": self._tls,
                "http11.send_request_headers.started": self._request_head,
                "http2.send_request_headers.started": self._http2_request_head,
            }

    def trace(self, name: str, info: dict[str, Any]) -> None:
        show = self._events.get(name)
        if show is not None:
            show(**info)

    # How the connection was made.

    def _connecting(self, host: str, **info: Any) -> None:
        self._note(f"Connecting to {host!r}")

    def _connected(self, return_value: Any) -> None:
        host, port = return_value.get_extra_info("server_addr")[:2]
        self._note(f"Connected to {host!r} on port {port}")

    def _tls(self, return_value: Any) -> None:
        tls = return_value.get_extra_info("ssl_object")
        self._note(f"SSL established using {tls.version()!r} / {tls.cipher()[0]!r}")
        self._note(f"Selected ALPN protocol: {tls.selected_alpn_protocol()!r}")
        certificate = tls.getpeercert()
        if certificate:
            self._note("Server certificate:")
            self._print("\n".join(f"*   {line}" for line in certificate_lines(certificate)))

    # Heads of messages.

    def _request_head(self, request: Any, **info: Any) -> None:
        self._head(f"{text(request.method)} {text(request.url.target)} HTTP/1.1", request.headers)

    def _http2_request_head(self, request: Any, **info: Any) -> None:
        fields = [(name.lower(), value) for name, value in request.headers]
        self._head(f"{text(request.method)} {text(request.url.target)} HTTP/2", fields)

    def _response_head(self, return_value: Any) -> None:
        version, status, reason, fields = return_value
        self._head(f"{text(version)} {status} {text(reason)}", fields)

    def _http2_response_head(self, return_value: Any) -> None:
        status, fields = return_value
        self._head(f"HTTP/2 {status} {httpstream.codes.get_reason_phrase(status)}", fields)

    def _head(self, first_line: str, fields: list[tuple[bytes, bytes]]) -> None:
        lines = [first_line, *(f"{text(name)}: {text(value)}" for name, value in fields)]
        self._source("\n".join(lines), "http")
        self._source("", "http")

    # Content.

    def content(self, response: httpstream.Response) -> None:
        """Print the content of a response that has been read: coloured by its media type, JSON indented."""
        lexer = lexer_name(response.headers.get("content-type"))
        if not lexer:
            self._console.print(f"<{len(response.content)} bytes of binary data>")
            return
        shown = response.text
        if lexer.lower() == "json":
            try:
                shown = json.dumps(response.json(), indent=4)
            except ValueError:  # it says that it is JSON, and is not
                pass
        self._source(shown, lexer)

    def save(self, response: httpstream.Response, file: IO[bytes]) -> None:
        """Write the content to a file as it comes, beside a bar."""
        from rich.markup import escape
        from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

        self._console.print()
        length = response.headers.get("content-length")
        with Progress(
            "[progress.description]{task.description}",
            "[progress.percentage]{task.percentage:>3.0f}%",
            BarColumn(bar_width=None),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=self._console,
        ) as bar:
            description = f"Downloading [bold]{escape(file.name)}"
            row = bar.add_task(description, total=int(length or 0), start=length is not None)
            for chunk in response.iter_bytes(chunk_size=None):
                file.write(chunk)
                bar.update(row, completed=response.num_bytes_downloaded)

    def error(self, exc: Exception) -> None:
        from rich.markup import escape

        self._console.print(f"[red]{type(exc).__name__}[/red]: {escape(harmless(str(exc)))}")

    def _note(self, note: str) -> None:
        self._print(f"* {note}")

    def _print(self, line: str) -> None:
        self._console.print(harmless(line), markup=False, emoji=False)

    def _source(self, source: str, lexer: str) -> None:
        from rich.syntax import Syntax  # loads pygments

        self._console.print(Syntax(harmless(source), lexer, theme="ansi_dark", word_wrap=True))


def text(octets: bytes) -> str:
    """Bytes of a head as text: US-ASCII, and whatever a server puts beside it."""
    return octets.decode("ascii", "replace")


def harmless(shown: str) -> str:
    """The text without characters that steer a terminal."""
    return shown.translate(_STEERING)


def lexer_name(content_type: str | None) -> str:
    """What pygments calls a media type; empty: it knows none for it."""
    if content_type is None:
        return ""
    from pygments.lexers import get_lexer_for_mimetype
    from pygments.util import ClassNotFound

    try:
        return str(get_lexer_for_mimetype(content_type.partition(";")[0].strip()).name)
    except ClassNotFound:
        return ""


def certificate_lines(certificate: dict[str, Any]) -> list[str]:
    """A certificate as `ssl` gives it, as lines."""
    lines: list[str] = []
    for key, value in certificate.items():
        if not isinstance(value, (list, tuple)):
            lines.append(f"{key}: {value!r}")
            continue
        lines.append(f"{key}:")
        for item in value:
            if key in _NAMES:
                lines.extend(f"  {part[0]}: {part[1]!r}" for part in item)
            elif isinstance(item, tuple) and len(item) == 2:
                lines.append(f"  {item[0]}: {item[1]!r}")
            else:
                lines.append(f"  {item!r}")
    return lines
