"""What an answer of WeChat Pay says.

It is a payload, or an error with all that can be known of its cause.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from wxrevenue._engine.outcome import request_id
from wxrevenue._wire.codec import about_page, parse
from wxrevenue._wire.codes import api_error
from wxrevenue._wire.http import retry_after
from wxrevenue._wire.pay_numbers import cause_of
from wxrevenue.errors import ApiError, DecodeError, ServerBusyError

if TYPE_CHECKING:
    from wxrevenue._wire.http import HttpResponse

OK: Final = range(200, 300)
_ACCEPTED: Final = 202
_UNAUTHORIZED: Final = 401
_LONGEST_MESSAGE: Final = 500
_LONGEST_CODE: Final = 64
_NOTICEABLE_S: Final = 60
"""Seconds; the ``Date`` header and the way of an answer are not exact."""


def unwrapped(response: HttpResponse, now: float) -> object:
    """Return the payload (``None`` for an empty body), or the error of the answer.

    Every documented answer is an object or empty. Anything else is not a success, signed or not,
    and an object with an error's code is that error, also under a status of success.
    """
    if response.status == _ACCEPTED:
        return _unfinished(response)
    if response.status not in OK:
        return refusal(response, now)
    if not response.body:
        return None
    payload = parse(response.body)
    if not isinstance(payload, dict):
        return payload if isinstance(payload, DecodeError) else DecodeError("expected an object")
    return refusal(response, now) if isinstance(payload.get("code"), str) else payload


def _unfinished(response: HttpResponse) -> ApiError:
    """Return the reading of 202 that is safe.

    The English page says that the request is done, the Chinese one says repeat it.
    """
    busy = ServerBusyError("accepted, to be repeated", status=response.status, request_id=request_id(response))
    busy.ambiguous = True
    return busy


def refusal(response: HttpResponse, now: float) -> ApiError:
    """Return the error of an answer that reports no success."""
    parsed = parse(response.body)
    page = about_page(parsed)
    payload = parsed if isinstance(parsed, dict) else {}
    code, message = payload.get("code"), payload.get("message")
    error = api_error(
        " ".join(message.split())[:_LONGEST_MESSAGE] if isinstance(message, str) else "",
        code=code if isinstance(code, str) and code.isprintable() and 0 < len(code) <= _LONGEST_CODE else None,
        status=response.status,
        detail=payload.get("detail"),
        request_id=request_id(response),
        retry_after=retry_after(response.header("Retry-After"), now),
        **page,
    )
    cause = cause_of(error.request_id, error.code, error.message)
    if cause is not None:
        error.meaning, error.solution = cause
    if response.status == _UNAUTHORIZED:
        _tell_skew(error, response.header("Date"), now)
    return error


def _tell_skew(error: ApiError, date: str | None, now: float) -> None:
    """Say how far this machine's clock is from the server's.

    Beyond five minutes every request is refused.
    """
    try:
        found = parsedate_to_datetime(date or "")
        server = (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()  # '-0000' is UTC, too
    except (ValueError, OverflowError):
        return
    error.clock_skew = now - server
    if abs(error.clock_skew) >= _NOTICEABLE_S:
        side = "ahead of" if error.clock_skew > 0 else "behind"
        said = f"this machine's clock is {abs(error.clock_skew):.0f} s {side} the server's"
        error.solution = f"{error.solution} {said.capitalize()}." if "solution" in vars(error) else f"{said}."
