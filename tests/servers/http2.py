"""Steps of a fault server that speaks HTTP/2: frame by frame, as the script says, whether that is allowed or not.

`begin` first: it reads the client's preface and settings and sends its own. Frames that no step asks for (settings,
window updates) are recorded in `peer.frames` and passed over. Never here: what an HTTP client should do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import hpack

from tests import http2_frames as wire
from tests.servers.fault import SECONDS_PER_WAIT, Peer, PeerEnded, ScriptFailure, Step
from tests.servers.steps import named

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PASSED_OVER = (wire.SETTINGS, wire.WINDOW_UPDATE, wire.PING)


class Session:
    """What a server knows of one connection: the compression state, and the frames that came."""

    def __init__(self) -> None:
        self.decoder = hpack.Decoder()
        self.frames: list[wire.Frame] = []
        self.heads: dict[int, dict[str, str]] = {}


def session_of(peer: Peer) -> Session:
    if not hasattr(peer, "session"):
        peer.session = Session()  # type: ignore[attr-defined]  # begun by the first step that needs it
    return peer.session  # type: ignore[attr-defined, no-any-return]


def read_frame(peer: Peer) -> wire.Frame:
    head = peer.take(9)
    frame = head[3], head[4], int.from_bytes(head[5:], "big"), peer.take(int.from_bytes(head[:3], "big"))
    session = session_of(peer)
    session.frames.append(frame)
    if frame[0] == wire.HEADERS:
        if not frame[1] & wire.END_HEADERS:
            raise ScriptFailure("the client's field section has more than one frame")
        fields = session.decoder.decode(frame[3], raw=True)
        session.heads[frame[2]] = {name.decode("latin-1"): value.decode("latin-1") for name, value in fields}
    return frame


def read_until(peer: Peer, kind: int, stream_id: int) -> wire.Frame:
    """The next frame of this kind on this stream. Nothing else may come but what is passed over."""
    while True:
        frame = read_frame(peer)
        if frame[0] == kind and frame[2] == stream_id:
            return frame
        if frame[0] not in PASSED_OVER:
            raise ScriptFailure(f"expected a frame of type {kind} on stream {stream_id}, got {frame}")


def begin(**settings: int) -> Step:
    """Read the preface and the client's settings; send ours, and acknowledge."""

    @named("begin")
    def step(peer: Peer) -> None:
        if (preface := peer.take(len(PREFACE))) != PREFACE:
            raise ScriptFailure(f"no preface of HTTP/2, but {preface!r}")
        if read_frame(peer)[0] != wire.SETTINGS:
            raise ScriptFailure("the preface is not followed by settings")
        peer.send(wire.settings(**settings) + wire.frame(wire.SETTINGS, wire.ACK, 0))

    return step


def expect_head(stream_id: int, start: str = "", *, without: tuple[str, ...] = (), **fields: str) -> Step:
    """Read the head of a request. start: method and target. fields: names with `_` for `-`."""

    @named(f"expect_head({stream_id}, {start!r})")
    def step(peer: Peer) -> None:
        read_until(peer, wire.HEADERS, stream_id)
        head = session_of(peer).heads[stream_id]
        line = f"{head[':method']} {head[':path']}"
        if not line.startswith(start):
            raise ScriptFailure(f"expected a request {start!r}, got {line!r}")
        for name, value in fields.items():
            if head.get(name.replace("_", "-")) != value:
                raise ScriptFailure(f"expected {name}={value!r} in {head}")
        for name in without:
            if name in head:
                raise ScriptFailure(f"unexpected field {name!r} in {head}")

    return step


def expect_content(stream_id: int, content: bytes) -> Step:
    """Read DATA up to the end of the stream; all of it must be this. Windows are given back at once."""

    @named(f"expect_content({stream_id})")
    def step(peer: Peer) -> None:
        got = b""
        while True:
            _, flags, _, payload = read_until(peer, wire.DATA, stream_id)
            got += payload
            if flags & wire.END_STREAM:
                break
            if payload:
                peer.send(wire.window_update(0, len(payload)) + wire.window_update(stream_id, len(payload)))
        if got != content:
            raise ScriptFailure(f"expected the content {content[:80]!r}, got {got[:80]!r} ({len(got)} bytes)")

    return step


def take_content(stream_id: int, size: int) -> Step:
    """Read DATA until that many bytes of content have come. Windows are not given back."""

    @named(f"take_content({stream_id}, {size})")
    def step(peer: Peer) -> None:
        left = size
        while left > 0:
            left -= len(read_until(peer, wire.DATA, stream_id)[3])
        if left:
            raise ScriptFailure(f"{-left} bytes more than expected")

    return step


def expect_reset(stream_id: int, code: int = wire.CANCEL) -> Step:
    """The client resets a stream; what it had sent on it before is passed over."""

    @named(f"expect_reset({stream_id}, {code})")
    def step(peer: Peer) -> None:
        while True:
            kind, _, stream, payload = read_frame(peer)
            if kind == wire.RST_STREAM and stream == stream_id:
                if int.from_bytes(payload, "big") != code:
                    raise ScriptFailure(f"expected the error code {code}, got {payload!r}")
                return
            if kind not in (*PASSED_OVER, wire.DATA):
                raise ScriptFailure(f"expected a reset of stream {stream_id}, got {kind} on {stream}")

    return step


def expect_frame(kind: int, stream_id: int = 0, payload: bytes | None = None) -> Step:
    """Read frames until one of this kind; what is passed over otherwise may be asked for here."""

    @named(f"expect_frame({kind}, {stream_id})")
    def step(peer: Peer) -> None:
        while (frame := read_frame(peer))[0] != kind or frame[2] != stream_id:
            if frame[0] not in PASSED_OVER:
                raise ScriptFailure(f"expected a frame of type {kind}, got {frame}")
        if payload is not None and frame[3] != payload:
            raise ScriptFailure(f"expected the payload {payload!r}, got {frame[3]!r}")

    return step


def reply(stream_id: int, content: bytes = b"", *fields: tuple[bytes, bytes], status: int = 200) -> Step:
    """A complete response."""
    head = [(b":status", b"%d" % status), *fields]

    @named(f"reply({stream_id})")
    def step(peer: Peer) -> None:
        frames = [wire.headers(stream_id, head, end=not content)]
        for at in range(0, len(content), 16384):
            piece = content[at : at + 16384]
            frames.append(wire.data(stream_id, piece, end=at + len(piece) == len(content)))
        peer.send(b"".join(frames))

    return step


def expect_pause(seconds: float) -> Step:
    """Nothing comes within this time but what is passed over."""

    @named(f"expect_pause({seconds})")
    def step(peer: Peer) -> None:
        peer.sock.settimeout(seconds)
        try:
            while (frame := read_frame(peer))[0] in PASSED_OVER:
                pass
        except ScriptFailure:
            return
        finally:
            peer.sock.settimeout(SECONDS_PER_WAIT)
        raise ScriptFailure(f"expected a pause, got {frame}")

    return step


def expect_goodbye() -> Step:
    """The client ends the connection; GOAWAY and window updates may come before."""

    @named("expect_goodbye")
    def step(peer: Peer) -> None:
        with contextlib.suppress(PeerEnded):
            while (frame := read_frame(peer))[0] in (*PASSED_OVER, wire.GOAWAY):
                pass
            raise ScriptFailure(f"expected the end of the connection, got {frame}")

    return step


def serve_http2(answer: Callable[[dict[str, str]], bytes] | None = None) -> Step:
    """Answer every request with its own method and target (or what `answer` makes of its head), until the end."""

    @named("serve_http2")
    def step(peer: Peer) -> None:
        with contextlib.suppress(PeerEnded):
            begin()(peer)
            waiting: dict[int, bytes] = {}
            while True:
                kind, flags, stream_id, payload = read_frame(peer)
                if kind == wire.HEADERS:
                    waiting[stream_id] = b""
                elif kind == wire.DATA and stream_id in waiting:
                    waiting[stream_id] += payload
                    if payload:
                        size = len(payload)
                        peer.send(wire.window_update(0, size) + wire.window_update(stream_id, size))
                elif kind == wire.RST_STREAM:
                    waiting.pop(stream_id, None)
                if kind in (wire.HEADERS, wire.DATA) and flags & wire.END_STREAM and stream_id in waiting:
                    head = session_of(peer).heads[stream_id]
                    content = (
                        f"{head[':method']} {head[':path']}".encode() if answer is None else answer(head)
                    )
                    content += waiting.pop(stream_id)
                    reply(stream_id, b"" if head[":method"] == "HEAD" else content)(peer)

    return step
