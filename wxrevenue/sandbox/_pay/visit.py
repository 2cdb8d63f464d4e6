"""One call to WeChat Pay: what it asks for, its answer, and its refusal."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs
import orjson

from wxrevenue.sandbox._call import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxrevenue.sandbox._call import Call

JSON: Final = "application/json"
BAD_PARAMETER, NO_RELATION, NO_SUB_MCHID, BAD_SIGNATURE = 268435461, 268443701, 268443704, 270283348
OTHER_SUB_MCHID, NO_SUCH_ORDER, NOT_ENOUGH = 268447845, 268512771, 88430113
CODES: Final = {
    400: "INVALID_REQUEST",
    401: "SIGN_ERROR",
    403: "NO_AUTH",
    404: "NOT_FOUND",
    429: "RATE_LIMITED",
    500: "SYSTEM_ERROR",
    502: "SERVICE_UNAVAILABLE",
    503: "SERVICE_UNAVAILABLE",
}
_ORDER_NO: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")


class PayRefusedError(Exception):
    """Carries a refusal up to the one place that answers it."""

    def __init__(self, status: int, message: str, *, code: str | None = None, number: int = BAD_PARAMETER) -> None:
        super().__init__(message)
        self.status, self.message, self.number = status, message, number
        self.code = code or CODES[status]


def bad_parameter(message: str) -> PayRefusedError:
    """Return the refusal of a parameter."""
    return PayRefusedError(400, message, code="PARAM_ERROR")


@attrs.frozen(kw_only=True)
class Visit:
    """A call whose signature was right, and what its path names."""

    call: Call
    named: Mapping[str, str]
    payload: Mapping[str, object]
    now: float

    def text(self, key: str, least: int = 1, most: int = 64) -> str:
        """Return a string of that length."""
        return text(self.payload, key, least, most)

    def maybe_text(self, key: str, most: int = 64) -> str | None:
        """Return a string, if there is one; ``null`` is none."""
        return self.text(key, 1, most) if key in self.payload else None

    def number(self, key: str, least: int, most: int) -> int:
        """Return a whole number of a query."""
        found = self.text(key)
        if not found.isascii() or not found.isdecimal() or not least <= int(found) <= most:
            raise bad_parameter(f"{key} must be a whole number, {least} to {most}")
        return int(found)

    def day(self, key: str, form: str) -> str:
        """Return a day that exists, written like that."""
        found = self.text(key)
        try:
            fits = datetime.strptime(found, form).strftime(form) == found  # noqa: DTZ007  (a day has no zone)
        except ValueError:
            fits = False
        if not fits:
            raise bad_parameter(f"{key} must be a day, {form}")
        return found

    def order_no(self, key: str = "out_order_no") -> str:
        """Return a number of the merchant's own."""
        found = self.named.get(key) or self.text(key)
        if not _ORDER_NO.fullmatch(found):
            raise bad_parameter(f"{key} must be 1 to 64 letters, digits, '_' and '-'")
        return found

    def says(self, content: Mapping[str, object] | None = None) -> Answer:
        """Return an answer, without content 204."""
        if content is None:
            return Answer(204)
        return Answer(200, {"Content-Type": JSON}, orjson.dumps({name: value for name, value in content.items() if value is not None}))


Action: TypeAlias = "Callable[[Visit], Answer]"
Actions: TypeAlias = "Mapping[tuple[str, str], Action]"


def text(payload: Mapping[str, object], key: str, least: int, most: int) -> str:
    """Return a string of that length."""
    value = payload.get(key)
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise bad_parameter(f"{key} must be a string of {least} to {most} characters")
    return value


def amount(payload: Mapping[str, object], key: str = "amount") -> int:
    """Return an amount of at least one fen."""
    value = payload.get(key)
    if type(value) is not int or value < 1:
        raise bad_parameter(f"{key} must be a whole number of fen, at least 1")
    return value


def only_cny(payload: Mapping[str, object]) -> None:
    """Refuse any other currency."""
    if text(payload, "currency", 1, 10) != "CNY":
        raise PayRefusedError(400, "only CNY is supported for transactions that need funds distribution")


def found_action(actions: Actions, call: Call) -> tuple[Action, dict[str, str]] | None:
    """Return what answers a call, and what its path names.

    A part of a path in braces stands for any string.
    """
    from urllib.parse import unquote

    given = call.path.split("/")
    for (method, path), action in actions.items():
        parts = path.split("/")
        fits = len(parts) == len(given) and all(part == one or part[:1] == "{" for part, one in zip(parts, given, strict=True))
        if method == call.method and fits:
            return action, {part[1:-1]: unquote(one) for part, one in zip(parts, given, strict=True) if part[:1] == "{"}
    return None
