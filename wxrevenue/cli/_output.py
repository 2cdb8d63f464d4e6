"""Where rows go: to stdout, or into a file.

On stdout they appear as they arrive, a file when it is whole.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs
import typer

from wxrevenue import export
from wxrevenue.export import _csv, _jsonl
from wxrevenue.export._check import check
from wxrevenue.export._pump import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from wxrevenue.ams import AdRow, Settlement
    from wxrevenue.cli._waits import Waits
    from wxrevenue.funds import BillRow

    Rows: TypeAlias = AsyncIterator[Settlement] | AsyncIterator[AdRow] | AsyncIterator[BillRow]

Format: TypeAlias = Literal["csv", "jsonl", "parquet", "xlsx"]
_FORMATS: Final[Mapping[str, Format]] = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet", ".xlsx": "xlsx"}
_WRITERS: Final = {"jsonl": export.to_jsonl, "parquet": export.to_parquet, "xlsx": export.to_excel}


@attrs.frozen
class Output:
    """What rows are written as, and where."""

    format: Format
    out: Path | None
    bom: bool

    @classmethod
    def chosen(cls, format: Format | None, out: Path | None, *, bom: bool) -> Output:
        """Return what the options say.

        Raises:
            BadParameter: they do not go together.
        """
        if format is None and out is not None and out.suffix.lower() not in _FORMATS:
            raise typer.BadParameter(f"say which: {out.name!r} ends in none of {', '.join(_FORMATS)}", param_hint="--format")
        found: Format = format or ("csv" if out is None else _FORMATS[out.suffix.lower()])
        if found in {"parquet", "xlsx"} and out is None:
            raise typer.BadParameter(f"{found} needs a file", param_hint="--out")
        if bom and found != "csv":
            raise typer.BadParameter("is for --format csv", param_hint="--bom")
        return cls(found, out, bom)

    async def write(self, where: str, rows: Rows, model: type, waits: Waits | None = None) -> None:
        """Write rows of a model; ``where`` is what messages call them."""
        if self.out is None:
            await self._to_stdout(where, rows, model, waits)
        elif self.format == "csv":
            await export.to_csv(rows, self.out, bom=self.bom, of=model)
        else:
            await _WRITERS[self.format](rows, self.out, of=model)

    async def _to_stdout(self, where: str, rows: Rows, model: type, waits: Waits | None) -> None:
        sheet = _csv.csv_format(model, bom=self.bom, by="settlement") if self.format == "csv" else _jsonl.jsonl_format
        with sheet(sys.stdout.buffer) as add:
            async for row in rows:
                check(where, row, model)
                with nullcontext() if waits is None else waits.above():
                    await in_thread(add, [row])
        await in_thread(sys.stdout.buffer.flush)
