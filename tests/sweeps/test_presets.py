"""Sweeps made for settlements: of many providers, and of many half-months."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import ams_client
from support.virtual import now, virtual

from wxrevenue import Checkpoint, ConfigurationError, HalfMonth, RevenueClient, sweep_half_months, sweep_settlements
from wxrevenue.sandbox import Quota, Sandbox, Trouble

if TYPE_CHECKING:
    from pathlib import Path


def sandbox() -> Sandbox:
    """Return a sandbox that is always the same."""
    return Sandbox(seed=5, components=6, today=date(2024, 12, 31))


@virtual
async def test_settlements_of_many_providers(tmp_path: Path) -> None:
    """Every provider's rows come, with a sum that agrees with the books.

    One without an account fails alone; a restart is done at once.
    """
    server = sandbox()
    client = RevenueClient("fake-token", transport=server.transport())
    appids = [*server.components, server.component_without_account]
    sums: Counter[str] = Counter()
    failed: list[str] = []

    def client_for(appid: str) -> RevenueClient:
        return client.with_options(tokens=server.tokens(appid), component_appid=appid)

    checkpoint = Checkpoint(tmp_path / "file.jsonl")
    async for outcome in sweep_settlements(client_for, appids, "2023-01-01", date(2024, 6, 30), page_size=5, checkpoint=checkpoint):
        if outcome.error is not None:
            failed.append(outcome.job)
            continue
        sums[outcome.job] += sum(one.settled_revenue for one in outcome.result())
    assert failed == [server.component_without_account]
    assert sums == {appid: server.totals(appid, "2023-01-01", "2024-06-30").settled_revenue for appid in server.components}
    again = sweep_settlements(client_for, appids, "2023-01-01", "2024-06-30", page_size=5, checkpoint=checkpoint)
    assert [outcome.job async for outcome in again] == failed
    other = sweep_settlements(client_for, appids[:1], "2023-01-01", "2024-06-29", page_size=5, checkpoint=checkpoint)
    queries = [f"sweep_settlements, 2023-01-01/2024-06-{day}, page_size=5" for day in (30, 29)]
    with pytest.raises(ConfigurationError, match=f"holds the query {queries[0]!r}, this sweep has the query {queries[1]!r}"):
        await anext(other)


@virtual
async def test_one_provider_over_many_half_months(tmp_path: Path) -> None:
    """Every half-month is a job of its own with all of its rows, oldest first.

    Its key names provider and half-month.
    """
    server = sandbox()
    appid = server.components[2]
    client = RevenueClient(server.tokens(appid), appid, transport=server.transport())
    found: dict[HalfMonth, int] = {}
    path = tmp_path / "file.jsonl"
    async for outcome in sweep_half_months(client, "2023-01-10", "2024-02-20", page_size=2, ordered=True, checkpoint=Checkpoint(path)):
        assert {(one.month, one.order) for one in outcome.result()} == {(f"{outcome.job.start:%Y%m}", outcome.job.order)}
        found[outcome.job] = found.get(outcome.job, 0) + sum(one.settled_revenue for one in outcome.result())
    assert list(found) == sorted(found)
    assert len(found) == 2 * 14
    assert sum(found.values()) == server.totals(appid, "2023-01-01", "2024-02-29").settled_revenue
    assert f'"job":"{appid} 2023-01 H1"' in path.read_text()


@virtual
async def test_many_providers_against_quotas() -> None:
    """Every provider reaches its quota; all rows come, once each."""
    server = Sandbox(seed=5, components=6, today=date(2024, 12, 31), now=lambda: 1_700_000_000 + now(), sleep=asyncio.sleep)
    server.trouble = Trouble(too_fast=Quota(calls=7), latency=0.1)
    client = RevenueClient("fake-token", transport=server.transport())

    def client_for(appid: str) -> RevenueClient:
        return client.with_options(tokens=server.tokens(appid), component_appid=appid)

    keys: Counter[Any] = Counter()
    async for outcome in sweep_settlements(client_for, server.components, "2019-01-01", "2024-12-31", page_size=4, concurrency=3):
        keys.update((outcome.job, one.key) for one in outcome.result())
    expected = {appid: server.totals(appid, "2019-01-01", "2024-12-31").rows for appid in server.components}
    assert Counter(appid for appid, _ in keys.elements()) == expected
    assert now() > 60


@pytest.mark.parametrize(
    ("start", "end", "name"),
    [("2024-1-1", "2024-12-31", "start_date"), ("2024-01-01", 5, "end_date"), ("2024-01-02", "2024-01-01", "end_date")],
)
def test_ranges_that_are_refused(start: Any, end: Any, name: str) -> None:
    """Forbidden days are refused when the sweep is made."""
    client, _ = ams_client()
    with pytest.raises(ConfigurationError, match=rf"sweep_settlements\.{name}"):
        sweep_settlements(lambda _: client, [], start, end)
    with pytest.raises(ConfigurationError, match=r"\.(start|end)"):
        sweep_half_months(client, start, end)
