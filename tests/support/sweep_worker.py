"""A process that sweeps with a checkpoint and dies on the way.

Run it with ``python -m support.sweep_worker FOLDER OUTCOMES``. It appends every row that it takes
to ``rows.txt``, and kills itself, as ``kill -9`` would, after that many outcomes, with the last one
not yet stored. It ends with 0 when everything is done.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import orjson

from wxrevenue import Checkpoint, HttpRequest, HttpResponse, MemoryTransport, Paginator, RevenueClient, Settlement, sweep

LENGTHS = {"none": 0, "one": 1, "full": 6, "some": 17, "many": 23}
SIZE = 3


async def serve(request: HttpRequest) -> HttpResponse:
    """Serve the list that the token names."""
    length = LENGTHS[request.wire_url().rpartition("-")[2]]
    page = orjson.loads(request.body)["page"]
    await asyncio.sleep(0)
    rows: list[Any] = [
        {"month": f"{2024 - n // 24}{12 - n % 24 // 2:02}", "order": 2 - n % 2, "settled_revenue": n, "slot_revenue": []}
        for n in range((page - 1) * SIZE, min(page * SIZE, length))
    ]
    return HttpResponse(200, {}, orjson.dumps({"ret": 0, "settlement_list": rows, "total_num": length}))


async def main(folder: Path, most: int) -> None:
    """Sweep until the end, or until ``most`` outcomes were taken."""
    client = RevenueClient("fake-token", transport=MemoryTransport(serve))

    def walk(name: str) -> Paginator[Settlement]:
        account = client.with_options(tokens=f"fake-token-{name}", component_appid=f"wx-{name}")
        return account.iter_agency_settlement("2020-01-01", "2024-12-31", page_size=SIZE)

    with (folder / "rows.txt").open("a") as rows:
        taken = 0
        async for outcome in sweep(walk, LENGTHS, concurrency=3, checkpoint=Checkpoint(folder / "sweep.jsonl")):
            taken += 1
            if taken == most:
                os.kill(os.getpid(), signal.SIGKILL)
            for row in outcome.result():
                print(outcome.job, row.settled_revenue, file=rows, flush=True)
    await client.aclose()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
