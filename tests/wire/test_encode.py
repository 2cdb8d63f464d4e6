"""What a request's fields become, and requests that could never work."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any, ClassVar

import attrs
import pytest
from support.answers import VALUE, Colour, Plain

from wxrevenue import AmsRequest, ConfigurationError, Endpoint, Safety
from wxrevenue._wire.codec import encode


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
