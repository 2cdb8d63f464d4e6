"""Finding the code or the class that was typed, or what comes near."""

from __future__ import annotations

import difflib
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from wxrevenue import errors
from wxrevenue._wire.codes import CODES
from wxrevenue._wire.pay_numbers import NUMBERS

if TYPE_CHECKING:
    from wxrevenue.errors import WxRevenueError

_CLASSES: Final[dict[str, type[WxRevenueError]]] = {name.lower(): getattr(errors, name) for name in errors.__all__}


def found(text: str) -> int | str | type[WxRevenueError] | None:
    """Return what the text names; ``None`` if it names nothing that is known."""
    typed = text.strip()
    name = typed.rpartition(".")[2].lower()  # wxrevenue.TooFastError, as tracebacks print it
    if name in _CLASSES:
        return _CLASSES[name]
    code: int | str = typed.upper()
    with suppress(ValueError):
        code = int(code)
    return code if code in CODES or (code and code in NUMBERS) else None


def near(text: str) -> list[str]:
    """Return up to three known names that look like the text, the likeliest first."""
    names = {str(code).lower(): str(code) for code in (*CODES, *NUMBERS)} | {name: kind.__name__ for name, kind in _CLASSES.items()}
    return [names[match] for match in difflib.get_close_matches(text.strip().lower(), names, n=3, cutoff=0.7)]
