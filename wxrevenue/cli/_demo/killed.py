"""The demo's last step: an export that is killed, and resumed."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from wxrevenue.cli._demo.report import Resumption
from wxrevenue.sandbox import Trouble

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping
    from datetime import date

    from wxrevenue.sandbox import Sandbox, Totals

_PAGES: Final = 12
"""About so many pages the list is made to have."""
_ENOUGH: Final = 4
"""Lines of the part file after which the process is killed.

They are the head, and some pages.
"""
_LATENCY: Final = 0.1
_LOOK_EVERY: Final = 0.02


async def killed_and_resumed(url: str, sandbox: Sandbox, start: date, end: date) -> Resumption:
    """Export a provider's settlements in a process that is killed.

    Then run the command again with ``--resume``.
    """
    component = sandbox.components[0]
    books = sandbox.totals(component, start, end)
    sandbox.trouble = Trouble(latency=_LATENCY)
    environment = {
        **os.environ,
        "WXREVENUE_BASE_URL": url,
        "WXREVENUE_COMPONENT_APPID": component,
        "WXREVENUE_COMPONENT_TOKEN": sandbox.component_token(component),
    }
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "settlements.jsonl"
        command = _command(out, start, end, max(1, books.rows // _PAGES))
        killed = await _started(command, environment)
        kept = await _kill(killed, out.with_name(f"{out.name}.part"))
        resumed = await _started((*command, "--resume"), environment)
        said = (await resumed.communicate())[1].decode(errors="replace").strip()
        if resumed.returncode:
            return Resumption(kept=kept, books=books, error=said)
        return _compared(out, kept, books)


def _command(out: Path, start: date, end: date, page_size: int) -> tuple[str, ...]:
    options = ("--from", str(start), "--to", str(end), "--page-size", str(page_size), "--out", str(out))
    return (sys.executable, "-m", "wxrevenue", "settlements", *options)


async def _started(command: tuple[str, ...], environment: Mapping[str, str]) -> Process:
    pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(*command, env=environment, stdin=nowhere, stdout=nowhere, stderr=pipe)


async def _kill(process: Process, part: Path) -> int:
    """Kill the process when some pages are kept; return how many rows they have."""
    ended = asyncio.create_task(process.communicate())
    while not ended.done() and len(_lines(part)) < _ENOUGH:  # noqa: ASYNC110  (another process writes it)
        await asyncio.sleep(_LOOK_EVERY)
    if process.returncode is None:
        process.kill()
    await ended
    return sum(len(line.get("rows", ())) for line in _lines(part))


def _lines(part: Path) -> list[dict[str, list[object]]]:
    """Return the whole lines of the part file: the last one may have been cut."""
    if not part.exists():
        return []
    return [orjson.loads(line) for line in part.read_bytes().split(b"\n")[:-1]]


def _compared(out: Path, kept: int, books: Totals) -> Resumption:
    rows = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    return Resumption(kept=kept, rows=len(rows), fen=sum(row["settled_revenue"] for row in rows), books=books)
