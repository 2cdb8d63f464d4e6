"""``wxrevenue report`` and ``wxrevenue balance``: what a ledger says, for people."""

from __future__ import annotations

import asyncio
from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import Annotated, TypeAlias

import typer

from wxrevenue import render_html
from wxrevenue._base.files import real_file, replacing
from wxrevenue.cli._explain.facts import Lang
from wxrevenue.cli._ledger import balance as _balance
from wxrevenue.cli._ledger.reading import LedgerUrl, ledger_at
from wxrevenue.cli._panels import FINANCE, WECHAT
from wxrevenue.cli._problem import Problem
from wxrevenue.cli._server import BaseUrl, InSandbox  # noqa: TC001  (likewise)

app = typer.Typer()
SaidIn: TypeAlias = Annotated[Lang, typer.Option(help="English or Chinese.")]


@app.command(rich_help_panel=FINANCE)
def report(
    *,
    ledger: LedgerUrl,
    out: Annotated[Path, typer.Option(metavar="FILE.html", help="Write to this file, which appears when it is whole.")],
    lang: Annotated[Lang, typer.Option(help="Chinese or English.")] = "zh",
) -> None:
    """Write a page of HTML that says what a ledger holds.

    It has revenue by half-month and status, Mini Programs, slots, the open balance, what is late or
    missing, and what changed. The file needs nothing else, and nothing is fetched. Exit codes are
    those of `settlements`.
    """
    if out.suffix.lower() not in {".html", ".htm"} and not out.is_dir():
        raise typer.BadParameter(f"expected a name that ends in .html, got {out.name!r}", param_hint="--out")
    Problem.of_doing(lambda: asyncio.run(_write_report(ledger, out, lang))).tell()
    typer.echo(f"Report: {out}", err=True)


async def _write_report(url: str, out: Path, lang: Lang) -> None:
    target = real_file(out)
    async with ledger_at(url) as ledger:
        page = await render_html(ledger, lang=lang)
    await asyncio.to_thread(_write, target, page)


def _write(target: Path, page: str) -> None:
    with replacing(target) as file:
        file.write(page.encode())


@app.command(rich_help_panel=WECHAT)
def balance(
    *,
    ledger: Annotated[str | None, typer.Option(help="Read this ledger in place of asking WeChat.")] = None,
    owner: Annotated[str | None, typer.Option(metavar="APPID", help="One account of the ledger; by default all.")] = None,
    lang: SaidIn = "en",
    base_url: BaseUrl = None,
    sandbox: InSandbox = False,
) -> None:
    """Print what is still to be settled, in yuan.

    It is what was earned, less what was deducted, less what was settled. Without `--ledger` WeChat
    is asked for the provider's. Credentials and exit codes are those of `settlements`.
    """
    if ledger is None and owner is not None:
        raise typer.BadParameter("needs --ledger: WeChat is asked for the provider's alone", param_hint="--owner")
    if ledger is not None and (sandbox or base_url is not None):
        raise typer.BadParameter("not together with --ledger: nothing is fetched", param_hint="--sandbox, --base-url")
    asked = _balance.of_wechat(lang, sandbox=sandbox, base_url=base_url) if ledger is None else _balance.of_ledger(ledger, owner, lang)

    def show() -> None:
        for line in asyncio.run(asked):
            typer.echo(line)

    Problem.of_doing(show).tell()
