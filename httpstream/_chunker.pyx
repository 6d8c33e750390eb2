"""Splitters: bytes in; chunks or text out. No I/O, no HTTP. (Lines: _lines.pyx; iterators: _iterators.pyx.)

A splitter looks at one *segment* (pointer, length) at a time and cuts items out of it. Segments come from `push()`,
or, without a Python call, from a `Source`: the receive buffer of a connection. Only new bytes are searched and every
byte is copied once, so the cost is linear in the input whatever its pieces are.

Each object has one owner at a time: no locks here.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_XDECREF
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memcpy

from httpstream._config import AS_IT_ARRIVES
from httpstream._text import incremental_decoder

import codecs

cdef extern from "Python.h":
    int _PyBytes_Resize(PyObject** bytes, Py_ssize_t size) noexcept
    PyObject* bytes_new "PyBytes_FromStringAndSize"(const char* at, Py_ssize_t size)
    char* bytes_at "PyBytes_AS_STRING"(PyObject* bytes) nogil
    object PyUnicode_DecodeUTF8Stateful(const char* at, Py_ssize_t size, const char* errors, Py_ssize_t* consumed)
    void PyErr_Clear()
    const Py_ssize_t PY_SSIZE_T_MAX

cdef extern from *:
    """
    #if defined(__linux__)
    #include <sys/mman.h>
    #include <stdint.h>
    /* One page fault for 2 MiB instead of 512: a large body in one object is bound by them. */
    static void ask_for_huge_pages(char *at, Py_ssize_t size) {
        uintptr_t first = ((uintptr_t)at + 4095) & ~(uintptr_t)4095;
        uintptr_t last = ((uintptr_t)at + size) & ~(uintptr_t)4095;
        if (last > first) (void)madvise((void *)first, last - first, MADV_HUGEPAGE);
    }
    #else
    static void ask_for_huge_pages(char *at, Py_ssize_t size) { (void)at; (void)size; }
    #endif
    """
    void ask_for_huge_pages(char* at, Py_ssize_t size) noexcept nogil

cdef enum:
    DIRECT_MIN = 16 * 1024            # from this size on a chunk is received into its own bytes object
    AS_RECEIVED = 256 * 1024 - 64     # one receive of chunk_size=None: measured, half of it costs a fifth more CPU
    GROW_FROM = 64 * 1024             # a chunk of unknown final size grows from here, doubling
    HUGE_FROM = 8 * 1024 * 1024       # bodies from this size on ask for huge pages
    COPY_WITHOUT_GIL = 256 * 1024     # copying less than this is over before another thread could start


cdef class Source:
    """Where a splitter gets its segments without a Python call. The parser is the one subclass."""

    cdef int next_segment(self, const char** at, Py_ssize_t* size) except -1:
        """1: a segment, valid until the next call of refill(); 0: none, refill() or wait."""
        raise TypeError("a Source is subclassed in C")

    cdef int refill(self) except -2:
        """Receive without waiting. 1: something came (maybe the end); 0: the content is complete; -1: would block."""
        return -1

    cdef Py_ssize_t direct_room(self) noexcept:
        """How many bytes of content may be received past the buffer now; 0: none."""
        return 0

    cdef Py_ssize_t known_rest(self) noexcept:
        """How many bytes of content are certain to come behind the current segment; 0: unknown, or none."""
        return 0

    cdef Py_ssize_t receive_direct(self, char* to, Py_ssize_t size) except -2:
        """Receive content straight into the caller's memory. Bytes received, 0: the content ended, -1: would block."""
        return -1


cdef class Splitter:
    """Base of the splitters: push() bytes, pop() items until None, finish() until None."""

    def push(self, bytes data not None):
        """Give the next bytes. Only when pop() has returned None."""
        if self._left:
            raise RuntimeError("push() before pop() returned None")
        self._owner = data
        self._at = PyBytes_AS_STRING(data)
        self._left = PyBytes_GET_SIZE(data)

    def attach(self, Source source not None):
        """Take segments from a source from now on. Only when what was pushed has been popped."""
        if self._left:
            raise RuntimeError("attach() before pop() returned None")
        self._source = source

    def detach(self):
        """Forget the source, and what is left of its current segment: its buffer belongs to somebody else now."""
        self._source = None
        if self._owner is None:
            self._left = 0

    def leave(self):
        """Detach, and return what is left of the current segment: somebody else reads on there."""
        cdef bytes left = PyBytes_FromStringAndSize(self._at, self._left)
        self._source = self._owner = None
        self._left = 0
        return left

    cdef int _segment(self) except -1:
        """Make the next segment that is already there current. 1: done; 0: there is none."""
        cdef Source source = self._source
        cdef const char* at
        cdef Py_ssize_t size
        if source is None or not source.next_segment(&at, &size) or self._source is not source:
            return 0                  # (the last: detached by another thread, while Python code ran)
        self._owner = None
        self._at = at
        self._left = size
        return 1

    cdef int _next(self) except -1:
        """Make the next segment current, receiving without waiting. 1: done; 0: there is none."""
        cdef Source source
        while not self._segment():
            source = self._source     # it may be detached while it receives
            if source is None or source.refill() <= 0:
                return 0
        return 1

    cpdef object pop(self):
        """The next item, or None when more input is needed."""
        raise TypeError("Splitter is a base class")

    cpdef object finish(self):
        """What is left after the last input: an item, or None. Call until None."""
        return None

    cdef object rest(self):
        """What an error has cut off, where a part of an item is worth having; None: nothing."""
        return None


@cython.final
cdef class ByteChunker(Splitter):
    """Chunks of bytes.

    chunk_size: `AS_IT_ARRIVES` (at most 1024 bytes, never waits for more), an int N (exactly N, but for the last),
    None (as received, unsplit).
    Raises ValueError for a chunk_size below 1 or above sys.maxsize, TypeError for one that is no int.
    """

    cdef Py_ssize_t _size             # 0: as received
    cdef bint _exact
    cdef PyObject* _pending           # the chunk under construction (owned), or NULL
    cdef Py_ssize_t _filled           # bytes of it that are there
    cdef Py_ssize_t _room             # its size

    def __cinit__(self, chunk_size=AS_IT_ARRIVES):
        if chunk_size is None:
            self._size = 0
        elif isinstance(chunk_size, int):
            if not 1 <= chunk_size <= PY_SSIZE_T_MAX:
                raise ValueError(f"chunk_size must be at least 1 and at most sys.maxsize, not {chunk_size}")
            self._size = chunk_size
            self._exact = type(chunk_size) is not type(AS_IT_ARRIVES)
        else:
            raise TypeError(f"chunk_size must be an int or None, not {type(chunk_size).__name__}")

    def __dealloc__(self):
        Py_XDECREF(self._pending)

    cpdef object pop(self):
        while True:
            if self._pending != NULL and self._filled == self._size and self._exact:
                return self._hand_over()
            if self._left == 0 and not self._segment():
                if self._source is None or self._receive() <= 0:
                    return None
                if self._size == 0 and self._filled:
                    return self._hand_over()
            elif self._exact and (self._pending != NULL or self._left < self._size):
                self._collect()
            else:
                return self._cut()

    cpdef object finish(self):
        if self._pending == NULL or self._filled == 0:
            return None
        return self._hand_over()

    cdef object rest(self):
        return self.finish()

    def leave(self):
        """See Splitter.leave; a chunk under construction goes in front."""
        cdef object part = self.finish()
        return Splitter.leave(self) if part is None else part + Splitter.leave(self)

    cdef object _cut(self):
        """An item out of the current segment; the pushed object itself where it is wanted whole."""
        cdef Py_ssize_t size = self._left
        cdef object owner = self._owner
        cdef object item
        if self._size and size > self._size:
            size = self._size
        if owner is not None and PyBytes_GET_SIZE(owner) == size:
            item = owner
        else:
            item = PyBytes_FromStringAndSize(self._at, size)
        self._at += size
        self._left -= size
        if self._left == 0:
            self._owner = None
        return item

    cdef int _start(self, Py_ssize_t known) except -1:
        """Begin a chunk of which `known` bytes are certain to come (0: unknown)."""
        cdef Py_ssize_t room = self._size if self._size else AS_RECEIVED
        if known and known < room:
            room = known
        elif not known and room > GROW_FROM:
            room = GROW_FROM
        self._pending = bytes_new(NULL, room)
        if self._pending == NULL:
            if room <= GROW_FROM:
                raise MemoryError()
            PyErr_Clear()               # a peer may announce more than there is memory: grow with what really comes
            room = GROW_FROM
            self._pending = bytes_new(NULL, room)
            if self._pending == NULL:
                raise MemoryError()
        if room >= HUGE_FROM:
            ask_for_huge_pages(bytes_at(self._pending), room)
        self._filled = 0
        self._room = room
        return 0

    cdef int _grow(self) except -1:
        return self._resize(self._size if self._room > self._size // 2 else self._room * 2)

    cdef int _resize(self, Py_ssize_t room) except -1:
        if _PyBytes_Resize(&self._pending, room) < 0:      # the object is gone, and _pending is NULL
            self._filled = self._room = 0
            raise MemoryError()
        self._room = room
        return 0

    cdef PyObject* _lend(self) noexcept:
        """Take the pending chunk away from `self` for as long as other threads may run: nobody else writes to it."""
        cdef PyObject* pending = self._pending
        self._pending = NULL
        return pending

    cdef void _give_back(self, PyObject* pending, Py_ssize_t filled, Py_ssize_t room) noexcept:
        """End what `_lend` began."""
        Py_XDECREF(self._pending)
        self._pending = pending
        self._filled = filled
        self._room = room

    cdef object _hand_over(self):
        """The pending chunk, at its true size."""
        cdef object item
        if self._filled < self._room // 2:      # shrinking in place would keep the large block
            item = PyBytes_FromStringAndSize(bytes_at(self._pending), self._filled)
        else:
            if self._filled < self._room:
                self._resize(self._filled)
            item = <object> self._pending
        Py_XDECREF(self._pending)
        self._pending = NULL
        self._filled = 0
        return item

    cdef int _collect(self) except -1:
        """Copy from the current segment into the pending chunk."""
        cdef Py_ssize_t size, known = 0
        if self._pending == NULL:
            if self._source is not None:
                known = self._source.known_rest()
                if known:
                    known += self._left
            self._start(known)
        elif self._filled == self._room:
            self._grow()
        size = self._room - self._filled
        if size > self._left:
            size = self._left
        if size < COPY_WITHOUT_GIL:
            memcpy(bytes_at(self._pending) + self._filled, self._at, size)
            self._filled += size
            self._at += size
            self._left -= size
        else:
            self._copy_much(size)
        return 0

    cdef int _copy_much(self, Py_ssize_t size) except -1:
        """Copy into the pending chunk while other threads run."""
        cdef object owner = self._owner           # what holds the segment's memory must live until it is copied
        cdef Source source = self._source
        cdef Py_ssize_t filled = self._filled, room = self._room
        cdef const char* at = self._at
        cdef PyObject* pending = self._lend()
        self._at += size
        self._left -= size
        with nogil:
            memcpy(bytes_at(pending) + filled, at, size)
        self._give_back(pending, filled + size, room)
        return 0

    cdef int _receive(self) except -2:
        """Receive without waiting: straight into the pending chunk where that pays, else into the source's buffer.

        1: something came; 0: the content is complete; -1: would block.
        """
        cdef Source source = self._source         # it may be detached while it receives
        cdef Py_ssize_t size = source.direct_room(), filled, room, got = 0
        cdef PyObject* pending
        if self._pending == NULL:
            if size < DIRECT_MIN or (self._size and (not self._exact or self._size < DIRECT_MIN)):
                return source.refill()
            self._start(source.known_rest())
        elif size == 0:
            return source.refill()
        elif self._filled == self._room:
            self._grow()
        filled = self._filled
        room = self._room
        if size > room - filled:
            size = room - filled
        pending = self._lend()
        try:
            got = source.receive_direct(bytes_at(pending) + filled, size)
        finally:
            self._give_back(pending, filled + (got if got > 0 else 0), room)
        return 1 if got > 0 else <int> got


@cython.final
cdef class TextChunker(Splitter):
    """Chunks of text: a ByteChunker, each of its chunks decoded with errors="replace".

    chunk_size: bytes before decoding, as in `ByteChunker`. A character that is cut by a chunk's border goes to the
    next one. encoding: the name of a text encoding.
    """

    cdef ByteChunker _chunks
    cdef object _decoder              # None: UTF-8, decoded here
    cdef bytes _cut_off               # the beginning of a character, at most 3 bytes
    cdef bint _ended

    def __cinit__(self, chunk_size=AS_IT_ARRIVES, encoding="utf-8"):
        self._chunks = ByteChunker(chunk_size)
        self._cut_off = b""
        if codecs.lookup(encoding).name != "utf-8":
            self._decoder = incremental_decoder(encoding)

    def push(self, bytes data not None):
        self._chunks.push(data)

    def attach(self, Source source not None):
        self._chunks.attach(source)

    def detach(self):
        self._chunks.detach()

    def leave(self):
        return self._cut_off + self._chunks.leave()

    cpdef object pop(self):
        cdef object chunk, text
        while True:
            chunk = self._chunks.pop()
            if chunk is None:
                return None
            text = self._decode(chunk, False)
            if text:
                return text

    cpdef object finish(self):
        cdef object chunk, text
        if self._ended:
            return None
        while True:
            chunk = self._chunks.finish()
            self._ended = chunk is None
            text = self._decode(b"" if chunk is None else chunk, self._ended)
            if text:
                return text
            if self._ended:
                return None

    cdef object rest(self):
        cdef object chunk = self._chunks.finish()
        return None if chunk is None else self._decode(chunk, False) or None

    cdef object _decode(self, bytes chunk, bint last):
        cdef Py_ssize_t consumed
        cdef object text
        if self._decoder is not None:
            return self._decoder.decode(chunk, last)
        if self._cut_off:
            chunk = self._cut_off + chunk
            self._cut_off = b""
        elif is_ascii(PyBytes_AS_STRING(chunk), PyBytes_GET_SIZE(chunk)):
            return ascii_text(PyBytes_AS_STRING(chunk), PyBytes_GET_SIZE(chunk))
        if last:
            return PyUnicode_DecodeUTF8(PyBytes_AS_STRING(chunk), PyBytes_GET_SIZE(chunk), "replace")
        text = PyUnicode_DecodeUTF8Stateful(PyBytes_AS_STRING(chunk), PyBytes_GET_SIZE(chunk), "replace", &consumed)
        if consumed < PyBytes_GET_SIZE(chunk):
            self._cut_off = chunk[consumed:]
        return text
