"""R1: what a client costs on top of the HTTP library that it uses.

Each client makes a call of its own to a server of this project; a bare call of its HTTP library
gets, and parses, the same answer. The figure is the CPU time of the one in terms of the other, ours
beside theirs, all in the same rounds. Where both do the same job, their CPU times are compared,
too.

Fair because each client is used as its documentation says. They do different jobs: openai validates
with pydantic, stripe makes objects that know their parts, wechatpayv3 and our client of WeChat Pay
sign and verify with RSA, wechatpy blocks and so needs a thread.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack
from math import inf
from typing import TYPE_CHECKING, Final

from benchmarks._clients import OURS, OURS_SIGNED, RIVALS, Candidate, Client, answers
from benchmarks._measure import NotInstalled, awaited_microseconds, compared, in_rounds
from benchmarks._server import serving
from benchmarks.call import settle_allocator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks._clients import Call
    from benchmarks._measure import Row

_SAME_JOB: Final = {"backoff + aiolimiter + cattrs": "ours", "wechatpy in threads": "ours", "wechatpayv3": "ours, signed"}
"""Which of our clients does the same as a rival."""


def candidates() -> dict[str, Candidate]:
    """Return ours, and the rivals that are installed."""
    return {"ours": OURS, "ours, signed": OURS_SIGNED, **{name: one for name, one in RIVALS.items() if one.missing() is None}}


def figures(rounds: int, count: int) -> dict[str, list[float]]:
    """Return the CPU time of every whole and every bare call, in microseconds.

    There is one figure per round.
    """
    settle_allocator()
    with ExitStack() as stack:
        urls = {name: stack.enter_context(serving(answer.body, answer.headers)) for name, answer in answers().items()}
        runner = stack.enter_context(asyncio.Runner())
        opened = AsyncExitStack()
        clients = {name: runner.run(opened.enter_async_context(one.open(urls[one.answer]))) for name, one in candidates().items()}
        stack.callback(lambda: runner.run(opened.aclose()))
        for name, client in clients.items():
            assert runner.run(same(client)), name

        def timed(call: Call) -> Callable[[], float]:
            return lambda: runner.run(awaited_microseconds(call, count))

        sides = {f"{name}: whole": timed(client.whole) for name, client in clients.items()}
        return in_rounds({**sides, **{f"{name}: bare": timed(client.bare) for name, client in clients.items()}}, rounds)


async def same(client: Client) -> bool:
    """Return whether a client's own call and the bare one bring the same."""
    return client.same(await client.whole(), await client.bare())


def run(*, quick: bool = False) -> list[Row]:
    """Measure."""
    found = figures(*((3, 10) if quick else (31, 60)))
    rows: list[Row] = []
    for name, rival in RIVALS.items():
        ours = _SAME_JOB.get(name, "ours")
        what = f"call / bare call: {ours} / {name} ({rival.library})"
        if missing := rival.missing():
            rows.append(NotInstalled("R1", what, missing))
            continue
        rows.append(compared(list(zip(_factors(found, ours), _factors(found, name), strict=True))).outcome("R1", what, "x", inf))
        if name in _SAME_JOB:
            pairs = zip(found[f"{ours}: whole"], found[f"{name}: whole"], strict=True)
            rows.append(compared(list(pairs)).outcome("R1", f"CPU of the same call: {ours} / {name}", "µs", inf))
    return rows


def _factors(found: Mapping[str, Sequence[float]], name: str) -> list[float]:
    return [whole / bare for whole, bare in zip(found[f"{name}: whole"], found[f"{name}: bare"], strict=True)]
