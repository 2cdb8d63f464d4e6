"""The options of ``wxrevenue settlements``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypedDict, Unpack

import attrs
import typer

from wxrevenue.ams.settlement import GetAgencySettlement
from wxrevenue.cli._problem import day_as_typed
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wxrevenue.export import By
    from wxrevenue.report._words import Lang

    class _Options(TypedDict):
        """The command's options, but for days and file."""

        page_size: int
        resume: bool
        chart: bool
        by: By
        bom: bool
        sandbox: bool
        base_url: str | None
        ledger: str | None
        owner: str | None
        lang: Lang


Format: TypeAlias = Literal["table", "csv", "jsonl", "parquet", "xlsx"]
_FORMATS: Final[Mapping[str, Format]] = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet", ".xlsx": "xlsx"}
FILES_ALONE: Final = ("parquet", "xlsx")
"""Formats that do not go to stdout."""
BY_SLOT: Final = ("csv", "xlsx")
"""Formats that can have a line for each slot."""
_ALWAYS: Final = ("0001-01-01", "9999-12-31")
_HINTS: Final = {"start_date": "--from", "end_date": "--to", "page_size": "--page-size"}


_NEEDED: Final = "give a first and a last day (with --ledger, they may be left out)"


@attrs.frozen(kw_only=True)
class Job:
    """What was asked for."""

    start: str
    end: str
    page_size: int = 20
    format: Format = "table"
    out: Path | None = None
    resume: bool = False
    chart: bool = False
    by: By = "settlement"
    bom: bool = False
    sandbox: bool = False
    base_url: str | None = None
    ledger: str | None = None
    owner: str | None = None
    lang: Lang = "en"

    @property
    def query(self) -> Mapping[str, object]:
        """What tells this job's rows from other jobs'."""
        server = "sandbox" if self.sandbox else self.base_url or os.environ.get("WXREVENUE_BASE_URL") or "wechat"
        account = "" if self.sandbox else os.environ.get("WXREVENUE_COMPONENT_APPID", "")
        return {"from": self.start, "to": self.end, "page_size": self.page_size, "server": server, "account": account}


def job(*, start: str | None, end: str | None, format: Format | None, out: Path | None, **options: Unpack[_Options]) -> Job:
    """Return the job that the options describe.

    Raises:
        BadParameter: they do not go together, or a date is none.
    """
    start, end = _days(start, end, **options)
    found = _format(format, out)
    _refuse(found == "table" and out is not None, "--format", "a table goes to the terminal: choose csv, jsonl, parquet or xlsx for --out")
    _refuse(found in FILES_ALONE and out is None, "--out", f"{found} needs a file")
    _refuse(options["resume"] and out is None, "--resume", "needs --out: what was fetched is kept beside that file")
    _refuse(found != "csv" and options["bom"], "--bom", "is for --format csv")
    _refuse(found not in BY_SLOT and options["by"] != "settlement", "--by", "is for --format csv or xlsx")
    try:
        request = GetAgencySettlement(start, end, page_size=options["page_size"])
    except ConfigurationError as error:
        field, _, said = error.message.removeprefix("GetAgencySettlement.").partition(": ")
        raise typer.BadParameter(day_as_typed(said), param_hint=_HINTS[field]) from None
    return Job(start=request.start_date, end=request.end_date, format=found, out=out, **options)


def _days(start: str | None, end: str | None, **options: Unpack[_Options]) -> tuple[str, str]:
    """Return the days asked for; those of a ledger may be left out."""
    if options["ledger"] is not None:
        _refuse(
            options["sandbox"] or options["base_url"] is not None, "--sandbox, --base-url", "not together with --ledger: nothing is fetched"
        )
        _refuse(options["resume"], "--resume", "not together with --ledger: nothing is fetched")
        return start or _ALWAYS[0], end or _ALWAYS[1]
    _refuse(options["owner"] is not None, "--owner", "needs --ledger: WeChat is asked for the provider's alone")
    _refuse(start is None, "--from", f"{_NEEDED}, such as --from 2026-01-01")
    _refuse(end is None, "--to", f"{_NEEDED}, such as --to 2026-01-31")
    return str(start), str(end)


def _format(format: Format | None, out: Path | None) -> Format:
    """Return the format asked for, or the one that the file's name tells."""
    if format is not None:
        return format
    if out is None:
        return "table"
    _refuse(out.suffix.lower() not in _FORMATS, "--format", f"say which: {out.name!r} ends in none of {', '.join(_FORMATS)}")
    return _FORMATS[out.suffix.lower()]


def _refuse(wrong: bool, option: str, message: str) -> None:  # noqa: FBT001  (it reads as a sentence)
    if wrong:
        raise typer.BadParameter(message, param_hint=option)
