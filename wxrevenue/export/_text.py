"""What a server may put into text, made fit for files."""

from __future__ import annotations

import re
from typing import Final

_RISKY: Final = re.compile(r"[\s\x00-\x20\ufeff]*[=+\-@＝＋－＠]|['\t\r\n]")  # noqa: RUF001  (Chinese and Japanese Excel knows the wide ones, too)
"""What a spreadsheet may take for a formula.

Also the apostrophe that tells it not to.
"""


def well_formed(text: str) -> str:
    """Return text that UTF-8 can hold.

    Pairs of surrogates become their character, halves U+FFFD.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def cell(text: str | None) -> str | None:
    """Return text of the server's as a cell.

    No formula, no NUL, no half of a surrogate pair.
    """
    if text is None:
        return None
    text = well_formed(text).replace("\0", "\ufffd")
    return f"'{text}" if is_risky(text) else text


def is_risky(text: str) -> bool:
    """Return whether a spreadsheet may take a str for a formula."""
    return _RISKY.match(text) is not None
