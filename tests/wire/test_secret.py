"""Secrets do not show themselves."""

from __future__ import annotations

import base64
import contextlib
import copy
import pickle
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import attrs
import pytest
from support.leaks import assert_no_leak
from support.secrets import OTHER, TEXT, request

from wxrevenue import (
    AiohttpTransport,
    ComponentTokens,
    ConfigurationError,
    GetComponentAccessToken,
    HttpResponse,
    HttpxTransport,
    MemoryTicketStore,
    RedisTokenStore,
    RevenueClient,
    Secret,
    StaticTokens,
    StoredToken,
    Ticket,
    TicketReceiver,
    TokenUnavailableError,
)
from wxrevenue._base.secret import STARS, NotASecret, as_secret, require_token
from wxrevenue._wire.codec import converter
from wxrevenue.ams._service import AmsService

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@attrs.define
class Settings:
    """A user's own settings with a secret among them."""

    appid: str
    secret: Secret


# -- Secret ----------------------------------------------------------------------------------------


def test_reveal_returns_the_text() -> None:
    """``reveal`` returns the text unchanged."""
    assert Secret(TEXT).reveal() == TEXT


@pytest.mark.parametrize("spelling", ["{0}", "{0!r}", "{0!s}", "{0!a}", "{1}", "{2}", "{3}"])
def test_no_way_of_printing_shows_the_text(spelling: str) -> None:
    """``str``, ``repr``, ``format`` and containers print stars."""
    secret = Secret(TEXT)
    secret.encoded()
    shown = spelling.format(secret, [secret], {"k": secret}, Settings("wx1", secret))
    assert STARS in shown
    assert "fake-token" not in shown


def test_percent_formatting_and_format_specs_show_nothing() -> None:
    """Old-style formatting prints stars.

    A format specification is refused without showing the secret.
    """
    assert "fake-token" not in "%s %r" % (Secret(TEXT), Secret(TEXT))  # noqa: UP031
    with pytest.raises(TypeError) as caught:
        format(Secret(TEXT), ">30")
    assert "fake-token" not in str(caught.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_is_refused(protocol: int) -> None:
    """No protocol pickles a secret, alone or inside of an object.

    The refusal does not show it.
    """
    for value in (Secret(TEXT), {"settings": Settings("wx1", Secret(TEXT))}):
        with pytest.raises(TypeError, match="never pickled") as caught:
            pickle.dumps(value, protocol)
        assert "fake-token" not in str(caught.value)


def state(thing: Any, depth: int = 12) -> Iterator[str]:
    """Yield what a pickle by hand finds in an object.

    This is its state, or its attributes and slots, and what is in these.
    """
    if depth == 0 or isinstance(thing, (type, ModuleType, BuiltinFunctionType, FunctionType)):
        return
    if isinstance(thing, (str, bytes, int, float)):
        yield str(thing)
    elif isinstance(thing, (Mapping, list, tuple, set, frozenset)):
        for item in cast("Iterable[Any]", thing.items() if isinstance(thing, Mapping) else thing):
            yield from state(item, depth - 1)
    else:
        with contextlib.suppress(TypeError, AttributeError):
            yield from state(thing.__getstate__(), depth - 1)


def keepers() -> dict[str, Any]:
    """Return the objects that hold a secret, each kind once."""
    key = base64.b64encode(b"fake-token-1".ljust(32, b"x")).decode().rstrip("=")
    static = StaticTokens(component=TEXT, authorizers={"wx1": TEXT})
    call = AmsService("https://host", static, "wx1").begin(GetComponentAccessToken("wx1", TEXT, TEXT))
    return {
        "Secret": Secret(TEXT),
        "Ticket": Ticket(TEXT, 1.0),
        "StoredToken": StoredToken(token=Secret(TEXT), refresh=Secret(TEXT)),
        "HttpRequest": request(secret=Secret(TEXT).encoded()),
        "HttpResponse": HttpResponse(200, {"X-Fake": TEXT}, TEXT.encode()),
        "GetComponentAccessToken": GetComponentAccessToken("wx1", TEXT, TEXT),
        "AmsCall": call,
        "StaticTokens": static,
        "RevenueClient": RevenueClient(static),
        "ComponentTokens": ComponentTokens("wx1", TEXT, tickets=MemoryTicketStore()),
        "TicketReceiver": TicketReceiver("wx1", TEXT, key),
        "RedisTokenStore": RedisTokenStore(f"redis://:{quote(TEXT, safe='')}@127.0.0.1:1", keys=b"fake-token-1".ljust(32)),
        "AiohttpTransport": AiohttpTransport(proxy=f"http://user:{quote(TEXT, safe='')}@127.0.0.1:1"),
        "HttpxTransport": HttpxTransport(proxy=f"http://user:{quote(TEXT, safe='')}@127.0.0.1:1"),
    }


@pytest.mark.parametrize("name", sorted(keepers()))
def test_state_shows_no_secret(name: str) -> None:
    """L-16: a secret has no state, and no object shows one through its state.

    Python hands out the state of any object.
    """
    thing = keepers()[name]
    shown = "\n".join(state(thing))
    assert "fake-token-1" not in shown
    assert base64.b64encode(b"fake-token-1").decode() not in shown


@pytest.mark.parametrize("name", ["Secret", "HttpRequest", "HttpResponse", "AmsCall"])
def test_state_is_refused(name: str) -> None:
    """L-16: taking the state of a secret is an error that says why."""
    with pytest.raises(TypeError, match=f"{name} is never pickled"):
        keepers()[name].__getstate__()


def test_copies_are_the_same_object() -> None:
    """A copy of an object with a secret holds the same secret."""
    secret = Secret(TEXT)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_equality_and_hash_follow_the_text() -> None:
    """Secrets compare by value among themselves and never equal a plain string.

    Any string can be compared.
    """
    assert Secret(TEXT) == Secret(TEXT)
    assert hash(Secret(TEXT)) == hash(Secret(TEXT))
    assert Secret(TEXT) != Secret(OTHER)
    assert Secret(TEXT) != TEXT
    assert hash(Secret(TEXT)) != hash(TEXT)
    assert Secret("\ud800") == Secret("\ud800")
    assert len({Secret(TEXT), Secret(TEXT), Secret(OTHER)}) == 2


def test_attributes_cannot_be_added() -> None:
    """A secret has slots: no attribute can be added by accident."""
    with pytest.raises(AttributeError):
        Secret(TEXT).note = "x"  # type: ignore[attr-defined]


def test_encoded_is_made_once_and_is_a_secret_too() -> None:
    """The percent-encoded form decodes to the secret's text.

    It is computed once, and prints stars.
    """
    secret = Secret(TEXT)
    assert secret.encoded() is secret.encoded()
    assert secret.encoded().reveal() == quote(TEXT, safe="")
    assert str(secret.encoded()) == STARS


def test_unstructuring_gives_stars() -> None:
    """L-07: plain data of settings show stars for the secret."""
    assert converter.unstructure(Settings("wx1", Secret(TEXT))) == {"appid": "wx1", "secret": STARS}


# -- token_of --------------------------------------------------------------------------------------


def test_token_of_boxes_strings_and_keeps_boxes() -> None:
    """A source may return a ``str`` or a ``Secret``."""
    secret = Secret(TEXT)
    assert require_token(TEXT) == secret
    assert require_token(secret) is secret


@pytest.mark.parametrize("empty", ["", Secret("")])
def test_token_of_refuses_an_empty_token(empty: object) -> None:
    """An empty token is no token: it is not sent."""
    with pytest.raises(TokenUnavailableError):
        require_token(empty)


@pytest.mark.parametrize("wrong", [None, 7, TEXT.encode(), [TEXT]])
def test_token_of_refuses_other_types_without_showing_them(wrong: object) -> None:
    """The error names the type of the value.

    Neither its text nor the locals of the package's frames show the value.
    """
    with pytest.raises(ConfigurationError, match=type(wrong).__name__) as caught:
        require_token(wrong)
    assert_no_leak(caught.value, secrets=["fake-token-1"])


class Source:
    """An object with the methods of a token source."""

    get = reject = print


def test_boxed_hides_strings() -> None:
    """A token or key is put into a Secret before any other check."""
    assert as_secret(TEXT) == Secret(TEXT)
    assert as_secret(TEXT, "get", "reject") == Secret(TEXT)


@pytest.mark.parametrize("value", [Secret(TEXT), Source(), print])
def test_boxed_keeps_what_hands_out_secrets(value: object) -> None:
    """A Secret, a function and an object with the needed methods stay as they are."""
    assert as_secret(value, "get", "reject") is value


@pytest.mark.parametrize(
    ("value", "methods"),
    [([TEXT], ("get",)), (TEXT.encode(), ("get",)), ({"key": TEXT}, ("get", "reject")), (None, ()), (5, ()), (Source(), ())],
)
def test_boxed_lets_go_of_everything_else(value: object, methods: tuple[str, ...]) -> None:
    """A useless value leaves only the name of its type.

    The error has that name.
    """
    found = as_secret(value, *methods)
    assert type(found) is NotASecret
    assert vars(found) == {"kind": type(value).__name__}
    with pytest.raises(ConfigurationError, match=f"expected a str or a Secret, got {type(value).__name__}$") as caught:
        require_token(found)
    assert_no_leak(caught.value, secrets=["fake-token-1"])
