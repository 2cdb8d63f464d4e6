"""The client of the advertising interfaces: options, clones and shortcuts."""

from __future__ import annotations

import inspect
from decimal import Decimal
from typing import Any

import orjson
import pytest
from support.fakes import COMPONENT, OTHER, TOKEN, Read, ams_client, answer, made_for, ratio, sent
from support.leaks import assert_no_leak
from support.virtual import now, run_virtual, virtual

from wxrevenue import (
    ClientStateError,
    ConfigurationError,
    GetAgencySettlement,
    GetShareRatio,
    LocalRateLimiter,
    MemoryTransport,
    RetryPolicy,
    RevenueClient,
    Secret,
    SetShareRatio,
    ShareRatio,
    TokenUnavailableError,
)
from wxrevenue._wire.request import result_of

SHORTCUTS = {"set_share_ratio": SetShareRatio, "get_share_ratio": GetShareRatio, "get_agency_settlement": GetAgencySettlement}


# -- shortcuts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHORTCUTS)
def test_shortcuts_are_coroutine_functions(name: str) -> None:
    """A shortcut is a coroutine function of the class and of the client.

    It has its request's name and documentation.
    """
    client, _ = ams_client()
    for method in (getattr(RevenueClient, name), getattr(client, name)):
        assert inspect.iscoroutinefunction(method)
        assert method.__name__ == name
        assert method.__qualname__ == f"RevenueClient.{name}"
        assert method.__doc__ == SHORTCUTS[name].__doc__


@pytest.mark.parametrize("name", SHORTCUTS)
def test_shortcuts_have_the_requests_signature(name: str) -> None:
    """A shortcut takes what its request takes, and is annotated with its result.

    Order and defaults are the request's.
    """
    client, _ = ams_client()
    taken = inspect.signature(SHORTCUTS[name]).parameters.values()
    of_request = [(one.name, one.kind, one.default) for one in taken if one.name != "authorizer_appid"]
    for method, skipped in ((getattr(client, name), 0), (getattr(RevenueClient, name), 1)):
        own = inspect.signature(method).parameters.values()
        assert [(one.name, one.kind, one.default) for one in own][skipped:] == of_request
    assert inspect.signature(getattr(RevenueClient, name)).return_annotation is result_of(SHORTCUTS[name])


def test_a_subclass_has_the_shortcuts() -> None:
    """Shortcuts work on subclasses.

    They may have been looked up on the base class before or not.
    """

    class Mine(RevenueClient):
        pass

    transport = MemoryTransport(lambda _: ratio())
    run_virtual(Mine(TOKEN, transport=transport).get_share_ratio("wx1"))
    assert RevenueClient.get_share_ratio is not None
    run_virtual(Mine(TOKEN, transport=transport).get_share_ratio("wx1"))
    assert len(transport.requests) == 2


@pytest.mark.parametrize(
    ("name", "args", "error"),
    [
        ("set_share_ratio", (101,), ConfigurationError),
        ("get_share_ratio", ("",), ConfigurationError),
        ("get_agency_settlement", ("2020-1-1", "x"), ConfigurationError),
        ("get_share_ratio", (), TypeError),
    ],
)
@virtual
async def test_nothing_happens_before_the_await(name: str, args: Any, error: Any) -> None:
    """Calling a shortcut validates nothing and sends nothing; awaiting it does."""
    client, transport = ams_client()
    coroutine = getattr(client, name)(*args)
    with pytest.raises(error):
        await coroutine
    assert not transport.requests


@virtual
async def test_the_three_interfaces() -> None:
    """The shortcuts send and return what the pages document."""
    client, transport = ams_client(answer(), ratio(40), answer({"ret": 0, "settlement_list": [], "total_num": 0}))
    assert await client.set_share_ratio(Decimal("40.5")) is None  # type: ignore[func-returns-value]
    found = await client.get_share_ratio("wx1")
    assert isinstance(found, ShareRatio)
    assert (found.share_ratio, found.merchant_ratio) == (Decimal(40), Decimal(60))
    page = await client.get_agency_settlement("2020-03-01", "2020-03-16", page=2, page_size=5)
    assert (page.settlement_list, page.total_num) == ([], 0)
    assert [request.url.partition("action=")[2].partition("&")[0] for request in transport.requests] == [
        "set_share_ratio",
        "get_share_ratio",
        "get_agency_settled_revenue",
    ]
    assert orjson.loads(transport.requests[2].body) == {"start_date": "2020-03-01", "end_date": "2020-03-16", "page": 2, "page_size": 5}


@virtual
async def test_send_is_the_general_form() -> None:
    """``send`` takes any request of the service."""
    client, _ = ams_client(ratio(40))
    assert (await client.send(GetShareRatio(appid="wx1"))).share_ratio == 40


# -- walking ---------------------------------------------------------------------------------------


def test_iterating_validates_at_once() -> None:
    """``iter_agency_settlement`` checks its arguments at the call, without a loop."""
    client, _ = ams_client()
    with pytest.raises(ConfigurationError):
        client.iter_agency_settlement("2020-02-01", "2020-01-01")
    with pytest.raises(ConfigurationError):
        client.iter_agency_settlement("2020-01-01", "2020-02-01", page_size=0)


@virtual
async def test_pages_have_a_deadline_of_their_own() -> None:
    """Each page of a walk gets ``page_deadline``.

    It is long enough to wait out "operating too fast".
    """
    page: dict[str, Any] = {"ret": 0, "settlement_list": [], "total_num": 0}
    client, _ = ams_client(answer({"ret": 1737}), answer(page), deadline=1.0)
    assert await client.iter_agency_settlement("2020-01-01", "2020-12-31").collect() == []
    assert now() == 60
    client, _ = ams_client(answer({"ret": 1737}), page_deadline=30.0)
    with pytest.raises(Exception, match="1737"):
        await client.iter_agency_settlement("2020-01-01", "2020-12-31").collect()
    with pytest.raises(Exception, match="1737"):
        await client.with_options(page_deadline=59.0).iter_agency_settlement("2020-01-01", "2020-12-31").collect()
    assert now() == 60


# -- options ---------------------------------------------------------------------------------------

NO_SECONDS = [0, -1, True, "5", float("inf"), float("nan")]


@pytest.mark.parametrize("name", ["timeout", "deadline", "page_deadline"])
@pytest.mark.parametrize("value", NO_SECONDS)
def test_seconds_that_make_no_sense(name: str, value: Any) -> None:
    """A time limit is a positive, finite number, in constructor and clone alike.

    The message names the field.
    """
    with pytest.raises(ConfigurationError, match=rf"RevenueClient\.{name}"):
        RevenueClient(TOKEN, **{name: value})
    with pytest.raises(ConfigurationError, match=rf"RevenueClient\.{name}"):
        RevenueClient(TOKEN).with_options(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retry", 3),
        ("on_event", "print"),
        ("component_appid", 5),
        ("component_appid", "wx\n"),
        ("transport", object()),
        ("limiter", object()),
        ("scope", "mine"),
        ("clock", object()),
        *[
            ("base_url", bad)
            for bad in (5, "", "api.weixin.qq.com", "htp://x", "https://", "https://u:p@x", "https://x?y", "https://x#y", "https://[bad")
        ],
    ],
)
def test_options_that_make_no_sense(name: str, value: Any) -> None:
    """A value that makes no sense is refused at construction.

    The message names the field.
    """
    with pytest.raises(ConfigurationError, match=rf"RevenueClient\.{name}") as caught:
        RevenueClient(TOKEN, **{name: value})
    assert isinstance(caught.value, ValueError)
    assert_no_leak(caught.value, secrets=[TOKEN])


def test_with_options_knows_its_options() -> None:
    """An option that a clone cannot change is refused by name.

    The error lists those that it can change. The token is not shown.
    """
    client = RevenueClient(TOKEN)
    strange: Any = {"tokens": "fake-token-other", "base_url": "https://x.example"}
    with pytest.raises(ConfigurationError, match=r"'base_url' is not one of .*tokens") as caught:
        client.with_options(**strange)
    assert_no_leak(caught.value, secrets=["fake-token-other", TOKEN])
    with pytest.raises(ConfigurationError) as caught:
        client.with_options(tokens="fake-token-other", deadline=-1.0)
    assert_no_leak(caught.value, secrets=["fake-token-other", TOKEN])


@virtual
async def test_a_client_for_another_account() -> None:
    """A clone may send another account's token over the same transport.

    It is made by ``with_options(tokens=…, component_appid=…)``.
    """
    client, transport = ams_client(*[answer()] * 2)
    clone = client.with_options(tokens="fake-token-other", component_appid=OTHER)
    assert (client.component_appid, clone.component_appid) == (COMPONENT, OTHER)
    await clone.send(Read())
    await client.send(Read())
    assert sent(transport)[0].endswith("fake-token-other")
    assert "other" not in sent(transport)[1]


@virtual
async def test_a_clone_of_a_clone() -> None:
    """Clones may be cloned; each keeps what it does not change."""
    client, _ = ams_client(answer(b"", 503), answer(), retry=RetryPolicy(max_attempts=1))
    clone = client.with_options(retry=RetryPolicy(jitter=lambda: 0.0)).with_options(timeout=1.0).with_options(component_appid=OTHER)
    await clone.send(Read())
    assert clone.component_appid == OTHER


def test_without_a_name_an_account_is_random() -> None:
    """A client without a component appid has a random id.

    The id is not derived from its token.
    """
    one, two = RevenueClient(TOKEN), RevenueClient(TOKEN)
    assert one.component_appid != two.component_appid
    assert one.with_options(timeout=1.0).component_appid == one.component_appid


@virtual
async def test_the_default_transport_is_made_without_io() -> None:
    """A client with default parts can be made and closed without ever connecting."""
    async with RevenueClient(TOKEN) as client:
        assert isinstance(client, RevenueClient)
    with pytest.raises(ClientStateError):
        await client.send(Read())


@pytest.mark.parametrize("url", ["https://gateway.example", "http://127.0.0.1:8080/", "https://gateway.example:8443/wx/"])
@virtual
async def test_base_urls(url: str) -> None:
    """``base_url`` is where requests go, with or without a slash at its end."""
    client, transport = ams_client(answer(), base_url=url)
    await client.send(Read())
    assert sent(transport)[0].startswith(f"{url.rstrip('/')}/fake/read?action=fake_read&access_token=")


# -- secrets ---------------------------------------------------------------------------------------


def test_a_client_shows_no_token() -> None:
    """Neither a client nor its parts print their token."""
    client, transport = ams_client(answer(), tokens="fake-token-shown")
    run_virtual(client.send(Read()))
    assert_no_leak(
        client,
        vars(client),
        transport.requests,
        client.with_options(tokens="fake-token-2nd"),
        secrets=["fake-token-shown", "fake-token-2nd"],
    )


def test_secrets_may_be_given_boxed() -> None:
    """A ``Secret`` is taken as it is, and an empty one refused."""
    assert RevenueClient(Secret("fake-token-1")).with_options(tokens=Secret("fake-token-2")) is not None
    with pytest.raises(TokenUnavailableError):
        RevenueClient(Secret(""))


# -- how it ends -----------------------------------------------------------------------------------


@virtual
async def test_a_transport_that_fails_to_close_keeps_nothing_else_open() -> None:
    """When one part fails to close, the others are closed nevertheless."""
    client = RevenueClient(TOKEN)
    transport, limiter = made_for(client)

    async def fail() -> None:
        raise LookupError("stuck")

    transport.aclose = fail
    with pytest.raises(LookupError):
        await client.aclose()
    assert isinstance(limiter, LocalRateLimiter)
    with pytest.raises(ClientStateError):
        await limiter.acquire("x", timeout=1)


@virtual
async def test_leaving_the_block_by_an_error() -> None:
    """An error inside ``async with`` closes the client and passes on."""
    client, _ = ams_client(answer())
    with pytest.raises(LookupError):
        async with client:
            raise LookupError
    with pytest.raises(ClientStateError):
        await client.send(Read())


@virtual
async def test_entering_is_optional() -> None:
    """A client works from its first await, also after it was entered twice."""
    client, _ = ams_client(*[answer()] * 3)
    await client.send(Read())
    assert await client.__aenter__() is client
    await client.send(Read())
    await client.aclose()
