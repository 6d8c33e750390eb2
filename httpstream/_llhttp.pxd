# Declarations of llhttp 9 (vendor/llhttp): only what the response parser uses.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint64_t


cdef extern from "llhttp.h" nogil:
    ctypedef struct llhttp_t:
        void* data
        uint64_t content_length
        uint8_t http_major
        uint8_t http_minor
        uint16_t flags
        uint16_t status_code

    ctypedef int (*llhttp_data_cb)(llhttp_t*, const char* at, size_t length) noexcept nogil
    ctypedef int (*llhttp_cb)(llhttp_t*) noexcept nogil

    ctypedef struct llhttp_settings_t:
        llhttp_data_cb on_status
        llhttp_data_cb on_header_field
        llhttp_data_cb on_header_value
        llhttp_data_cb on_chunk_extension_name
        llhttp_data_cb on_chunk_extension_value
        llhttp_data_cb on_body
        llhttp_cb on_header_value_complete
        llhttp_cb on_headers_complete
        llhttp_cb on_chunk_header
        llhttp_cb on_message_complete

    ctypedef enum llhttp_type_t:
        HTTP_RESPONSE

    ctypedef enum llhttp_errno_t:
        HPE_OK
        HPE_PAUSED
        HPE_USER

    enum:
        F_CONNECTION_KEEP_ALIVE
        F_CONNECTION_CLOSE
        F_CHUNKED
        F_CONTENT_LENGTH
        F_TRANSFER_ENCODING

    void llhttp_settings_init(llhttp_settings_t* settings)
    void llhttp_init(llhttp_t* parser, llhttp_type_t type, const llhttp_settings_t* settings)
    void llhttp_reset(llhttp_t* parser)
    int llhttp_execute(llhttp_t* parser, const char* data, size_t length)
    void llhttp_resume(llhttp_t* parser)
    const char* llhttp_get_error_reason(const llhttp_t* parser)
    const char* llhttp_get_error_pos(const llhttp_t* parser)
    void llhttp_set_lenient_chunked_length(llhttp_t* parser, int enabled)
    void llhttp_set_lenient_optional_cr_before_lf(llhttp_t* parser, int enabled)
    void llhttp_set_lenient_spaces_after_chunk_size(llhttp_t* parser, int enabled)
