"""Types that the wire spells in several ways.

Some fields have two names, and some are sent in another form.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, cast

import attrs
import pytest
from support.fakes import ams_client, answer, refusal
from support.virtual import virtual

from wxrevenue import AmsRequest, ApiError, DecodeError, Endpoint, ResponseLostError, Safety
from wxrevenue._wire.codec import decode, encode
from wxrevenue._wire.model import Model, OpenEnum, Respelled, Tally, also_spelled, number_in_text
from wxrevenue._wire.request import STEERS, sent_as, written_as


class Colour(OpenEnum):
    """Numbers with names."""

    RED = 1


def words(value: Any) -> Any:
    """Split a string; refuse one that holds a number."""
    if value == "1":
        raise DecodeError("expected words", path="$.inside")
    return value.split() if type(value) is str else value


def opened(value: Any) -> Any:
    """Return the content of a wrapping object."""
    return cast("dict[str, Any]", value).get("box", value) if type(value) is dict else value


@attrs.define
class Inner(Model):
    """An object that may be wrapped in another."""

    respelled: ClassVar[Respelled | None] = Respelled(opened)
    number: int


@attrs.define
class Outer(Model):
    """One field of every kind."""

    names: Annotated[list[str], Respelled(words, usual=list)] = attrs.field(factory=list[str])
    colour: Annotated[Colour | None, Respelled(number_in_text, usual=int)] = None
    title: str | None = attrs.field(default=None, metadata=also_spelled("heading"))
    count: Tally | None = None
    inner: list[Inner] = attrs.field(factory=list[Inner])


def read(**payload: Any) -> Any:
    """Return the decoded answer."""
    return decode(Outer, payload)


def test_the_usual_spelling_is_taken_as_it_is() -> None:
    """A value in the usual spelling is checked by its type alone."""
    found = read(names=["a"], colour=1, title="t", count=1, inner=[{"number": 1}])
    assert found == Outer(["a"], Colour.RED, "t", 1, [Inner(1)])
    assert found.extra == {}


def test_other_spellings_become_the_usual_one() -> None:
    """A string is split, a wrapper is removed, a float without a fraction is a count.

    Nothing is left over.
    """
    found = read(names="a b", colour="1", heading="t", count=1.0, inner=[{"box": {"number": 1}, "lid": 2}])
    assert found == Outer(["a", "b"], Colour.RED, "t", 1, [Inner(1)])
    assert found.extra == {}


def test_two_names_of_one_field() -> None:
    """The first of two names counts more.

    The other one is no unknown field then, and never hides one.
    """
    both = read(title="t", heading="h")
    assert (both.title, both.extra) == ("t", {})
    assert (read(heading="h", new=1).title, read(heading="h", new=1).extra) == ("h", {"new": 1})
    assert read(title=None, heading=None).title is None


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"names": "1"}, "$.names.inside"),
        ({"names": 5}, "$.names"),
        ({"names": [5]}, "$.names[0]"),
        ({"colour": "red"}, "$.colour"),
        ({"colour": True}, "$.colour"),
        ({"heading": 5}, "$.title"),
        ({"count": 1.5}, "$.count"),
        ({"count": 2.0**53}, "$.count"),
        ({"inner": [{"number": 1}, {"box": {"number": "1"}}]}, "$.inner[1].number"),
        ({"inner": [{"box": 5}]}, "$.inner[0]"),
    ],
)
def test_what_cannot_be_read_is_named(payload: dict[str, Any], path: str) -> None:
    """A value that no respelling makes valid is refused by its type, with its path."""
    found = read(**payload)
    assert isinstance(found, DecodeError)
    assert found.path == path


@pytest.mark.parametrize("nothing", ["", "  "])
def test_an_empty_text_may_stand_for_nothing(nothing: str) -> None:
    """Where a respelling says so, an empty string means no value.

    An unknown number of an open enum survives.
    """
    assert read(colour=nothing).colour is None
    assert (read(colour="77").colour, read(colour=77).colour.name) == (77, "UNKNOWN_77")
    with pytest.raises(ValueError, match="red"):
        Colour("red")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_boxed_object_at_the_top() -> None:
    """An object at the top of the answer is unwrapped, too."""
    assert decode(Inner, {"box": {"number": 1}}) == decode(Inner, {"number": 1}) == Inner(1)


@attrs.frozen
class Send(AmsRequest[None]):
    """A request with a field of every kind."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/send", action="fake_send", safety=Safety.REPEATABLE)
    numbers: tuple[int, ...] = attrs.field(metadata={**sent_as("list"), **written_as(lambda numbers: ",".join(map(str, numbers)))})
    steers: str = attrs.field(default="x", metadata=STEERS)
    maybe: str | None = attrs.field(default=None, metadata=written_as(str.upper))

    def conclude(self, outcome: Any, *, repeated: bool) -> Any:
        """Count 2021 as success after a lost answer."""
        return None if repeated and isinstance(outcome, ApiError) and outcome.code == 2021 else outcome


@attrs.frozen
class SendOn(Send):
    """A request whose parent decides how its calls end."""


def test_fields_in_another_form() -> None:
    """A field may be sent in another form, under another name, or not at all."""
    assert encode(Send((1, 2))) == b'{"list":"1,2"}'
    assert encode(Send((1, 2), steers="y", maybe="m")) == b'{"list":"1,2","maybe":"M"}'


@virtual
async def test_a_request_may_conclude_its_call() -> None:
    """A request class may decide how its call ends.

    Here it is an error after a lost answer, and nothing else.
    """
    gone = ResponseLostError("gone", reason="reset")
    client, _ = ams_client(answer(), gone, refusal(2021), refusal(2021), gone, refusal(1735))
    await client.send(Send((1,)))
    await client.send(SendOn((1,)))
    for code, ambiguous in ((2021, False), (1735, True)):
        with pytest.raises(ApiError) as caught:
            await client.send(Send((1,)))
        assert (caught.value.code, caught.value.ambiguous) == (code, ambiguous)
