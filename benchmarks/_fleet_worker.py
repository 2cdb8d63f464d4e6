"""One of the processes of ``fleet_processes``.

It has so many callers on one limiter, until there are no jobs left, and prints how it went.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from wxrevenue import LocalRateLimiter, RateLimiter, RedisRateLimiter, RevenueClient
from wxrevenue.events import AttemptEvent, Event


class Count:
    """Counts calls and refusals as a client's events tell of them."""

    def __init__(self) -> None:
        self.calls = 0
        self.refused = 0

    def on_event(self, event: Event) -> None:
        """Count an event."""
        self.calls += isinstance(event, AttemptEvent)
        self.refused += type(event).__name__ == "GateEvent"


async def main(settings: dict[str, Any]) -> dict[str, int]:
    """Make this process's calls."""
    count = Count()
    limiter: RateLimiter
    if settings["redis"]:
        limiter = RedisRateLimiter(settings["redis"], cooldown=settings["window"])
    else:
        limiter = LocalRateLimiter(settings["window"])
    jobs = iter(range(settings["jobs"]))
    component = settings["component"]
    options: dict[str, Any] = {"base_url": settings["url"], "limiter": limiter, "deadline": 900.0, "on_event": count.on_event}
    async with RevenueClient(settings["token"], component_appid=component, **options) as client:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

        async def caller() -> None:
            for _ in jobs:
                await client.get_share_ratio(settings["program"])

        await asyncio.gather(*(caller() for _ in range(settings["callers"])))
    await limiter.aclose()
    return {"calls": count.calls + count.refused, "refused": count.refused}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
