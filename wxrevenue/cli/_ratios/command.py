"""``wxrevenue ratios show``, ``plan`` and ``apply``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypedDict, Unpack

import typer

from wxrevenue.cli._problem import FAILED, Problem
from wxrevenue.cli._ratios import file as _file
from wxrevenue.cli._ratios.job import Job
from wxrevenue.cli._ratios.report import HEAD, row
from wxrevenue.cli._server import BaseUrl, made_up
from wxrevenue.cli._starting import STOPPED

if TYPE_CHECKING:
    from collections.abc import Callable

    class _Options(TypedDict):
        """What all commands take."""

        redirect_uri: str | None
        base_url: str | None
        sandbox: bool


app = typer.Typer(
    help="Show share ratios, or set them from a CSV file.\n\nIts columns are appid and share_ratio. The row `default` stands for the"
    " provider's default. Credentials and exit codes are those of `settlements`.",
    no_args_is_help=True,
)

File: TypeAlias = Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE.csv", help="appid,share_ratio")]
AnyFile: TypeAlias = Annotated[
    Path | None,
    typer.Argument(exists=True, dir_okay=False, metavar="FILE.csv", help="Its Mini Programs; by default all that authorized the provider."),
]
Fractions: TypeAlias = Annotated[bool, typer.Option("--allow-fractions", help="Let ratios such as 12.5 pass; WeChat may refuse them.")]
RedirectUri: TypeAlias = Annotated[
    str | None,
    typer.Option(envvar="WXREVENUE_REDIRECT_URI", metavar="URL", help="Where the link of the authorization leads back to."),
]
InSandbox: TypeAlias = Annotated[bool, made_up("Mini Programs")]


@app.command()
def show(file: AnyFile = None, *, redirect_uri: RedirectUri = None, base_url: BaseUrl = None, sandbox: InSandbox = False) -> None:
    """Show the ratios of each Mini Program.

    There are three: set by default, set for itself, and in force. Exits 1 if any could not be read.
    """

    def run(job: Job) -> None:
        appids = None if file is None else _file.read_appids(file)
        typer.echo(HEAD)
        job.read(appids, lambda status: typer.echo(row(status)))
        job.end()

    _execute(run, redirect_uri=redirect_uri, base_url=base_url, sandbox=sandbox)


@app.command()
def plan(
    file: File,
    *,
    allow_fractions: Fractions = False,
    base_url: BaseUrl = None,
    sandbox: InSandbox = False,
) -> None:
    """Show what `apply` would set. Nothing is changed.

    Exits 1 if the ratios of any Mini Program could not be read.
    """

    def run(job: Job) -> None:
        job.plan(_file.read_ratios(file, allow_fractions=allow_fractions))
        typer.echo(job.diff)

    _execute(run, redirect_uri=None, base_url=base_url, sandbox=sandbox)


@app.command(name="apply")
def apply_(  # noqa: PLR0913  (options, all by keyword)
    file: File,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    allow_fractions: Fractions = False,
    redirect_uri: RedirectUri = None,
    base_url: BaseUrl = None,
    sandbox: InSandbox = False,
) -> None:
    """Show the diff, ask, and set the ratios.

    After an interruption the same command sets the rest. A ratio that is set is not in force before
    the merchant confirms it.

    Exits 1 if any failed or if the answer is no; 2 when file, options or credentials are not right;
    130 after Ctrl-C.
    """

    def run(job: Job) -> None:
        job.plan(_file.read_ratios(file, allow_fractions=allow_fractions))
        typer.echo(job.diff)
        if job.changes and not yes:
            typer.confirm(f"Set {job.changes:,} ratios?", abort=True)
        job.apply()
        job.end()

    _execute(run, redirect_uri=redirect_uri, base_url=base_url, sandbox=sandbox)


def _execute(run: Callable[[Job], None], **options: Unpack[_Options]) -> None:
    """Run a command; tell why it failed, if it did.

    Raises:
        Exit: it failed, or something of it did.
    """
    failed = False

    def work() -> None:
        nonlocal failed
        with asyncio.Runner() as runner, Job(runner, **options) as job:
            run(job)
        failed = bool(job.failed)

    problem = Problem.of_doing(work)
    problem.tell(before=("What is set stays set; the same command goes on with the rest.",) if problem.exit_code == STOPPED else ())
    if failed:
        raise typer.Exit(FAILED)
