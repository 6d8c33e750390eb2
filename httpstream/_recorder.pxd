# llhttp with a recorder behind its callbacks (see _recorder.pyx).

from httpstream._llhttp cimport llhttp_t

cdef enum:
    SPANS = 520                       # BUFFER_BYTES of the parser / MERGE_BELOW, and some

cdef struct Span:
    const char* at
    Py_ssize_t size

cdef struct Field:
    Py_ssize_t name_size
    Py_ssize_t value_size

cdef struct Recorder:
    llhttp_t llhttp
    # Written by the callbacks. `text` holds the reason phrase, then name and value of each field in turn.
    char* text
    Py_ssize_t text_size
    Py_ssize_t text_room
    Field* fields
    Py_ssize_t field_count
    Py_ssize_t field_room
    Py_ssize_t reason_size
    Field open                        # the field line that is arriving
    Py_ssize_t extension_size         # of the chunk whose header is arriving
    const char* refusal               # why a callback said no; NULL: none did
    bint in_trailers
    Span spans[SPANS]                 # content in the buffer, in order, transfer coding removed
    int span_count
    int span_taken
    const char* moved                 # up to here on_body() has moved content over the bytes of the wire
    # From MessageLimits.
    Py_ssize_t max_status_line
    Py_ssize_t max_field_line
    Py_ssize_t max_fields
    Py_ssize_t max_trailer
    Py_ssize_t max_extension


cdef void init(Recorder* r) noexcept
cdef void release(Recorder* r) noexcept
cdef void begin_message(Recorder* r) noexcept
cdef void begin_chunks(Recorder* r) noexcept
cdef int execute(Recorder* r, const char* at, Py_ssize_t* size) noexcept nogil
cdef void forget_spans(Recorder* r) noexcept
cdef const char* error_reason(Recorder* r) noexcept
cdef bytes line_around(Recorder* r, const char* buffer, Py_ssize_t at, Py_ssize_t end, Py_ssize_t* column)
cdef bytes strip(const char* at, Py_ssize_t size)
cdef bint has_control(const char* at, Py_ssize_t size) noexcept
