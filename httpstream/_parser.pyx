"""The response parser: bytes received; heads, raw content and trailers out. Knows no socket and no clock.

llhttp parses heads, chunk framing and trailers (RFC 9112 sections 2 to 7). For content with a Content-Length, or that
ends with the connection, it stops at the head and one counter here owns the rest. The C callbacks record spans and
text; Python objects and errors are made after llhttp has returned.

One parser serves one connection: it owns the receive buffer, which a splitter reads in place (see Source).
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.buffer cimport PyBUF_WRITE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.string cimport memcpy

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cimport httpstream._llhttp as ll
cimport httpstream._recorder as _recorder
from httpstream._chunker cimport Source

from httpstream._config import DEFAULT_MESSAGE_LIMITS
from httpstream._exceptions import RemoteProtocolError
from httpstream._text import in_our_words, with_caret

cdef enum:
    BUFFER_BYTES = 256 * 1024         # one receive: what a socket's buffer holds when the peer is faster
    RELEASE_GIL_FROM = 32 * 1024      # parsing less than this is over before another thread could start

cdef enum State:
    IDLE                              # no request is under way
    HEAD                              # a head is expected, or is arriving
    FIXED                             # content of a known length
    CHUNKED
    UNTIL_CLOSE
    COMPLETE                          # the last byte of the response has been parsed
    TUNNEL                            # 101, or 2xx to CONNECT: what follows is not HTTP
    BROKEN                            # an error was raised: it will be raised again

@cython.final
cdef class ResponseParser(Source):
    """Parses the responses of one connection, one after the other.

    limits: a MessageLimits. origin: for messages, as "http://example.org".
    receive: a callable that receives into a writable buffer without waiting: it returns the number of bytes, 0 at
    the clean end of the connection, -1 when it would block. Without one, bytes come by `feed()`.

    Every method raises RemoteProtocolError alone for what the peer did; from then on the same error again.
    What was good in front of the error is handed over first. RFC 9112.
    A parser has one owner at a time: RuntimeError when it is used while another thread is inside it, or by `receive`.
    """

    cdef _recorder.Recorder _record
    cdef State _state
    cdef object _limits, _origin, _receive
    cdef object _buffer, _view        # a bytearray, and the memoryview that is received into
    cdef char* _bytes                 # the buffer's memory; unparsed: _start to _end
    cdef Py_ssize_t _start, _end
    cdef Py_ssize_t _parsed           # bytes of this head, or chunked content, that are parsed: for messages and limits
    cdef Py_ssize_t _max_head, _max_informational, _informational
    cdef Py_ssize_t _remaining        # FIXED: content still to come
    cdef Py_ssize_t _length           # FIXED: Content-Length
    cdef bint _head_method, _connect_method, _reusable, _eof
    cdef bint _answered               # a byte has come since start()
    cdef bint _in_line                # HEAD: behind the empty lines that may stand in front of a status line
    cdef bint _after_cr               # HEAD: in the middle of such an empty line
    cdef bint _busy                   # the lock may be somebody else's: receiving, or parsing much
    cdef object _error

    cdef readonly Py_ssize_t bytes_taken
    """Raw content bytes of this response that have been handed over."""
    cdef readonly list trailers
    """Trailer fields of this response as (name, value), once its content is complete."""

    def __cinit__(self, limits=DEFAULT_MESSAGE_LIMITS, origin="", receive=None):
        self._limits = limits
        self._origin = origin
        self._receive = receive
        self._buffer = PyByteArray_FromStringAndSize(NULL, BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._bytes = PyByteArray_AS_STRING(self._buffer)
        self._max_head = limits.max_head_bytes
        self._max_informational = limits.max_informational
        self._record.max_status_line = limits.max_status_line_bytes
        self._record.max_field_line = limits.max_field_line_bytes
        self._record.max_fields = limits.max_fields
        self._record.max_trailer = limits.max_trailer_bytes
        self._record.max_extension = limits.max_chunk_extension_bytes
        self.trailers = []
        _recorder.init(&self._record)

    def __dealloc__(self):
        _recorder.release(&self._record)

    # The life of a response, in order.

    def start(self, bytes method not None):
        """A request with this method is about to be sent: what is received next is its response.

        Raises RuntimeError while another response is under way, or when bytes of nobody's are in the buffer.
        """
        self._check_owner()
        if self._state not in (IDLE, COMPLETE) or self._has_input():
            raise RuntimeError("start() while a response is under way")
        self._head_method = method == b"HEAD"
        self._connect_method = method == b"CONNECT"
        self._informational = 0
        self._answered = False
        self._begin_head()

    cdef int _begin_head(self) except -1:
        self._state = HEAD
        self._parsed = 0
        self._in_line = self._after_cr = False
        _recorder.begin_message(&self._record)
        self.bytes_taken = 0
        if self.trailers:
            self.trailers = []
        return 0

    def feed(self, bytes data not None):
        """Give received bytes; ``b""``: the connection ended cleanly. Only when everything before was taken."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        self._check_owner()
        if self._has_input():
            raise RuntimeError("feed() before the bytes received earlier were taken")
        if size > BUFFER_BYTES:
            raise ValueError(f"feed() takes at most {BUFFER_BYTES} bytes at a time")
        memcpy(self._bytes, PyBytes_AS_STRING(data), size)
        self._received(size)

    def fill(self):
        """Receive into the buffer without waiting. Number of bytes, 0 at the end, -1 when it would block.

        Only when everything before was taken.
        """
        cdef Py_ssize_t size
        self._check_owner()
        if self._has_input():
            raise RuntimeError("fill() before the bytes received earlier were taken")
        size = self._call_receive(self._view, BUFFER_BYTES)
        if size >= 0:
            self._received(size)
        return size

    cdef bint _has_input(self) noexcept:
        """Whether the buffer holds bytes that are not parsed, or content that is not taken."""
        return self._start < self._end or self._record.span_taken < self._record.span_count

    cdef int _check_owner(self) except -1:
        if self._busy:
            raise RuntimeError("this connection is being read by another thread")
        return 0

    cdef Py_ssize_t _call_receive(self, view, Py_ssize_t room) except -2:
        """Call `receive`. -1 when it would block. Other threads run meanwhile."""
        cdef Py_ssize_t got
        self._busy = True
        try:
            got = self._receive(view)
        finally:
            self._busy = False
        if got > room:
            raise ValueError(f"receive() returned {got} for a buffer of {room} bytes")
        return got if got >= 0 else -1

    cdef int _received(self, Py_ssize_t size) except -1:
        self._start = 0
        self._end = size
        if size:
            self._answered = True
        else:
            self._eof = True
            self._end_of_file()
        return 0

    def next_head(self):
        """The next head: (version, status code, reason phrase, list of (name, value)), or None: receive more.

        Informational heads (1xx but 101) come too; call again for the next one.
        """
        cdef int verdict
        self._check()
        self._check_owner()
        if self._state != HEAD:
            raise RuntimeError("next_head() without a request")
        if self._start == self._end:
            return None
        verdict = self._execute() if self._in_line or self._skip_empty_lines() else ll.HPE_OK
        if self._parsed > self._max_head:
            raise self._fail("response head too large (max_head_bytes)")
        if verdict == ll.HPE_OK:
            return None
        if verdict != ll.HPE_PAUSED:
            raise self._llhttp_error()
        return self._head()

    cdef bint _skip_empty_lines(self) except -1:
        """Go to the status line; False: it has not come. llhttp would take a lone CR here, RTSP and ICE too."""
        cdef char byte
        while self._start < self._end:
            byte = self._bytes[self._start]
            if byte == c"\n":
                self._after_cr = False
            elif self._after_cr or (byte != c"\r" and byte != c"H"):
                self._record.refusal = b"expected HTTP/"
                raise self._llhttp_error()
            elif byte == c"\r":
                self._after_cr = True
            else:
                self._in_line = True
                return True
            self._start += 1
            self._parsed += 1
        return False

    cdef int _execute(self) except -1:
        """Run llhttp over what is in the buffer. Returns its verdict."""
        cdef int verdict
        cdef const char* at = self._bytes + self._start
        cdef Py_ssize_t size = self._end - self._start
        if size < RELEASE_GIL_FROM:
            verdict = _recorder.execute(&self._record, at, &size)
        else:
            self._busy = True
            with nogil:
                verdict = _recorder.execute(&self._record, at, &size)
            self._busy = False
        self._parsed += size
        self._start += size
        return verdict

    cdef object _head(self):
        """Make the head's objects and choose the framing of the content."""
        cdef int status = self._record.llhttp.status_code
        cdef tuple head
        if self._record.llhttp.http_major != 1 or self._record.llhttp.http_minor > 1:
            version = f"HTTP/{self._record.llhttp.http_major}.{self._record.llhttp.http_minor}"
            raise self._fail(f"{version} is not spoken here, in the response head")
        if status < 100:
            raise self._fail(f"status code {status:03} in the response head")
        if _recorder.has_control(self._record.text, self._record.reason_size):        # llhttp lets it pass
            raise self._fail("control character in the reason phrase of the response head")
        fields = self._fields(self._record.reason_size)
        head = (
            b"HTTP/1.1" if self._record.llhttp.http_minor else b"HTTP/1.0",
            status,
            PyBytes_FromStringAndSize(self._record.text, self._record.reason_size),
            fields,
        )
        if status < 200 and status != 101:
            self._informational += 1
            if self._informational > self._max_informational:
                raise self._fail("too many informational responses (max_informational)")
            self._begin_head()
        else:
            self._frame(status, fields)
        return head

    cdef list _fields(self, Py_ssize_t at):
        """The recorded fields as a list of (name, value), white space around the value removed."""
        cdef list fields = []
        cdef Py_ssize_t i, size
        cdef const char* text = self._record.text
        cdef bytes name
        for i in range(self._record.field_count):
            size = self._record.fields[i].name_size
            name = PyBytes_FromStringAndSize(text + at, size)
            at += size
            size = self._record.fields[i].value_size
            fields.append((name, _recorder.strip(text + at, size)))
            at += size
        return fields

    cdef int _frame(self, int status, list fields) except -1:
        """Choose how the content ends: RFC 9112 section 6.3."""
        cdef int flags = self._record.llhttp.flags
        cdef bint old = self._record.llhttp.http_minor == 0
        if flags & ll.F_TRANSFER_ENCODING:
            self._check_transfer_coding(fields)
        self._reusable = bool(flags & ll.F_CONNECTION_KEEP_ALIVE) if old else not flags & ll.F_CONNECTION_CLOSE
        if flags & ll.F_TRANSFER_ENCODING and (old or flags & ll.F_CONTENT_LENGTH):
            self._reusable = False
        if status == 101 or (self._connect_method and 200 <= status < 300):
            self._state = TUNNEL
            self._reusable = False
        elif self._head_method or status == 204 or status == 304:
            self._state = COMPLETE
        elif flags & ll.F_TRANSFER_ENCODING:
            self._state = CHUNKED
            self._parsed = 0
            _recorder.begin_chunks(&self._record)
        elif flags & ll.F_CONTENT_LENGTH:
            if self._record.llhttp.content_length > <size_t> PY_SSIZE_T_MAX:
                raise self._fail("Content-Length too large in the response head")
            self._length = self._remaining = self._record.llhttp.content_length
            self._state = FIXED if self._remaining else COMPLETE
        else:
            self._state = UNTIL_CLOSE
            self._reusable = False
        return 0

    cdef int _check_transfer_coding(self, list fields) except -1:
        """One `chunked` and nothing else: no other transfer coding is asked for, so none may come."""
        cdef list codings = [value for name, value in fields if name.lower() == b"transfer-encoding"]
        # llhttp must see it so too: with a tab behind the word it does not, and would hand the framing out as content.
        if len(codings) != 1 or codings[0].lower() != b"chunked" or not self._record.llhttp.flags & ll.F_CHUNKED:
            raise self._fail(
                "Transfer-Encoding other than one `chunked` in the response head", f"  {b', '.join(codings)[:200]!r}"
            )
        return 0

    # The content.

    cdef int next_segment(self, const char** at, Py_ssize_t* size) except -1:
        cdef Py_ssize_t there
        self._check_owner()
        if self._record.span_taken < self._record.span_count:
            at[0] = self._record.spans[self._record.span_taken].at
            size[0] = self._record.spans[self._record.span_taken].size
            self._record.span_taken += 1
            self.bytes_taken += size[0]
            return 1
        self._check()
        there = self._end - self._start
        if there == 0:
            return 0
        if self._state == CHUNKED:
            self._parse_chunks()
            return self.next_segment(at, size) if self._record.span_count else 0
        if self._state == FIXED:
            if there > self._remaining:
                there = self._remaining
            self._remaining -= there
            if self._remaining == 0:
                self._state = COMPLETE
        elif self._state != UNTIL_CLOSE:
            return 0
        at[0] = self._bytes + self._start
        size[0] = there
        self._start += there
        self.bytes_taken += there
        return 1

    cdef int _parse_chunks(self) except -1:
        """Remove the framing from what is in the buffer; an error waits until what came before it is taken."""
        cdef int verdict
        _recorder.forget_spans(&self._record)
        verdict = self._execute()
        if verdict == ll.HPE_OK:
            return 0
        if verdict == ll.HPE_PAUSED:
            self._state = COMPLETE
            self.trailers = self._fields(0)
            return 0
        error = self._llhttp_error()
        if self._record.span_count == 0:
            raise error
        return 0

    cdef int refill(self) except -2:
        self._check_owner()
        if self._start < self._end and self._state in (FIXED, CHUNKED, UNTIL_CLOSE):
            return 1
        self._check()
        if self._state == COMPLETE or self._state == TUNNEL:
            return 0
        if self._receive is None:
            return -1
        if self.fill() < 0:
            return -1
        return 0 if self._state == COMPLETE else 1

    cdef Py_ssize_t direct_room(self) noexcept:
        if self._start < self._end or self._receive is None:
            return 0
        if self._state == FIXED:
            return self._remaining
        return BUFFER_BYTES * 1024 if self._state == UNTIL_CLOSE else 0

    cdef Py_ssize_t known_rest(self) noexcept:
        return self._remaining if self._state == FIXED else 0

    cdef Py_ssize_t receive_direct(self, char* to, Py_ssize_t size) except -2:
        cdef Py_ssize_t got
        self._check_owner()
        view = PyMemoryView_FromMemory(to, size, PyBUF_WRITE)
        try:
            got = self._call_receive(view, size)
        finally:
            view.release()            # a traceback may keep the view longer than the memory lives
        if got == 0:
            self._received(0)
        elif got > 0:
            self.bytes_taken += got
            if self._state == FIXED:
                self._remaining -= got
                if self._remaining == 0:
                    self._state = COMPLETE
        return got

    def take(self):
        """The next piece of raw content as bytes; ``b""``: receive more; None: the content is complete."""
        cdef const char* at
        cdef Py_ssize_t size
        while True:
            if self.next_segment(&at, &size):
                return PyBytes_FromStringAndSize(at, size)
            if self._start == self._end or self._state not in (FIXED, CHUNKED, UNTIL_CLOSE):
                break
        return None if self.content_complete else b""

    def take_arrived(self):
        """The rest of the content as bytes when it lies in the buffer as it is; None: it does not, nothing is taken."""
        cdef const char* at
        cdef Py_ssize_t size
        self._check_owner()
        if self._state == COMPLETE and self._record.span_taken == self._record.span_count:
            return b""
        if self._state != FIXED or self._end - self._start < self._remaining:
            return None
        self.next_segment(&at, &size)
        return PyBytes_FromStringAndSize(at, size)

    @property
    def content_complete(self):
        """Whether the last byte of the response has been parsed and all content was handed over."""
        return self._state in (COMPLETE, TUNNEL) and self._record.span_taken == self._record.span_count

    @property
    def content_length(self):
        """How many bytes of content are still to come, or None when that is unknown."""
        if self._state == FIXED:
            return self._remaining
        return 0 if self._state in (COMPLETE, TUNNEL) else None

    @property
    def tunnel(self):
        """Whether the connection speaks another protocol from here on (101, or 2xx to CONNECT)."""
        return self._state == TUNNEL

    @property
    def keep_alive(self):
        """Whether this connection may carry another request: complete, persistent, nothing left over, no end."""
        return self._state == COMPLETE and self._reusable and self._start == self._end and not self._eof

    @property
    def nothing_received(self):
        """Whether not a byte has come since start()."""
        return not self._answered

    def leftover(self):
        """Take the bytes behind the response (of a tunnel: its first ones) out of the buffer."""
        cdef object rest
        self._check_owner()
        rest = PyBytes_FromStringAndSize(self._bytes + self._start, self._end - self._start)
        self._start = self._end = 0
        return rest

    # Errors.

    cdef int _end_of_file(self) except -1:
        """Judge the end of the connection: RFC 9112 section 8."""
        if self._state == UNTIL_CLOSE:
            self._state = COMPLETE
        elif self._state == HEAD:
            if self._parsed or self._informational:
                raise self._fail("connection closed in the middle of the response head")
            raise self._fail("connection closed without a response")
        elif self._state == FIXED:
            there = self._length - self._remaining
            raise self._fail(f"connection closed after {there} of {self._length} bytes of the content")
        elif self._state == CHUNKED:
            raise self._fail("connection closed before the last chunk of the content")
        return 0

    cdef int _check(self) except -1:
        if self._state == BROKEN:
            raise RemoteProtocolError(self._error)
        return 0

    cdef object _fail(self, str what, str evidence=None):
        """Break the parser. Returns the error to raise; evidence: what came, on lines of its own."""
        self._error = f"{what} from {self._origin}" if self._origin else what
        if evidence is not None:
            self._error = f"{self._error}\n{evidence}"
        self._state = BROKEN
        return RemoteProtocolError(self._error)

    cdef object _llhttp_error(self):
        """The error that llhttp stopped with: reason, position, the line and a caret."""
        cdef str part = "response head" if self._state == HEAD else "chunked content"
        cdef str reason = in_our_words((<bytes> _recorder.error_reason(&self._record)).decode("latin-1"))
        cdef Py_ssize_t column
        line = _recorder.line_around(&self._record, self._bytes, self._start, self._end, &column)
        return self._fail(f"{reason} at byte {self._parsed} of the {part}", with_caret(line, column))
