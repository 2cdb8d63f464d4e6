"""Whose settlements are asked for.

A file of appids is looked through before anything is fetched.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from wxrevenue.cli._ratios.file import flaw_of_appid, text_of
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

_APPIDS: Final = re.compile(r"wx[0-9A-Za-z_-]+(,\s*wx[0-9A-Za-z_-]+)*,?", re.ASCII)
_MOST_TOLD: Final = 10


def check_appids(appids: Sequence[str]) -> None:
    """Raise ``BadParameter`` unless these are appids."""
    for appid in appids:
        if "," in appid or _APPIDS.fullmatch(appid) is None:
            raise typer.BadParameter(f"{appid!r} is not an appid such as wx0123456789abcdef", param_hint="APPID")


def named_owners(text: str | None) -> list[str]:
    """Return the appids of a file of this name, or those in the text.

    Appids in the text have commas between them.

    Raises:
        BadParameter: there is no such file, and these are no appids.
        ConfigurationError: a line is no appid.
        OSError: it cannot be read.
    """
    if text is None or Path(text).is_file():
        return [] if text is None else read_owners(Path(text))
    if _APPIDS.fullmatch(text) is None:
        raise typer.BadParameter(f"{text!r} is no file, and not appids such as wx1,wx2", param_hint="--owners")
    return [appid.strip() for appid in text.split(",") if appid.strip()]


def read_owners(path: Path) -> list[str]:
    """Return the appids of a file, one a line; what follows ``#`` is a comment.

    Raises:
        ConfigurationError: a line is no appid.
        OSError: it cannot be read.
    """
    lines = text_of(path).splitlines()
    found = {number: appid for number, line in enumerate(lines, 1) if (appid := line.partition("#")[0].strip())}
    flaws = [f"{path}, line {number}: {flaw}" for number, appid in found.items() if (flaw := flaw_of_appid(appid)) is not None]
    if flaws:
        more = [f"and {len(flaws) - _MOST_TOLD:,} more"] if len(flaws) > _MOST_TOLD else []
        raise ConfigurationError("\n".join([*flaws[:_MOST_TOLD], *more]))
    return [*found.values()]
