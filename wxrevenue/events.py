"""What ``on_event`` is told: typed, with durations in seconds, without secrets."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "AttemptEvent", "CallEvent", "Event", "GateEvent", "JobEvent", "PageEvent", "RetryEvent", "TokenEvent", "WaitEvent",
]  # fmt: skip

E = TypeVar("E", bound="Event")
_log = logging.getLogger("wxrevenue.events")


@attrs.frozen(kw_only=True)
class Event:
    """Base of all events.

    ``endpoint`` is the action (or path's end), ``account`` the component appid or merchant number. ``call`` numbers the calls
    of this process that somebody listened to, so that events of concurrent calls can be told apart; a page of a walk has none.
    """

    endpoint: str
    account: str
    call: int | None = None


@attrs.frozen(kw_only=True)
class CallEvent(Event):
    """A call ended: one per call that a client let in.

    ``waited`` are the seconds spent waiting for turns, tokens, signatures and back-offs, out of ``duration``; ``waits`` has
    them by kind (see :class:`WaitEvent`). ``outcome`` is ``"ok"``, an error's class name, or ``"CancelledError"``.
    ``ambiguous``: a call that changes something may have taken effect although it failed. ``host`` is the server's.
    """

    attempts: int
    waited: float
    duration: float
    request_id: str | None
    outcome: str
    ambiguous: bool
    host: str = ""
    waits: Mapping[str, float] = attrs.field(factory=dict[str, float], hash=False)


@attrs.frozen(kw_only=True)
class AttemptEvent(Event):
    """One attempt ended; ``outcome`` as in :class:`CallEvent`, ``code`` the server's, if it refused."""

    attempt: int
    duration: float
    outcome: str
    code: int | str | None = None


@attrs.frozen(kw_only=True)
class RetryEvent(Event):
    """An attempt failed with ``error`` (a class name; ``code`` the server's, if it sent one) and is repeated after ``wait`` seconds."""

    attempt: int
    wait: float
    error: str
    code: int | str | None = None


@attrs.frozen(kw_only=True)
class WaitEvent(Event):
    """A wait ended after ``duration`` seconds; waits under a millisecond are not told.

    ``what`` was waited for: ``"turn"`` (the rate limiter), ``"token"``, ``"signature"`` or ``"back-off"``.
    """

    what: str
    duration: float


@attrs.frozen(kw_only=True)
class GateEvent(Event):
    """The server refused a scope (``verdict`` ``"too_fast"`` or ``"quota_spent"``): its gate closed for everyone.

    ``closed_for``: after how many seconds it is tried again, where the limiter knows.
    """

    scope: str
    verdict: str
    closed_for: float | None = None


@attrs.frozen(kw_only=True)
class TokenEvent(Event):
    """A token of that ``kind`` (``"component"``, ``"authorizer"``) was refused, or is being replaced by ``ComponentTokens``.

    ``refresh`` is ``None`` where the server refused a token with ``code`` and another one is asked for. Else it says how far its
    replacement is: ``"started"``, ``"ok"`` or ``"failed"``, after ``duration`` seconds; ``why`` is ``"first"`` (there was none),
    ``"early"`` (in the background, long before its end), ``"due"`` or ``"refused"``. ``error`` is the class of what made it fail,
    ``code`` the server's then. ``appid`` is the authorizer's.

    ``warning``, where it is set, says what to look after, and nothing was refused or replaced: pushes of tickets have stopped.
    """

    kind: str
    code: int | str | None
    refresh: str | None = None
    why: str | None = None
    error: str | None = None
    duration: float | None = None
    appid: str | None = None
    warning: str | None = None


@attrs.frozen(kw_only=True)
class PageEvent(Event):
    """A walk took a page: ``rows`` on it, ``fresh`` ones yielded for the first time, ``total`` announced (``None``: unknown).

    ``revised``: rows on it that came before with another content. ``again``: the list changed, and the walk reads it once more.
    ``drift`` tells that the announced total and the rows that came disagree at the end of the walk.
    """

    page: int
    rows: int
    fresh: int
    total: int | None
    drift: bool = False
    revised: int = 0
    again: bool = False


@attrs.frozen(kw_only=True)
class JobEvent(Event):
    """A sweep got on with a job. ``endpoint`` is ``"sweep"``, ``account`` is empty; the job itself is not told, it may hold a secret.

    ``state``: the consumer took a ``"page"`` that is not the last, or what ended the job, ``"done"`` or ``"failed"``; the job was
    put off because its scope is closed, ``"cooling"``; or its checkpoint says that it is done, ``"skipped"``. ``key`` is its key in
    the checkpoint, ``rows`` are those of a page. The counts are the sweep's: jobs ``done``, ``failed`` and ``skipped`` so far, and
    ``cooling`` now.
    """

    state: str
    key: str | None
    rows: int
    done: int
    failed: int
    skipped: int
    cooling: int


def tell(on_event: Callable[[E], object], kind: type[E], /, **facts: Any) -> None:
    """Tell a listener; what it raises is logged and goes no further."""
    try:
        on_event(kind(**facts))
    except Exception:  # noqa: BLE001
        _log.exception("on_event raised on %s", kind.__name__)
