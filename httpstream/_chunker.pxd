# What the parser and the splitters share: a source of segments (see _chunker.pyx).

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
