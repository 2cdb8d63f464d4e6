"""Synchronous workers, as Celery has them.

Each process has one event loop and one client.

A client belongs to the process and the loop that first used it, so both are made after the
fork. In Celery, `start` handles worker_process_init, `stop` worker_process_shutdown, and
`share_ratio` is a task. Here multiprocessing stands for it.
Set the variables of first_call.py. Then: python worker.py wx… wx…
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
from multiprocessing.util import Finalize

from wxrevenue import RevenueClient, WxRevenueError


class Process:
    """What one worker process keeps between tasks."""

    runner: asyncio.Runner
    client: RevenueClient


def start() -> None:
    """Begin a worker process."""
    Process.runner = asyncio.Runner()
    Process.client = RevenueClient.from_env(deadline=150)  # long enough for a pause after 1737
    Finalize(None, stop, exitpriority=1)  # multiprocessing calls it when the process ends


def stop() -> None:
    """End a worker process."""
    Process.runner.run(Process.client.aclose())
    Process.runner.close()


def share_ratio(appid: str) -> str:
    """Do a task: synchronous outside, the same loop every time inside."""
    try:
        ratio = Process.runner.run(Process.client.get_share_ratio(appid))
    except WxRevenueError as error:
        return f"{appid}: {error}"
    return f"{appid}: {ratio.share_ratio} %"


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2, start) as pool:
        for line in pool.imap(share_ratio, sys.argv[1:]):
            print(line)
        pool.close()
        pool.join()
