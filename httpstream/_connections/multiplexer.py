"""The streams of one HTTP/2 connection, without I/O: frames in, frames out, and what each stream has received.

h2 speaks the protocol: settings, field sections, resets, and everything that is sent. Three things are done here,
on the frames themselves. Content (DATA): its window follows the reader, it is the one thing that comes in bulk, and a
content that does not keep to its length ends one stream, not the connection. GOAWAY: the streams that the server still
serves go on, where h2 would end them all. And what comes for a stream that has ended here is dropped in silence.

Nothing here knows a socket, a wait, a lock or a request; RFC 9113.
"""

from __future__ import annotations

from collections import deque
from struct import Struct

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    InformationalResponseReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from httpstream._exceptions import RemoteProtocolError

from .http2_fields import content_length, response_head, response_trailers
from .http2_stream import WINDOW, Stream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hpack import HeaderTuple

    from httpstream._config import MessageLimits
    from httpstream._exceptions import TransportError

    Fields = list[tuple[bytes, bytes]]

GROWTH = 32 * 1024 * 1024
"""By how many bytes all the windows of a connection may grow, so that many readers who stop hold no more than that."""

CONNECTION_WINDOW = 16 * 1024 * 1024
"""What may be under way on the whole connection. It is given back at once: unread streams never exhaust it."""

MAX_STREAMS = 256
"""Streams at a time, whatever the server allows: each may hold its window."""

ASSUMED_STREAMS = 100
"""Streams at a time where the server does not say how many in time (RFC 9113 section 6.5.2 wants no fewer)."""

MAX_CONTROL_BYTES = 256 * 1024
"""Answers to the server's own frames (pings, settings) that it does not take; past it the connection ends."""

# Frame types and flags (RFC 9113 section 6).
_DATA, _HEADERS, _PUSH_PROMISE, _GOAWAY, _CONTINUATION = 0x0, 0x1, 0x5, 0x7, 0x9
_END_STREAM, _END_HEADERS, _PADDED = 0x1, 0x4, 0x8
_RESET = b"\x03"
_FRAME_HEAD_BYTES = 9
_MAX_FRAME_BYTES = 16384  # the initial value, which is not raised: longer frames delay the other streams
_read_frame_head = Struct(">HBBBL").unpack_from  # the length in two parts
_read_goaway = Struct(">LL").unpack_from
_window_update = Struct(">BHBBLL").pack


class Multiplexer:
    """All streams of one connection. Whatever is to be sent stands in `output`.

    Every method may put something there. After `failure` is set, nothing more is received or sent.
    """

    def __init__(self, limits: MessageLimits, peer: str) -> None:
        """peer: the origin, as messages name it."""
        self._limits = limits
        self._peer = peer
        self._streams: dict[int, Stream] = {}
        self._h2 = _new_h2(limits)
        self._in_field_section = False  # between HEADERS and its last CONTINUATION
        self._uncredited = 0  # bytes received that the connection's window has not been given back yet
        self._growth = GROWTH
        self._control_bytes = 0  # of the output, what answers the server
        self._allowed = ASSUMED_STREAMS
        self._goaway = ""  # what the server said when it ended the connection
        self.has_settings = False  # the server has said what it allows
        self.newcomers: list[Stream] = []  # not begun yet: they wait for that
        self.settings_changes: deque[object] = deque(maxlen=8)  # h2's events of them, for a trace
        self.accepts = True
        self.failure: TransportError | None = None
        self.output = bytearray()
        self._pull()
        self._open_window(0, CONNECTION_WINDOW - 65535)

    # For the pool.

    @property
    def capacity(self) -> int:
        """How many streams may be open at a time; 0: no new one."""
        return self._allowed if self.accepts else 0

    @property
    def is_idle(self) -> bool:
        """No stream is open."""
        return not self._streams

    # The request.

    def open(self, fields: list[HeaderTuple], is_head_request: bool, is_sent: bool) -> Stream | None:
        """Begin a stream with the head of a request; is_sent: that is all of it. None: there is no room for it."""
        if not self.accepts or len(self._streams) >= self._allowed:
            return None
        h2 = self._h2
        if h2.highest_outbound_stream_id + 2 > h2.HIGHEST_ALLOWED_STREAM_ID:
            self.accepts = False
            return None
        stream = Stream(h2.get_next_available_stream_id(), is_head_request, is_sent)
        h2.send_headers(stream.id, fields, end_stream=is_sent)
        self._streams[stream.id] = stream
        self._pull()
        return stream

    def room(self, stream: Stream) -> int:
        """How many bytes of content may be sent now."""
        if stream.is_over or self.failure is not None:
            return 0
        try:
            return max(self._h2.local_flow_control_window(stream.id), 0)
        except H2Error:  # asked without the lock: it may be over by now
            return 0

    def send(self, stream: Stream, content: memoryview, *, is_last: bool = False) -> None:
        """Send content, for which there must be room."""
        longest, size = self._h2.max_outbound_frame_size, len(content)
        for at in range(0, size, longest):
            self._h2.send_data(stream.id, content[at : at + longest], is_last and at + longest >= size)
        self._pull()
        if is_last:
            self._is_sent(stream)

    def end(self, stream: Stream) -> None:
        """The request has been sent whole."""
        if self.failure is None and stream.id in self._streams:
            self._h2.end_stream(stream.id)
            self._pull()
        self._is_sent(stream)

    def _is_sent(self, stream: Stream) -> None:
        stream.is_sent = True
        if stream.is_over:
            self._streams.pop(stream.id, None)

    # The response.

    def take(self, stream: Stream) -> bytes | None:
        """The next piece of content, if any. What is taken is given back to the stream's window."""
        piece = stream.take()
        if piece is not None and self.failure is None:
            self._reopen(stream)
        return piece

    def abandon(self, stream: Stream) -> None:
        """Nobody reads this stream any more, or sends what is left of its request."""
        stream.drop()
        is_known = self._streams.pop(stream.id, None) is not None
        if not stream.is_over:
            stream.is_over = True
            self._shrink(stream)
        if is_known and self.failure is None:
            self._send_reset(stream, ErrorCodes.CANCEL)

    # What the server sends.

    def receive(self, data: memoryview) -> int:
        """Take the whole frames at the front of `data`. Returns how many bytes that were.

        Whatever is wrong with the connection is in `failure` afterwards; what came before that counts.
        """
        at, end = 0, len(data)
        while end - at >= _FRAME_HEAD_BYTES and self.failure is None:
            high, low, kind, flags, stream_id = _read_frame_head(data, at)
            stop = at + _FRAME_HEAD_BYTES + (high << 8 | low)
            if stop - at > _FRAME_HEAD_BYTES + _MAX_FRAME_BYTES:
                self._end_connection(ErrorCodes.FRAME_SIZE_ERROR, "a frame that is too long")
                break
            if stop > end:
                break
            stream_id &= 0x7FFFFFFF
            if kind == _DATA and not self._in_field_section:
                self._receive_data(flags, stream_id, data, at + _FRAME_HEAD_BYTES, stop)
            elif kind == _GOAWAY and not self._in_field_section and stream_id == 0 and stop - at >= 17:
                self._receive_goaway(data[at + _FRAME_HEAD_BYTES : stop])
            else:
                if kind in (_HEADERS, _PUSH_PROMISE, _CONTINUATION):
                    self._in_field_section = not flags & _END_HEADERS
                self._receive_other(data[at:stop], stream_id)
            at = stop
        return at

    def fail(self, error: TransportError) -> None:
        """The connection has ended: so do all streams, each with an error of its own."""
        if self.failure is None:
            self.failure = error
            self.accepts = False
            for stream in list(self._streams.values()):
                self._finish(stream, copy_of(error))
            self._streams.clear()
            self._wake_newcomers()

    def ended(self) -> RemoteProtocolError:
        """What it means for a stream that the server has ended the connection."""
        return RemoteProtocolError(f"{self._peer} ended the connection{self._goaway}")

    def sent(self, count: int) -> None:
        """So many bytes of the output are on their way."""
        if count < len(self.output):
            del self.output[:count]
        else:
            self.output = bytearray()  # not emptied: the traceback of a failed send may still hold it
            self._control_bytes = 0

    def ping(self) -> None:
        """Ask for a sign of life."""
        if self.failure is None:
            self._h2.ping(bytes(8))
            self._pull()

    def close(self) -> None:
        """Say goodbye: no stream is open."""
        if self.failure is None:
            self.accepts = False
            self._h2.close_connection()
            self._pull()

    def _receive_data(self, flags: int, stream_id: int, data: memoryview, at: int, stop: int) -> None:
        """A DATA frame: its payload is data[at:stop]. All of it counts for the windows, padding too."""
        length = stop - at
        if flags & _PADDED:
            padding = data[at] if length else 0
            at += 1
            stop -= padding
            if stop < at:
                self._end_connection(ErrorCodes.PROTOCOL_ERROR, "a frame with more padding than payload")
                return
        self._uncredited += length
        if self._uncredited > CONNECTION_WINDOW:
            self._end_connection(ErrorCodes.FLOW_CONTROL_ERROR, "more content than the connection's window")
            return
        if self._uncredited * 2 >= CONNECTION_WINDOW:
            self._open_window(0, self._uncredited)
            self._uncredited = 0
        stream = self._streams.get(stream_id)
        if stream is None or stream.is_over:
            if stream_id % 2 == 0 or stream_id > self._h2.highest_outbound_stream_id:
                self._end_connection(ErrorCodes.PROTOCOL_ERROR, "content on a stream that was never opened")
            return
        stream.window -= length
        if stream.left is not None:
            stream.left -= stop - at
        is_last = bool(flags & _END_STREAM)
        if stream.head is None:
            self._reset(stream, ErrorCodes.PROTOCOL_ERROR, "sent content before the head of the response")
        elif stream.window < 0:
            self._reset(stream, ErrorCodes.FLOW_CONTROL_ERROR, "sent more content than the stream's window")
        else:
            is_wrong = stream.left is not None and (stream.left < 0 or (is_last and stream.left > 0))
            if is_last and stream.is_sent:
                self._h2.streams.pop(stream.id, None)  # closed on both sides, and h2 has not seen this end
            if is_wrong:
                self._wrong_length(stream)
                return
            stream.received(data[at:stop], length - (stop - at))
            if is_last:
                self._finish(stream, None)
            else:
                if length > stop - at:
                    self._reopen(stream)
                stream.notify()

    def _receive_goaway(self, payload: memoryview) -> None:
        """The server takes no new streams, and has not processed those above the last one that it names."""
        last, code = _read_goaway(payload)
        last &= 0x7FFFFFFF
        self.accepts = False
        debug = bytes(payload[8:88]).decode("ascii", "replace")
        self._goaway = f" with {_name(code)}" + (f": {debug!r}" if debug else "")
        for stream in [stream for stream in self._streams.values() if stream.id > last]:
            stream.was_not_processed = True
            self._streams.pop(stream.id)
            self._finish(stream, RemoteProtocolError(f"{self.ended()}, before this request was processed"))

    def _receive_other(self, frame: memoryview, stream_id: int) -> None:
        """Any frame but DATA and GOAWAY: h2 knows what it means."""
        try:
            events = self._h2.receive_data(frame)
        except Exception as exc:  # h2 has errors of its own; bytes from the network must not raise any other
            self._pull()
            what = str(exc) if isinstance(exc, H2Error) else type(exc).__name__
            self.fail(RemoteProtocolError(f"{self._peer} broke the rules of HTTP/2: {what}"))
            return
        answer = self._h2.data_to_send()
        if answer[3:4] != _RESET or answer[5:9] != frame[5:9] or stream_id in self._streams:
            self.output += (
                answer  # what still comes for a stream that was reset is ignored (RFC 9113 section 5.1)
            )
            self._control_bytes += len(answer)
        if self._control_bytes > MAX_CONTROL_BYTES:
            self._end_connection(
                ErrorCodes.ENHANCE_YOUR_CALM, "more frames that want an answer than it takes answers"
            )
        for event in events:
            react = _REACTIONS.get(type(event))
            if react is not None:
                react(self, event)

    # Reactions to h2's events.

    def _on_informational(self, event: InformationalResponseReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None:
            return
        stream.informational_count += 1
        if stream.informational_count > self._limits.max_informational:
            limit = self._limits.max_informational
            self._reset(
                stream, ErrorCodes.ENHANCE_YOUR_CALM, f"sent more than max_informational={limit} responses"
            )
            return
        try:
            stream.informational.append(response_head(event.headers, self._limits))
        except RemoteProtocolError as exc:
            self._reset(stream, ErrorCodes.PROTOCOL_ERROR, f"sent {exc}")
        stream.notify()

    def _on_response(self, event: ResponseReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None:
            return
        try:
            stream.head = status, fields = response_head(event.headers, self._limits)
        except RemoteProtocolError as exc:
            self._reset(stream, ErrorCodes.PROTOCOL_ERROR, f"sent {exc}")
            return
        # No content follows these, whatever length they announce (RFC 9110 section 6.4.1).
        stream.left = 0 if stream.is_head_request or status in (204, 304) else content_length(fields)
        stream.notify()

    def _on_trailers(self, event: TrailersReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None:
            return
        try:
            stream.trailers.extend(response_trailers(event.headers, self._limits))
        except RemoteProtocolError as exc:
            self._reset(stream, ErrorCodes.PROTOCOL_ERROR, f"sent {exc}")

    def _on_end(self, event: StreamEnded) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is not None and not stream.is_over:
            if stream.left:
                self._wrong_length(stream)
            else:
                self._finish(stream, None)

    def _on_reset(self, event: StreamReset) -> None:
        stream = self._streams.pop(event.stream_id, None)
        if stream is None:
            return
        code = int(event.error_code)
        stream.was_not_processed = code == ErrorCodes.REFUSED_STREAM and event.remote_reset
        # A server that has answered in full may cut off the rest of the request: section 8.1.
        self._finish(stream, RemoteProtocolError(f"{self._peer} reset the stream: {_name(code)}"))

    def _on_settings(self, event: RemoteSettingsChanged) -> None:
        self._allowed = min(self._h2.remote_settings.max_concurrent_streams, MAX_STREAMS)
        self.settings_changes.append(event)
        self._wake_newcomers()
        self._on_window(event)

    def _on_window(self, event: Any) -> None:
        for stream in self._streams.values():
            if not stream.is_sent:
                stream.notify()

    def _wake_newcomers(self) -> None:
        self.has_settings = True
        newcomers, self.newcomers = self.newcomers, []
        for stream in newcomers:
            stream.notify()

    # Ends.

    def _wrong_length(self, stream: Stream) -> None:
        self._reset(
            stream, ErrorCodes.PROTOCOL_ERROR, "sent a content that is not as long as its Content-Length"
        )

    def _reset(self, stream: Stream, code: ErrorCodes, what: str) -> None:
        """End one stream because of what the server did on it."""
        self._streams.pop(stream.id, None)
        self._send_reset(stream, code)
        self._finish(stream, RemoteProtocolError(f"{self._peer} {what}"))

    def _send_reset(self, stream: Stream, code: ErrorCodes) -> None:
        known = self._h2.streams.get(stream.id)
        if known is not None and not known.closed:
            self._h2.reset_stream(stream.id, code)
            # Asked, it puts closed streams away, and then knows what to do with all that may still come for them.
            _ = self._h2.open_outbound_streams
            self._pull()

    def _finish(self, stream: Stream, error: TransportError | None) -> None:
        """Nothing more comes on this stream. A response that was complete stays so."""
        if not stream.is_over:
            stream.is_over = True
            stream.error = error
            self._shrink(stream)
        if stream.is_sent:
            self._streams.pop(stream.id, None)
        stream.notify()

    def _shrink(self, stream: Stream) -> None:
        self._growth += stream.window_size - WINDOW

    def _end_connection(self, code: ErrorCodes, what: str) -> None:
        self._h2.close_connection(code)
        self._pull()
        self.fail(RemoteProtocolError(f"{self._peer} sent {what}"))

    def _reopen(self, stream: Stream) -> None:
        increment, growth = stream.reopen(self._growth)
        if increment:
            self._growth -= growth
            self._open_window(stream.id, increment)

    def _open_window(self, stream_id: int, increment: int) -> None:
        """A WINDOW_UPDATE; stream 0 is the connection. Not h2's, which has not seen what was received either."""
        self.output += _window_update(0, 4, 8, 0, stream_id, increment)

    def _pull(self) -> None:
        self.output += self._h2.data_to_send()


_REACTIONS: dict[type, Callable[[Multiplexer, Any], None]] = {
    InformationalResponseReceived: Multiplexer._on_informational,
    ResponseReceived: Multiplexer._on_response,
    TrailersReceived: Multiplexer._on_trailers,
    StreamEnded: Multiplexer._on_end,
    StreamReset: Multiplexer._on_reset,
    RemoteSettingsChanged: Multiplexer._on_settings,
    WindowUpdated: Multiplexer._on_window,
}


def _new_h2(limits: MessageLimits) -> H2Connection:
    """h2's connection, begun. What it would check of field sections, `http2_fields` checks stream by stream."""
    h2 = H2Connection(
        H2Configuration(
            validate_inbound_headers=False, validate_outbound_headers=False, normalize_outbound_headers=False
        )
    )
    # Counted as HPACK counts, 32 bytes more for each field; the exact limits are checked afterwards.
    most = limits.max_head_bytes + 32 * limits.max_fields
    h2.local_settings = Settings(
        client=True,
        initial_values={
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.MAX_CONCURRENT_STREAMS: ASSUMED_STREAMS,
            SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
            SettingCodes.MAX_HEADER_LIST_SIZE: min(most, 0xFFFFFFFF),
        },
    )
    del h2.local_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL]  # some servers end a connection that names it
    h2.decoder.max_header_list_size = most
    h2.initiate_connection()
    return h2


def copy_of(error: TransportError) -> TransportError:
    """The same error for another stream, which raises its own."""
    copy = type(error)(str(error))
    copy.__cause__ = error.__cause__
    return copy


def _name(code: int) -> str:
    try:
        return ErrorCodes(code).name
    except ValueError:
        return f"error code {code:#x}"
