"""The options that say who answers a command: another server, or made-up books."""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypeVar

import typer

T = TypeVar("T")


def _one_of_both(context: typer.Context, value: T) -> T:
    """Return an option's value; refuse it if the other one was given before."""
    if value and (context.params.get("sandbox") or context.params.get("base_url")):
        raise typer.BadParameter("not together: made-up books are no server", param_hint="--sandbox, --base-url")
    return value


def made_up(what: str) -> object:
    """Return the option for made-up things in place of a server."""
    return typer.Option("--sandbox", callback=_one_of_both, help=f"Made-up {what} in place of a server; needs no credentials.")


BaseUrl: TypeAlias = Annotated[str | None, typer.Option(callback=_one_of_both, help="Another server, such as that of `wxrevenue sandbox`.")]
InSandbox: TypeAlias = Annotated[bool, made_up("books")]
