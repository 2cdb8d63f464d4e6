"""What ``wxrevenue settlements`` is asked for, and whether its options go together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs
import typer

from wxrevenue.ams.settlement import GetAgencySettlement
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wxrevenue.export import By

Format: TypeAlias = Literal["table", "csv", "jsonl", "parquet"]
_FORMATS: Final[Mapping[str, Format]] = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}
_HINTS: Final = {"start_date": "--from", "end_date": "--to", "page_size": "--page-size"}


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

    @property
    def query(self) -> Mapping[str, Any]:
        """What tells this job's rows from other jobs'."""
        server = "sandbox" if self.sandbox else self.base_url or os.environ.get("WXREVENUE_BASE_URL") or "wechat"
        account = "" if self.sandbox else os.environ.get("WXREVENUE_COMPONENT_APPID", "")
        return {"from": self.start, "to": self.end, "page_size": self.page_size, "server": server, "account": account}


def job(*, start: str, end: str, format: Format | None, out: Path | None, **options: Any) -> Job:
    """Return the job that the options describe.

    Raises:
        BadParameter: they do not go together, or a date is none.
    """
    found = _format(format, out)
    _refuse(found == "table" and out is not None, "--format", "a table goes to the terminal: choose csv, jsonl or parquet for --out")
    _refuse(found == "parquet" and out is None, "--out", "parquet needs a file")
    _refuse(options["resume"] and out is None, "--resume", "needs --out: what was fetched is kept beside that file")
    _refuse(found != "csv" and (options["bom"] or options["by"] != "settlement"), "--by, --bom", "are for --format csv")
    try:
        request = GetAgencySettlement(start, end, page_size=options["page_size"])
    except ConfigurationError as error:
        field, _, said = error.message.removeprefix("GetAgencySettlement.").partition(": ")
        raise typer.BadParameter(said, param_hint=_HINTS[field]) from None
    return Job(start=request.start_date, end=request.end_date, format=found, out=out, **options)


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
