"""A lean HTTP server of settlements.

Every token has the same five pages of a hundred rows, each answered after 30 ms. The server runs in
a process of its own, and does as little as a server can: pages are encoded once, and of a request
it reads its length and its page number.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parent.parent)

from benchmarks._answers import settlement_page
from benchmarks._server import Canned, canned_answer, in_a_process

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

PAGES: Final = 5
ROWS: Final = 100
LATENCY: Final = 0.03
"""Seconds."""
_PAGE: Final = re.compile(rb'"page": ?(\d+)')


def pages() -> list[bytes]:
    """Return the five answers, ready for the wire, and that of a page beyond them.

    Together they are one list of 500 different rows.
    """
    whole = orjson.loads(settlement_page(PAGES * ROWS, slots=1))
    rows = whole["settlement_list"]
    return [canned_answer(orjson.dumps({**whole, "settlement_list": rows[n * ROWS : (n + 1) * ROWS]})) for n in range(PAGES + 1)]


class Late(Canned):
    """Answers with the page that was asked for, after the latency."""

    def __init__(self, answers: list[bytes]) -> None:
        super().__init__(b"")
        self._answers = answers

    def data_received(self, data: bytes) -> None:
        found = _PAGE.search(data)
        if found is not None:
            asyncio.get_running_loop().call_later(LATENCY, self._reply, self._answers[min(int(found[1]) - 1, PAGES)])

    def _reply(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def books(*, pinned: bool = True) -> AbstractContextManager[str]:
    """Run the server in another process; give its base URL."""
    return in_a_process(__file__, pinned=pinned)


async def _serve() -> None:
    answers = pages()
    server = await asyncio.get_running_loop().create_server(lambda: Late(answers), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(_serve())
