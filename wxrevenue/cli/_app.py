"""The commands: each reads its options and hands them on."""

from __future__ import annotations

import asyncio
from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import Annotated, Final, Literal, TypeAlias

import typer
from rich.console import Console

from wxrevenue import examples
from wxrevenue._version import __version__
from wxrevenue.ams._checks import LARGEST_PAGE_SIZE
from wxrevenue.cli import _ads, _output, _serve
from wxrevenue.cli._demo import job as _demo
from wxrevenue.cli._demo.report import DemoPlan, Report
from wxrevenue.cli._demo.screen import Screen
from wxrevenue.cli._explain import command as _explain
from wxrevenue.cli._explain.facts import Lang  # noqa: TC001  (as above)
from wxrevenue.cli._finance import command as _finance
from wxrevenue.cli._funds import command as _funds
from wxrevenue.cli._ledger import report as _report
from wxrevenue.cli._ledger import sync as _sync
from wxrevenue.cli._ledger import worker as _worker
from wxrevenue.cli._ledger.words import line as change_line
from wxrevenue.cli._panels import WECHAT
from wxrevenue.cli._problem import Problem
from wxrevenue.cli._ratios import command as _ratios
from wxrevenue.cli._server import BaseUrl, InSandbox, made_up
from wxrevenue.cli._settlements import command as _settlements
from wxrevenue.cli._settlements import options as _job
from wxrevenue.cli._variables import listed
from wxrevenue.errors import ConfigurationError
from wxrevenue.export import By  # noqa: TC001  (as above)
from wxrevenue.sandbox import Sandbox

app = typer.Typer(
    help="Advertising money for service providers (服务商) of Mini Programs.",
    rich_markup_mode="markdown",  # breaks the lines of a paragraph anew
    no_args_is_help=True,
    epilog=listed(),
    pretty_exceptions_enable=False,  # a plain traceback shows no locals
    context_settings={"help_option_names": ["-h", "--help"]},
)

_BEGIN, _LEDGER = "Begin here", "Keep a ledger of settlements"
app.add_typer(_ratios.app, name="ratios", rich_help_panel=WECHAT)
app.add_typer(_report.app)  # their commands stand beside those below
app.add_typer(_finance.app)
app.add_typer(_funds.app, name="funds", rich_help_panel="WeChat Pay")

NARROWEST = 40
"""Columns that the demo's tables need to show every amount whole."""
Seed: TypeAlias = Annotated[int, typer.Option(help="The same seed gives the same books and the same trouble.")]
Redis: Final = typer.Option(
    envvar="WXREVENUE_REDIS", metavar="URL", help="The Redis that workers share: redis://…, rediss://… or unix:///…; the variable hides it."
)
Kind: TypeAlias = Literal["fixed", "sliding", "bucket", "extending"]
Per: TypeAlias = Literal["action", "component"]


def _rate(text: str) -> object:
    return typer.Option(min=0, max=1, metavar="RATE", rich_help_panel="How often what goes wrong (0 to 1)", help=text)


def _limit(text: str, least: float | None = None, metavar: str | None = None) -> object:
    return typer.Option(min=least, metavar=metavar, rich_help_panel="Limits", help=text)


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"wxrevenue {__version__}")
        raise typer.Exit


@app.callback()
def _options(  # pyright: ignore[reportUnusedFunction]
    *, version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False
) -> None:
    del version


@app.command(rich_help_panel=_BEGIN)
def demo(*, seed: Seed = 0) -> None:
    """Show what the library does, in some fifteen seconds.

    A sandbox on this machine answers, and makes mistakes on purpose. Exits 1 if anything does not
    agree with the sandbox's books.
    """
    console = Console()
    console.width = max(console.width, NARROWEST)  # a table that cuts off money is worse than one that wraps
    plan, screen = DemoPlan(seed=seed), Screen(console)
    reports: list[Report] = []
    problem = Problem.of_doing(lambda: reports.append(asyncio.run(_demo.run(plan, _demo.make_sandbox(plan), screen))))
    problem.tell()
    for report in reports:
        screen.summary(report)
        if report.problems:
            raise typer.Exit(1)


@app.command(rich_help_panel=_BEGIN, context_settings={"ignore_unknown_options": True})  # so that -202 is a code
def explain(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CODE|CLASS]...", help="Such as 1737, -202, NO_AUTH, 268443701 or TooFastError; none lists codes."),
    ] = None,
    *,
    lang: Annotated[Lang, typer.Option(help="English or Chinese.")] = "en",
) -> None:
    """Say what a code or an error means, and what to do.

    It also says whether the client retries.
    """
    _explain.execute(names or (), Console(), lang)


def _example_names(incomplete: str) -> list[str]:
    return [name for name in examples.EXAMPLES if name.startswith(incomplete)]


@app.command(rich_help_panel=_BEGIN)
def example(
    name: Annotated[str | None, typer.Argument(help="Such as first_call; none lists them.", autocompletion=_example_names)] = None,
) -> None:
    """Print a whole program to begin with.

    Write it to a file: `wxrevenue example first_call > first_call.py`.
    """
    if name is None:
        for module, shows in examples.EXAMPLES.items():
            typer.echo(f"{module:<16} {shows}")
        return
    try:
        typer.echo(examples.source(name), nl=False)
    except ConfigurationError as error:
        Problem.of(error).tell()


@app.command(rich_help_panel=WECHAT)
def settlements(  # noqa: PLR0913  (options, all by keyword)
    *,
    start: Annotated[str | None, typer.Option("--from", metavar="DAY", help="The first day, yyyy-mm-dd, Beijing calendar.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="DAY", help="The last day.")] = None,
    ledger: Annotated[str | None, typer.Option(help="Read this ledger in place of asking WeChat; --from and --to may be left out.")] = None,
    owner: Annotated[str | None, typer.Option(metavar="APPID", help="An account of the ledger; by default the provider.")] = None,
    lang: Annotated[Lang, typer.Option(help="Tables and charts in English or Chinese.")] = "en",
    format: Annotated[_job.Format | None, typer.Option(help="By default what the file is called, else a table.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file, which appears when it is whole.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with FILE.part, which a run that was broken off left.")] = False,
    chart: Annotated[bool, typer.Option("--chart", help="Show bars of revenue by half-month and by slot.")] = False,
    by: Annotated[By, typer.Option(help="A line (csv, xlsx) for each settlement, or one for each of its slots.")] = "settlement",
    bom: Annotated[bool, typer.Option("--bom", help="A CSV for Excel: marked as UTF-8, ' before ids that it would round.")] = False,
    page_size: Annotated[int, typer.Option(min=1, max=LARGEST_PAGE_SIZE, help="Rows to a call; the server may send fewer.")] = 20,
    base_url: BaseUrl = None,
    sandbox: InSandbox = False,
) -> None:
    """Print or export the provider's half-month settlements.

    Credentials come from the environment variables that `wxrevenue --help` lists.

    Exits 0 when all is well; 2 when options or credentials are not right; 75 when the same command
    may succeed later (`--resume` goes on where it stopped); 130 after Ctrl-C; else 1.
    """
    _settlements.execute(_job.job(**locals()))


@app.command(rich_help_panel=WECHAT)
def ads(  # noqa: PLR0913  (options, all by keyword)
    *,
    start: Annotated[str | None, typer.Option("--from", metavar="DAY", help="The first day, yyyy-mm-dd, Beijing calendar.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="DAY", help="The last day.")] = None,
    days: Annotated[int | None, typer.Option(help="The last so many days that are over, in place of two dates.")] = None,
    by: Annotated[_ads.By, typer.Option(help="A row for each slot of a Mini Program and day, or for each ad unit.")] = "slot",
    format: Annotated[_output.Format | None, typer.Option(help="By default what the file is called, else csv.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file, which appears when it is whole.")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="A CSV for Excel: marked as UTF-8, ' before ids that it would round.")] = False,
    page_size: Annotated[int, typer.Option(min=1, max=LARGEST_PAGE_SIZE, help="Rows to a call; by unit 200 at most.")] = 100,
    base_url: BaseUrl = None,
    sandbox: Annotated[bool, made_up("figures")] = False,
) -> None:
    """Print or export the ad data of all Mini Programs.

    WeChat revises the figures of yesterday. `--days 3`, every day, keeps them right.

    Credentials and exit codes are those of `settlements`.
    """
    _ads.execute(_ads.job(**locals()))


@app.command(rich_help_panel=_LEDGER)
def sync(  # noqa: PLR0913  (options, all by keyword)
    appids: Annotated[
        list[str] | None, typer.Argument(metavar="[APPID]...", help="By default the provider, and all that authorized it.")
    ] = None,
    *,
    ledger: Annotated[str, typer.Option(help="A file ending in .db or .sqlite, or postgresql://…")],
    start: Annotated[str, typer.Option("--from", metavar="DAY", help="The first day, yyyy-mm-dd, Beijing calendar.")],
    end: Annotated[str | None, typer.Option("--to", metavar="DAY", help="The last day; by default today.")] = None,
    owners: Annotated[
        str | None, typer.Option(metavar="FILE|wx1,wx2", help="Appids: a file of them, one a line, or they themselves.")
    ] = None,
    redis: Annotated[str | None, Redis] = None,
    again: Annotated[bool, typer.Option("--again", help="Fetch what is complete, too.")] = False,
    ads: Annotated[
        int | None, typer.Option(min=1, max=3660, metavar="DAYS", help="Record the ad data of the last so many days, too.")
    ] = None,
    ratios: Annotated[bool, typer.Option("--ratios", help="Record the Mini Programs' ratios, too.")] = False,
    watch: Annotated[str | None, typer.Option(metavar="6h", help="Do it again after so long (s, m, h, d), until Ctrl-C.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=1000, help="Jobs side by side.")] = 16,
    base_url: BaseUrl = None,
    sandbox: InSandbox = False,
) -> None:
    """Fetch the settlements that a ledger misses.

    The last line says what changed. It may be killed, run again, or run several times at once:
    nothing is lost, nothing doubled. Mini Programs without a publisher account are named, and are
    no failure.

    With `--redis` it fetches nothing itself. It queues jobs for `wxrevenue worker`, and ends when
    they are done. Credentials and exit codes are those of `settlements`.
    """
    appids = appids or []
    _sync.execute(_sync.Options(**locals()))


@app.command(rich_help_panel=_LEDGER)
def worker(  # noqa: PLR0913  (options, all by keyword)
    *,
    redis: Annotated[str, Redis],
    ledger: Annotated[str, typer.Option(envvar="WXREVENUE_LEDGER", help="postgresql://…, or a file where all workers are on one machine.")],
    concurrency: Annotated[int, typer.Option(min=1, max=1000, help="Jobs side by side.")] = 16,
    grace: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="For the running jobs to end in when it is told to stop.")
    ] = 20.0,
    base_url: BaseUrl = None,
    sandbox: InSandbox = False,
) -> None:
    """Fetch the jobs that `sync --redis` queues.

    It runs until SIGTERM or Ctrl-C, on any number of machines, with the same Redis, ledger and
    credentials. If it is killed, the others have its jobs within 20 seconds.

    Credentials and exit codes are those of `settlements`. With WXREVENUE_COMPONENT_SECRET it needs
    WXREVENUE_STORE_KEY, too.
    """
    _worker.execute(_worker.Options(**locals()))


@app.command(rich_help_panel=_LEDGER)
def changes(
    *,
    ledger: Annotated[str, typer.Option(help="A file ending in .db or .sqlite, or postgresql://…")],
    since: Annotated[int, typer.Option(min=0, metavar="SEQ", help="Those after this number.")] = 0,
) -> None:
    """Print how settlements changed.

    Each line has, with tabs between: number, owner, half-month, statement, kinds, before -> after.
    """
    _sync.show_changes(ledger, since, change_line)


@app.command(rich_help_panel=_BEGIN)
def sandbox(  # noqa: PLR0913  (knobs, all by keyword)
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8080,
    seed: Seed = 0,
    components: Annotated[int, typer.Option(min=1, help="Service providers with an account.")] = 3,
    years: Annotated[int, typer.Option(min=1, help="How far back the books go.")] = 6,
    merchant_file: Annotated[Path | None, typer.Option(help="Write the merchant's numbers and keys to this file, as JSON.")] = None,
    too_fast: Annotated[int | None, _limit("So many calls of an account in a window are let through; then comes 1737.", 1, "CALLS")] = None,
    window: Annotated[float, _limit("The window's length.", 0.001, "SECONDS")] = 60.0,
    kind: Annotated[Kind, _limit("How the window counts.")] = "sliding",
    per: Annotated[Per, _limit("One count for each action of an account, or one for all.")] = "action",
    page_cap: Annotated[int | None, _limit("Rows of a page at most, whatever is asked for.", 1, "ROWS")] = None,
    latency: Annotated[float, _limit("Between a call and its answer.", 0, "SECONDS")] = 0.0,
    busy: Annotated[float, _rate("-202; HTTP 500 from WeChat Pay.")] = 0.0,
    system: Annotated[float, _rate("-1; HTTP 500 from WeChat Pay.")] = 0.0,
    expired: Annotated[float, _rate("42001, and from then on there is another token.")] = 0.0,
    drop_before: Annotated[float, _rate("A broken connection, nothing carried out.")] = 0.0,
    drop_after: Annotated[float, _rate("A broken connection after the call was carried out.")] = 0.0,
    html: Annotated[float, _rate("A web page instead of the answer.")] = 0.0,
    cut: Annotated[float, _rate("Half of the answer.")] = 0.0,
    unsigned: Annotated[float, _rate("No signature (WeChat Pay).")] = 0.0,
    missigned: Annotated[float, _rate("A signature that does not fit (WeChat Pay).")] = 0.0,
    probe: Annotated[float, _rate("A deliberately wrong signature (WeChat Pay).")] = 0.0,
) -> None:
    """Serve a made-up WeChat on this machine, until Ctrl-C."""
    trouble = _serve.trouble(locals())
    served = Sandbox(seed=seed, components=components, years=years, trouble=trouble)
    _serve.write_merchant_file(served, merchant_file)
    _serve.serve_until_stopped(served, host, port)
