/* The limit row `ext`: the smallest compiled iterators that fill Python objects from a socket.
 *
 *     ext.pieces(fd, received, size, length)   bytes of exactly `size` (the last one less); length -1 = chunked
 *     ext.lines(fd, received, length)          str without the "\n"
 *
 * `fd` is a blocking socket, `received` what came after the response head. They check nothing, time nothing out and
 * know one framing each: what they leave out is what a client is measured by.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "wire.h"

#include <sys/socket.h>

#define BUFFER_BYTES (256 << 10)
#define IN_PLACE_BYTES (16 << 10)  /* pieces from this size on are received straight into their object */

typedef struct {
    PyObject_HEAD
    int fd, is_chunked;
    struct chunked framing;
    Py_ssize_t size;            /* of a piece */
    Py_ssize_t left;            /* content that has not been received yet */
    char *buffer;
    Py_ssize_t room, at, end;   /* buffer[at:end] has been received and not been handed out */
    Py_ssize_t searched;        /* lines: no "\n" before this index */
} Source;

static Py_ssize_t receive(Source *self, char *at, Py_ssize_t size)
{
    Py_ssize_t n;
    Py_BEGIN_ALLOW_THREADS
    n = recv(self->fd, at, (size_t)size, 0);
    Py_END_ALLOW_THREADS
    if (n < 0)
        PyErr_SetFromErrno(PyExc_OSError);
    else if (n == 0)
        PyErr_SetString(PyExc_EOFError, "the connection ended before the content");
    return n > 0 ? n : -1;
}

static int fill(Source *self)
{
    Py_ssize_t n = receive(self, self->buffer, self->room);
    if (n < 0)
        return -1;
    self->at = 0;
    self->end = n;
    if (!self->is_chunked)
        self->left -= n;
    return 0;
}

static PyObject *next_chunked(Source *self)
{
    Py_ssize_t have = 0;
    PyObject *piece;
    if (self->framing.state == COMPLETE || !(piece = PyBytes_FromStringAndSize(NULL, self->size)))
        return NULL;
    while (have < self->size && self->framing.state != COMPLETE) {
        const char *content;
        size_t content_size;
        if (self->at == self->end && fill(self) < 0) {
            Py_DECREF(piece);
            return NULL;
        }
        self->at += (Py_ssize_t)chunked_next(&self->framing, self->buffer + self->at,
                                             (size_t)(self->end - self->at), (size_t)(self->size - have),
                                             &content, &content_size);
        memcpy(PyBytes_AS_STRING(piece) + have, content, content_size);
        have += (Py_ssize_t)content_size;
    }
    if (have < self->size)
        _PyBytes_Resize(&piece, have);
    if (piece && have == 0)
        Py_CLEAR(piece);
    return piece;
}

static PyObject *next_fixed(Source *self)
{
    Py_ssize_t have = 0, want = self->left + self->end - self->at;
    PyObject *piece;
    if (want > self->size)
        want = self->size;
    if (want == 0 || !(piece = PyBytes_FromStringAndSize(NULL, want)))
        return NULL;
    while (have < want) {
        Py_ssize_t n = self->end - self->at;
        if (n) {
            n = n < want - have ? n : want - have;
            memcpy(PyBytes_AS_STRING(piece) + have, self->buffer + self->at, (size_t)n);
            self->at += n;
        } else if (want >= IN_PLACE_BYTES) {
            if ((n = receive(self, PyBytes_AS_STRING(piece) + have, want - have)) > 0)
                self->left -= n;
        } else
            n = fill(self);
        if (n < 0) {
            Py_DECREF(piece);
            return NULL;
        }
        have += n;
    }
    return piece;
}

static PyObject *next_line(Source *self)
{
    for (;;) {
        char *start = self->buffer + self->at;
        char *lf = memchr(self->buffer + self->searched, '\n', (size_t)(self->end - self->searched));
        Py_ssize_t n;
        if (lf) {
            self->at = self->searched = lf - self->buffer + 1;
            return PyUnicode_DecodeUTF8(start, lf - start, NULL);
        }
        if (self->left == 0)
            return NULL;
        self->end -= self->at;
        memmove(self->buffer, start, (size_t)self->end);
        self->at = 0;
        self->searched = self->end;
        if (self->end > self->room / 2) {
            char *larger = PyMem_Realloc(self->buffer, (size_t)self->room * 2);
            if (!larger)
                return PyErr_NoMemory();
            self->buffer = larger;
            self->room *= 2;
        }
        if ((n = receive(self, self->buffer + self->end, self->room - self->end)) < 0)
            return NULL;
        self->end += n;
        self->left -= n;
    }
}

static PyObject *source_next(PyObject *object)
{
    Source *self = (Source *)object;
    if (self->size == 0)
        return next_line(self);
    return self->is_chunked ? next_chunked(self) : next_fixed(self);
}

static void source_dealloc(PyObject *object)
{
    PyMem_Free(((Source *)object)->buffer);
    PyObject_Free(object);
}

static PyTypeObject SourceType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "bench_ext.Source",
    .tp_basicsize = sizeof(Source),
    .tp_dealloc = source_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = source_next,
};

static PyObject *new_source(int fd, const char *received, Py_ssize_t received_size, Py_ssize_t size,
                            Py_ssize_t length)
{
    Source *self = PyObject_New(Source, &SourceType);
    if (!self)
        return NULL;
    self->fd = fd;
    self->is_chunked = length < 0;
    self->framing = (struct chunked){AT_SIZE, 0, 0, 0};
    self->size = size;
    self->left = length < 0 ? 0 : length - received_size;
    self->room = BUFFER_BYTES + received_size;
    self->at = self->searched = 0;
    self->end = received_size;
    self->buffer = PyMem_Malloc((size_t)self->room);
    if (!self->buffer) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    memcpy(self->buffer, received, (size_t)received_size);
    return (PyObject *)self;
}

static PyObject *pieces(PyObject *module, PyObject *args)
{
    int fd;
    const char *received;
    Py_ssize_t received_size, size, length;
    (void)module;
    if (!PyArg_ParseTuple(args, "iy#nn", &fd, &received, &received_size, &size, &length))
        return NULL;
    return new_source(fd, received, received_size, size, length);
}

static PyObject *lines(PyObject *module, PyObject *args)
{
    int fd;
    const char *received;
    Py_ssize_t received_size, length;
    (void)module;
    if (!PyArg_ParseTuple(args, "iy#n", &fd, &received, &received_size, &length))
        return NULL;
    return new_source(fd, received, received_size, 0, length);
}

static PyMethodDef functions[] = {
    {"pieces", pieces, METH_VARARGS, "pieces(fd, received, size, length): iterator of bytes"},
    {"lines", lines, METH_VARARGS, "lines(fd, received, length): iterator of str"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "bench_ext", .m_methods = functions};

PyMODINIT_FUNC PyInit_bench_ext(void)
{
    if (PyType_Ready(&SourceType) < 0)
        return NULL;
    return PyModule_Create(&definition);
}
