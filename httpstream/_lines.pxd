# What the splitters that look at lines share (see _lines.pyx).

cimport cython

from httpstream._chunker cimport Splitter


cdef class LineCutter(Splitter):
    cdef Py_ssize_t _max            # how many bytes the current line may have
    cdef bint _after_cr             # the last line ended with \r: a \n that comes next belongs to it
    cdef const char* _lf            # the next \n and \r of the segment: NULL = not looked for
    cdef const char* _cr            # the segment's end: there is none
    cdef char* _carry               # the beginning of a line, from earlier segments
    cdef Py_ssize_t _carried
    cdef Py_ssize_t _carry_room

    @cython.final
    cdef int cut(self, const char** at, Py_ssize_t* size) except -1
    @cython.final
    cdef int cut_last(self, const char** at, Py_ssize_t* size) except -1
    @cython.final
    cdef void spent(self) noexcept
    cdef int too_long(self) except -1
    @cython.final
    cdef const char* _find_end(self) noexcept nogil
    @cython.final
    cdef void _skip_end(self, const char* end) noexcept nogil
    @cython.final
    cdef int _keep(self, const char* at, Py_ssize_t size) except -1


cdef Py_ssize_t line_limit(max_line_bytes) except -1
