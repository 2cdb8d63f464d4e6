"""Records ratios, as a history of each Mini Program's.

There is a row whenever they differ from those before.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypedDict

from wxrevenue._wire.codes import api_error
from wxrevenue.ams._ratio_status import RatioState, RatioStatus
from wxrevenue.errors import ApiError, WxRevenueError
from wxrevenue.ledger._texts import read, written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wxrevenue.ledger._session import Row, Session

    class _Error(TypedDict, total=False):
        """An error as it is kept: a code and a status, or a message alone."""

        code: int | str
        status: int
        message: str


_RATIOS: Final = ("default", "custom", "in_force")
_HISTORY: Final = "ratios"
"""Locked as a whole to add to the history of any Mini Program.

A lock for each of 100,000 is too many.
"""


def ratio_text(status: RatioStatus) -> str:
    """Return everything in a status as one string.

    What differs from one failure to the next is left out.
    """
    content: dict[str, object] = {name: None if (ratio := getattr(status, name)) is None else str(ratio) for name in _RATIOS}
    return written({**content, "state": str(status.state), "error": None if status.error is None else _error_content(status.error)})


def _error_content(error: WxRevenueError) -> dict[str, object]:
    if isinstance(error, ApiError) and error.code is not None:
        return {"code": error.code, "status": error.status}
    return {"message": f"{type(error).__name__}: {error.explained()}"}


def ratio_of(appid: str, text: str) -> RatioStatus:
    """Return the status that a string of :func:`ratio_text` holds."""
    content = read(text)
    default, custom, in_force = (None if content[name] is None else Decimal(content[name]) for name in _RATIOS)
    error = content["error"]
    return RatioStatus(appid, default, custom, in_force, RatioState(content["state"]), None if error is None else _error_of(error))


def _error_of(content: _Error) -> WxRevenueError:
    if "code" in content and "status" in content:
        return api_error("", code=content["code"], status=content["status"])
    return WxRevenueError(content.get("message", ""))


def record_ratios(session: Session, statuses: Iterable[tuple[str, str]]) -> int:
    """Add those that differ from the last of their Mini Program; return how many."""
    session.lock(_HISTORY)
    now = session.now()
    rows: list[Row] = []
    newest: dict[str, tuple[int, int, str] | None] = {}
    for appid, data in statuses:
        last = newest[appid] if appid in newest else _newest(session, appid)
        if last is None or last[2] != data:
            last = _later(last, now, data)
            rows.append((appid, *last))
        newest[appid] = last
    session.run_many("INSERT INTO ratios (appid, at, place, data) VALUES (?, ?, ?, ?)", rows)
    return len(rows)


def _newest(session: Session, appid: str) -> tuple[int, int, str] | None:
    found = session.run("SELECT at, place, data FROM ratios WHERE appid = ? ORDER BY at DESC, place DESC LIMIT 1", appid)
    return (found[0][0], found[0][1], found[0][2]) if found else None


def _later(last: tuple[int, int, str] | None, now: int, data: str) -> tuple[int, int, str]:
    """Return the key of a row that sorts behind the last one, whatever the clock says."""
    if last is None or last[0] < now:
        return now, 0, data
    return last[0], last[1] + 1, data


def ratios_after(session: Session, appid: str | None, after: tuple[str, int, int], limit: int) -> list[Row]:
    """Return the next rows of the history, by Mini Program and time."""
    if appid is None:
        return session.run(
            "SELECT appid, at, place, data FROM ratios WHERE (appid, at, place) > (?, ?, ?) ORDER BY appid, at, place LIMIT ?",
            *after,
            limit,
        )
    return session.run(
        "SELECT appid, at, place, data FROM ratios WHERE appid = ? AND (at, place) > (?, ?) ORDER BY at, place LIMIT ?",
        appid,
        *after[1:],
        limit,
    )
