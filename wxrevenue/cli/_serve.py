"""Serving the sandbox until it is stopped, and saying how to use it."""

from __future__ import annotations

import asyncio
import errno
import json
from typing import TYPE_CHECKING, Any

import attrs
import typer
from rich.console import Console
from rich.table import Table

from wxrevenue._base.files import replacing
from wxrevenue.sandbox import Quota, Trouble

if TYPE_CHECKING:
    from pathlib import Path

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

_VARIABLES = """\
export WXREVENUE_BASE_URL={url}
export WXREVENUE_COMPONENT_APPID={component}
export WXREVENUE_COMPONENT_TOKEN={token}
"""

_CURL = "curl -s '{url}/wxa/getdefaultamsinfo?action=get_share_ratio&access_token={token}' -d '{{\"appid\":\"{program}\"}}'\n"


def _facts(sandbox: Sandbox, url: str) -> dict[str, object]:
    component = sandbox.components[0]
    token, program = sandbox.component_token(component), sandbox.programs(component)[0]
    return {"url": url, "component": component, "token": token, "program": program, "today": sandbox.today}


def snippet(sandbox: Sandbox, url: str) -> str:
    """Return a program that reads a ratio and this year's settlements."""
    return _SNIPPET.format(**_facts(sandbox, url))


def variables(sandbox: Sandbox, url: str) -> str:
    """Return the lines of a shell that lead ``from_env`` and commands here."""
    return _VARIABLES.format(**_facts(sandbox, url))


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


def paths(sandbox: Sandbox) -> str:
    """Return what is served, the actions of one path together."""
    together: dict[str, list[str]] = {}
    for path, _, action in (path.partition("?action=") for path in sandbox.paths):
        together.setdefault(path, []).extend([action] if action else [])
    return "".join(f"{path}{'?action=' + ' | '.join(actions) if actions else ''}\n" for path, actions in together.items())


def write_merchant(sandbox: Sandbox, file: Path) -> None:
    """Write what ``FundsDistributionClient`` needs, as JSON.

    The file's owner alone may read it.
    """
    merchant = sandbox.merchant
    facts = {
        "mchid": merchant.mchid,
        "serial_no": merchant.serial_no,
        "sub_mchids": merchant.sub_mchids,
        "platform_keys": dict(merchant.platform_keys),
        "private_key": merchant.private_key,
        "apiv3_key": merchant.apiv3_key,
    }
    with replacing(file, mode=0o600) as draft:
        draft.write(json.dumps(facts, indent=2).encode())


async def serve(sandbox: Sandbox, console: Console, *, host: str, port: int) -> None:
    """Serve until cancelled."""
    async with sandbox.serve(host=host, port=port) as url:
        console.print(f"The sandbox serves {url} until Ctrl-C.\n", style="bold", highlight=False, soft_wrap=True)
        console.print(accounts(sandbox), highlight=False, soft_wrap=True)
        told = {
            "What it serves:": paths(sandbox),
            "In Python:": snippet(sandbox, url),
            "With curl:": curl(sandbox, url),
            "For from_env() and the command wxrevenue, in another shell:": variables(sandbox, url),
        }
        for title, text in told.items():
            console.print(f"\n{title}", style="dim")
            console.print(text, markup=False, highlight=False, soft_wrap=True, end="")
        await stopped()


async def stopped() -> None:
    """Wait until the task is cancelled."""
    await asyncio.Event().wait()


def trouble(options: dict[str, Any]) -> Trouble:
    """Return the trouble that the options ask for.

    The quota's four make one; every other has its name in ``Trouble``.
    """
    quota = Quota(options["too_fast"], options["window"], options["kind"], options["per"]) if options["too_fast"] else None
    plain = {field.name for field in attrs.fields(Trouble)} - {"too_fast"}
    return Trouble(too_fast=quota, **{name: options[name] for name in plain})


def write_merchant_file(served: Sandbox, file: Path | None) -> None:
    """Write the merchant's file, if one was asked for.

    Raises:
        BadParameter: it cannot be written.
    """
    try:
        if file is not None:
            write_merchant(served, file)
    except OSError as error:
        raise typer.BadParameter(f"cannot write {file}: {error.strerror or error}", param_hint="--merchant-file") from None


def serve_until_stopped(served: Sandbox, host: str, port: int) -> None:
    """Serve until Ctrl-C.

    Raises:
        Exit: the address cannot be listened on.
    """
    try:
        asyncio.run(serve(served, Console(), host=host, port=port))
    except KeyboardInterrupt:
        typer.echo("Stopped.")
    except OSError as error:
        other = "; choose another --port, or 0 for any free one" if error.errno == errno.EADDRINUSE else ""
        typer.echo(f"Cannot serve on {host}:{port}: {error.strerror or error}{other}", err=True)
        raise typer.Exit(1) from None
