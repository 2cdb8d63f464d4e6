"""Markup in which every text is escaped, unless it says that it is markup."""

from __future__ import annotations

import functools
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from wxrevenue.ams.settlement import yuan
from wxrevenue.report._words import printable

if TYPE_CHECKING:
    from collections.abc import Iterable


class Html(str):
    """A text that is markup already."""

    __slots__ = ()


def html(template: str, /, **values: object) -> Html:
    """Fill a template with texts, which are escaped, and with markup, which is not."""
    return Html(template.format_map({name: escaped(value) for name, value in values.items()}))


def escaped(value: object) -> Html:
    """Return a str as markup that shows it.

    A character that cannot be printed, or steers, is shown as U+FFFD.
    """
    if isinstance(value, Html):
        return value
    return Html(escape(printable(str(value))))


def joined(pieces: Iterable[Html]) -> Html:
    """Return pieces of markup one after the other."""
    return Html("".join(pieces))


@functools.cache
def file(name: str) -> Html:
    """Return a file that lies beside this module."""
    return Html(resources.files("wxrevenue.report").joinpath(name).read_text(encoding="utf-8"))


def money(fen: int) -> str:
    """Return an amount in yuan: ``1234567`` fen are ``12,345.67``."""
    return f"{yuan(fen):,.2f}"


def priced(fen: int) -> str:
    """Return an amount with the sign of its currency: ``-¥12.00``."""
    return f"{'-' if fen < 0 else ''}¥{money(abs(fen))}"


def name(text: str) -> Html:
    """Return a name that WeChat or a caller gave.

    It is kept apart from the direction of the text around it, where it may have one of its own.
    """
    if text.isascii() and text.isalnum():
        return Html(text)
    return html("<bdi>{text}</bdi>", text=text)
