"""A user's mistakes on the first day.

Each message names the cause, as the user typed it, and says what to do.
"""

from __future__ import annotations

import asyncio
import warnings
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import TOKEN, ams_client, answer, ratio, refusal
from support.leaks import assert_no_leak
from support.virtual import run_virtual

from wxrevenue import (
    AiohttpTransport,
    FundsDistributionClient,
    HalfMonth,
    MemoryTransport,
    PaymentReceiver,
    RetryPolicy,
    RevenueClient,
    StaticVerifier,
    sweep,
    sync,
    yuan,
)
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wxrevenue import HttpRequest, HttpResponse

RANGE = ("2024-01-01", "2024-01-31")
PAGE = b"<html>fake login page</html>"


def client(*script: Any, **options: Any) -> RevenueClient:
    """Return a client whose server plays the script."""
    return ams_client(*script, **options)[0]


def funds(key: str) -> object:
    """Make a client of WeChat Pay with that private key."""
    merchant = Sandbox().merchant
    return FundsDistributionClient(merchant.mchid, merchant.serial_no, key, verifier=StaticVerifier(merchant.platform_keys))


def receiver(key: str) -> object:
    """Make a receiver of notifications with that APIv3 key."""
    return PaymentReceiver(StaticVerifier(Sandbox().merchant.platform_keys), key)


async def after_close() -> None:
    """Call a closed client."""
    one = client(ratio())
    await one.aclose()
    await one.get_share_ratio("wx1")


async def plain_for() -> None:
    """Write ``for`` without ``async``."""
    walk: Any = client().iter_agency_settlement(*RANGE)
    for _ in walk:
        pass


async def plain_with() -> None:
    """Write ``with`` without ``async``."""
    one: Any = client()
    with one:
        pass


async def awaited_walk() -> None:
    """Await a walk, which is an iterator."""
    walk: Any = client().iter_agency_settlement(*RANGE)
    await walk


async def silence(request: HttpRequest) -> HttpResponse:
    """Answer no request in time."""
    await asyncio.sleep(9_999)
    return ratio()


async def over_network(base_url: str) -> None:
    """Call a server that is not there."""
    transport = AiohttpTransport()
    one = RevenueClient(TOKEN, base_url=base_url, transport=transport, retry=RetryPolicy(max_attempts=1))
    try:
        await one.get_share_ratio("wx1")
    finally:
        await transport.aclose()


def get(*script: Any, **options: Any) -> Callable[[], Coroutine[Any, Any, object]]:
    """Return a call that the server answers with the script."""
    return lambda: client(*script, **options).get_share_ratio("wx1")


def settlement(*dates: Any, **options: Any) -> Callable[[], Coroutine[Any, Any, object]]:
    """Return a query of settlements."""
    return lambda: client().get_agency_settlement(*dates, **options)


AWAITED: dict[str, tuple[Callable[[], Coroutine[Any, Any, object]], str, str]] = {
    "a date with slashes": (
        settlement("2024/01/01", "2024-01-31"),
        "get_agency_settlement.start_date: .*got '2024/01/01'",
        "write 2024-01-01",
    ),
    "a day that is none": (settlement("2024-02-01", "2024-02-30"), "end_date: .*got '2024-02-30'", "that day does not exist"),
    "a page that is too large": (settlement(*RANGE, page_size=20_000), "page_size: .*got 20000", "expected 1 to 10000"),
    "a range that runs backwards": (settlement(*RANGE[::-1]), "2024-01-01 comes before 2024-01-31", "start_date or a later day"),
    "a ratio of 140": (lambda: client().set_share_ratio(140), "set_share_ratio.share_ratio: .*got 140", "expected 0 to 100 percent"),
    "a ratio that is a float": (lambda: client().set_share_ratio(any_float()), "got float", r"write Decimal\('40.5'\)"),
    "an appid that was copied badly": (
        lambda: client().get_share_ratio("wx1 "),
        "get_share_ratio.appid: .*no white space",
        "at its end: remove it",
    ),
    "a misspelt argument": (settlement(*RANGE, page_sze=5), "unexpected keyword argument 'page_sze'", "Did you mean 'page_size'"),
    "a closed client": (after_close, "the client is closed", "make another one"),
    "for in place of async for": (plain_for, "Paginator is asynchronous", "write 'async for'"),
    "with in place of async with": (plain_with, "RevenueClient is asynchronous", "write 'async with'"),
    "await on a walk": (awaited_walk, "Paginator is not awaited", r"'async for row in …', or 'await ….collect\(\)'"),
    "a Mini Program under a fixed token": (
        lambda: client().get_settlement(*RANGE, authorizer_appid="wx1"),
        "no authorizer token was given for wx1",
        "use ComponentTokens",
    ),
    "a sync without the provider's appid": (
        lambda: sync(client(component_appid=None), no_ledger(), ["wx1"], *RANGE),
        "sync.client: expected a client that knows its component_appid",
        "set WXREVENUE_COMPONENT_APPID",
    ),
    "a sync from a date with slashes": (
        lambda: sync(client(component_appid="wx1"), no_ledger(), ["wx1"], "2024/01/01", RANGE[1]),
        "sync.start: .*got '2024/01/01'",
        "write 2024-01-01",
    ),
    "a sync that runs backwards": (
        lambda: sync(client(component_appid="wx1"), no_ledger(), ["wx1"], *RANGE[::-1]),
        "sync.end: .*2024-01-01 comes before 2024-01-31",
        "start or a later day",
    ),
    "40001": (get(refusal(40001)), "code 40001; invalid credential", "one process alone refreshes it"),
    "48001": (get(refusal(48001)), "code 48001; unauthorized", "wrong kind of token"),
    "61004": (get(refusal(61004, "requestIP: 203.0.113.7")), "203.0.113.7", "whitelist"),
    "45009": (get(refusal(45009)), "code 45009; the quota.*retry after 600 s", "Wait until midnight in Beijing .*every ten minutes"),
    "1737 under a short deadline": (get(refusal(1737), deadline=5.0), "deadline=5 s: code 1737.*retry after 60 s", "deadline= is longer"),
    "a code that nobody knows": (get(refusal(424242)), "code 424242", "Look the code up"),
    "a web page": (
        get(*[answer(PAGE)] * 3),
        "looks like a web page, not WeChat",
        "is a proxy or a login page between\\?; what to do: Check base_url",
    ),
    "a web page with 404": (get(answer(PAGE, 404)), "HTTP 404; the answer looks like a web page", "Check base_url"),
    "no answer": (
        lambda: RevenueClient(TOKEN, transport=MemoryTransport(silence), timeout=2.0).get_share_ratio("wx1"),
        r"3 attempts in \d+\.\d s, timeout=2 s: no answer in time",
        "give a longer timeout=",
    ),
    "no time": (
        lambda: RevenueClient(TOKEN, transport=MemoryTransport(silence), deadline=2.0).get_share_ratio("wx1"),
        "deadline=2 s: the deadline passed",
        "Give the call more time",
    ),
}
AT_ONCE: dict[str, tuple[Callable[[], object], str, str]] = {
    "an empty token": (lambda: RevenueClient(""), "tokens is empty", "give the component's token, or a ComponentTokens"),
    "a token with a line end": (lambda: RevenueClient(f"{TOKEN}\n"), "tokens: ", "no white space"),
    "no scheme": (lambda: RevenueClient(TOKEN, base_url="api.weixin.qq.com"), "got 'api.weixin.qq.com'", "write https://api.weixin.qq.com"),
    "a URL in the place of the appid": (
        lambda: RevenueClient(TOKEN, "https://api.weixin.qq.com"),
        "RevenueClient.component_appid: .*got a URL",
        "write base_url=",
    ),
    "one job without a list": (lambda: sweep(client().get_share_ratio, "wx1"), "sweep.jobs: .*got str", "write a list"),
    "no deadline": (lambda: RevenueClient(TOKEN, deadline=0), "RevenueClient.deadline: .*got 0", "a positive, finite number of seconds"),
    "an option of a clone": (lambda: client().with_options(**misspelt()), "'dedline' is not one of", "did you mean 'deadline'"),
    "too much ahead": (lambda: client().iter_agency_settlement(*RANGE, prefetch=99), "prefetch: .*got 99", "0 to 8"),
    "a date of a walk": (
        lambda: client().iter_agency_settlement("20240101", RANGE[1]),
        "iter_agency_settlement.start_date",
        "write 2024-01-01",
    ),
    "no slots": (lambda: sweep(client().get_share_ratio, ["wx1"], concurrency=0), "sweep.concurrency: .*got 0", "expected an int, 1 to"),
    "money that is a float": (lambda: yuan(any_float()), "expected fen .*got float", "money is never a float"),
    "a half-month that is a month": (lambda: HalfMonth.parse("2024-03"), "HalfMonth.parse", "'2024-03-1' or '2024-03-2', got '2024-03'"),
    "a key that is no key": (lambda: funds("fake-key"), "private_key: ", "an unencrypted RSA key as PEM"),
    "an APIv3 key that is too short": (lambda: receiver("fake-key"), "apiv3_key: ", "32 ASCII characters, as set in the merchant console"),
}


def any_float() -> Any:
    """Return a float, which is no money and no ratio."""
    return 40.5


def no_ledger() -> Any:
    """Return what stands for a ledger that is never reached."""
    return None


def misspelt() -> dict[str, Any]:
    """Return an option that does not exist."""
    return {"dedline": 5.0}


def check(error: BaseException, cause: str, remedy: str) -> None:
    """Assert that the text names cause and remedy, and no secret."""
    assert_no_leak(error, secrets=[TOKEN, "fake-key"])
    with pytest.raises(type(error), match=f"(?s)(?=.*{cause})(?=.*{remedy})"):
        raise error


@pytest.mark.parametrize("name", AWAITED)
def test_calls(name: str) -> None:
    """A call that is made wrongly, or refused, says why and what to do."""
    make, cause, remedy = AWAITED[name]

    async def call() -> BaseException | None:
        try:
            await make()
        except Exception as error:  # noqa: BLE001  (each mistake has a class of its own)
            return error
        return None

    error = run_virtual(call())
    assert error is not None
    check(error, cause, remedy)


@pytest.mark.parametrize("name", AT_ONCE)
def test_constructors(name: str) -> None:
    """An argument that a constructor refuses is named before any request."""
    make, cause, remedy = AT_ONCE[name]
    with pytest.raises(Exception) as caught:  # noqa: PT011  (each mistake has a class of its own)
        make()
    check(caught.value, cause, remedy)


@pytest.mark.parametrize(
    ("base_url", "cause", "remedy"),
    [
        ("http://127.0.0.1:1", r"127\.0\.0\.1:1/wxa/getdefaultamsinfo: is it running\?", "Check that the server is running"),
        ("http://no-such-host.invalid", r"no-such-host\.invalid/wxa/getdefaultamsinfo \(dns\)", "Check the host's name in base_url"),
    ],
    ids=["refused", "dns"],
)
async def test_networks(base_url: str, cause: str, remedy: str) -> None:
    """A server that is not there is named with its path.

    The message asks about the usual cause.
    """
    with pytest.raises(Exception) as caught:  # noqa: PT011
        await over_network(base_url)
    check(caught.value, cause, remedy)


def test_two_loops() -> None:
    """The error of a client on a second loop says to keep one loop, and how."""
    one = client(ratio(), ratio())
    asyncio.run(one.get_share_ratio("wx1"))
    with pytest.raises(RuntimeError) as caught:
        asyncio.run(one.get_share_ratio("wx1"))
    check(caught.value, "was first used on another event loop", r"make one per loop, or keep one loop \(asyncio.Runner\)")


async def test_a_forgotten_await() -> None:
    """Python's own warning and error name the method that was called."""
    call: Any = client(ratio()).get_share_ratio(appid="wx1")
    with pytest.raises(AttributeError, match="'coroutine' object has no attribute 'share_ratio'"):
        _ = call.share_ratio
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del call
    assert [str(one.message) for one in told] == ["coroutine 'RevenueClient.get_share_ratio' was never awaited"]


def test_exact_money_is_no_mistake() -> None:
    """The values that the messages ask for are taken."""
    assert yuan(4050) == Decimal("40.50")
    assert HalfMonth.parse("2024-03-1").order == 1
