"""Bodies and numbers as servers send them: odd ones are read, others refused."""

from __future__ import annotations

import orjson
import pytest
from support.answers import VALUE, Inner, short
from support.leaks import assert_no_leak

from wxrevenue import DecodeError
from wxrevenue._wire.codec import decode, parse
from wxrevenue._wire.model import digits

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
