"""Keep a ledger of settlements, and print what changed since the last run.

Run it every night, and again after a crash: it asks for what is missing or not paid yet.
Set the variables of first_call.py and WXREVENUE_COMPONENT_APPID. Without appids it fetches the
provider's own settlements. Then: python nightly_sync.py revenue.db 2024-01-01 [APPID ...]
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta, timezone

from wxrevenue import Change, RevenueClient, WxRevenueError, open_ledger, sync, yuan

BEIJING = timezone(timedelta(hours=8))


def show(change: Change) -> None:
    """Print one change; put your own message or payment here.

    It may come twice after a crash.
    """
    row = change.after or change.before
    assert row is not None  # a change has one of them
    kinds = "+".join(sorted(change.kinds))
    print(f"{change.owner} {change.half_month} {kinds} {yuan(row.settled_revenue)}")


async def main(database: str, start: str, appids: list[str]) -> int:
    """Bring the ledger up to date; return the exit status."""
    today = datetime.now(BEIJING).date()
    async with RevenueClient.from_env() as client, open_ledger(database) as ledger:
        owners = appids or [client.component_appid]
        report = await sync(client, ledger, owners, start, today, on_change=show)
    for job, error in report.failed:
        print(f"{job}: {error}", file=sys.stderr)
    print(f"{report.jobs} jobs, {report.calls} calls, {len(report.failed)} failed")
    return 1 if report.failed else 0  # 1: the next run tries again


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python nightly_sync.py LEDGER FIRST_DAY [APPID ...]")
    try:
        sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:])))
    except WxRevenueError as error:
        sys.exit(f"{error}")
