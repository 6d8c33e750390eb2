"""Timeouts, limits, message limits, and the chunk size that says "as it arrives"."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from httpstream._config import (
    AS_IT_ARRIVES,
    DEFAULT_LIMITS,
    DEFAULT_MAX_REDIRECTS,
    DEFAULT_MESSAGE_LIMITS,
    DEFAULT_TIMEOUT_CONFIG,
    Limits,
    MessageLimits,
    Timeout,
)

# Arguments of Timeout(), and the four values they mean, in the order connect, read, write, pool.
TIMEOUTS: list[tuple[tuple[Any, ...], dict[str, Any], tuple[float | None, ...]]] = [
    ((5.0,), {}, (5.0, 5.0, 5.0, 5.0)),
    ((5,), {}, (5, 5, 5, 5)),
    ((None,), {}, (None, None, None, None)),
    ((None,), {"connect": 3.0}, (3.0, None, None, None)),
    ((5.0,), {"read": None}, (5.0, None, 5.0, 5.0)),
    ((5.0,), {"pool": 1, "write": 2}, (5.0, 5.0, 2, 1)),
    (((1, 2),), {}, (1, 2, None, None)),
    (((1, 2, 3),), {}, (1, 2, 3, None)),
    (((1, 2, 3, 4),), {}, (1, 2, 3, 4)),
    (((None, 2),), {}, (None, 2, None, None)),
    ((), {"connect": 1, "read": 2, "write": 3, "pool": 4}, (1, 2, 3, 4)),
    ((9.0,), {"connect": 1, "read": 2, "write": 3, "pool": 4}, (1, 2, 3, 4)),
    ((), {"connect": None, "read": None, "write": None, "pool": None}, (None, None, None, None)),
    ((0,), {}, (0, 0, 0, 0)),
]


def four(timeout: Any) -> tuple[float | None, ...]:
    return timeout.connect, timeout.read, timeout.write, timeout.pool


@pytest.mark.parametrize(("args", "kwargs", "expected"), TIMEOUTS)
def test_every_form_of_a_timeout_gives_four_values(args: Any, kwargs: Any, expected: Any) -> None:
    timeout = Timeout(*args, **kwargs)
    assert four(timeout) == expected
    assert timeout.as_dict() == dict(zip(("connect", "read", "write", "pool"), expected, strict=True))


@pytest.mark.parametrize(("args", "kwargs", "expected"), TIMEOUTS)
def test_a_timeout_is_what_it_is_in_httpx(args: Any, kwargs: Any, expected: Any) -> None:
    httpx = pytest.importorskip("httpx")
    theirs = httpx.Timeout(*args, **kwargs)
    assert four(theirs) == expected
    assert repr(Timeout(*args, **kwargs)) == repr(theirs)


@pytest.mark.parametrize(("args", "kwargs", "expected"), TIMEOUTS)
def test_a_timeout_of_a_timeout_is_equal_and_so_are_its_copies(args: Any, kwargs: Any, expected: Any) -> None:
    timeout = Timeout(*args, **kwargs)
    for again in (Timeout(timeout), copy.deepcopy(timeout), pickle.loads(pickle.dumps(timeout))):
        assert again == timeout
        assert four(again) == expected


def test_timeouts_that_differ_in_one_value_are_not_equal() -> None:
    for name in ("connect", "read", "write", "pool"):
        assert Timeout(5.0) != Timeout(5.0, **{name: 6.0})
    assert Timeout(5.0) != 5.0


@pytest.mark.parametrize("kwargs", [{}, {"connect": 1.0}, {"connect": 1.0, "read": 1.0, "write": None}])
def test_a_timeout_without_a_default_needs_all_four(kwargs: Any) -> None:
    with pytest.raises(ValueError, match="all of"):
        Timeout(**kwargs)


def test_a_timeout_cannot_be_given_twice() -> None:
    with pytest.raises(ValueError, match="combined"):
        Timeout(Timeout(5.0), read=1.0)


@pytest.mark.parametrize("values", [(), (1,), (1, 2, 3, 4, 5)])
def test_a_timeout_tuple_has_two_to_four_values(values: Any) -> None:
    with pytest.raises(ValueError, match="tuple"):
        Timeout(values)


def test_a_timeout_can_be_changed_and_has_no_hash() -> None:
    timeout = Timeout(5.0)
    timeout.read = None
    assert four(timeout) == (5.0, None, 5.0, 5.0)
    with pytest.raises(TypeError):
        hash(timeout)


@pytest.mark.parametrize(
    "kwargs",
    [{}, {"max_connections": 1}, {"max_keepalive_connections": 0}, {"keepalive_expiry": None}],
)
def test_limits_are_what_they_are_in_httpx(kwargs: Any) -> None:
    httpx = pytest.importorskip("httpx")
    mine, theirs = Limits(**kwargs), httpx.Limits(**kwargs)
    for name in ("max_connections", "max_keepalive_connections", "keepalive_expiry"):
        assert getattr(mine, name) == getattr(theirs, name)
    assert repr(mine) == repr(theirs)
    assert mine == Limits(**kwargs)
    assert mine != Limits(max_connections=77)
    assert mine != kwargs


def test_the_defaults_are_those_of_httpx() -> None:
    assert Timeout(5.0) == DEFAULT_TIMEOUT_CONFIG
    assert Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=5.0) == DEFAULT_LIMITS
    assert DEFAULT_MAX_REDIRECTS == 20


def test_the_default_of_every_message_limit_is_stated() -> None:
    assert {name: getattr(DEFAULT_MESSAGE_LIMITS, name) for name in MessageLimits.__slots__} == {
        "max_status_line_bytes": 8 * 1024,
        "max_field_line_bytes": 64 * 1024,
        "max_head_bytes": 256 * 1024,
        "max_fields": 1024,
        "max_trailer_bytes": 64 * 1024,
        "max_chunk_extension_bytes": 16 * 1024,
        "max_informational": 100,
        "max_codings": 5,
        "max_line_bytes": 64 * 1024 * 1024,
        "max_event_bytes": 1024 * 1024,
        "max_decoded_bytes": None,
        "max_decompression_ratio": None,
    }


@pytest.mark.parametrize("name", MessageLimits.__slots__)
def test_each_message_limit_can_be_set_and_makes_a_difference(name: str) -> None:
    limits = MessageLimits(**{name: 7})  # type: ignore[arg-type]  # every field takes an int
    assert getattr(limits, name) == 7
    assert limits != DEFAULT_MESSAGE_LIMITS
    assert limits == MessageLimits(**{name: 7})  # type: ignore[arg-type]  # as above
    assert f"{name}=7" in repr(limits)
    assert pickle.loads(pickle.dumps(limits)) == limits


@pytest.mark.parametrize("name", MessageLimits.__slots__)
@pytest.mark.parametrize("value", [-1, "7"])
def test_a_message_limit_is_a_number_and_not_negative(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        MessageLimits(**{name: value})


@pytest.mark.parametrize("name", [name for name in MessageLimits.__slots__ if "deco" not in name])
@pytest.mark.parametrize("value", [None, 1.5, 2**63])
def test_a_message_limit_of_the_core_fits_a_c_integer(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        MessageLimits(**{name: value})
    assert getattr(MessageLimits(**{name: 2**63 - 1}), name) == 2**63 - 1  # type: ignore[arg-type]  # an int


def test_as_it_arrives_is_1024_and_keeps_its_type_in_copies_and_pickles() -> None:
    assert AS_IT_ARRIVES == 1024
    assert type(AS_IT_ARRIVES) is not int
    assert copy.copy(AS_IT_ARRIVES) is AS_IT_ARRIVES
    assert copy.deepcopy({"chunk_size": AS_IT_ARRIVES})["chunk_size"] is AS_IT_ARRIVES
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(AS_IT_ARRIVES, protocol)) is AS_IT_ARRIVES
    assert repr(AS_IT_ARRIVES) == "AS_IT_ARRIVES"
