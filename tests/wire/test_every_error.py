"""Every class of error in the README's table can be provoked.

A server, a network or a caller provokes it, and it is no other class.
"""

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


async def no_folder() -> None:
    """Open a ledger in a folder that does not exist."""
    async with wxrevenue.open_ledger(str(Path(__file__) / "no-folder" / "revenue.db")):
        pass


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
    e.LedgerError: no_folder,
    e.DeadlineExceededError: lambda: stuck().get_share_ratio("wx1"),
    e.ApiError: lambda: answering(b"", status=404).get_share_ratio("wx1"),
}


@pytest.mark.parametrize("kind", PROVOKED, ids=lambda kind: kind.__name__)
@virtual
async def test_every_class_of_error(kind: type[e.WxRevenueError]) -> None:
    """The class that the table names is what is raised.

    It is neither a subclass nor the base.
    """
    with pytest.raises(e.WxRevenueError) as caught:
        await PROVOKED[kind]()
    assert type(caught.value) is kind


ROWS = {
    getattr(wxrevenue, name): means
    for name, means in re.findall(
        r"^\| `(\w+Error)` \| ([^|]+) \|", (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
}
"""What the README's table says of each class."""


def test_the_table_names_them_all() -> None:
    """The README's table has a row for each class that is provoked here.

    It has no other row.
    """
    assert ROWS.keys() == PROVOKED.keys()


@pytest.mark.parametrize("kind", PROVOKED, ids=lambda kind: kind.__name__)
@virtual
async def test_what_is_retried(kind: type[e.WxRevenueError], monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that the table calls "retried for you" had three attempts.

    The README says so. Other errors of reads had one.
    """
    monkeypatch.setattr(f"{__name__}.ONCE", RetryPolicy())
    with pytest.raises(kind) as caught:
        await PROVOKED[kind]()
    assert (caught.value.attempts == 3) is ("retried for you" in ROWS[kind])
