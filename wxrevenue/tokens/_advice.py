"""Why there is no token, and what to do about it.

To explain a code better, add a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue.errors import ApiError, DecodeError, TokenUnavailableError, WxRevenueError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue._wire.stored import Ticket

NO_TICKET: Final = (
    "there is no component_verify_ticket yet: WeChat pushes one about every ten minutes to the authorization event URL of the platform. "
    "If none comes, check that URL, a slash at its end included (WeChat follows no redirect from one spelling to the other), and what "
    "receives it, and call start_push_ticket()"
)
_HOUR: Final = 3600.0
_WRONG_SECRET: Final = "check the component's secret in the WeChat console: it is wrong, or was reset"  # noqa: S105
_APPID: Final = "check the component's appid: it must be that of the third-party platform itself"
_TICKET: Final = "wait for the next ticket (one is pushed every ten minutes); if none comes, call start_push_ticket()"
_ANEW: Final = (
    "have the Mini Program authorize the component again, then hand its code to authorize(), or its new refresh token to add_authorizer()"
)
_REMEDIES: Mapping[int | str | None, str] = {
    40001: _WRONG_SECRET,
    40013: _APPID,
    40125: _WRONG_SECRET,
    41004: _WRONG_SECRET,
    45009: "the day's token requests are spent: find out who refreshes so often; the quota can be reset in the WeChat console",
    45011: "token requests come too often: let one process refresh, or let all of them share one token store",
    48001: "the platform may not call this interface: check that the appid is a third-party platform's and that it is published",
    61005: _TICKET,
    61006: _TICKET,
    61011: _APPID,
    61003: _ANEW,
    61023: _ANEW,
}
"""What a code means here, where it differs from what it means elsewhere."""
_ABOUT_THE_TOKEN: Final = frozenset({40001})
"""Codes that mean the secret only where no token was sent."""
_ABOUT_THE_TICKET: Final = frozenset({61005, 61006})


def overdue(appid: str, ticket: Ticket, now: float) -> str:
    """Return the warning that no newer ticket came.

    It tells the hours that are left in which a token can still be got.
    """
    left = max(0.0, ticket.expires - now) / _HOUR
    return (
        f"the newest ticket of component {appid} is {ticket.age(now) / _HOUR:.1f} hours old, while one is due every ten minutes: pushes "
        f"have stopped, and in {left:.1f} hours WeChat gives no more tokens. Check what receives them, and call start_push_ticket()"
    )


def unavailable(what: str, error: WxRevenueError, *, ticket: Ticket | None = None, now: float = 0.0) -> TokenUnavailableError:
    """Return the error to raise when ``what`` could not be got.

    Args:
        what: how messages call the token.
        error: what happened.
        ticket: the ticket that was sent, if one was; 61005 and 61006 are told with its age.
        now: Unix seconds.
    """
    if isinstance(error, TokenUnavailableError):
        return error
    parts = [f"{what} could not be refreshed", _happened(error)]
    code = getattr(error, "code", None)
    if ticket is not None and code in _ABOUT_THE_TICKET:
        parts.append(f"the ticket is {ticket.age(now) / _HOUR:.1f} hours old")
    remedy = _remedy(error, code, with_token=ticket is None)
    if remedy:
        parts.append(f"what to do: {remedy}")
    return TokenUnavailableError("; ".join(parts), last=error)


def unusable(what: str) -> TokenUnavailableError:
    """Return the error for an answer whose token is missing, empty or damaged.

    The next answer may be whole.
    """
    error = DecodeError("expected a token without white space or unreadable characters, and its life", retryable=True)
    return TokenUnavailableError(f"{what} could not be refreshed: WeChat answered without a token, or a damaged one", last=error)


def _happened(error: WxRevenueError) -> str:
    """Return what happened, without what the code means elsewhere."""
    if not isinstance(error, ApiError) or error.code is None:
        return error.explained()
    return f"WeChat answered {error.code}" + (f", {error.message!r}" if error.message else "")


def _remedy(error: WxRevenueError, code: int | str | None, *, with_token: bool) -> str | None:
    if code in _REMEDIES and not (with_token and code in _ABOUT_THE_TOKEN):
        return _REMEDIES[code]
    return getattr(error, "solution", None)
