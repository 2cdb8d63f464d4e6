"""The server that a soak runs against: the sandbox over HTTP, with 1 % of trouble.

One per cent of the calls meets each mishap. It has a process of its own because a soak watches its
own memory, and the sandbox remembers every call it ever saw.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

from benchmarks._apart import started
from wxrevenue.sandbox import Mishap, Sandbox, Trouble

if TYPE_CHECKING:
    from collections.abc import Generator

SHARE: Final = 0.01
"""How many calls meet each mishap, of 1."""
PACE: Final = 5.0
"""Seconds from one "operating too fast" to the next."""


@contextlib.contextmanager
def troubled() -> Generator[dict[str, Any]]:
    """Run it in another process; give what a client has to know of it."""
    with started("-m", __name__, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())


async def _serve() -> None:
    rates: dict[str, Any] = {mishap.value: SHARE for mishap in Mishap}
    sandbox = Sandbox(trouble=Trouble(**rates))
    merchant = sandbox.merchant
    async with sandbox.serve() as base_url:
        facts = {
            "base_url": base_url,
            "programs": {appid: sandbox.programs(appid) for appid in sandbox.components},
            "today": sandbox.today.isoformat(),
            "mchid": merchant.mchid,
            "serial_no": merchant.serial_no,
            "private_key": merchant.private_key,
            "platform_keys": dict(merchant.platform_keys),
        }
        print(json.dumps(facts), flush=True)
        gate = asyncio.create_task(_too_fast(sandbox))
        await asyncio.to_thread(sys.stdin.buffer.read)
        gate.cancel()


async def _too_fast(sandbox: Sandbox) -> None:
    while True:
        await asyncio.sleep(PACE)
        sandbox.next(1737, action="set_share_ratio")


if __name__ == "__main__":
    asyncio.run(_serve())
