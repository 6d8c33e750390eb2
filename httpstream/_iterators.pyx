"""The iterators that users get: items of a splitter, fed by a reader. Classes with a close, never generators.

What is there is handed out without a Python call; only an empty splitter asks its reader.
"""

cimport cython
from cpython.object cimport PyObject

from httpstream._chunker cimport Splitter


cdef extern from *:
    """
    static void set_next(PyObject *type, PyObject *(*next)(PyObject *)) {
        ((PyTypeObject *) type)->tp_iternext = next;
    }
    static PyObject *end_with(PyObject *value) {
        if (!PyTuple_Check(value) && !PyExceptionInstance_Check(value)) {
            PyErr_SetObject(PyExc_StopIteration, value);
            return NULL;
        }
        /* A tuple would be taken for the exception's arguments, an exception for the exception itself. */
        PyObject *stop = PyObject_CallFunctionObjArgs(PyExc_StopIteration, value, NULL);
        if (stop != NULL) {
            PyErr_SetObject(PyExc_StopIteration, stop);
            Py_DECREF(stop);
        }
        return NULL;
    }
    """
    void set_next(object type, PyObject* (*next)(PyObject*) noexcept) noexcept
    PyObject* end_with(PyObject* value) noexcept


# Between a splitter and its iterator None says that more input is needed: this object stands for an item None.
NULL_ITEM = object()
cdef object null_item = NULL_ITEM


cdef enum Phase:
    NEW                               # the reader has not started
    FLOWS                             # the splitter is asked first, then the reader
    BUSY                              # somebody is in here
    ENDED                             # the reader has no more
    FAILED                            # the error comes with the next call: good content went in front of it


@cython.final
cdef class Items:
    """The iterator that users get: items of a splitter, fed by a reader.

    reader: has `start(splitter)`, called before the first item; `feed()`, called when nothing is there: returns
    True when trying again makes sense, False at the end; and `failed(exc)`, told of every exception on its way out.
    Part of a chunk that an error cuts off comes as the last item, then the error; of a line nothing comes.
    """

    cdef Splitter _splitter
    cdef object _reader, _error
    cdef Phase _phase
    cdef bint _over

    def __cinit__(self, Splitter splitter not None, reader):
        self._splitter = splitter
        self._reader = reader

    def __iter__(self):
        return self

    def __next__(self):
        cdef object item
        if self._phase == FLOWS and not self._over:
            self._phase = BUSY
            try:
                item = self._splitter.pop()
            except BaseException as exc:
                return self._fail(exc)
            self._phase = FLOWS
            if item is not None:
                return None if item is null_item else item
        item = self._advance()
        if item is None:
            raise StopIteration
        return None if item is null_item else item

    cdef object _advance(self):
        """The next item with the reader's help; None: that was all."""
        cdef object item
        cdef Phase phase = self._phase
        if phase == BUSY:
            raise RuntimeError("this iterator is in use by another thread")
        if self._over:
            return None
        if phase == FAILED:
            self._over = True
            error, self._error = self._error, None    # its traceback may lead back to this iterator
            raise error
        self._phase = BUSY
        try:
            if phase == NEW:
                self._reader.start(self._splitter)
                phase = FLOWS
            item = self._splitter.pop()
            while item is None and phase == FLOWS:
                if not self._reader.feed():
                    phase = ENDED
                item = self._splitter.pop()
            if item is None:
                item = self._splitter.finish()
        except BaseException as exc:
            return self._fail(exc)
        if item is None:
            self._over = True
            self._reader = None
        self._phase = phase
        return item

    cdef object _fail(self, exc):
        """Tell the reader, then raise, or hand out what came in front of the error."""
        cdef object rest = None, reader = self._reader
        self._reader = None
        self._phase = FAILED
        try:
            reader.failed(exc)
            if isinstance(exc, Exception):
                rest = self._splitter.rest()
        finally:
            if rest is None:
                self._over = True
        if rest is None:
            raise exc
        self._error = exc
        return rest

    def close(self):
        """Give no more items. The response itself is closed by its own close()."""
        self._over = True


@cython.final
@cython.freelist(4)  # one per item of an async loop
cdef class Ready:
    """An awaitable whose value is there: no trip through the event loop."""

    cdef object _value

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration(self._value)


cdef PyObject* end_with_value(PyObject* ready) noexcept:
    """What `Ready.__next__` says, without the exception object and the traceback entry of a `raise`."""
    return end_with(<PyObject*> (<Ready> ready)._value)


# An async loop gets every single item by the end of such an iterator: 55 ns this way, 210 with the `raise`.
set_next(Ready, end_with_value)


@cython.final
cdef class AsyncItems:
    """The async twin of `Items`: reader.feed() is a coroutine function; what is there is handed out at once."""

    cdef Splitter _splitter
    cdef object _reader, _error
    cdef Phase _phase
    cdef bint _over

    def __cinit__(self, Splitter splitter not None, reader):
        self._splitter = splitter
        self._reader = reader

    def __aiter__(self):
        return self

    def __anext__(self):
        cdef object item
        cdef Ready ready
        if self._phase == FLOWS and not self._over:
            self._phase = BUSY
            try:
                item = self._splitter.pop()
            except BaseException as exc:
                self._phase = FLOWS
                return self._fail(exc)
            self._phase = FLOWS
            if item is not None:
                ready = Ready.__new__(Ready)
                ready._value = None if item is null_item else item
                return ready
        return self._advance()

    async def _advance(self):
        """See Items._advance."""
        phase = self._phase
        if phase == BUSY:
            raise RuntimeError("this iterator is in use by another task")
        if self._over:
            raise StopAsyncIteration
        if phase == FAILED:
            self._over = True
            error, self._error = self._error, None    # its traceback may lead back to this iterator
            raise error
        self._phase = BUSY
        try:
            if phase == NEW:
                self._reader.start(self._splitter)
                phase = FLOWS
            item = self._splitter.pop()
            while item is None and phase == FLOWS:
                if not await self._reader.feed():
                    phase = ENDED
                item = self._splitter.pop()
            if item is None:
                item = self._splitter.finish()
        except BaseException as exc:
            return await self._fail(exc)
        self._phase = phase
        if item is None:
            self._over = True
            self._reader = None
            raise StopAsyncIteration
        return None if item is null_item else item

    async def _fail(self, exc):
        """See Items._fail."""
        rest, reader = None, self._reader
        self._reader = None
        self._phase = FAILED
        try:
            await reader.failed(exc)
            if isinstance(exc, Exception):
                rest = self._splitter.rest()
        finally:
            if rest is None:
                self._over = True
        if rest is None:
            raise exc
        self._error = exc
        return rest

    async def aclose(self):
        """Give no more items. The response itself is closed by its own aclose()."""
        self._over = True
