"""A call that the gateway let through, and how its parameters are read.

What is missing is refused with 1700, what is wrong with 1701.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import attrs

from wxrevenue.sandbox._ams.envelopes import success
from wxrevenue.sandbox._ams.tokens import AUTHORIZER, COMPONENT
from wxrevenue.sandbox._call import Answer, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from wxrevenue.sandbox._ams.books import Provider
    from wxrevenue.sandbox._call import Call
    from wxrevenue.sandbox._trouble import Trouble

T = TypeVar("T")
Payload: TypeAlias = dict[str, object]

SET_PATH, GET_PATH, OPERATION_PATH = "/wxa/setdefaultamsinfo", "/wxa/getdefaultamsinfo", "/wxa/operationams"
MISSING, NOT_ALLOWED = 1700, 1701
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@attrs.frozen
class Visit:
    """A call that the gateway let through.

    ``program`` is the Mini Program whose token it brought, if it brought one.
    """

    call: Call
    who: Provider
    program: str
    payload: Payload
    trouble: Trouble

    @property
    def style(self) -> int:
        """Which of the three envelopes this provider is answered in."""
        return style_of(self.who)

    def says(self, fields: Payload | None = None, said: str = "") -> Answer:
        """Return a good answer."""
        return success(self.style, said, fields or {})

    def shown(self, rows: Sequence[T]) -> Sequence[T]:
        """Return the rows of the page that was asked for."""
        page, size = count(self.payload, "page"), count(self.payload, "page_size")
        size = min(size, self.trouble.page_cap or size)
        return rows[(page - 1) * size : page * size]


@attrs.frozen
class Action:
    """What carries a call out, and whose token it takes.

    The token is ``COMPONENT``'s, ``AUTHORIZER``'s, or that of either.
    """

    answer: Callable[[Visit], Answer]
    takes: tuple[str, ...]


Actions: TypeAlias = dict[tuple[str, str], Action]


def of_component(answer: Callable[[Visit], Answer]) -> Action:
    """Return what takes the component's token."""
    return Action(answer, (COMPONENT,))


def of_authorizer(answer: Callable[[Visit], Answer]) -> Action:
    """Return what takes an authorizer's token."""
    return Action(answer, (AUTHORIZER,))


def style_of(who: Provider) -> int:
    """Return which of the three envelopes a provider is answered in."""
    return who.index % 3


def count(payload: Payload, key: str) -> int:
    """Return a number from 1."""
    value = payload.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedError(MISSING)
    if value < 1:
        raise RefusedError(NOT_ALLOWED)
    return value


def one_of(payload: Payload, key: str, allowed: Collection[T]) -> T:
    """Return a value that is one of those allowed."""
    value = payload.get(key)
    if value is None or isinstance(value, (bool, list, dict)):
        raise RefusedError(MISSING)
    found = next((one for one in allowed if one == value), None)
    if found is None:
        raise RefusedError(NOT_ALLOWED)
    return found


def optional_one_of(payload: Payload, key: str, allowed: Collection[T]) -> T | None:
    """Return a value that is one of those allowed, or ``None`` where there is none."""
    return None if payload.get(key) is None else one_of(payload, key, allowed)


def text(payload: Payload, key: str) -> str:
    """Return a string that is not empty."""
    value = payload.get(key)
    if not isinstance(value, str) or not value:
        raise RefusedError(MISSING)
    return value


def optional_text(payload: Payload, key: str) -> str | None:
    """Return a string that is not empty, or ``None`` where there is none."""
    return None if payload.get(key) is None else text(payload, key)


def day(payload: Payload, key: str) -> date:
    """Return a day."""
    found = text(payload, key)
    if not _DAY.fullmatch(found):
        raise RefusedError(NOT_ALLOWED)
    try:
        return date.fromisoformat(found)
    except ValueError:
        raise RefusedError(NOT_ALLOWED) from None


def days(payload: Payload) -> tuple[date, date]:
    """Return the first and the last day that are asked for."""
    start, end = day(payload, "start_date"), day(payload, "end_date")
    if start > end:
        raise RefusedError(NOT_ALLOWED)
    return start, end
