"""What ``on_event`` is told: typed, with durations in seconds, without secrets."""

from __future__ import annotations

import logging
import weakref
from typing import TYPE_CHECKING, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "AttemptEvent", "CallEvent", "Event", "GateEvent", "JobEvent", "LimiterEvent", "PageEvent", "RetryEvent", "TokenEvent", "WaitEvent",
]  # fmt: skip

E = TypeVar("E", bound="Event")
_log = logging.getLogger("wxrevenue.events")
_MOST_RAISED = 1_000
_raised: dict[int, Callable[[], object]] = {}
"""The listeners that raised, by identity: a user's object may have no hash."""


@attrs.frozen(kw_only=True)
class Event:
    """Base of all events.

    ``endpoint`` is the action (or path's end). ``account`` is the component appid or merchant
    number. ``call`` numbers the calls of this process that have a listener: it tells the events of
    concurrent calls apart. A page of a walk has none.
    """

    endpoint: str
    account: str
    call: int | None = None


@attrs.frozen(kw_only=True)
class CallEvent(Event):
    """A call ended: one per call that a client let in.

    ``waited`` are the seconds, out of ``duration``, spent waiting for turns, tokens, signatures and
    back-offs. ``waits`` has them by kind (see :class:`WaitEvent`). ``outcome`` is ``"ok"``, an
    error's class name, or ``"CancelledError"``. ``ambiguous``: a call that changes something may
    have taken effect although it failed. ``host`` is the server's.
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
    """One attempt ended.

    ``outcome`` is as in :class:`CallEvent`, ``code`` is the server's, if it refused.
    """

    attempt: int
    duration: float
    outcome: str
    code: int | str | None = None


@attrs.frozen(kw_only=True)
class RetryEvent(Event):
    """An attempt failed, and is repeated after ``wait`` seconds.

    ``error`` is a class name; ``code`` is the server's, if it sent one.
    """

    attempt: int
    wait: float
    error: str
    code: int | str | None = None


@attrs.frozen(kw_only=True)
class WaitEvent(Event):
    """A wait ended after ``duration`` seconds; waits under a millisecond are not told.

    ``what`` was waited for: ``"turn"`` (the rate limiter), ``"token"``, ``"signature"`` or
    ``"back-off"``.
    """

    what: str
    duration: float


@attrs.frozen(kw_only=True)
class GateEvent(Event):
    """The server refused a scope, and its gate closed for every caller.

    ``verdict`` is ``"too_fast"`` or ``"quota_spent"``. ``closed_for``: after how many seconds it is
    tried again, where the limiter knows.
    """

    scope: str
    verdict: str
    closed_for: float | None = None


@attrs.frozen(kw_only=True)
class TokenEvent(Event):
    """A token was refused, or is being replaced by ``ComponentTokens``.

    ``kind`` is the token's: ``"component"`` or ``"authorizer"``. ``appid`` is the authorizer's.

    - ``refresh`` is ``None``: the server refused the token with ``code``. Another one is asked for.
    - ``refresh`` is ``"started"``, ``"ok"`` or ``"failed"``: how far the replacement is, after
      ``duration`` seconds. ``error`` is the class of what made it fail, ``code`` the server's then.

    ``why`` a token is replaced: ``"first"`` (there was none), ``"early"`` (in the background, long
    before its end), ``"due"`` or ``"refused"``.

    Where ``warning`` is set, nothing was refused or replaced. It says what to look after: pushes of
    tickets have stopped.
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
    """A walk took a page.

    - ``rows``: how many are on it.
    - ``fresh``: how many of them are yielded for the first time.
    - ``revised``: how many came before with another content.
    - ``total``: how many rows were announced (``None``: unknown).
    - ``again``: the list changed, and the walk reads it once more.
    - ``drift``: at the end of the walk, the announced total and the rows that came disagree.
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
    """A sweep got on with a job. ``endpoint`` is ``"sweep"``, ``account`` is empty.

    ``state`` says what happened:

    - ``"page"``: the consumer took a page that is not the last.
    - ``"done"``, ``"failed"``: the job ended, and the consumer took its outcome.
    - ``"cooling"``: the job was put off, because its scope is closed.
    - ``"skipped"``: its checkpoint says that it is done.

    ``key`` is the job's key in the checkpoint. ``rows`` are those of a page. ``job`` is the job as
    the iterable gave it. It may hold a secret, so the event's text leaves it out.

    The totals are the sweep's: jobs ``done``, ``failed`` and ``skipped`` so far, jobs ``cooling``
    now, and ``total_rows`` of all pages. ``jobs`` is how many there are, where the iterable has a
    length.
    """

    state: str
    key: str | None
    rows: int
    done: int
    failed: int
    skipped: int
    cooling: int
    job: object = attrs.field(default=None, repr=False)
    jobs: int | None = None
    total_rows: int = 0


@attrs.frozen(kw_only=True)
class LimiterEvent(Event):
    """A shared rate limiter lost its Redis, or reached it again.

    ``endpoint`` is ``"limiter"``, ``account`` is what its scopes begin with.

    - ``state`` is ``"away"``: the process goes on with ``budget`` calls per ``span`` seconds. That
      is its share of what all ``processes`` may use. ``error`` says why Redis went, without any
      secret.
    - ``state`` is ``"back"``: Redis was away for ``duration`` seconds and ``calls`` calls.
    """

    state: str
    scope: str
    budget: int = 0
    span: float = 0.0
    processes: int = 0
    duration: float = 0.0
    calls: int = 0
    error: str | None = None


def tell(on_event: Callable[[E], object], event: E) -> None:
    """Tell a listener of an event.

    What it raises goes no further. The first error is logged with its traceback, later ones at
    DEBUG.
    """
    try:
        on_event(event)
    except Exception:  # noqa: BLE001
        level, more = (logging.WARNING, "; further errors of it are logged at DEBUG") if _is_first(on_event) else (logging.DEBUG, "")
        _log.log(level, "on_event raised on %s%s", type(event).__name__, more, exc_info=True)


def _is_first(on_event: object) -> bool:
    """Return whether a listener raised for the first time."""
    known = _raised.get(id(on_event))
    if known is not None and known() is on_event:
        return False
    if len(_raised) >= _MOST_RAISED:
        _raised.clear()
    try:
        _raised[id(on_event)] = weakref.ref(on_event)
    except TypeError:  # an object with slots
        _raised[id(on_event)] = lambda: on_event
    return True
