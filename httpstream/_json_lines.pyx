"""The splitter of JSON lines: bytes in, a value per line out. No I/O, no HTTP.

JSON is UTF-8 (RFC 8259 section 8.1). A byte order mark in front of the first line is skipped, and so are lines of
spaces and tabs; the last line needs no end.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memcmp

from httpstream._chunker cimport ascii_text, is_ascii
from httpstream._lines cimport LineCutter, line_limit

from json import JSONDecodeError, JSONDecoder
from json import loads as json_loads

from httpstream._config import DEFAULT_MESSAGE_LIMITS
from httpstream._exceptions import DecodingError, _rebuild
from httpstream._iterators import NULL_ITEM

cdef object null_item = NULL_ITEM


class InvalidJSONLine(DecodingError, JSONDecodeError):
    """A line of the content is not JSON. What ``loads`` raised is the ``__cause__``.

    ``lineno``: the line's number in the content, from 1. ``doc``: the line. ``pos`` and ``colno``: where in it, from
    0 and from 1. ``msg``: what is wrong.
    """

    __module__ = "httpstream"

    def __init__(self, str msg, doc, pos, lineno):
        # Neither parent's __init__: the one calls the other with what it does not take, and that one reads a str.
        ValueError.__init__(self, f"line {lineno} of the content is not JSON: {msg} (column {pos + 1})")
        self._request = None
        self.msg = msg
        self.doc = doc
        self.pos = pos
        self.lineno = lineno
        self.colno = pos + 1

    def __reduce__(self):
        return _rebuild, (type(self), self.args, self.__dict__)


@cython.final
cdef class JSONLineSplitter(LineCutter):
    """The value of each line that is not blank.

    loads: makes a value of the bytes of one line. An Exception that it raises becomes InvalidJSONLine, but for
    MemoryError. Left out: `json.loads`, without what it does in Python for each call.
    max_line_bytes: see LineSplitter.
    """

    cdef object _loads
    cdef object _scan                 # json.loads without its Python frames; None: another loads
    cdef Py_ssize_t _number           # of the current line

    def __cinit__(self, loads=json_loads, max_line_bytes=DEFAULT_MESSAGE_LIMITS.max_line_bytes):
        self._max = line_limit(max_line_bytes)
        self._loads = loads
        if loads is json_loads:
            self._scan = JSONDecoder().scan_once

    cpdef object pop(self):
        cdef const char* at
        cdef Py_ssize_t size
        cdef object value
        while self.cut(&at, &size):
            value = self._value(at, size)
            if value is not None:
                return value
        return None

    cpdef object finish(self):
        cdef const char* at
        cdef Py_ssize_t size
        cdef object value
        while self.cut_last(&at, &size):
            value = self._value(at, size)
            if value is not None:
                return value
        return None

    cdef object _value(self, const char* at, Py_ssize_t size):
        """The value of a line; None: the line is blank."""
        cdef object line, value
        cdef Py_ssize_t start
        self._number += 1
        if self._number == 1 and size >= 3 and memcmp(at, b"\xef\xbb\xbf", 3) == 0:
            at += 3
            size -= 3
        start = blanks(at, size)
        line = None if start == size else self._line(at, size)
        self.spent()                  # before loads runs, which may do anything
        if line is None:
            return None
        try:
            value = self._loads(line) if self._scan is None else self._scanned(line, start)
        except MemoryError:
            raise
        except Exception as exc:
            raise self._invalid(line, exc) from exc
        return null_item if value is None else value

    cdef object _line(self, const char* at, Py_ssize_t size):
        """What loads gets: bytes; for the one of `json` text, if it is any."""
        if self._scan is not None:
            if is_ascii(at, size):
                return ascii_text(at, size)
            try:
                return PyUnicode_DecodeUTF8(at, size, "surrogatepass")      # as json.loads decodes bytes
            except UnicodeDecodeError:
                pass
        return PyBytes_FromStringAndSize(at, size)

    cdef object _scanned(self, line, Py_ssize_t start):
        """`json.loads(line)`, which has the last word on all that is not plain."""
        cdef tuple found
        if type(line) is bytes:
            line = line.decode("utf-8", "surrogatepass")                    # raises: it is no text
        try:
            found = self._scan(line, start)
        except StopIteration:
            return self._loads(line)
        return found[0] if found[1] == len(line) else self._loads(line)

    cdef object _invalid(self, line, exc):
        if isinstance(exc, JSONDecodeError):
            return InvalidJSONLine(exc.msg, line, exc.pos, self._number)
        if isinstance(exc, UnicodeDecodeError):
            return InvalidJSONLine(f"no UTF-8: {exc.reason}", line, exc.start, self._number)
        return InvalidJSONLine(f"{type(exc).__name__}: {exc}", line, 0, self._number)


# hot: no Python
cdef Py_ssize_t blanks(const char* at, Py_ssize_t size) noexcept nogil:
    """How many spaces and tabs a line begins with."""
    cdef Py_ssize_t count = 0
    while count < size and (at[count] == c" " or at[count] == c"\t"):
        count += 1
    return count
