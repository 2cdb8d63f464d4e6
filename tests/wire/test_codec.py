"""Strict decoding.

A value is coerced only where the documents vary, and errors name the place, never the value.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Literal

import attrs
import orjson
import pytest
from support.answers import VALUE, Colour, Inner, Level, Outer, Plain, short
from support.leaks import assert_no_leak

from wxrevenue import DecodeError
from wxrevenue._wire.codec import decode, parse
from wxrevenue._wire.model import Model


@attrs.define
class AtLeastOne(Model):
    """An answer with two fields, of which one is required."""

    at_least_one = ("left", "right")
    left: int | None = None
    right: int | None = None


def failed(kind: Any, payload: Any) -> DecodeError:
    """Return the error of decoding; check that it keeps no history and no value."""
    found = decode(kind, payload)
    assert type(found) is DecodeError, found
    assert (found.__traceback__, found.__cause__, found.__context__) == (None, None, None)
    assert_no_leak(found, secrets=[VALUE])
    assert found.ambiguous
    assert not found.retryable
    return found


# -- leaves ----------------------------------------------------------------------------------------


GOOD: list[tuple[str, Any, Any]] = [
    ("count", 0, 0),
    ("count", "12", 12),
    ("count", 2**64 - 1, 2**64 - 1),
    ("name", " SLOT ", "SLOT"),
    ("text", " x ", " x "),
    ("text", "", ""),
    ("flag", False, False),
    ("fraction", 1, 1.0),
    ("fraction", 0.25, 0.25),
    ("exact", 40, Decimal(40)),
    ("exact", 40.55, Decimal("40.55")),
    ("exact", 0.1, Decimal("0.1")),
    ("day", "2020-03-25", dt.date(2020, 3, 25)),
    ("level", 1, Level.LOW),
    ("level", 9, 9),
    ("level", 0, 0),
    ("colour", "red", Colour.RED),
    ("word", "b", "b"),
    ("anything", [1, "x", None], [1, "x", None]),
    ("object", {"x": 1}, {"x": 1}),
    ("bare", {"x": 1}, {"x": 1}),
    ("amounts", {"x": 1}, {"x": 1}),
    ("inner", {"number": 5}, Inner(5)),
    ("inners", [{"number": 5}, {"number": 6}], [Inner(5), Inner(6)]),
    ("inners", [], []),
    ("matrix", [[1], [], [2, 3]], [[1], [], [2, 3]]),
    ("maybe", [1, None], [1, None]),
    ("mixed", [1, "x"], [1, "x"]),
    ("defaulted", 0, 0),
    ("keyword", 0, 0),
]


@pytest.mark.parametrize(("field", "given", "value"), GOOD, ids=short)
def test_documented_forms_are_taken(field: str, given: Any, value: Any) -> None:
    """Every kind of field takes its documented forms, and becomes its own type."""
    found = decode(Outer, {field: given})
    assert isinstance(found, Outer), found
    assert getattr(found, field) == value
    assert type(getattr(found, field)) in {type(value), Level}
    assert found.extra == {}


BAD: list[tuple[str, Any, str, str]] = [
    ("count", True, "$.count", "expected an integer or a string of digits, got a boolean"),
    ("count", 1.0, "$.count", "expected an integer or a string of digits, got a fraction"),
    ("count", VALUE, "$.count", "expected an integer or a string of digits, got a string"),
    ("count", [], "$.count", "expected an integer or a string of digits, got an array"),
    ("count", -1, "$.count", "expected no negative number, got an integer"),
    ("count", "-1", "$.count", "expected no negative number, got an integer"),
    ("name", 7, "$.name", "expected a string, got an integer"),
    ("text", 7, "$.text", "expected a string, got an integer"),
    ("text", True, "$.text", "expected a string, got a boolean"),
    ("flag", 0, "$.flag", "expected a boolean, got an integer"),
    ("flag", "false", "$.flag", "expected a boolean, got a string"),
    ("fraction", "0.5", "$.fraction", "expected a number, got a string"),
    ("fraction", True, "$.fraction", "expected a number, got a boolean"),
    ("exact", "40", "$.exact", "expected a number, got a string"),
    ("exact", True, "$.exact", "expected a number, got a boolean"),
    ("exact", {}, "$.exact", "expected a number, got an object"),
    ("day", VALUE, "$.day", "expected a date such as 2020-03-25, got a string"),
    ("day", "2020-02-30", "$.day", "expected a date such as 2020-03-25, got a string"),
    ("day", "2020-W10-4", "$.day", "expected a date such as 2020-03-25, got a string"),
    ("day", "20200325", "$.day", "expected a date such as 2020-03-25, got a string"),
    ("day", "\uff12\uff10\uff12\uff10-03-25", "$.day", "expected a date such as 2020-03-25, got a string"),
    ("day", 20200325, "$.day", "expected a date such as 2020-03-25, got an integer"),
    ("level", "1", "$.level", "expected an integer, got a string"),
    ("level", True, "$.level", "expected an integer, got a boolean"),
    ("level", 1.0, "$.level", "expected an integer, got a fraction"),
    ("colour", VALUE, "$.colour", "does not fit Colour: ValueError"),
    ("colour", [VALUE], "$.colour", "does not fit Colour: ValueError"),
    ("object", [], "$.object", "expected an object, got an array"),
    ("bare", "x", "$.bare", "expected an object, got a string"),
    ("inner", [], "$.inner", "expected an object, got an array"),
    ("inner", {}, "$.inner.number", "missing"),
    ("inner", {"number": None}, "$.inner.number", "expected an integer, got null"),
    ("inner", {"number": 1.9}, "$.inner.number", "expected an integer, got a fraction"),
    ("inner", {"number": VALUE}, "$.inner.number", "expected an integer, got a string"),
    ("inners", {"0": {"number": 1}}, "$.inners", "expected an array, got an object"),
    ("inners", VALUE, "$.inners", "expected an array, got a string"),
    ("inners", [{"number": 1}, None], "$.inners[1]", "expected an object, got null"),
    ("inners", [{"number": 1}, {"number": True}], "$.inners[1].number", "expected an integer, got a boolean"),
    ("matrix", [[1], [2, "3"]], "$.matrix[1][1]", "expected an integer, got a string"),
    ("matrix", [[1], 2], "$.matrix[1]", "expected an array, got an integer"),
    ("maybe", [1, "2"], "$.maybe[1]", "expected an integer, got a string"),
    ("mixed", {}, "$.mixed", "expected an array, got an object"),
    ("defaulted", "5", "$.defaulted", "expected an integer, got a string"),
]


@pytest.mark.parametrize(("field", "given", "path", "text"), BAD, ids=short)
def test_everything_else_is_refused_at_its_place(field: str, given: Any, path: str, text: str) -> None:
    """D-10 D-11 D-12 D-13 D-17: everything else is refused at its place.

    The error has the path in wire names, what was expected and the kind of value; never the value.
    """
    found = failed(Outer, {field: given})
    assert (found.path, found.message) == (path, text)
    assert str(found) == f"{text} @ {path}"


@pytest.mark.parametrize("given", [b"[18446744073709551616]", b"[-9223372036854775809]", b"[" + b"9" * 5000 + b"]"])
@pytest.mark.parametrize("field", ["inner", "count", "level", "exact"])
def test_integers_beyond_64_bits_are_refused(field: str, given: bytes) -> None:
    """D-06: integers beyond 64 bits are refused.

    The parser makes rounded floats of them, and a rounded value is not passed on as exact.
    """
    number: Any = orjson.loads(b"[1]") and parse(given)
    if isinstance(number, DecodeError):
        return
    payload = {"number": number[0]} if field == "inner" else number[0]
    assert failed(Outer, {field: payload}).path.startswith(f"$.{field}")


@pytest.mark.parametrize("given", [{"x": "12"}, {"x": 1.9}, {"x": None}, {"x": True}, {"x": VALUE}, [1]])
def test_amounts_in_an_open_object_are_as_strict(given: Any) -> None:
    """A user's ``dict[str, int]`` coerces no more than a field does."""
    assert failed(Outer, {"amounts": given}).path.startswith("$.amounts")


def test_null_stands_for_absent() -> None:
    """A null is a missing value: the field takes its default, and is not in ``extra``."""
    payload: dict[str, Any] = dict.fromkeys(field.name for field in attrs.fields(Outer) if field.name not in {"_extra", "made_up"})
    found = decode(Outer, payload)
    assert found == Outer()
    assert (found.inners, found.defaulted, found.keyword, found.made_up) == ([], 5, 6, 7)
    assert found.extra == {}


def test_defaults_are_not_shared() -> None:
    """Two answers without a list have two lists."""
    first, second = decode(Outer, {}), decode(Outer, {})
    assert first.inners == second.inners == []
    assert first.inners is not second.inners


# -- objects ---------------------------------------------------------------------------------------


def test_unknown_fields_are_kept() -> None:
    """P-22 D-15: unknown fields are kept at every depth, as the server sent them.

    They are kept by wire name, also those that are null.
    """
    found = decode(Outer, {"inner": {"number": 1, "news": [VALUE]}, "made_up": 1, "new": None, "_extra": 2, "extra": 3})
    assert found.inner.extra == {"news": [VALUE]}
    assert found.extra == {"made_up": 1, "new": None, "_extra": 2, "extra": 3}
    assert found.made_up == 7
    assert VALUE not in repr(found)


@pytest.mark.parametrize("payload", [None, [], "{}", 1, True, DecodeError("x")])
def test_an_answer_is_an_object(payload: Any) -> None:
    """D-09: a list, a string (also one that holds JSON) or null is no answer."""
    assert failed(Outer, payload).path == "$"


def test_missing_names_the_first_missing_field() -> None:
    """A required field that is absent is named by its path."""
    assert str(failed(Inner, {"Number": 1})) == "missing @ $.number"


def test_plain_attrs_classes_are_decoded_as_strictly() -> None:
    """A user's result need not be a ``Model``; its unknown fields are dropped."""
    assert decode(Plain, {"number": 1, "new": 2}) == Plain(1)
    assert decode(Plain, {"number": 1, "text": None}) == Plain(1)
    assert failed(Plain, {"number": "1"}).path == "$.number"


def test_one_of_several_may_be_required() -> None:
    """One of several fields is required: each alone may be missing or null."""
    assert decode(AtLeastOne, {"right": 1}).right == 1
    for payload in ({}, {"left": None}, {"left": None, "right": None, "new": 1}):
        assert str(failed(AtLeastOne, payload)) == "missing: left and right"


@pytest.mark.parametrize(
    ("kind", "good", "bad", "path"),
    [
        (list[Inner], [{"number": 1}], [{"number": 1}, {"number": VALUE}], "$[1].number"),
        (list[int], [1, 2], "12", "$"),
        (Inner | None, None, [], "$"),
        (Inner | None, {"number": 1}, {"number": VALUE}, "$.number"),
        (dict[str, Any], {"x": VALUE}, [], "$"),
        (dt.date, "2020-03-25", VALUE, "$"),
        (dict[str, int], {"x": 1}, {"x": VALUE}, "$"),
        (tuple[int, ...], [1, 2], "12", "$"),
        (tuple[int, ...], [1, 2], [1.9], "$"),
        (tuple[str, ...], [VALUE], [None], "$"),
        (Colour, "red", VALUE, "$"),
        (Literal["a"], "a", VALUE, "$"),
        (int, 5, VALUE, "$"),
        (int, 5, 1.9, "$"),
        (str, VALUE, None, "$"),
        (bool, True, "false", "$"),
    ],
    ids=str,
)
def test_any_type_may_be_a_result(kind: Any, good: Any, bad: Any, path: str) -> None:
    """A user's request may return lists, optionals, open objects and single values.

    Decoding is strict, and raises no other exception.
    """
    assert not isinstance(decode(kind, good), DecodeError)
    assert failed(kind, bad).path.startswith(path)


def test_nothing_is_decoded_into_nothing() -> None:
    """A call without a result ignores all but the envelope."""
    assert decode(type(None), {"x": VALUE}) is None
    assert decode(type(None), None) is None


def test_floats_are_not_decimals() -> None:
    """A decimal field receives the digits on the wire.

    They are not those of a binary fraction.
    """
    found = decode(Outer, parse(b'{"exact":0.1}')).exact
    assert found == Decimal("0.1")
    assert str(found) == "0.1"
