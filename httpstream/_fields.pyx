"""Field lines, as (name, value) in bytes: finding one by its name without an index of all. No HTTP beyond that.

Of most responses two or three fields are asked for, once each: a dict of all names costs more than these looks.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_GET_SIZE


def field_value(list fields not None, bytes name not None):
    """The value of the field ``name`` (in lower case); several are joined by a comma; None: there is none.

    RFC 9110 sections 5.1 and 5.3.
    """
    cdef object found = None, other, value
    cdef list several = None
    for other, value in fields:
        if not is_same(other, name):
            continue
        if found is None:
            found = value
        elif several is None:
            several = [found, value]
        else:
            several.append(value)
    return found if several is None else b", ".join(several)


cdef bint is_same(object other, bytes name) noexcept:
    """Whether ``other``, in any case, is this name."""
    cdef Py_ssize_t i, size = PyBytes_GET_SIZE(name)
    cdef const char* letters
    cdef const char* wanted = PyBytes_AS_STRING(name)
    cdef char letter
    if not PyBytes_Check(other) or PyBytes_GET_SIZE(other) != size:
        return False
    letters = PyBytes_AS_STRING(other)
    for i in range(size):
        letter = letters[i]
        if c"A" <= letter <= c"Z":
            letter += 32
        if letter != wanted[i]:
            return False
    return True
