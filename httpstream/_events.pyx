r"""The event splitter: bytes in, server-sent events out. No I/O, no HTTP.

The rules are those of the HTML standard, section 9.2.6 "Interpreting an event stream"
(https://html.spec.whatwg.org/multipage/server-sent-events.html), with one addition of httpx2: an event that sets
nothing but its type, id or retry is given too, with no data.
"""

cimport cython
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memchr, memcmp, memcpy

from httpstream._chunker cimport ascii_text, is_ascii
from httpstream._lines cimport LineCutter

from httpstream._config import DEFAULT_MESSAGE_LIMITS
from httpstream._exceptions import SSEError

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef extern from *:
    """
    static PyObject *new_of(PyObject *kind, PyObject *no_arguments) {
        return ((PyTypeObject *) kind)->tp_new((PyTypeObject *) kind, no_arguments, NULL);
    }
    """
    object new_of(object kind, object no_arguments)

cdef enum:
    KEEP_ROOM = 1024 * 1024           # a data buffer that has grown past this is given back after its event
    MAX_RETRY_DIGITS = 4300           # what int() reads at most: more would cost quadratic time

cdef tuple NO_ARGUMENTS = ()
cdef str MESSAGE = "message"


cdef enum Field:
    OTHER
    DATA
    EVENT
    ID
    RETRY


cdef class Event:
    """The values of one event. The public class, `ServerSentEvent`, adds that they stay as they are."""

    cdef public object event, data, id, retry

    def __init__(self, event, data, id, retry):
        self.event = event
        self.data = data
        self.id = id
        self.retry = retry


@cython.final
cdef class EventSplitter(LineCutter):
    """Server-sent events, each as soon as its blank line is there. What has no blank line at the end is no event.

    kind: the class of the events, a subclass of Event; it is made without its __init__.
    max_event_bytes: how many bytes the lines of an event may have, their ends and comments not counted; one more
    raises SSEError. So does a comment that is longer than what is left of it. None: no limit. ValueError below 0 and
    above sys.maxsize.
    """

    cdef object _kind
    cdef Py_ssize_t _max_event
    cdef bint _begun                  # the first line has been seen: a byte order mark may stand there alone
    cdef bint _pending                # a field was set: the blank line makes an event
    cdef bint _has_data               # a data line was seen: the next one is joined by \n
    cdef char* _data
    cdef Py_ssize_t _data_size
    cdef Py_ssize_t _data_room
    cdef object _type                 # of the event; "" counts as none
    cdef object _retry
    cdef object _last_id              # stays until another one comes

    def __cinit__(self, kind not None, max_event_bytes=DEFAULT_MESSAGE_LIMITS.max_event_bytes):
        if not issubclass(kind, Event):
            raise TypeError(f"kind must be a subclass of Event, not {kind!r}")
        if max_event_bytes is None:
            max_event_bytes = PY_SSIZE_T_MAX
        if not 0 <= max_event_bytes <= PY_SSIZE_T_MAX:
            raise ValueError(f"the limit of an event must be at least 0 and at most sys.maxsize, not {max_event_bytes}")
        self._kind = kind
        self._max = self._max_event = max_event_bytes
        self._type = self._last_id = ""

    def __dealloc__(self):
        PyMem_Free(self._data)

    cpdef object pop(self):
        cdef const char* at
        cdef Py_ssize_t size
        while self.cut(&at, &size):
            if not self._begun:
                self._begun = True
                if size >= 3 and memcmp(at, b"\xef\xbb\xbf", 3) == 0:
                    at += 3
                    size -= 3
            if size == 0:
                self.spent()
                self._max = self._max_event
                if self._pending:
                    return self._dispatch()
                continue
            if at[0] != c":":
                self._max -= size
                self._set(at, size)
            self.spent()
        return None

    cdef int too_long(self) except -1:
        raise SSEError(f"a server-sent event is larger than {self._max_event} bytes, the limit for one event")

    cdef int _set(self, const char* at, Py_ssize_t size) except -1:
        """Take the field of one line."""
        cdef Py_ssize_t start = 0
        cdef Field field = field_of(at, size, &start)
        at += start
        size -= start
        if field == DATA:
            self._add_data(at, size)
        elif field == EVENT:
            self._type = text_of(at, size)
        elif field == ID:
            if memchr(at, 0, size) != NULL:
                return 0
            self._last_id = text_of(at, size)
        elif field == RETRY:
            if not is_number(at, size):
                return 0
            self._retry = int(at[:size])
        else:
            return 0
        self._pending = True
        return 0

    cdef int _add_data(self, const char* at, Py_ssize_t size) except -1:
        cdef Py_ssize_t need = self._data_size + size + 1
        cdef char* data
        if need > self._data_room:
            data = <char*> PyMem_Realloc(self._data, need * 2)
            if data == NULL:
                raise MemoryError()
            self._data = data
            self._data_room = need * 2
        if self._has_data:
            self._data[self._data_size] = c"\n"
            self._data_size += 1
        memcpy(self._data + self._data_size, at, size)
        self._data_size += size
        self._has_data = True
        return 0

    cdef object _dispatch(self):
        cdef Event event = <Event> new_of(self._kind, NO_ARGUMENTS)
        event.event = self._type or MESSAGE
        event.data = text_of(self._data, self._data_size)
        event.id = self._last_id
        event.retry = self._retry
        self._type = ""
        self._retry = None
        self._data_size = 0
        self._has_data = self._pending = False
        if self._data_room > KEEP_ROOM:
            PyMem_Free(self._data)
            self._data = NULL
            self._data_room = 0
        return event


# hot: no Python
cdef Field field_of(const char* at, Py_ssize_t size, Py_ssize_t* value) noexcept nogil:
    """The field that a line sets, and where its value begins: behind the colon and one space, if they are there."""
    cdef Py_ssize_t colon = 0
    while colon < size and colon < 6 and at[colon] != c":":
        colon += 1
    value[0] = colon
    if colon < size:
        value[0] += 2 if colon + 1 < size and at[colon + 1] == c" " else 1
    if colon == 4 and memcmp(at, b"data", 4) == 0:
        return DATA
    if colon == 5 and memcmp(at, b"event", 5) == 0:
        return EVENT
    if colon == 2 and memcmp(at, b"id", 2) == 0:
        return ID
    if colon == 5 and memcmp(at, b"retry", 5) == 0:
        return RETRY
    return OTHER


# hot: no Python
cdef bint is_number(const char* at, Py_ssize_t size) noexcept nogil:
    """Whether these are US-ASCII digits and nothing else."""
    cdef Py_ssize_t place
    for place in range(size):
        if not c"0" <= at[place] <= c"9":
            return False
    return 0 < size <= MAX_RETRY_DIGITS


cdef object text_of(const char* at, Py_ssize_t size):
    """UTF-8 as text; bytes that do not fit become U+FFFD."""
    if size == 0:
        return ""
    if is_ascii(at, size):
        return ascii_text(at, size)
    return PyUnicode_DecodeUTF8(at, size, "replace")
