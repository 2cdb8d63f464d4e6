"""A process that is killed while it walks, and another one that resumes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow("walks ten thousand pages in processes that are killed")

PAGES, KILLED_AT = 10_000, 6_000

PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
import orjson
from support.fakes import ams_client, answer
from support.ledger import settlement

rows, mark, kill_at = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])


def serve(request):
    page = orjson.loads(request.body)["page"]
    return answer({"settlement_list": [settlement(page - 1, 100)] if page <= 10_000 else [], "total_num": 10_000})


async def main():
    client, _ = ams_client(handler=serve)
    cursor = mark.read_text() if mark.exists() else None
    walk = client.iter_agency_settlement("2015-01-01", "2024-12-31", 1, cursor=cursor)
    pages = 0
    with rows.open("a") as file, mark.open("a") as place:
        async for page in walk.by_page():
            file.write("".join(f"{row.sett_no}\\n" for row in page))
            file.flush()
            place.truncate(0)
            place.write(walk.cursor)
            place.flush()
            pages += 1
            if pages == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)


asyncio.run(main())
"""


def run(*arguments: object) -> int:
    """Run the program; return how it ended."""
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return subprocess.run(command, cwd=Path(__file__).parent.parent, check=False, timeout=60).returncode  # noqa: S603  (our own)


def test_killed_and_resumed(tmp_path: Path) -> None:
    """P-23: a walk of 10,000 pages killed at page 6,000 is resumed in a new process.

    Every row is there, and none twice.
    """
    rows, mark = tmp_path / "rows", tmp_path / "cursor"
    assert run(rows, mark, KILLED_AT) == -signal.SIGKILL
    assert len(rows.read_text().split()) == KILLED_AT
    assert run(rows, mark, 0) == 0
    assert rows.read_text().split() == [f"no{number}" for number in range(PAGES)]
