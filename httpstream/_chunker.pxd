# What the parser and the splitters share: a source of segments (see _chunker.pyx).

from libc.stdint cimport uint64_t
from libc.string cimport memcpy

cdef extern from "Python.h":
    object new_text "PyUnicode_New"(Py_ssize_t size, Py_UCS4 maxchar)
    void* text_data "PyUnicode_DATA"(object text)
    const uint64_t HIGH_BITS "0x8080808080808080ULL"


cdef inline bint is_ascii(const char* at, Py_ssize_t size) noexcept nogil:
    cdef uint64_t a = 0, b = 0, c = 0, d = 0
    cdef const char* stop = at + size
    while stop - at >= 32:
        memcpy(&a, at, 8)
        memcpy(&b, at + 8, 8)
        memcpy(&c, at + 16, 8)
        memcpy(&d, at + 24, 8)
        if (a | b | c | d) & HIGH_BITS:
            return False
        at += 32
    a = b = 0
    while stop - at >= 8:
        memcpy(&a, at, 8)
        b |= a
        at += 8
    a = 0
    memcpy(&a, at, stop - at)
    return not ((a | b) & HIGH_BITS)


cdef inline object ascii_text(const char* at, Py_ssize_t size):
    """Text that is known to be ASCII. PyUnicode_DecodeUTF8 needs 3 times the instructions for a line of 120 bytes."""
    cdef object text = new_text(size, 127)
    memcpy(text_data(text), at, size)
    return text

cdef class Source:
    cdef int next_segment(self, const char** at, Py_ssize_t* size) except -1
    cdef int refill(self) except -2
    cdef Py_ssize_t direct_room(self) noexcept
    cdef Py_ssize_t known_rest(self) noexcept
    cdef Py_ssize_t receive_direct(self, char* to, Py_ssize_t size) except -2


cdef class Splitter:
    cdef Source _source             # None: input comes by push()
    cdef object _owner              # the bytes that _at points into; None: the source's buffer
    cdef const char* _at            # the current segment: what is left of it
    cdef Py_ssize_t _left

    cdef int _segment(self) except -1
    cdef int _next(self) except -1
    cpdef object pop(self)
    cpdef object finish(self)
    cdef object rest(self)
