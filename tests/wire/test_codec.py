"""Strict decoding.

A value is coerced only where the documents vary, and errors name the place, never the value.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
from decimal import Decimal
from typing import Any, ClassVar, Literal

import attrs
import orjson
import pytest
from support.leaks import assert_no_leak

from wxrevenue import AmsRequest, ConfigurationError, DecodeError, Endpoint, Safety
from wxrevenue._wire.codec import decode, encode, parse
from wxrevenue._wire.model import Count, Model, Name, digits

VALUE = "fake-value-123"


class Level(enum.IntEnum):
    """An open number enum."""

    LOW = 1

    @classmethod
    def _missing_(cls, value: object) -> Level:
        unknown = int.__new__(cls, value)  # type: ignore[call-overload]
        unknown._name_ = f"UNKNOWN_{value}"
        return unknown  # type: ignore[no-any-return]


class Colour(enum.Enum):
    """A closed enum, which a user may have, and no page of the package has."""

    RED = "red"


@attrs.define
class Inner(Model):
    """An object inside of another."""

    number: int


@attrs.define
class Outer(Model):
    """One field of every kind that a model may have."""

    count: Count | None = None
    name: Name | None = None
    text: str | None = None
    flag: bool | None = None
    fraction: float | None = None
    exact: Decimal | None = None
    day: dt.date | None = None
    level: Level | None = None
    colour: Colour | None = None
    word: Literal["a", "b"] | None = None
    anything: Any = None
    object: dict[str, Any] | None = None
    bare: dict | None = None  # type: ignore[type-arg]
    amounts: dict[str, int] | None = None
    inner: Inner | None = None
    inners: list[Inner] = attrs.field(factory=list[Inner])
    matrix: list[list[int]] | None = None
    maybe: list[int | None] | None = None
    mixed: list | None = None  # type: ignore[type-arg]
    defaulted: int = 5
    keyword: int = attrs.field(default=6, kw_only=True)
    made_up: int = attrs.field(init=False, default=7)


@attrs.define
class Plain:
    """A user's attrs class that is no ``Model``."""

    number: int
    text: str = "none"


@attrs.define
class AtLeastOne(Model):
    """An answer with two fields, of which one is required."""

    at_least_one = ("left", "right")
    left: int | None = None
    right: int | None = None


def short(value: object) -> str:
    """Return a short name for a test's parameter."""
    return repr(value)[:24]


def failed(kind: Any, payload: Any) -> DecodeError:
    """Return the error of decoding; check that it keeps no history and no value."""
    found = decode(kind, payload)
    assert type(found) is DecodeError, found
    assert (found.__traceback__, found.__cause__, found.__context__) == (None, None, None)
    assert_no_leak(found, secrets=[VALUE])
    assert found.ambiguous
    assert not found.retryable
    return found


# -- parse -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"{}", b" {} \n", b"[]", b"null", b'"x"', b"1", b"true"])
def test_parse_returns_any_json_value(body: bytes) -> None:
    """Any JSON value is returned as Python's own."""
    assert parse(body) == orjson.loads(body)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "the body is empty"),
        (b'{"a":', "the body is not complete JSON"),
        (b'{"a":1}x', "the body is not complete JSON"),
        (b"{'a':1}", "the body is not complete JSON"),
        ("微信".encode("gbk"), "the body is not complete JSON"),
        (b'{"a":NaN}', "the body is not complete JSON"),
        (b'{"a":Infinity}', "the body is not complete JSON"),
        (b'{"a":1e400}', "the body is not complete JSON"),
        (b"[" * 100_000, "the body is not complete JSON"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "the body is not complete JSON"),
        (
            b"\xef\xbb\xbf\r\n <html>fake-value-123</html>",
            "the answer looks like a web page, not WeChat: is a proxy or a login page between?",
        ),
        (b'\xef\xbb\xbf{"a":"\n', "the body is not complete JSON"),
        ('{"a":"微'.encode("gbk"), "the body is not complete JSON"),
        (b'{"a":1\x002}', "the body is not complete JSON"),
        (b'{"a":NaN,"b":"\n"}', "the body is not complete JSON"),
    ],
    ids=short,
)
def test_parse_returns_an_error_for_anything_else(body: bytes, text: str) -> None:
    """D-01 D-04 D-07 L-14: the error is no parser's exception, which holds the body.

    The error can always be retried.
    """
    found = parse(body)
    assert type(found) is DecodeError
    assert (found.message, found.path) == (text, "$")
    assert found.retryable
    assert (found.__cause__, found.__context__) == (None, None)
    assert_no_leak(found, secrets=[VALUE])


ODD_BYTES = {
    "a line feed": b'{"a":1737,"b":"x\ny"}',
    "a null byte": b'{"a":1737,"b":"x\x00y"}',
    "an escape sequence of terminals": b'{"a":1737,"b":"x\x1by"}',
    "control characters between strings": b'\x00{"a":\x0b1737,"b":"x y"}\x00\x00',
    "a mark in front": b'\xef\xbb\xbf{"a":1737,"b":"x y"}',
    "two marks in front": b'\xef\xbb\xbf\n\xef\xbb\xbf{"a":1737,"b":"x y"}',
    "UTF-16 with a mark": '{"a":1737,"b":"x y"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"a":1737,"b":"x y"}'.encode("utf-16-be"),
    "UTF-32": '{"a":1737,"b":"x y"}'.encode("utf-32"),
}


@pytest.mark.parametrize("body", ODD_BYTES.values(), ids=ODD_BYTES)
def test_odd_bytes_are_read(body: bytes) -> None:
    """D-02 D-03: control characters count as blanks.

    Byte order marks and wide encodings are read; the number is the server's.
    """
    assert parse(body) == {"a": 1737, "b": "x y"}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"a":1737,"b":"操作过快"}'.encode("gbk"), "操作过快"),
        ('{"a":1737,"b":"乗快"}'.encode("gbk"), "乗快"),  # its first character ends in a backslash
        (b"\xef\xbb\xbf" + '{"a":1737,"b":"操作过快\n"}'.encode("gbk"), "操作过快 "),
        (b'{"a":1737,"b":"caf\xe9"}', "caf�"),
        (b'{"a":1737,"b":"\xff\xfe"}', "��"),
        (b'{"a":1737,"b":"\xed\xa0\x80"}', "���"),
        (b'{"a":1737,"b":"x\\ud83d"}', "x�"),
        (b'{"a":1737,"b":"x\\uDC00\\ud83d\\ude00"}', "x�\U0001f600"),
        ('{"a":1737,"b":"微\\信 C:\\\\temp \\n"}'.encode(), "微\\信 C:\\temp \n"),
    ],
    ids=short,
)
def test_texts_in_other_encodings_are_read(body: bytes, text: str) -> None:
    """D-02 D-08: text in other encodings is read.

    GBK is read as GBK. What is no text in any encoding, or half a character, is replaced. A stray
    backslash stays.
    """
    assert parse(body) == {"a": 1737, "b": text}


@pytest.mark.parametrize("body", [b'{"a":1,"a":2,"b":"\n"}', b'\xef\xbb\xbf{"a":1,"a":2,"b":" "}'])
def test_odd_bytes_do_not_change_the_rules(body: bytes) -> None:
    """D-05: the last of equal keys wins there, too.

    An integer of many digits is still refused.
    """
    assert parse(body) == {"a": 2, "b": " "}
    found = decode(Inner, parse(body.replace(b'"a":2', b'"number":' + b"9" * 30)))
    assert type(found) is DecodeError


def test_a_large_body_is_not_looked_at_escape_by_escape() -> None:
    """A message is repaired, and a page of megabytes is not.

    That would go through its escapes one by one.
    """
    body = b'{"b":"' + b"x" * 1024 * 1024 + b'\\ud800"}'
    assert type(parse(body)) is DecodeError


def test_last_of_equal_keys_wins() -> None:
    """D-05: the last of equal keys wins, as in every browser."""
    assert parse(b'{"a":1,"a":2}') == {"a": 2}


# -- digits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "number"),
    [(0, 0), (-202, -202), (2**64 - 1, 2**64 - 1), ("0", 0), ("00", 0), ("1737", 1737), ("-1", -1), ("-0", 0)],
)
def test_digits_takes_ints_and_strings_of_digits(given: object, number: int) -> None:
    """Codes and counts come as numbers or as strings."""
    assert digits(given) == number


@pytest.mark.parametrize(
    "given",
    [
        None,
        True,
        False,
        1.0,
        1.9,
        "",
        "-",
        "--1",
        "+1",
        "1.0",
        " 1",
        "1 ",
        "1_000",
        "\uff11\uff12",
        "²",
        "0x10",
        "1e3",
        "9" * 21,
        [],
        {},
        b"1",
    ],
)
def test_digits_refuses_everything_else(given: object) -> None:
    """D-11: no bool, fraction, blank, foreign digit or absurdly long number."""
    assert digits(given) is None


@pytest.mark.parametrize("given", [str(2**64), "9" * 20, "-" + "9" * 20])
def test_strings_of_digits_stay_within_64_bits(given: str) -> None:
    """D-18: a number beyond 64 bits is refused, as a string as well as bare."""
    assert digits(given) is None


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


# -- encode ----------------------------------------------------------------------------------------


@attrs.frozen
class Everything(AmsRequest[None]):
    """A user's request with a field of every kind."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake", action="fake", safety=Safety.SAFE)
    number: int = 1
    exact: Decimal = Decimal("40.10")
    text: str = "微信 💰"
    inner: Plain | None = None
    several: tuple[Plain, ...] = ()
    colour: Colour = Colour.RED
    day: dt.date = dt.date(2020, 3, 1)
    anything: Any = None


def test_encode_writes_what_the_fields_hold() -> None:
    """Nested values become objects, decimals exact numbers, strings UTF-8.

    ``None`` is left out.
    """
    text = (
        '{"number":1,"exact":40.10,"text":"微信 💰","inner":{"number":2,"text":"none"},'
        '"several":[{"number":3,"text":"x"}],"colour":"red","day":"2020-03-01"}'
    )
    assert encode(Everything(inner=Plain(2), several=(Plain(3, "x"),))) == text.encode()


def test_encode_is_the_same_every_time() -> None:
    """Repeating a call sends the same bytes.

    Zero and the empty string are values, and are sent.
    """
    request = Everything(0, text="", anything=[Decimal("0.5"), None])
    assert encode(request) == encode(request)
    assert encode(request).startswith(b'{"number":0,"exact":40.10,"text":"",')  # type: ignore[union-attr]
    assert b'"anything":[0.5,null]' in encode(request)  # type: ignore[operator]


@pytest.mark.parametrize(
    "bad",
    ["fake-value-123\ud800", 2**64, object(), {"fake-value-123": {1, 2}}, {1: VALUE}, math.nan, [None, {"deep": (math.inf,)}]],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_hold_is_the_callers_mistake(bad: object) -> None:
    """A field that cannot be written is the caller's mistake.

    The error names the class and shows no value.
    """
    found = encode(Everything(anything=bad))
    assert type(found) is ConfigurationError
    assert str(found) == "Everything: a field holds something that JSON cannot"
    assert (found.__cause__, found.__context__) == (None, None)


class NotAttrs(AmsRequest[None]):
    """A class without the decorator."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake", action="fake")


@attrs.frozen
class Unreadable(AmsRequest["int | str"]):
    """A result that could be either of two."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake", action="fake")


@attrs.frozen
class Misspelt(AmsRequest["NoSuchType"]):  # type: ignore[name-defined]  # pyright: ignore[reportUndefinedVariable]
    """A request whose result type does not exist."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake", action="fake")


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (NotAttrs(), "NotAttrs: decorate it with attrs.frozen"),
        (Unreadable(), "Unreadable: its result type cannot be made from JSON"),
        (Misspelt(), "Misspelt: its result type cannot be made from JSON"),
    ],
)
def test_a_request_that_cannot_work_is_refused_before_it_is_sent(request_: AmsRequest[Any], text: str) -> None:
    """A request whose answer cannot be read is refused before it is sent.

    Otherwise a ratio would be set before the error.
    """
    with pytest.raises(ConfigurationError, match=text):
        encode(request_)


def test_floats_are_not_decimals() -> None:
    """A decimal field receives the digits on the wire.

    They are not those of a binary fraction.
    """
    found = decode(Outer, parse(b'{"exact":0.1}')).exact
    assert found == Decimal("0.1")
    assert str(found) == "0.1"
