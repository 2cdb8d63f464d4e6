"""The commands: each reads its options and hands them on."""

from __future__ import annotations

import asyncio
from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import Annotated, Any, Literal, TypeAlias

import attrs
import typer
from rich.console import Console

from wxrevenue._version import __version__
from wxrevenue.ams._checks import LARGEST_PAGE_SIZE
from wxrevenue.cli import _explain, _serve
from wxrevenue.cli._demo import job as _demo
from wxrevenue.cli._demo.report import DemoPlan
from wxrevenue.cli._demo.screen import Screen
from wxrevenue.cli._settlements import command as _settlements
from wxrevenue.cli._settlements import options as _job
from wxrevenue.export import By  # noqa: TC001  (as above)
from wxrevenue.sandbox import Quota, Sandbox, Trouble

app = typer.Typer(
    help="Advertising money for Mini Program service providers: try the library, and look up what WeChat's codes mean.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a plain traceback shows no locals
    context_settings={"help_option_names": ["-h", "--help"]},
)

NARROWEST = 80
"""Columns that the demo's tables need to show every amount whole."""
Seed: TypeAlias = Annotated[int, typer.Option(help="The same seed gives the same books and the same trouble.")]
Kind: TypeAlias = Literal["fixed", "sliding", "bucket", "extending"]
Per: TypeAlias = Literal["action", "component"]


def _rate(text: str) -> Any:
    return typer.Option(min=0, max=1, metavar="RATE", rich_help_panel="How often what goes wrong (0 to 1)", help=text)


def _limit(text: str, least: float | None = None, metavar: str | None = None) -> Any:
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


@app.command()
def demo(*, seed: Seed = 0) -> None:
    """Show what the library does, against a sandbox that misbehaves; takes some ten seconds.

    Exits 1 if anything does not agree with the sandbox's books.
    """
    console = Console()
    console.width = max(console.width, NARROWEST)  # a table that cuts off money is worse than one that wraps
    plan, screen = DemoPlan(seed=seed), Screen(console)
    report = asyncio.run(_demo.run(plan, _demo.make_sandbox(plan), screen))
    screen.summary(report)
    if report.problems:
        raise typer.Exit(1)


@app.command(context_settings={"ignore_unknown_options": True})  # so that -202 is a code
def explain(code: Annotated[str | None, typer.Argument(help="Such as 1737, -202 or NO_AUTH; none lists them all.")] = None) -> None:
    """Tell what a code of WeChat's means, what to do about it, and whether the client retries."""
    console = Console()
    if code is None:
        console.print(_explain.index())
        return
    known = _explain.parse(code)
    if known is None:
        typer.echo(f"{code!r} is no code that wxrevenue knows; `wxrevenue explain` lists those it does.", err=True)
        raise typer.Exit(1)
    console.print(_explain.table(known))


@app.command()
def settlements(  # noqa: PLR0913  (options, all by keyword)
    *,
    start: Annotated[str, typer.Option("--from", metavar="DAY", help="The first day, yyyy-mm-dd, Beijing calendar.")],
    end: Annotated[str, typer.Option("--to", metavar="DAY", help="The last day.")],
    format: Annotated[_job.Format | None, typer.Option(help="By default what the file is called, else a table.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file, which appears when it is whole.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with FILE.part, which a run that was broken off left.")] = False,
    chart: Annotated[bool, typer.Option("--chart", help="Show bars of revenue by half-month and by slot.")] = False,
    by: Annotated[By, typer.Option(help="A line of the CSV for each settlement, or one for each of its slots.")] = "settlement",
    bom: Annotated[bool, typer.Option("--bom", help="A CSV for Excel: marked as UTF-8, ' before ids that it would round.")] = False,
    page_size: Annotated[int, typer.Option(min=1, max=LARGEST_PAGE_SIZE, help="Rows to a call; the server may send fewer.")] = 20,
    base_url: Annotated[str | None, typer.Option(help="Another server, such as that of `wxrevenue sandbox`.")] = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Made-up books in place of a server; needs no credentials.")] = False,
) -> None:
    """Print or export the provider's half-month settlements.

    Credentials come from WXREVENUE_COMPONENT_TOKEN, and WXREVENUE_COMPONENT_APPID and WXREVENUE_BASE_URL where they are set.

    Exits 0 when all is well, 2 when options or credentials are not right, 75 when the same command may do better later
    (--resume goes on where it stopped), 130 after Ctrl-C, else 1.
    """
    _settlements.execute(_job.job(**locals()))


@app.command()
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
    """Serve a made-up WeChat on this machine until Ctrl-C."""
    trouble = _trouble(locals())
    served = Sandbox(seed=seed, components=components, years=years, trouble=trouble)
    _write_merchant(served, merchant_file)
    _until_stopped(served, host, port)


def _trouble(options: dict[str, Any]) -> Trouble:
    """Return the trouble that the options ask for: the quota's four make one, every other has its name in ``Trouble``."""
    quota = Quota(options["too_fast"], options["window"], options["kind"], options["per"]) if options["too_fast"] else None
    plain = {field.name for field in attrs.fields(Trouble)} - {"too_fast"}
    return Trouble(too_fast=quota, **{name: options[name] for name in plain})


def _write_merchant(served: Sandbox, file: Path | None) -> None:
    try:
        if file is not None:
            _serve.write_merchant(served, file)
    except OSError as error:
        raise typer.BadParameter(f"cannot write {file}: {error.strerror or error}", param_hint="--merchant-file") from None


def _until_stopped(served: Sandbox, host: str, port: int) -> None:
    try:
        asyncio.run(_serve.serve(served, Console(), host=host, port=port))
    except KeyboardInterrupt:
        typer.echo("Stopped.")
    except OSError as error:
        typer.echo(f"Cannot serve on {host}:{port}: {error.strerror or error}", err=True)
        raise typer.Exit(1) from None
