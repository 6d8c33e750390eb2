"""One of many field lines, found by its name."""

from __future__ import annotations

import pytest

from httpstream._fields import field_value

FIELDS = [
    (b"Host", b"a"),
    (b"X-Long", b"b"),
    (b"x-long", b""),
    (b"X-LONG", b"c"),
    (b"X-Lon", b"d"),
    (b"`", b"grave"),
    (b"@", b"at"),
]


@pytest.mark.parametrize("name", [b"Host", b"HOST", b"hOsT", b"host"])
def test_a_name_matches_in_any_case(name):
    assert field_value([(b"A", b"1"), (name, b"2")], b"host") == b"2"


def test_a_field_that_is_not_there_has_no_value():
    assert field_value(FIELDS, b"hos") is None
    assert field_value(FIELDS, b"hosts") is None
    assert field_value([], b"host") is None


def test_the_values_of_one_name_are_joined_in_order():
    """RFC 9110 section 5.3. An empty one counts."""
    assert field_value(FIELDS, b"x-long") == b"b, , c"


def test_only_letters_have_two_cases():
    assert field_value(FIELDS, b"`") == b"grave"
    assert field_value([(b"@", b"at")], b"`") is None
    assert field_value([(b"[", b"1")], b"{") is None


def test_an_only_value_is_the_object_itself():
    value = b"v" * 100
    assert field_value([(b"N", value)], b"n") is value


def test_a_name_that_is_no_bytes_is_skipped():
    assert field_value([("host", b"1"), (b"host", b"2")], b"host") == b"2"  # type: ignore[list-item]
