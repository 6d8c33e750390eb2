"""Frames of HTTP/2 as bytes, and an h2 server: for tests that speak it without a client. No test lives here."""

from __future__ import annotations

from typing import Any

import hpack
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes

from httpstream import MessageLimits
from httpstream._connections.http2_fields import request_fields
from httpstream._connections.http2_stream import Stream
from httpstream._connections.multiplexer import Multiplexer

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)
END_STREAM, ACK, END_HEADERS, PADDED = 0x1, 0x1, 0x4, 0x8
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 5, 6, 7, 8, 11

OK = [(b":status", b"200")]

Frame = tuple[int, int, int, bytes]
"""Type, flags, stream, payload."""


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream_id.to_bytes(4, "big") + payload


def data(stream_id: int, content: bytes, *, end: bool = False, padding: int | None = None) -> bytes:
    flags = (END_STREAM if end else 0) | (0 if padding is None else PADDED)
    if padding is not None:
        content = bytes([padding]) + content + bytes(padding)
    return frame(DATA, flags, stream_id, content)


def headers(stream_id: int, fields: list[tuple[bytes, bytes]], *, end: bool = False) -> bytes:
    """A field section that needs no compression state, in one frame or with CONTINUATIONs."""
    encoder = hpack.Encoder()
    block = encoder.encode([hpack.NeverIndexedHeaderTuple(*field) for field in fields])
    pieces = [block[at : at + 16384] for at in range(0, len(block), 16384)] or [b""]
    kinds = [HEADERS] + [CONTINUATION] * (len(pieces) - 1)
    flags = [0] * (len(pieces) - 1) + [END_HEADERS]
    flags[0] |= END_STREAM if end else 0
    return b"".join(map(frame, kinds, flags, [stream_id] * len(pieces), pieces))


def rst_stream(stream_id: int, code: int) -> bytes:
    return frame(RST_STREAM, 0, stream_id, code.to_bytes(4, "big"))


def goaway(last_stream_id: int, code: int = NO_ERROR, debug: bytes = b"") -> bytes:
    return frame(GOAWAY, 0, 0, last_stream_id.to_bytes(4, "big") + code.to_bytes(4, "big") + debug)


def window_update(stream_id: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream_id, increment.to_bytes(4, "big"))


def settings(**values: int) -> bytes:
    """A SETTINGS frame: names as in RFC 9113 section 6.5.2, in lower case and without the prefix."""
    payload = b"".join(
        SettingCodes[name.upper()].to_bytes(2, "big") + value.to_bytes(4, "big")
        for name, value in values.items()
    )
    return frame(SETTINGS, 0, 0, payload)


def frames_of(wire: bytes) -> list[Frame]:
    """Each frame; the preface is left out, a part of a frame at the end too."""
    wire = wire.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    found = []
    while len(wire) >= 9 and len(wire) >= (end := 9 + int.from_bytes(wire[:3], "big")):
        found.append((wire[3], wire[4], int.from_bytes(wire[5:9], "big"), bytes(wire[9:end])))
        wire = wire[end:]
    return found


def h2_server(**config: Any) -> H2Connection:
    """An h2 connection on the server's side, begun."""
    options = {"client_side": False, "validate_outbound_headers": False, "normalize_outbound_headers": False}
    connection = H2Connection(H2Configuration(**options | config))
    connection.initiate_connection()
    return connection


# A multiplexer, and how a test talks to it.

GET = request_fields(b"GET", "https", b"/", [(b"Host", b"h")])


def new(limits: MessageLimits | None = None) -> Multiplexer:
    mux = Multiplexer(limits or MessageLimits(), "https://h")
    taken(mux)
    feed(mux, settings(max_concurrent_streams=100))
    taken(mux)
    return mux


def opened(mux: Multiplexer, *, is_head_request: bool = False, is_sent: bool = True) -> Stream:
    stream = mux.open(GET, is_head_request, is_sent)
    assert stream is not None
    return stream


def feed(mux: Multiplexer, frames: bytes, step: int | None = None) -> bytes:
    """Give the frames, all at once or in pieces of this size, as a connection does."""
    held = b""
    for at in range(0, len(frames), step or len(frames)):
        held += frames[at : at + (step or len(frames))]
        held = held[mux.receive(memoryview(held)) :]
    return held


def taken(mux: Multiplexer) -> list[Frame]:
    """What is to be sent, as frames."""
    frames = frames_of(bytes(mux.output))
    mux.sent(len(mux.output))
    return frames


def kinds(frames: list[Frame]) -> list[int]:
    return [frame[0] for frame in frames]


def content(mux: Multiplexer, stream: Stream) -> bytes:
    pieces = []
    while (piece := mux.take(stream)) is not None:
        pieces.append(piece)
    return b"".join(pieces)
