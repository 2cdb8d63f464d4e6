"""A lean HTTP server of half-months.

Every caller gets one paid statement for each half-month that its range touches, after 30 ms. The
server runs in a process of its own. Answers are encoded once for each range.
"""

from __future__ import annotations

import asyncio
import functools
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parent.parent)

from benchmarks._books import LATENCY
from benchmarks._server import Canned, canned_answer, in_a_process
from wxrevenue import half_months

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_RANGE: Final = re.compile(rb'"start_date": ?"([0-9-]{10})","end_date": ?"([0-9-]{10})"')


def row(half: Any) -> dict[str, Any]:
    """Return a half-month's statement, as the wire has it."""
    slots = [{"slot_id": f"SLOT_ID_WEAPP_{name}", "slot_settled_revenue": 1_000 + half.ordinal} for name in ("BANNER", "COVER")]
    return {
        "date": half.end.isoformat(),
        "zone": "2020年3月1日至15日",
        "month": f"{half.year}{half.month:02}",
        "order": half.order,
        "sett_status": 5,
        "settled_revenue": 2_000 + 2 * half.ordinal,
        "sett_no": f"TOSS-ST-SDay-9-{half.ordinal}",
        "mail_send_cnt": "0",
        "slot_revenue": slots,
    }


@functools.cache
def answer(start: bytes, end: bytes) -> bytes:
    """Return the answer to a range, ready for the wire."""
    rows = [row(half) for half in reversed(half_months(start.decode(), end.decode()))]
    header = {"ret": 0, "revenue_all": 1, "penalty_all": 0, "settled_revenue_all": 1, "total_num": len(rows)}
    return canned_answer(orjson.dumps({**header, "settlement_list": rows}))


class Late(Canned):
    """Answers with the range that was asked for, after the latency."""

    def __init__(self) -> None:
        super().__init__(b"")

    def data_received(self, data: bytes) -> None:
        found = _RANGE.search(data)
        if found is not None:
            asyncio.get_running_loop().call_later(LATENCY, self._reply, answer(found[1], found[2]))

    def _reply(self, found: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(found)


def server(*, pinned: bool = True) -> AbstractContextManager[str]:
    """Run the server in another process; give its base URL."""
    return in_a_process(__file__, pinned=pinned)


async def _serve() -> None:
    listening = await asyncio.get_running_loop().create_server(Late, "127.0.0.1", 0, backlog=4096)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(_serve())
