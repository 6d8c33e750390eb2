r"""The line splitter: bytes in; lines of bytes or text out. No I/O, no HTTP.

The ends of lines are \n, \r\n and \r, and no others: U+2028 inside a JSON string is no line end. `LineCutter` finds
them, for all who look at lines: `LineSplitter` here, and the splitters of events and of JSON lines.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.unicode cimport PyUnicode_DecodeLatin1, PyUnicode_DecodeUTF8
from libc.string cimport memchr, memcpy

from httpstream._chunker cimport Source, Splitter, ascii_text, is_ascii

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

from httpstream._config import DEFAULT_MESSAGE_LIMITS
from httpstream._exceptions import LineTooLong
from httpstream._text import incremental_decoder

import codecs

cdef enum:
    KEEP_ROOM = 1024 * 1024           # a carry that has grown past this is given back after its line

# The encodings in which no byte of a longer character is 0x0A or 0x0D, and each line decodes on its own.
LINEWISE = frozenset({"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "cp1251", "koi8-r"})


cdef enum LineKind:
    LINE_BYTES
    LINE_UTF8
    LINE_LATIN1
    LINE_OTHER
    LINE_TRANSCODED


cdef class LineCutter(Splitter):
    r"""Base of the splitters that look at lines. A line end is \n, \r\n or \r; \r\n across two pieces is one.

    A line is a span of the segment, or of the carry when earlier segments hold its beginning: it is valid until
    `spent()`, which must be called before the next line is cut.
    """

    def __dealloc__(self):
        PyMem_Free(self._carry)

    def push(self, bytes data not None):
        Splitter.push(self, data)
        self._lf = self._cr = NULL

    @cython.final
    cdef int cut(self, const char** at, Py_ssize_t* size) except -1:
        """The next line without its end. 1: there it is; 0: more input is needed."""
        cdef const char* end
        while True:
            if self._left == 0:
                if not self._next():
                    return 0
                self._lf = self._cr = NULL
            if self._after_cr:
                self._after_cr = False
                if self._at[0] == c"\n":
                    self._at += 1
                    self._left -= 1
                    continue
            end = self._find_end()
            if end == NULL:
                self._keep(self._at, self._left)
                self._left = 0
                continue
            at[0] = self._at
            size[0] = end - self._at
            if self._carried + size[0] > self._max:
                self.too_long()
            self._skip_end(end)
            if self._carried:
                self._keep(at[0], size[0])
                at[0] = self._carry
                size[0] = self._carried
            return 1

    @cython.final
    cdef int cut_last(self, const char** at, Py_ssize_t* size) except -1:
        """After the last input: the next line, at last the one that has no end. 0: that was all."""
        if self._left == 0:
            self._source = None
        if self.cut(at, size):
            return 1
        at[0] = self._carry
        size[0] = self._carried
        return self._carried > 0

    @cython.final
    cdef void spent(self) noexcept:
        """The line has been used: its bytes may go."""
        if self._carried:
            self._carried = 0
            if self._carry_room > KEEP_ROOM:
                PyMem_Free(self._carry)
                self._carry = NULL
                self._carry_room = 0

    cdef int too_long(self) except -1:
        """Raise the error of a line that is longer than `_max`."""
        raise LineTooLong(f"a line is longer than max_line_bytes={self._max}")

    # hot: no Python
    @cython.final
    cdef const char* _find_end(self) noexcept nogil:
        """The segment's next line end; NULL: none. Each of the two is searched once over a segment."""
        cdef const char* stop = self._at + self._left
        if self._lf < self._at:
            self._lf = <const char*> memchr(self._at, c"\n", self._left)
            if self._lf == NULL:
                self._lf = stop
        if self._cr < self._at:
            self._cr = <const char*> memchr(self._at, c"\r", self._left)
            if self._cr == NULL:
                self._cr = stop
        if self._cr < self._lf:
            return self._cr
        return self._lf if self._lf < stop else NULL

    # hot: no Python
    @cython.final
    cdef void _skip_end(self, const char* end) noexcept nogil:
        r"""Go behind the line end; a \n of the next segment may belong to a \r at the end of this one."""
        cdef const char* stop = self._at + self._left
        cdef const char* after = end + 1
        if end[0] == c"\r":
            if after == stop:
                self._after_cr = True
            elif after[0] == c"\n":
                after += 1
        self._left = stop - after
        self._at = after

    @cython.final
    cdef int _keep(self, const char* at, Py_ssize_t size) except -1:
        """Carry the beginning of a line over to the next segment."""
        cdef Py_ssize_t need = self._carried + size, room
        cdef char* carry
        if need > self._max:
            self.too_long()
        if need > self._carry_room:
            room = self._max if need > self._max // 2 else need * 2
            carry = <char*> PyMem_Realloc(self._carry, room)
            if carry == NULL:
                raise MemoryError()
            self._carry = carry
            self._carry_room = room
        memcpy(self._carry + self._carried, at, size)
        self._carried = need
        return 0


cdef Py_ssize_t line_limit(max_line_bytes) except -1:
    """`max_line_bytes` as a number of C. Raises ValueError when it is no limit."""
    if not 0 <= max_line_bytes <= PY_SSIZE_T_MAX:
        raise ValueError(f"max_line_bytes must be at least 0 and at most sys.maxsize, not {max_line_bytes}")
    return max_line_bytes


@cython.final
cdef class LineSplitter(LineCutter):
    r"""Lines without their ends. A line end is \n, \r\n or \r, and nothing else; \r\n across two pieces is one.

    encoding: None for lines of bytes, else the name of a text encoding (errors="replace").
    max_line_bytes: one byte more raises LineTooLong (in encodings where a line can't be cut before decoding, bytes
    of its UTF-8 form). ValueError when it is no limit: below 0 or above sys.maxsize.
    """

    cdef LineKind _kind
    cdef object _encoding
    cdef object _transcoder           # encodings in which line ends can't be found in the bytes: via UTF-8
    cdef bint _ended

    def __cinit__(self, encoding=None, max_line_bytes=DEFAULT_MESSAGE_LIMITS.max_line_bytes):
        cdef str name
        self._max = line_limit(max_line_bytes)
        if encoding is None:
            self._kind = LINE_BYTES
            return
        name = codecs.lookup(encoding).name
        self._encoding = name
        if name == "utf-8":
            self._kind = LINE_UTF8
        elif name == "iso8859-1":
            self._kind = LINE_LATIN1
        elif name in LINEWISE:
            self._kind = LINE_OTHER
        else:
            self._kind = LINE_TRANSCODED
            self._transcoder = incremental_decoder(name)

    def push(self, bytes data not None):
        if self._transcoder is not None:
            data = self._transcoder.decode(data).encode("utf-8", "surrogatepass")
        LineCutter.push(self, data)

    def attach(self, Source source not None):
        Splitter.attach(self, source if self._transcoder is None else Transcoded(source, self._transcoder))

    def leave(self):
        """See Splitter.leave; what has been recoded cannot be given back."""
        left = Splitter.leave(self)
        return left if self._transcoder is None else b""

    cpdef object pop(self):
        cdef const char* at
        cdef Py_ssize_t size
        return self._line(at, size) if self.cut(&at, &size) else None

    cpdef object finish(self):
        cdef const char* at
        cdef Py_ssize_t size
        if not self._ended:
            self._ended = True
            if self._transcoder is not None:
                LineCutter.push(self, self._transcoder.decode(b"", True).encode("utf-8", "surrogatepass"))
        return self._line(at, size) if self.cut_last(&at, &size) else None

    cdef object _line(self, const char* at, Py_ssize_t size):
        """The line in the form that was asked for."""
        cdef object line = self._form(at, size)
        self.spent()
        return line

    cdef object _form(self, const char* at, Py_ssize_t size):
        if self._kind == LINE_UTF8:
            if is_ascii(at, size):
                return ascii_text(at, size)
            return PyUnicode_DecodeUTF8(at, size, "replace")
        if self._kind == LINE_BYTES:
            return PyBytes_FromStringAndSize(at, size)
        if self._kind == LINE_LATIN1:
            return PyUnicode_DecodeLatin1(at, size, "replace")
        line = PyBytes_FromStringAndSize(at, size)
        if self._kind == LINE_TRANSCODED:
            return line.decode("utf-8", "surrogatepass")
        return line.decode(self._encoding, "replace")


@cython.final
cdef class Transcoded(Source):
    """A source in UTF-8 over one in another encoding."""

    cdef Source _inner
    cdef object _transcoder
    cdef bytes _text

    def __cinit__(self, Source inner, transcoder):
        self._inner = inner
        self._transcoder = transcoder

    cdef int next_segment(self, const char** at, Py_ssize_t* size) except -1:
        while self._inner.next_segment(at, size):
            self._text = self._transcoder.decode(at[0][:size[0]]).encode("utf-8", "surrogatepass")
            at[0] = PyBytes_AS_STRING(self._text)
            size[0] = PyBytes_GET_SIZE(self._text)
            if size[0]:
                return 1
        return 0

    cdef int refill(self) except -2:
        return self._inner.refill()
