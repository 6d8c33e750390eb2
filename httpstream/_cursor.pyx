"""``Cursor``: bytes in the amounts that a reader of a file asks for, copied once, or received where they are wanted.

A splitter by its input (`push`, or a `Source`), but what it gives depends on each call, so no iterator has one.
"""

cimport cython
from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy

from httpstream._chunker cimport Source, Splitter

cdef enum:
    DIRECT_MIN = 16 * 1024            # as for chunks: smaller memory is filled out of the receive buffer


@cython.final
cdef class Cursor(Splitter):
    """What is there, never waiting for more."""

    def take(self, Py_ssize_t size):
        """At most `size` bytes (at least 1 is asked for); None: nothing is there, more input is needed."""
        cdef object owner, item
        if self._left == 0 and not self._next():
            return None
        owner = self._owner
        if size > self._left:
            size = self._left
        if owner is not None and PyBytes_GET_SIZE(owner) == size:
            item = owner
        else:
            item = PyBytes_FromStringAndSize(self._at, size)
        self._move(size)
        return item

    def fill(self, buffer not None):
        """Put what is there into the caller's memory (writable, not empty): how many bytes; None: nothing is there."""
        cdef Py_buffer view
        cdef Py_ssize_t size
        PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE)
        try:
            size = self._fill(<char*> view.buf, view.len)
        finally:
            PyBuffer_Release(&view)
        return None if size < 0 else size

    cdef Py_ssize_t _fill(self, char* to, Py_ssize_t size) except -2:
        cdef Source source = self._source
        cdef Py_ssize_t room, got
        if self._left == 0 and not self._segment():
            room = 0 if source is None else source.direct_room()
            if room >= DIRECT_MIN and size >= DIRECT_MIN:
                got = source.receive_direct(to, size if size < room else room)
                return got if got > 0 else -1
            if not self._next():
                return -1
        if size > self._left:
            size = self._left
        memcpy(to, self._at, size)
        self._move(size)
        return size

    cdef int _move(self, Py_ssize_t size) except -1:
        self._at += size
        self._left -= size
        if self._left == 0:
            self._owner = None
        return 0
