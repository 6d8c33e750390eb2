"""``Headers``: the field lines of a message as a case-insensitive multi-valued mapping.

Holds them as they are on the wire, ``(name, value)`` in bytes, in order; the rest is derived on demand.
Validates nothing: what may go onto the wire is the exchange's business.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, MutableMapping, ValuesView

from httpstream._fields import field_value

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from httpstream._types import HeaderTypes

__all__ = ["Headers"]

# Their values are credentials: a repr ends up in logs.
SECRET = frozenset(("authorization", "proxy-authorization"))


class Headers(MutableMapping[str, str]):
    """Header fields: names in any case, several values per name, order kept.

    headers: another Headers, a mapping, or pairs; names and values are str or bytes.
    encoding: of str names and values in both directions; None: US-ASCII in, and for reading the first of
    US-ASCII, UTF-8 and ISO-8859-1 that fits all fields.
    Raises TypeError for a name or value of another type, UnicodeEncodeError for a str that does not fit.
    """

    __module__ = "httpstream"
    __slots__ = ("__dict__", "__weakref__", "_detected", "_encoding", "_fields", "_index")

    def __init__(self, headers: HeaderTypes | None = None, encoding: str | None = None) -> None:
        self._encoding = encoding
        self._detected: str | None = None
        # Lower-case name to value, or to the list of values; None: to be built when a field is looked up.
        self._index: dict[bytes, bytes | list[bytes]] | None = None
        # Replaced, never changed in place: others hold it too.
        self._fields: list[tuple[bytes, bytes]]
        if headers is None:
            self._fields = []
            return
        pairs: Iterable[tuple[Any, Any]]
        if (
            type(headers) is dict
        ):  # the common case; a look at the abstract classes costs more than the fields
            pairs = headers.items()
        elif isinstance(headers, Headers):
            self._fields = headers._fields.copy()
            return
        else:
            pairs = headers.items() if isinstance(headers, Mapping) else headers
        enc = encoding or "ascii"
        self._fields = [
            (_to_bytes(name, enc, "name"), _to_bytes(value, enc, "value")) for name, value in pairs
        ]

    @classmethod
    def _from_fields(cls, fields: list[tuple[bytes, bytes]]) -> Headers:
        """Headers that take ``fields`` over as they are: no copy, no check. For the engine."""
        self = cls.__new__(cls)
        self._fields = fields
        self._encoding = self._detected = self._index = None
        return self

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """The fields as ``(name, value)`` in bytes, as on the wire: a new list."""
        return self._fields.copy()

    @property
    def _list(self) -> list[tuple[bytes, bytes, bytes]]:
        """``(name, lower-case name, value)``, under the name by which programs that know httpx reach for them."""
        return [(name, name.lower(), value) for name, value in self._fields]

    @property
    def encoding(self) -> str:
        """The encoding in which names and values are read; may be set. See the class."""
        if self._encoding is not None:
            return self._encoding
        if self._detected is None:
            self._detected = _detect(self._fields)
        return self._detected

    @encoding.setter
    def encoding(self, value: str) -> None:
        self._encoding = value

    def _text(self, value: bytes) -> str:
        # All encodings that are detected agree on US-ASCII, so the common value needs no look at the others.
        if self._encoding is None and value.isascii():
            return value.decode("ascii")
        return value.decode(self.encoding)

    def _build_index(self) -> dict[bytes, bytes | list[bytes]]:
        index: dict[bytes, bytes | list[bytes]] = {}
        for name, value in self._fields:
            name = name.lower()
            known = index.get(name)
            if known is None:
                index[name] = value
            elif isinstance(known, list):
                known.append(value)
            else:
                index[name] = [known, value]
        self._index = index
        return index

    def _find(self, key: str) -> bytes | list[bytes] | None:
        """The value or values of the fields that ``key`` names; None: there is none."""
        index = self._index
        if index is None:
            index = self._build_index()
        name = key.lower()
        try:
            return index.get(name.encode("ascii" if self._encoding is None else self._encoding))
        except UnicodeEncodeError:
            pass
        try:
            return index.get(name.encode(self.encoding))
        except UnicodeEncodeError:
            return None  # a name that these fields cannot have

    def _get_bytes(self, name: bytes) -> bytes | None:
        """The value of the field ``name`` (in lower case); several are joined by a comma; None: absent."""
        return field_value(self._fields, name)

    def __getitem__(self, key: str) -> str:
        """The field's value; several values are joined by a comma (RFC 9110 section 5.3)."""
        found = self._find(key)
        if found is None:
            raise KeyError(key)
        if isinstance(found, list):
            return ", ".join([self._text(value) for value in found])
        return self._text(found)

    def get(self, key: str, default: Any = None) -> Any:
        """The field's value, several joined by a comma, or ``default``."""
        found = self._find(key)
        if found is None:
            return default
        if isinstance(found, list):
            return ", ".join([self._text(value) for value in found])
        return self._text(found)

    def get_list(self, key: str, split_commas: bool = False) -> list[str]:
        """All values of the field, one per field line; ``split_commas``: one per member of its list."""
        found = self._find(key)
        if found is None:
            return []
        values = [self._text(value) for value in (found if isinstance(found, list) else [found])]
        if not split_commas:
            return values
        return [member.strip() for value in values for member in value.split(",")]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._find(key) is not None

    def __len__(self) -> int:
        """The number of field lines: a name that occurs twice counts twice."""
        return len(self._fields)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def multi_items(self) -> list[tuple[str, str]]:
        """``(name, value)`` of every field line, names in lower case."""
        encoding = self.encoding
        return [(name.lower().decode(encoding), value.decode(encoding)) for name, value in self._fields]

    def _joined(self) -> dict[str, str]:
        joined: dict[str, str] = {}
        for name, value in self.multi_items():
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined

    def keys(self) -> KeysView[str]:
        """The names in lower case, each once."""
        return self._joined().keys()

    def values(self) -> ValuesView[str]:
        """A value per name, several joined by a comma."""
        return self._joined().values()

    def items(self) -> ItemsView[str, str]:
        """``(name, value)`` per name, in lower case, several values joined by a comma."""
        return self._joined().items()

    def _changed(self) -> None:
        self._index = self._detected = None

    def __setitem__(self, key: str, value: str) -> None:
        """Give the field this one value; it keeps the place of its first field line."""
        codec = self._encoding or "utf-8"
        self._set(key.encode(codec), value.encode(codec))

    def _set(self, key: bytes, value: bytes) -> None:
        field = (key, value)
        name = key.lower()
        fields: list[tuple[bytes, bytes]] = []
        placed = False
        for other in self._fields:
            if other[0].lower() != name:
                fields.append(other)
            elif not placed:
                fields.append(field)
                placed = True
        if not placed:
            fields.append(field)
        self._fields = fields
        self._changed()

    def __delitem__(self, key: str) -> None:
        """Remove all field lines of this name. Raises KeyError when there is none."""
        if self._find(key) is None:
            raise KeyError(key)
        name = key.lower().encode(self.encoding)
        self._fields = [field for field in self._fields if field[0].lower() != name]
        self._changed()

    def update(self, headers: HeaderTypes | None = None) -> None:  # type: ignore[override]  # httpx's signature
        """Take over all fields of ``headers``; they replace those of the same names."""
        fields = Headers(headers)._fields
        names = {name.lower() for name, _ in fields}
        self._fields = [field for field in self._fields if field[0].lower() not in names] + fields
        self._changed()

    def copy(self) -> Headers:
        """A copy that may be changed on its own, read in the same encoding."""
        return Headers(self, encoding=self.encoding)

    def __eq__(self, other: object) -> bool:
        """The same fields, in any case and any order. ``other`` may be whatever Headers takes."""
        try:
            fields = Headers(other)._fields  # type: ignore[arg-type]  # the except clause is the check
        except (TypeError, ValueError, AttributeError):
            return False
        return _normal(self._fields) == _normal(fields)

    # It can be changed, so it has no hash.
    __hash__ = None  # type: ignore[assignment]  # typeshed declares object.__hash__ as a method

    def __getstate__(self) -> tuple[list[tuple[bytes, bytes]], str | None]:
        return self._fields, self._encoding

    def __setstate__(self, state: tuple[list[tuple[bytes, bytes]], str | None]) -> None:
        fields, self._encoding = state
        self._fields = fields.copy()
        self._changed()

    def __repr__(self) -> str:
        shown = [(name, "[secure]" if name in SECRET else value) for name, value in self.multi_items()]
        unique = dict(shown)
        fields = unique if len(unique) == len(shown) else shown
        encoding = "" if self.encoding == "ascii" else f", encoding={self.encoding!r}"
        return f"{type(self).__name__}({fields!r}{encoding})"


def _to_bytes(value: object, codec: str, what: str) -> bytes:
    if isinstance(value, str):
        return value.encode(codec)
    if isinstance(value, bytes):
        return value
    raise TypeError(f"the {what} of a header field must be str or bytes, not {type(value)}")


def _detect(fields: list[tuple[bytes, bytes]]) -> str:
    """The first of US-ASCII, UTF-8 and ISO-8859-1 (which takes any byte) that fits all fields."""
    if all(name.isascii() and value.isascii() for name, value in fields):
        return "ascii"
    try:
        for name, value in fields:
            name.decode("utf-8")
            value.decode("utf-8")
    except UnicodeDecodeError:
        return "iso-8859-1"
    return "utf-8"


def _normal(fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return sorted((name.lower(), value) for name, value in fields)
