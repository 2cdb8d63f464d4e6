"""Every class of error in the README's table can be provoked by a server, a network or a caller, and is no other class."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.virtual import virtual

import wxrevenue
from wxrevenue import FundsDistributionClient, HttpResponse, MemoryTransport, RetryPolicy, RevenueClient, StaticTokens, StaticVerifier
from wxrevenue import errors as e
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ONCE = RetryPolicy(max_attempts=1)
REPEATED = b'{"total_num":9,"settlement_list":[{"month":"202401","order":1,"settled_revenue":5}]}'


def answering(body: bytes, status: int = 200, tokens: Any = "fake-token") -> RevenueClient:
    """Return a client whose server always answers this."""
    return RevenueClient(tokens, transport=MemoryTransport(lambda _: HttpResponse(status, {}, body)), retry=ONCE)


def losing(error: e.WxRevenueError) -> RevenueClient:
    """Return a client whose network always fails like this."""

    def fail(_: object) -> HttpResponse:
        raise error

    return RevenueClient("fake-token", transport=MemoryTransport(fail), retry=ONCE)


def stuck() -> RevenueClient:
    """Return a client whose server never answers."""
    return RevenueClient("fake-token", transport=MemoryTransport(lambda _: asyncio.sleep(9_999, HttpResponse(200, {}, b""))), deadline=5.0)


async def closed() -> object:
    """Call a closed client."""
    client = answering(b"{}")
    await client.aclose()
    return await client.get_share_ratio("wx1")


async def unsigned() -> None:
    """Mark a transaction; the answer is not signed."""
    merchant = Sandbox().merchant
    transport = MemoryTransport(lambda _: HttpResponse(204, {}, b""))
    verifier = StaticVerifier(merchant.platform_keys)
    client = FundsDistributionClient(
        merchant.mchid, merchant.serial_no, merchant.private_key.encode(), verifier=verifier, transport=transport
    )
    await client.mark_transaction("P20150806125346")


PROVOKED: dict[type[e.WxRevenueError], Callable[[], Awaitable[object]]] = {
    e.ConfigurationError: lambda: answering(b"{}").set_share_ratio(101),
    e.ClientStateError: closed,
    e.NotSentError: lambda: losing(e.NotSentError(reason="connect")).get_share_ratio("wx1"),
    e.ResponseLostError: lambda: losing(e.ResponseLostError(reason="reset")).get_share_ratio("wx1"),
    e.OutcomeUnknownError: lambda: losing(e.ResponseLostError(reason="reset")).set_share_ratio(40),
    e.DecodeError: lambda: answering(b'{"share_ratio":"40"}').get_share_ratio("wx1"),
    e.TooFastError: lambda: answering(b'{"ret":1737}').get_share_ratio("wx1"),
    e.QuotaExceededError: lambda: answering(b'{"errcode":45009,"errmsg":"reach max"}').get_share_ratio("wx1"),
    e.ServerBusyError: lambda: answering(b'{"ret":-202}').get_share_ratio("wx1"),
    e.InvalidParameterError: lambda: answering(b'{"ret":1700}').get_share_ratio("wx1"),
    e.AgreementUnsignedError: lambda: answering(b'{"errcode":1735}').get_share_ratio("wx1"),
    e.AccountNotOpenError: lambda: answering(b'{"ret":2056}').get_share_ratio("wx1"),
    e.TokenError: lambda: answering(b'{"errcode":42001}').get_share_ratio("wx1"),
    e.TokenUnavailableError: lambda: answering(b"{}", tokens=StaticTokens()).get_share_ratio("wx1"),
    e.PermissionDeniedError: lambda: answering(b'{"errcode":48001}').get_share_ratio("wx1"),
    e.SignatureError: unsigned,
    e.PageDriftError: lambda: answering(REPEATED).iter_agency_settlement("2024-01-01", "2024-12-31").collect(),
    e.DeadlineExceededError: lambda: stuck().get_share_ratio("wx1"),
    e.ApiError: lambda: answering(b"", status=404).get_share_ratio("wx1"),
}


@pytest.mark.parametrize("kind", PROVOKED, ids=lambda kind: kind.__name__)
@virtual
async def test_every_class_of_error(kind: type[e.WxRevenueError]) -> None:
    """The class that the table names is what is raised, not a subclass and not its base."""
    with pytest.raises(e.WxRevenueError) as caught:
        await PROVOKED[kind]()
    assert type(caught.value) is kind


def test_the_table_names_them_all() -> None:
    """The README's table has a row for each class that is provoked here, and for no other."""
    readme = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+Error)` \|", readme, re.MULTILINE)
    assert {getattr(wxrevenue, name) for name in named} == PROVOKED.keys()
