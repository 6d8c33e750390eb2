"""llhttp, and what its callbacks record: text of a head or a trailer section, and spans of content.

The callbacks meet no Python: they record, count and say no. Errors, and all objects but values, are made by the parser.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove

cimport httpstream._llhttp as ll

cdef enum:
    MERGE_BELOW = 512                 # shorter spans are moved together: one segment instead of thousands


# hot: no Python
cdef int fail(ll.llhttp_t* p, const char* reason) noexcept nogil:
    """Stop llhttp. The reason is kept here: for some callbacks llhttp would put its own in place of it."""
    (<Recorder*> p.data).refusal = reason
    return ll.HPE_USER


# hot: no Python
cdef int write_text(ll.llhttp_t* p, const char* at, size_t size) noexcept nogil:
    """Append to the recorded text."""
    cdef Recorder* r = <Recorder*> p.data
    cdef Py_ssize_t need = r.text_size + <Py_ssize_t> size
    cdef char* text
    if size == 0:                     # maybe there is no text yet, and NULL + 0 is undefined
        return 0
    if need > r.text_room:
        text = <char*> realloc(r.text, need * 2 + 1024)
        if text == NULL:
            return fail(p, b"out of memory")
        r.text = text
        r.text_room = need * 2 + 1024
    memcpy(r.text + r.text_size, at, size)
    r.text_size = need
    return 0


# hot: no Python
cdef int check_field(ll.llhttp_t* p) noexcept nogil:
    cdef Recorder* r = <Recorder*> p.data
    cdef Py_ssize_t size = r.open.name_size + r.open.value_size
    if r.in_trailers and r.text_size > r.max_trailer:
        return fail(p, b"trailer section too large (max_trailer_bytes)")
    if size > r.max_field_line:
        return fail(p, b"field line too long (max_field_line_bytes)")
    return 0


# hot: no Python
cdef int on_status(ll.llhttp_t* p, const char* at, size_t size) noexcept nogil:
    cdef Recorder* r = <Recorder*> p.data
    r.reason_size += size
    # "HTTP/1.1 200 " is 13 bytes.
    if r.reason_size + 13 > r.max_status_line:
        return fail(p, b"status line too long (max_status_line_bytes)")
    return write_text(p, at, size)


# hot: no Python
cdef int on_header_field(ll.llhttp_t* p, const char* at, size_t size) noexcept nogil:
    cdef Recorder* r = <Recorder*> p.data
    cdef int failed = write_text(p, at, size)
    r.open.name_size += size
    return failed or check_field(p)


# hot: no Python
cdef int on_header_value(ll.llhttp_t* p, const char* at, size_t size) noexcept nogil:
    cdef Recorder* r = <Recorder*> p.data
    cdef int failed = write_text(p, at, size)
    r.open.value_size += size
    return failed or check_field(p)


# hot: no Python
cdef int on_header_value_complete(ll.llhttp_t* p) noexcept nogil:
    cdef Recorder* r = <Recorder*> p.data
    cdef Field* fields
    if r.field_count >= r.max_fields:
        return fail(p, b"too many fields (max_fields)")
    if r.field_count == r.field_room:
        fields = <Field*> realloc(r.fields, (r.field_room * 2 + 32) * sizeof(Field))
        if fields == NULL:
            return fail(p, b"out of memory")
        r.fields = fields
        r.field_room = r.field_room * 2 + 32
    r.fields[r.field_count] = r.open
    r.field_count += 1
    r.open.name_size = r.open.value_size = 0
    return 0


# hot: no Python
cdef int on_extension(ll.llhttp_t* p, const char* at, size_t size) noexcept nogil:
    cdef Recorder* r = <Recorder*> p.data
    r.extension_size += size
    if r.extension_size > r.max_extension:
        return fail(p, b"chunk extension too long (max_chunk_extension_bytes)")
    return 0


# hot: no Python
cdef int on_chunk_header(ll.llhttp_t* p) noexcept nogil:
    (<Recorder*> p.data).extension_size = 0
    if p.content_length == 0:         # trailer fields are next
        ll.llhttp_set_lenient_optional_cr_before_lf(p, 1)
    return 0


# hot: no Python
cdef int on_body(ll.llhttp_t* p, const char* at, size_t size) noexcept nogil:
    """Record a span of content; a short one is moved up against the one before it."""
    cdef Recorder* r = <Recorder*> p.data
    cdef Span* last
    if r.span_count and (size < MERGE_BELOW or r.span_count == SPANS):
        last = &r.spans[r.span_count - 1]
        memmove(<char*> last.at + last.size, at, size)
        last.size += size
        r.moved = last.at + last.size
    else:
        r.spans[r.span_count].at = at
        r.spans[r.span_count].size = size
        r.span_count += 1
    return 0


# hot: no Python
cdef int pause_parser(ll.llhttp_t* p) noexcept nogil:
    """Stop here: at the end of a head and of a message the exact position matters."""
    return ll.HPE_PAUSED


cdef ll.llhttp_settings_t SETTINGS

ll.llhttp_settings_init(&SETTINGS)
SETTINGS.on_status = on_status
SETTINGS.on_header_field = on_header_field
SETTINGS.on_header_value = on_header_value
SETTINGS.on_header_value_complete = on_header_value_complete
SETTINGS.on_headers_complete = pause_parser
SETTINGS.on_chunk_extension_name = on_extension
SETTINGS.on_chunk_extension_value = on_extension
SETTINGS.on_chunk_header = on_chunk_header
SETTINGS.on_body = on_body
SETTINGS.on_message_complete = pause_parser


cdef void init(Recorder* r) noexcept:
    """Make llhttp ready for responses; r: all zeros, but for its limits."""
    ll.llhttp_init(&r.llhttp, ll.HTTP_RESPONSE, &SETTINGS)
    r.llhttp.data = r
    # Both framings at once: chunked wins and the connection is closed after it (RFC 9112 6.3, rule 3).
    ll.llhttp_set_lenient_chunked_length(&r.llhttp, 1)
    # Padding behind the chunk size: against the grammar, but real servers send it, and it can't mean anything.
    ll.llhttp_set_lenient_spaces_after_chunk_size(&r.llhttp, 1)


cdef void release(Recorder* r) noexcept:
    free(r.text)
    free(r.fields)
    r.text = NULL
    r.fields = NULL


cdef void begin_message(Recorder* r) noexcept:
    """Forget the message before; a head comes next."""
    ll.llhttp_reset(&r.llhttp)
    # A lone LF as line end: RFC 9112 2.2 allows a recipient to take it in the status line and in fields, and real
    # servers send it.
    ll.llhttp_set_lenient_optional_cr_before_lf(&r.llhttp, 1)
    r.text_size = r.field_count = r.reason_size = 0
    r.open.name_size = r.open.value_size = 0
    r.extension_size = 0
    r.refusal = NULL
    r.in_trailers = False
    forget_spans(r)


cdef void forget_spans(Recorder* r) noexcept:
    r.span_count = r.span_taken = 0
    r.moved = NULL


cdef void begin_chunks(Recorder* r) noexcept:
    """Go on behind the head, where llhttp has paused: chunks come next, and fields are trailer fields."""
    r.text_size = r.field_count = 0
    r.in_trailers = True
    # Not around chunks: whoever passed the response on may have read a bare LF there as content (RFC 9112 7.1).
    ll.llhttp_set_lenient_optional_cr_before_lf(&r.llhttp, 0)
    ll.llhttp_resume(&r.llhttp)


cdef int execute(Recorder* r, const char* at, Py_ssize_t* size) noexcept nogil:
    """Parse; size: in, how many bytes there are, out, how many were parsed.

    Returns HPE_OK (all parsed), HPE_PAUSED (a head or a message ends here) or an error.
    """
    cdef int verdict = ll.llhttp_execute(&r.llhttp, at, size[0])
    if verdict != ll.HPE_OK:
        size[0] = ll.llhttp_get_error_pos(&r.llhttp) - at
    return verdict


cdef const char* error_reason(Recorder* r) noexcept:
    return r.refusal if r.refusal != NULL else ll.llhttp_get_error_reason(&r.llhttp)


cdef bytes line_around(Recorder* r, const char* buffer, Py_ssize_t at, Py_ssize_t end, Py_ssize_t* column):
    """At most 80 bytes of the line around buffer[at], as far as it is there; column: where in it that byte is."""
    cdef Py_ssize_t first = at, last = at
    while first > 0 and at - first < 60 and buffer[first - 1] != c"\n" and buffer + first != r.moved:
        first -= 1
    while last < end and last - first < 80 and buffer[last] != c"\n":
        last += 1
    column[0] = at - first
    return buffer[first:last]


cdef bytes strip(const char* at, Py_ssize_t size):
    """A field value without the blanks around it (RFC 9110 5.5)."""
    while size and (at[0] == c" " or at[0] == c"\t"):
        at += 1
        size -= 1
    while size and (at[size - 1] == c" " or at[size - 1] == c"\t"):
        size -= 1
    return PyBytes_FromStringAndSize(at, size)


cdef bint has_control(const char* at, Py_ssize_t size) noexcept:
    """Whether there is a character in it that no text has (RFC 9110 5.5): it could steer a terminal or split a log."""
    cdef Py_ssize_t i
    for i in range(size):
        if (<unsigned char> at[i] < 0x20 and at[i] != c"\t") or at[i] == 0x7F:
            return True
    return False
