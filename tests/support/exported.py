"""Settlements to export, and files read back."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from wxrevenue import Settlement

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ["month", "order", "settled_revenue", "settled_revenue_yuan", "date", "zone", "sett_status", "sett_no", "mail_send_cnt"]
BARE = Settlement(month="202002", order=2, settled_revenue=-5)


def read_csv(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    """Return the lines of a CSV file by column."""
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_jsonl(path: Path) -> list[Any]:
    """Return the values of a file of JSON lines."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def names(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())
