"""The calls that hand out tokens: what they send, and that secrets stay hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import orjson
import pytest
from support.fakes import TOKEN, Tokens, ams_client, answer
from support.leaks import assert_no_leak
from support.virtual import virtual

from wxrevenue import (
    AmsRequest,
    ApiError,
    AuthorizerAccessToken,
    ComponentAccessToken,
    ConfigurationError,
    DecodeError,
    Endpoint,
    GetAuthorizerAccessToken,
    GetComponentAccessToken,
    OutcomeUnknownError,
    ResponseLostError,
    RetryPolicy,
    Safety,
    Secret,
    StartPushTicket,
)
from wxrevenue._wire.codec import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET, TICKET, REFRESH = "fake-component-secret", "fake-ticket@@@+/=%", "fake-refresh-token+/="
SECRETS = [SECRET, TICKET, REFRESH, TOKEN]
NO_RETRY = RetryPolicy(max_attempts=1)


def component_secret(secret: Any) -> AmsRequest[Any]:
    """Return the request with this secret."""
    return GetComponentAccessToken("wx1", secret, TICKET)


def component_ticket(secret: Any) -> AmsRequest[Any]:
    """Return the request with this ticket."""
    return GetComponentAccessToken("wx1", SECRET, secret)


def refresh_token(secret: Any) -> AmsRequest[Any]:
    """Return the request with this refresh token."""
    return GetAuthorizerAccessToken("wx1", "wx2", secret)


def push_secret(secret: Any) -> AmsRequest[Any]:
    """Return the request with this secret."""
    return StartPushTicket("wx1", secret)


MAKERS: list[Callable[[Any], AmsRequest[Any]]] = [component_secret, component_ticket, refresh_token, push_secret]


@pytest.mark.parametrize("make", MAKERS)
def test_secrets_come_raw_or_boxed(make: Callable[[Any], AmsRequest[Any]]) -> None:
    """A secret may be a ``str`` or a ``Secret``.

    Both requests are equal, print stars, and send the plain value.
    """
    raw, boxed = make("fake-text-1"), make(Secret("fake-text-1"))
    assert raw == boxed
    assert attrs.evolve(raw) == raw
    body = encode(raw)
    assert isinstance(body, bytes)
    assert b"fake-text-1" in body
    assert_no_leak(raw, secrets=["fake-text-1", *SECRETS])


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("value", ["", b"fake-text-1", None, 5, Secret("")], ids=repr)
def test_what_is_no_secret_is_refused(make: Callable[[Any], AmsRequest[Any]], value: object) -> None:
    """An empty secret and one of another type are refused by the field's name.

    The error does not show the value.
    """
    with pytest.raises(ConfigurationError, match=r"^\w+\.\w+: expected a") as caught:
        make(value)
    assert_no_leak(caught.value, secrets=["fake-text-1", *SECRETS])


@pytest.mark.parametrize("appid", ["", "wx\n", 5, "w" * 65])
def test_a_refused_appid_shows_no_secret(appid: Any) -> None:
    """When another field is refused, the traceback's locals show no secret."""
    for make in (
        lambda: GetComponentAccessToken(appid, SECRET, TICKET),
        lambda: GetAuthorizerAccessToken("wx1", appid, REFRESH),
        lambda: StartPushTicket(appid, SECRET),
    ):
        with pytest.raises(ConfigurationError) as caught:
            make()
        assert_no_leak(caught.value, secrets=SECRETS)


def test_no_request_of_these_takes_an_authorizer() -> None:
    """The caller does not choose whose token is used."""
    authorizer: Any = "wx3"
    with pytest.raises(ConfigurationError, match="takes no token: authorizer_appid is not allowed"):
        StartPushTicket("wx1", SECRET, authorizer_appid=authorizer)  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="takes the component's token: authorizer_appid is not allowed"):
        GetAuthorizerAccessToken("wx1", "wx2", REFRESH, authorizer_appid=authorizer)  # type: ignore[call-arg]


def test_a_secret_in_any_other_request_goes_out_as_stars() -> None:
    """Only a field that says so reveals its secret."""

    @attrs.frozen
    class Careless(AmsRequest[None]):
        endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/careless", safety=Safety.SAFE)
        secret: Secret

    assert encode(Careless(Secret(SECRET))) == b'{"secret":"***"}'


@virtual
async def test_what_goes_over_the_wire() -> None:
    """A request without a token asks for none and sends none.

    The other request sends its token in the query, without an action.
    """
    tokens = Tokens(TOKEN)
    answers = iter(
        [
            answer({"component_access_token": "fake-new", "expires_in": 7200}),
            answer({"errcode": 0, "errmsg": "ok"}),
            answer({"authorizer_access_token": "fake-new", "expires_in": "7200", "authorizer_refresh_token": REFRESH}),
        ]
    )
    client, transport = ams_client(handler=lambda _: next(answers), tokens=tokens)
    await client.send(GetComponentAccessToken("wx1", SECRET, TICKET))
    await client.send(StartPushTicket("wx1", SECRET))
    assert tokens.asked == []
    assert transport.requests[0].wire_url() == "https://api.weixin.qq.com/cgi-bin/component/api_component_token"
    token = await client.send(GetAuthorizerAccessToken("wx1", "wx2", REFRESH))
    assert (token.expires_in, token.authorizer_refresh_token.reveal()) == (7200, REFRESH)
    assert (
        transport.requests[2].wire_url().startswith("https://api.weixin.qq.com/cgi-bin/component/api_authorizer_token?access_token=fake-")
    )
    assert orjson.loads(transport.requests[2].body)["authorizer_refresh_token"] == REFRESH
    assert_no_leak(token, *map(repr, transport.requests), secrets=[*SECRETS, "fake-new"])


@pytest.mark.parametrize(
    "request_",
    [GetComponentAccessToken("wx1", SECRET, TICKET), GetAuthorizerAccessToken("wx1", "wx2", REFRESH), StartPushTicket("wx1", SECRET)],
    ids=lambda one: type(one).__name__,
)
@virtual
async def test_servers_that_repeat_the_secret(request_: AmsRequest[Any], caplog: pytest.LogCaptureFixture) -> None:
    """L-08: secrets that a refusal repeats are starred out.

    They show neither in the error, nor in its log, nor in its events.
    """
    told: list[Any] = []
    said = f"invalid: secret={SECRET} ticket={TICKET} refresh={REFRESH} token={TOKEN}"
    client, _ = ams_client(answer({"errcode": 40125, "errmsg": said}), on_event=told.append)
    with pytest.raises(ApiError) as caught:
        await client.send(request_)
    own = [getattr(request_, name).reveal() for name in ("component_appsecret", "component_secret") if hasattr(request_, name)]
    own += [getattr(request_, name).reveal() for name in ("component_verify_ticket", "authorizer_refresh_token") if hasattr(request_, name)]
    assert caught.value.code == 40125
    assert_no_leak(caught.value, *told, secrets=own, caplog=caplog)


@pytest.mark.parametrize("expires", [None, -1, 1.5, True, "7200s", 1e30], ids=str)
def test_a_life_that_is_no_number_of_seconds(expires: object) -> None:
    """K-11: a token without a sensible life is a ``DecodeError``.

    The error says where, and shows no token.
    """
    payload = {"component_access_token": "fake-new-token", "expires_in": expires}
    found = decode(ComponentAccessToken, {key: value for key, value in payload.items() if value is not None})
    assert isinstance(found, DecodeError)
    assert found.path == "$.expires_in"
    assert_no_leak(found, secrets=["fake-new-token"])


@pytest.mark.parametrize("missing", ["authorizer_access_token", "expires_in", "authorizer_refresh_token"])
def test_an_answer_that_is_not_whole(missing: str) -> None:
    """An answer without one of its keys is a ``DecodeError`` that names it."""
    whole = {"authorizer_access_token": "fake-new", "expires_in": 7200, "authorizer_refresh_token": "fake-refresh"}
    assert isinstance(decode(AuthorizerAccessToken, whole), AuthorizerAccessToken)
    found = decode(AuthorizerAccessToken, {key: value for key, value in whole.items() if key != missing})
    assert isinstance(found, DecodeError)
    assert found.path == f"$.{missing}"


@virtual
async def test_a_lost_answer_leaves_the_outcome_open() -> None:
    """K-20: an answer with a new refresh token may be lost.

    The error then says that the token may have been handed out.
    """
    client, _ = ams_client(ResponseLostError("gone", reason="reset"), retry=NO_RETRY)
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.send(GetAuthorizerAccessToken("wx1", "wx2", REFRESH))
    assert_no_leak(caught.value, secrets=SECRETS)
