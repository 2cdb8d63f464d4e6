"""How wide the terminal is that tables are printed on."""

from __future__ import annotations

import shutil
import sys
from typing import Final

LINE: Final = 60
"""Columns of a table, wherever there is room for them."""
NARROW: Final = 40
"""Columns of a table on a terminal that has fewer than ``LINE``."""


def table_columns() -> int:
    """Return how many columns a table on stdout has: ``LINE``, or ``NARROW``.

    A file or a pipe has room.
    """
    return NARROW if sys.stdout.isatty() and shutil.get_terminal_size().columns < LINE else LINE
