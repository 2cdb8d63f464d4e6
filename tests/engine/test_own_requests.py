"""Requests of a user's own, and how the engine reads the answers."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import attrs
import pytest
from support.fakes import Put, Read, ams_client, answer, ratio
from support.virtual import now, virtual

from wxrevenue import (
    AmsRequest,
    ConfigurationError,
    DecodeError,
    Endpoint,
    LocalRateLimiter,
    Rate,
    RetryPolicy,
    Safety,
    ServerBusyError,
    WxRevenueError,
)

# -- requests of a user's own ----------------------------------------------------------------------


@attrs.frozen
class Sum(AmsRequest[dict[str, Any]]):
    """A request with fields."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/sum", action="fake sum&x", safety=Safety.SAFE)
    left: int
    right: str = "二"


@virtual
async def test_a_users_own_request() -> None:
    """A user's class says where it goes and what it returns.

    Its fields are the body, and its action is quoted.
    """
    client, transport = ams_client(answer({"ret": 0, "sum": 3}), base_url="https://gateway.example/prefix/")
    assert await client.send(Sum(1)) == {"sum": 3}
    (request,) = transport.requests
    assert request.method == "POST"
    assert request.url == "https://gateway.example/prefix/fake/sum?action=fake%20sum%26x&access_token="
    assert request.body == '{"left":1,"right":"二"}'.encode()
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"


@virtual
async def test_a_request_that_does_not_say_what_it_returns() -> None:
    """A class derived from AmsRequest without brackets is an error.

    It surfaces before anything is sent.
    """

    @attrs.frozen
    class Vague(AmsRequest):  # type: ignore[type-arg]
        endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/vague", action="fake_vague", safety=Safety.SAFE)

    client, transport = ams_client(answer())
    with pytest.raises(ConfigurationError, match="Vague"):
        await client.send(Vague())  # pyright: ignore[reportUnknownArgumentType]
    assert not transport.requests


@attrs.frozen
class Odd(AmsRequest[None]):
    """A request with a field that JSON cannot express."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/odd", action="fake_odd", safety=Safety.SAFE)
    value: object


@virtual
async def test_a_request_that_cannot_be_encoded() -> None:
    """A field that cannot be encoded fails before anything is sent.

    The client can still be closed.
    """
    client, transport = ams_client()
    with pytest.raises((WxRevenueError, TypeError)):
        await client.send(Odd(object()))
    assert not transport.requests
    await client.aclose()


@pytest.mark.parametrize("thing", [None, "GetShareRatio", object(), Read])
@virtual
async def test_what_is_no_request(thing: Any) -> None:
    """Anything but an AMS request is refused before anything is sent."""
    client, transport = ams_client()
    with pytest.raises(ConfigurationError, match="AmsRequest"):
        await client.send(thing)
    assert not transport.requests


@virtual
async def test_an_answer_that_does_not_fit() -> None:
    """An answer that does not fit the model is ambiguous but not retried.

    A write keeps DecodeError.
    """
    client, transport = ams_client(answer({"ret": 0, "share_ratio": "forty"}))
    with pytest.raises(DecodeError) as caught:
        await client.get_share_ratio("wx1")
    assert (caught.value.path, caught.value.endpoint, caught.value.attempts) == ("$.share_ratio", "get_share_ratio", 1)
    assert len(transport.requests) == 1


# -- the envelope, as far as the engine goes -------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"ret": 2056, "err_msg": "x"}, 2056),
        ({"base_resp": {"ret": 2056, "err_msg": "x"}}, 2056),
        ({"errcode": 48001, "errmsg": "x rid: 5f5f-5f5f"}, 48001),
        ({"ret": 0, "errcode": 48001, "errmsg": "x"}, 48001),
        ({"ret": "2056"}, 2056),
        ({"ret": 0, "base_resp": {"ret": -5}}, -5),
        ({"ret": 7, "err_msg": 5}, 7),
    ],
)
@virtual
async def test_every_envelope_can_say_no(body: Any, code: int) -> None:
    """D-16: any non-zero code of the three envelopes is an error."""
    client, _ = ams_client(answer(body))
    with pytest.raises(WxRevenueError) as caught:
        await client.send(Read())
    assert getattr(caught.value, "code", None) == code
    assert getattr(caught.value, "request_id", None) == ("5f5f-5f5f" if "rid" in str(body) else None)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"ret": None}, "$.ret"),
        ({"base_resp": 5}, "$.base_resp"),
        ({"base_resp": {"ret": "x"}}, "$.base_resp.ret"),
        ({"errcode": True}, "$.errcode"),
        ([1], "$"),
        (b"null", "$"),
    ],
)
@virtual
async def test_envelopes_that_are_none(body: Any, path: str) -> None:
    """D-09, D-16: a malformed envelope is a DecodeError that names the place.

    It has another shape, or a code that is not an integer.
    """
    client, _ = ams_client(answer(body))
    with pytest.raises(DecodeError) as caught:
        await client.send(Read())
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (500, {"ret": 2056, "err_msg": "x"}, WxRevenueError, 2056),
        (503, {"ret": 0}, ServerBusyError, None),
        (503, {"ret": None}, ServerBusyError, None),
        (404, b"<html>", WxRevenueError, None),
    ],
)
@virtual
async def test_statuses_that_are_no_success(status: int, body: Any, kind: Any, code: int | None) -> None:
    """T-40: the envelope of a non-2xx answer decides if there is one, else the status."""
    client, _ = ams_client(answer(body, status), retry=RetryPolicy(max_attempts=1))
    with pytest.raises(kind) as caught:
        await client.send(Put())
    assert (getattr(caught.value, "code", 0), getattr(caught.value, "status", 0)) == (code, status)


@virtual
async def test_extra_keys_of_the_envelope_are_gone_from_a_success() -> None:
    """The envelope is taken off a success before the model sees it."""
    client, _ = ams_client(answer({"ret": 0, "err_msg": "ok", "share_ratio": 5, "new": 1}))
    found = await client.get_share_ratio("wx1")
    assert found.extra == {"new": 1}


@virtual
async def test_hundred_concurrent_callers() -> None:
    """One client serves any number of concurrent callers."""
    limiter = LocalRateLimiter(rate=Rate(100))
    client, transport = ams_client(handler=lambda _: asyncio.sleep(1, ratio()), limiter=limiter)
    found = await asyncio.gather(*(client.get_share_ratio(f"wx{n}") for n in range(100)))
    assert len(found) == len(transport.requests) == 100
    assert now() == 1
