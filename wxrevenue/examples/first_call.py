"""Read which split is in force for a Mini Program.

Set WXREVENUE_COMPONENT_TOKEN; or WXREVENUE_COMPONENT_APPID, WXREVENUE_COMPONENT_SECRET and
WXREVENUE_TICKET_FILE. Then: python first_call.py wx…
"""

from __future__ import annotations

import asyncio
import sys

from wxrevenue import RevenueClient, WxRevenueError


async def main(appid: str) -> None:
    """Print the split of one Mini Program."""
    async with RevenueClient.from_env() as client:
        ratio = await client.get_share_ratio(appid)
        print(f"provider {ratio.share_ratio} %, Mini Program {ratio.merchant_ratio} %")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python first_call.py APPID")
    try:
        asyncio.run(main(sys.argv[1]))
    except WxRevenueError as error:
        sys.exit(f"{error}")
