"""The wrong use of an asynchronous object as a synchronous one is explained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from support.fakes import ams_client

from wxrevenue import ComponentTokens, MemoryTicketStore, RevenueClient, sweep
from wxrevenue.sandbox import Sandbox


def walk() -> Any:
    """Return a walk that has not begun."""
    return ams_client()[0].iter_agency_settlement("2024-01-01", "2024-01-31")


def a_sweep() -> Any:
    """Return a sweep that has not begun."""
    return sweep(ams_client()[0].get_share_ratio, ["wx1"])


@pytest.mark.parametrize("make", [walk, a_sweep], ids=["paginator", "sweep"])
def test_a_plain_for(make: Any) -> None:
    """The error of ``for row in …`` says ``async for``.

    The object still does not count as an ``Iterable``, so that a sweep can go over it.
    """
    found = make()
    with pytest.raises(TypeError, match="is asynchronous: write 'async for', inside an async function"):
        for _ in found:
            pass
    with pytest.raises(TypeError, match="is asynchronous"):
        list(found)
    assert not isinstance(found, Iterable)


async def test_an_awaited_walk() -> None:
    """``await paginator`` says what to write for rows and for a list."""
    with pytest.raises(TypeError, match=r"Paginator is not awaited: write 'async for row in …', or 'await ….collect\(\)' for a list"):
        await walk()
    with pytest.raises(TypeError, match="Sweep is not awaited: write 'async for'"):
        await a_sweep()


@pytest.mark.parametrize("make", [walk, a_sweep, lambda: ams_client()[0], lambda: ComponentTokens("wx1", "s", tickets=MemoryTicketStore())])
def test_a_plain_with(make: Any) -> None:
    """The error of ``with …`` says ``async with``, and where to read on."""
    with (
        pytest.raises(
            TypeError, match=r"write 'async with', inside an async function\. Synchronous code: see wxrevenue/clients/README\.md"
        ),
        make(),
    ):
        pass


async def test_a_sweep_over_walks_still_works() -> None:
    """A call that returns a ``Paginator`` is walked by a sweep.

    Awaiting a ``Paginator`` only raises an error that explains how to use it.
    """
    sandbox = Sandbox()
    appid = sandbox.components[0]
    client = RevenueClient(sandbox.tokens(appid), component_appid=appid, transport=sandbox.transport())
    async with sweep(lambda _: client.iter_agency_settlement("2024-01-01", "2024-01-31"), [1]) as outcomes:
        found = [outcome async for outcome in outcomes]
    assert sum(len(outcome.result()) for outcome in found) == 2
    await client.aclose()
