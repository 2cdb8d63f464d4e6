"""Serving the sandbox until somebody stops it, and telling how to use it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from rich.table import Table

from wxrevenue._base.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from wxrevenue.sandbox import Sandbox

_SNIPPET = """\
import asyncio
from wxrevenue import RevenueClient

async def main():
    async with RevenueClient("{token}", "{component}", "{url}") as client:
        print(await client.get_share_ratio("{program}"))
        async for row in client.iter_agency_settlement("{today:%Y}-01-01", "{today}"):
            print(row.month, row.order, row.settled_revenue)

asyncio.run(main())
"""

_CURL = "curl -s '{url}/wxa/getdefaultamsinfo?action=get_share_ratio&access_token={token}' -d '{{\"appid\":\"{program}\"}}'\n"


def _facts(sandbox: Sandbox, url: str) -> dict[str, object]:
    component = sandbox.components[0]
    token, program = sandbox.component_token(component), sandbox.programs(component)[0]
    return {"url": url, "component": component, "token": token, "program": program, "today": sandbox.today}


def snippet(sandbox: Sandbox, url: str) -> str:
    """Return a program, ready to run, that reads a ratio and streams this year's settlements."""
    return _SNIPPET.format(**_facts(sandbox, url))


def curl(sandbox: Sandbox, url: str) -> str:
    """Return a command, ready to run, that reads a ratio."""
    return _CURL.format(**_facts(sandbox, url))


def accounts(sandbox: Sandbox) -> Table:
    """Return who may call, and with which tokens. They open nothing but this sandbox."""
    table = Table(box=None, header_style="dim", padding=(0, 1))
    for title in ("account", "token (made up)", ""):
        table.add_column(title, no_wrap=True)
    for component in sandbox.components:
        table.add_row(component, sandbox.component_token(component))
    closed = sandbox.component_without_account
    table.add_row(closed, sandbox.component_token(closed), "no account", style="dim")
    return table


def write_merchant(sandbox: Sandbox, file: Path) -> None:
    """Write what ``FundsDistributionClient`` needs, as JSON that its owner alone may read."""
    merchant = sandbox.merchant
    facts = {
        "mchid": merchant.mchid,
        "serial_no": merchant.serial_no,
        "sub_mchids": merchant.sub_mchids,
        "platform_keys": dict(merchant.platform_keys),
        "private_key": merchant.private_key,
    }
    with replacing(file, mode=0o600) as draft:
        draft.write(json.dumps(facts, indent=2).encode())


async def serve(sandbox: Sandbox, console: Console, *, host: str, port: int) -> None:
    """Serve until cancelled."""
    async with sandbox.serve(host=host, port=port) as url:
        console.print(f"The sandbox serves {url} until Ctrl-C.\n", style="bold", highlight=False, soft_wrap=True)
        console.print(accounts(sandbox), highlight=False, soft_wrap=True)
        for title, text in (("In Python:", snippet(sandbox, url)), ("In a shell:", curl(sandbox, url))):
            console.print(f"\n{title}", style="dim")
            console.print(text, markup=False, highlight=False, soft_wrap=True, end="")
        await stopped()


async def stopped() -> None:
    """Wait until the task is cancelled."""
    await asyncio.Event().wait()
