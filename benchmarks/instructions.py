"""``python -m benchmarks.instructions [--record]``: count instructions.

Callgrind counts them, and they are held to what was recorded. Time depends on what else the machine
does; how many instructions a piece of work takes does not. Counted is what a process executes in
user mode: the kernel's part (looks at the clock, sockets) is not in it. The figures are those of
one build of Python, so that each has a record of its own; a build without one is measured and not
judged.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import platform
import re
import shutil
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import _program, decode, share_ratio, turn
from benchmarks._answers import settlement_page
from benchmarks._apart import started
from wxrevenue import LocalRateLimiter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence

RECORD: Final = Path(__file__).with_name("instructions.json")
TOLERANCE: Final = 0.03
"""The share by which a count may exceed its record.

A patch release of a library that the package calls moves it by less.
"""
_HERE: Final = Path(__file__).parent.parent
_COLLECTED: Final = re.compile(rb"Collected : (\d+)")
_WARM: Final = 500


async def _calls(count: int) -> None:
    ours = share_ratio.Ours()
    for _ in range(count):
        await ours.call()


async def _no_ops(count: int) -> None:
    for _ in range(count):
        await share_ratio.rival()


async def _pages(count: int) -> None:
    body = settlement_page(20)
    for _ in range(count):
        decode.ours(body)


async def _pages_by_hand(count: int) -> None:
    body = settlement_page(20)
    for _ in range(count):
        decode.rival(body)


async def _turns(count: int) -> None:
    await turn.ours(LocalRateLimiter(), count)


async def _acquisitions(count: int) -> None:
    from aiolimiter import AsyncLimiter

    limiter = AsyncLimiter(turn.ENOUGH, 60)
    for _ in range(count):
        await limiter.acquire()


WORK: Final[Mapping[str, tuple[Callable[[int], Awaitable[None]], int]]] = {
    "a call from memory": (_calls, 2_000),
    "a no-op under backoff": (_no_ops, 4_000),
    "a page of 20 rows": (_pages, 300),
    "the same by hand": (_pages_by_hand, 300),
    "a turn of the limiter": (_turns, 20_000),
    "aiolimiter's acquire": (_acquisitions, 20_000),
}
"""What is counted, and how often it is done.

The second of each pair is for comparison: it is counted with ``--record``, and not kept.
"""
OURS: Final = tuple(WORK)[::2]


def build() -> str:
    """Return the name of this build of Python, under which its record stands."""
    return f"{platform.python_implementation()} {platform.python_version()} {platform.python_compiler()} {platform.machine()}"


def counted(name: str) -> int:
    """Return how many instructions one piece of work takes."""
    _, count = WORK[name]
    with ExitStack() as stack:  # both at once: counts do not depend on what else the machine does
        both = [stack.enter_context(_running(name, times)) for times in (_WARM + count, _WARM)]
        more, fewer = map(_collected, both)
    return round((more - fewer) / count)


@contextmanager
def _running(name: str, count: int) -> Generator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        valgrind = ("env", "PYTHONHASHSEED=0", "valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out")
        with started("-m", __spec__.name, "--do", name, count, under=valgrind, stderr=subprocess.PIPE) as process:
            yield process


def _collected(process: subprocess.Popen[bytes]) -> int:
    told = process.communicate()[1]
    found = _COLLECTED.search(told)
    if process.returncode or found is None:
        raise RuntimeError(f"callgrind told no count: {told.decode(errors='replace')}")
    return int(found[1])


def too_many(found: Mapping[str, int], recorded: Mapping[str, int]) -> dict[str, float]:
    """Return by what share each count exceeds its record.

    Only those are returned that exceed it by more than the tolerance.
    """
    excess = {name: found[name] / recorded[name] - 1 for name in recorded if name in found}
    return {name: share for name, share in excess.items() if share > TOLERANCE}


def main(arguments: Sequence[str] | None = None) -> int:
    """Count; return the exit status: 1 where a count exceeds its record."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description="Count instructions with callgrind.")
    options.add_argument("--record", action="store_true", help="write the counts down, in place of comparing them")
    options.add_argument("--do", nargs=2, metavar=("WORK", "COUNT"), help=argparse.SUPPRESS)
    chosen = options.parse_args(arguments)
    if chosen.do:
        return _do(chosen.do[0], int(chosen.do[1]))
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: nothing was counted")
        return 0
    records: dict[str, dict[str, int]] = json.loads(RECORD.read_text())
    recorded, found = records.get(build(), {}), dict[str, int]()
    for name in WORK if chosen.record else OURS:
        found[name] = counted(name)
        known = f"recorded {recorded[name]:,}" if name in recorded else ""
        print(f"{name:24} {found[name]:>9,}  {known}", flush=True)
    if chosen.record:
        records[build()] = {name: found[name] for name in OURS}
        RECORD.write_text(json.dumps(records, indent=2) + "\n")
        return 0
    if not recorded:
        print(f"no record of {build()}: not judged")
    excess = too_many(found, recorded)
    for name, share in excess.items():
        print(f"{name}: {share:.1%} more than recorded; at most {TOLERANCE:.0%} is let pass (--record, if there is a reason)")
    return 1 if excess else 0


def _do(name: str, count: int) -> int:
    work, _ = WORK[name]
    gc.disable()
    asyncio.run(_done(work, count))
    return 0


async def _done(work: Callable[[int], Awaitable[None]], count: int) -> None:
    await work(count)


if __name__ == "__main__":
    _program.run(main)
