"""The demo's job: what the library is for, against a sandbox.

It uses real HTTP, and prints nothing. The sandbox makes mistakes on purpose.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import nullcontext
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import attrs

from wxrevenue import FundsDistributionClient, LocalRateLimiter, RetryPolicy, RevenueClient, StaticVerifier
from wxrevenue.cli._demo.killed import killed_and_resumed
from wxrevenue.cli._demo.report import Ledger, Marking, Refusal, Report, Split, Tally
from wxrevenue.errors import ApiError, WxRevenueError
from wxrevenue.sandbox import Quota, Sandbox, Trouble

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from contextlib import AbstractContextManager

    from wxrevenue import Event, Secret, Settlement, TokenKind
    from wxrevenue.cli._demo.report import DemoPlan, Resumption

T = TypeVar("T")
_RATIOS = (40, Decimal("37.5"), 42, 35, Decimal("33.33"))
_ACCOUNT_NOT_OPEN, _AGREEMENT_UNSIGNED = 2056, 1735


class Watcher:
    """Is told how the demo gets on; this one does not care."""

    def opened(self, url: str, sandbox: Sandbox, plan: DemoPlan) -> None:
        """Take notice that the sandbox serves."""

    def split(self, splits: tuple[Split, ...]) -> None:
        """Take notice of the ratios."""

    def streaming(self, start: date, end: date, components: Iterable[str]) -> AbstractContextManager[None]:
        """Return a block around the streaming of settlements."""
        del start, end, components
        return nullcontext()

    def event(self, event: Event) -> None:
        """Take notice of what a client told."""

    def refused(self, refusals: tuple[Refusal, ...]) -> None:
        """Take notice of the refusals that were to be expected."""

    def marked(self, marking: Marking) -> None:
        """Take notice of the marks."""

    def resumed(self, resumption: Resumption) -> None:
        """Take notice of the run that was killed, and the one that went on."""


class CachedTokens:
    """A token source such as a platform has.

    A token is kept until the server refuses it. Then another one is asked for.
    """

    def __init__(self, sandbox: Sandbox, component: str) -> None:
        self._sandbox, self._component = sandbox, component
        self._token = sandbox.component_token(component)

    async def get(self, kind: TokenKind, appid: str | None, *, timeout: float) -> str:  # noqa: ARG002
        """Return the token that is kept."""
        return self._token

    async def reject(self, kind: TokenKind, appid: str | None, token: Secret | str) -> None:  # noqa: ARG002
        """Ask for another one, unless another caller has done so already."""
        if token == self._token:
            self._token = self._sandbox.component_token(self._component)


def make_sandbox(plan: DemoPlan) -> Sandbox:
    """Return the sandbox of a plan, with all the trouble it can make."""
    rate, quota = plan.rate, Quota(plan.calls, plan.window)
    trouble = Trouble(too_fast=quota, latency=plan.latency, busy=rate, drop_before=rate / 2, drop_after=rate, html=rate / 2, cut=rate / 2)
    return Sandbox(seed=plan.seed, components=plan.components, years=plan.years, trouble=trouble)


async def run(plan: DemoPlan, sandbox: Sandbox, watcher: Watcher | None = None) -> Report:
    """Do the whole job and return what came of it.

    An error of one account becomes part of the report.
    """
    watcher = watcher or Watcher()
    tally, started = Tally(watcher.event), time.monotonic()
    start, end = date(sandbox.today.year - plan.years, 1, 1), sandbox.today
    async with sandbox.serve() as url, _client(url, plan, sandbox, tally) as client:
        job = _Job(plan, sandbox, client, watcher)
        watcher.opened(url, sandbox, plan)
        splits = await job.split()
        ledgers = await job.stream(start, end)
        refusals = await job.be_refused()
        marking = await job.mark(url, tally)
        calls = Counter(sandbox.calls)  # the next step's are made by other processes
        resumption = await job.be_killed(url, start, end) if plan.kill else None
    return Report(
        start=start,
        end=end,
        splits=splits,
        ledgers=ledgers,
        refusals=refusals,
        marking=marking,
        resumption=resumption,
        tally=tally,
        calls=calls,
        seconds=time.monotonic() - started,
    )


def _retry(plan: DemoPlan) -> RetryPolicy:
    """Return a policy that is patient enough for this much trouble.

    Its waits are as short as the demo's pause after 1737.
    """
    return RetryPolicy(max_attempts=10, base=plan.window / 50, throttle_base=plan.window / 10, cap=plan.window)


def _client(url: str, plan: DemoPlan, sandbox: Sandbox, tally: Tally) -> RevenueClient:
    """Return the one client of all accounts.

    It is that of the first account. :meth:`_Job._of` makes it another's.
    """
    first = sandbox.components[0]
    limiter = LocalRateLimiter(cooldown=plan.window)
    return RevenueClient(CachedTokens(sandbox, first), first, url, limiter=limiter, retry=_retry(plan), on_event=tally)


@attrs.frozen
class _Job:
    plan: DemoPlan
    sandbox: Sandbox
    client: RevenueClient
    watcher: Watcher

    def _of(self, component: str) -> RevenueClient:
        """Return the same client for another account.

        It has the same connections and limiter, and another token.
        """
        return self.client.with_options(tokens=CachedTokens(self.sandbox, component), component_appid=component)

    async def split(self) -> tuple[Split, ...]:
        """Set every provider's ratio, let the merchants confirm it, and read it back."""
        asked = (_RATIOS[n % len(_RATIOS)] for n in range(len(self.sandbox.components)))
        splits = await _all(self._split(component, ratio) for component, ratio in zip(self.sandbox.components, asked, strict=True))
        self.watcher.split(splits)
        return splits

    async def _split(self, component: str, asked: Decimal | int) -> Split:
        client, programs = self._of(component), self.sandbox.programs(component)
        found = Split(component=component, asked=asked, programs=len(programs))
        try:
            await client.set_share_ratio(asked)
            before = await client.get_share_ratio(programs[0])
            self.sandbox.confirm_ratio(component)
            self.sandbox.expire_token(component)  # the next four calls go out with the old one
            ratios = await _all(client.get_share_ratio(appid) for appid in programs)
        except WxRevenueError as error:
            return attrs.evolve(found, error=f"{component}: {error}")
        in_force = {appid: ratio.share_ratio for appid, ratio in zip(programs, ratios, strict=True)}
        return attrs.evolve(found, before=before.share_ratio, in_force=in_force)

    async def stream(self, start: date, end: date) -> tuple[Ledger, ...]:
        """Stream all providers' settlements side by side."""
        with self.watcher.streaming(start, end, self.sandbox.components):
            return await _all(self._stream(component, start, end) for component in self.sandbox.components)

    async def _stream(self, component: str, start: date, end: date) -> Ledger:
        books = self.sandbox.totals(component, start, end)
        rows: list[Settlement] = []
        try:
            async with self._of(component).iter_agency_settlement(start, end, self.plan.page_size, prefetch=2) as walk:
                async for row in walk:
                    rows.append(row)
                    if len(rows) == books.rows // 2:
                        self.sandbox.expire_token(component)
        except WxRevenueError as error:
            return Ledger(component=component, rows=tuple(rows), books=books, error=f"{component}: {error}")
        return Ledger(component=component, rows=tuple(rows), books=books)

    async def be_refused(self) -> tuple[Refusal, ...]:
        """Make the two calls that cannot work.

        One is for a provider without an account, one for a merchant who has not signed.
        """
        closed, first = self.sandbox.component_without_account, self.sandbox.components[0]
        refusals = (
            await refusal_of("a provider without an account", _ACCOUNT_NOT_OPEN, self._of(closed).set_share_ratio(40)),
            await refusal_of(
                "a merchant who has not signed",
                _AGREEMENT_UNSIGNED,
                self._of(first).get_share_ratio(self.sandbox.unsigned_program(first)),
            ),
        )
        self.watcher.refused(refusals)
        return refusals

    async def mark(self, url: str, tally: Tally) -> Marking:
        """Mark transactions.

        Some answers get lost. Some are signed wrongly, which the client has to see.
        """
        rate, merchant = min(1.0, 2 * self.plan.rate), self.sandbox.merchant
        self.sandbox.trouble = Trouble(latency=self.plan.latency, busy=rate, drop_after=rate, probe=rate)
        asked = [f"demo-order-{n:04d}" for n in range(1, self.plan.marks + 1)]
        async with FundsDistributionClient(
            merchant.mchid,
            merchant.serial_no,
            merchant.private_key,
            verifier=StaticVerifier(merchant.platform_keys),
            sub_mchid=merchant.sub_mchids[0],
            base_url=url,
            retry=_retry(self.plan),
            on_event=tally,
        ) as funds:
            errors = await _all(_error_of(funds.mark_transaction(out_trade_no)) for out_trade_no in asked)
        recorded = frozenset(mark.out_trade_no for mark in self.sandbox.marks if mark.sub_mchid == merchant.sub_mchids[0])
        marking = Marking(asked=frozenset(asked), recorded=recorded, errors=tuple(filter(None, errors)))
        self.watcher.marked(marking)
        return marking

    async def be_killed(self, url: str, start: date, end: date) -> Resumption:
        """Kill a process that exports, and have another go on."""
        resumption = await killed_and_resumed(url, self.sandbox, start, end)
        self.watcher.resumed(resumption)
        return resumption


async def _all(jobs: Iterable[Coroutine[None, None, T]]) -> tuple[T, ...]:
    """Do everything side by side; return the results in order.

    The first error ends the rest.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job) for job in jobs]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return tuple(task.result() for task in tasks)


async def _error_of(call: Coroutine[None, None, object]) -> str | None:
    try:
        await call
    except WxRevenueError as error:
        return str(error)
    return None


async def refusal_of(call: str, expected: int, made: Coroutine[None, None, object]) -> Refusal:
    """Await a call that is to be refused with a code, and return how it ended."""
    try:
        await made
    except ApiError as error:
        raised = type(error).__name__
        return Refusal(call=call, expected=expected, raised=raised, code=error.code, meaning=error.meaning, solution=error.solution)
    except WxRevenueError as error:
        return Refusal(call=call, expected=expected, raised=str(error))
    return Refusal(call=call, expected=expected, raised="no error")
