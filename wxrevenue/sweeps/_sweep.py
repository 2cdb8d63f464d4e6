"""Many calls side by side: ``async for outcome in sweep(call, jobs)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast, overload

from wxrevenue._base import checks as _checks
from wxrevenue._base.asynchronous import AsynchronousRows
from wxrevenue.errors import ClientStateError, ConfigurationError
from wxrevenue.sweeps._checkpoint import Checkpoint
from wxrevenue.sweeps._jobs import jobs_of
from wxrevenue.sweeps._workers import SweepOptions, WorkerPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
    from types import AsyncGeneratorType
    from typing import Self

    from wxrevenue.events import JobEvent
    from wxrevenue.pagination._page import Row
    from wxrevenue.pagination._paginator import Paginator
    from wxrevenue.sweeps._outcome import Outcome

J = TypeVar("J")
T = TypeVar("T")
R = TypeVar("R", bound="Row")

MOST_AT_ONCE: Final = 10_000


class Sweep(AsynchronousRows, Generic[J, T]):
    """Many calls on their way: ``async for outcome in sweep(…)``, once.

    Inside ``async with`` it can be left early: at its end every call on its way is cancelled and
    awaited. So they are when the consumer is cancelled while it waits for an outcome, or when the
    iteration ends or raises.

    Raises:
        ClientStateError: it is iterated a second time, by two tasks at once, or on after an error
            or a cancellation ended it early (a timeout around one outcome is a cancellation).
    """

    def __init__(self, pool: WorkerPool[J]) -> None:
        self._pool = pool
        self._outcomes = cast("AsyncGeneratorType[Outcome[J, T], None]", pool.outcomes())
        self._begun = self._closed = False

    def __aiter__(self) -> Self:
        if self._begun:
            raise ClientStateError("a sweep goes once: make another one to go again")
        self._begun = True
        return self

    async def __anext__(self) -> Outcome[J, T]:
        self._check_alone()
        if self._outcomes.ag_frame is None and not (self._closed or self._pool.finished):  # it would seem to have come to its end
            raise ClientStateError("the sweep ended before its last outcome: make another one for the jobs that are left")
        return await anext(self._outcomes)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if exc_info[0] is not GeneratorExit:  # thrown away with its loop: there is nothing left to await with
            await self.aclose()

    async def aclose(self) -> None:
        """Cancel every call on its way and wait until they have ended.

        May be called twice.

        Raises:
            ClientStateError: another task waits for an outcome: cancel that one instead.
        """
        self._check_alone()
        await self._outcomes.aclose()
        self._closed = True

    def _check_alone(self) -> None:
        if self._outcomes.ag_running:
            raise ClientStateError("another task waits for an outcome of this sweep")


@overload
def sweep(
    call: Callable[[J], Paginator[R] | Awaitable[Paginator[R]]],
    jobs: Iterable[J] | AsyncIterable[J],
    *,
    concurrency: int = 16,
    ordered: bool = False,
    requeue: bool = True,
    patience: float | None = None,
    checkpoint: Checkpoint | None = None,
    on_event: Callable[[JobEvent], object] | None = None,
) -> Sweep[J, list[R]]: ...
@overload
def sweep(
    call: Callable[[J], Awaitable[T]],
    jobs: Iterable[J] | AsyncIterable[J],
    *,
    concurrency: int = 16,
    ordered: bool = False,
    requeue: bool = True,
    patience: float | None = None,
    checkpoint: Checkpoint | None = None,
    on_event: Callable[[JobEvent], object] | None = None,
) -> Sweep[J, T]: ...
def sweep(  # noqa: PLR0913  (settings, by keyword)
    call: Callable[[J], object],
    jobs: Iterable[J] | AsyncIterable[J],
    *,
    concurrency: int = 16,
    ordered: bool = False,
    requeue: bool = True,
    patience: float | None = None,
    checkpoint: Checkpoint | None = None,
    on_event: Callable[[JobEvent], object] | None = None,
) -> Sweep[Any, Any]:
    """Make a call for each of many jobs, ``concurrency`` at a time.

    Yield an :class:`Outcome` for each job, or for each page.

    One failing job never stops the others: what its call raised is in its outcome. Jobs are pulled
    one by one when a slot is free. A slow consumer stops the workers: each is at most one outcome
    ahead, so memory does not grow with the jobs. Calls of this package's clients inside it run
    under their ``page_deadline`` instead of their ``deadline``.

    When a scope is closed ("operating too fast") the job gives its slot to another one. It is begun
    anew when the scope opens, a walk at the page where it stood. So ``call`` must be safe to start
    twice. One job of a scope then goes ahead, and the others follow when it is through. Scopes
    follow in the order in which they opened, the oldest first.

    Some turns are waited for in the slot:

    - a turn that comes within a few seconds;
    - the turn of a write that may have taken effect;
    - the turn of any call but the first that a job makes for an outcome. Begun anew, the job would
      spend on the first call again what the others wait for.

    The scope of a job shows only when its call is refused. New jobs of a closed scope are each
    tried, which sends nothing, until a thousand are put off.

    A slot's jobs run one after the other in one task: a context variable that ``call`` sets is
    still set for the next of them.

    Whatever ``jobs`` raises is raised here, after the outcomes of the jobs that came before it.

    Args:
        call: takes a job and returns an awaitable, or a ``Paginator``, whose every page is an
            outcome; it may be awaited first.
        jobs: any iterable, or asynchronous one, of which one job is read ahead. An asynchronous
            generator is closed at the end.
        concurrency: how many jobs are under way at once.
        ordered: outcomes in the order of their jobs. The first unfinished job always has a slot;
            later ones hold one value or page each. Under a quota the jobs then go one after
            another: a job that waits for its scope holds up all that follow.
        requeue: whether a job whose scope is closed gives its slot to another one; if not, its call
            waits in it.
        patience: seconds that a job may be put off before its next outcome, which then is the
            ``TooFastError``; ``None``: no limit.
        checkpoint: the file from which a restarted sweep knows what is done; see
            :class:`Checkpoint`.
        on_event: a plain function, told of every job and every page;
            :class:`wxrevenue.sweeps.progress.SweepProgress` draws bars.

    Raises:
        ConfigurationError: an argument is not allowed.
    """
    for name, value in (("ordered", ordered), ("requeue", requeue)):
        _checks.instance(f"sweep.{name}", value, bool)
    plan = SweepOptions(
        call=_callable(call),
        concurrency=_count(concurrency),
        ordered=ordered,
        requeue=requeue,
        patience=None if patience is None else _checks.seconds("sweep.patience", patience),
        checkpoint=_checks.instance("sweep.checkpoint", checkpoint, Checkpoint),
        on_event=_checks.listener("sweep.on_event", on_event),
    )
    return Sweep(WorkerPool(plan, jobs_of("sweep.jobs", jobs)))


def _callable(call: Callable[[J], object]) -> Callable[[J], object]:
    if not callable(call):
        raise ConfigurationError(f"sweep.call: expected a function, got {type(call).__name__}")
    return call


def _count(concurrency: object) -> int:
    if type(concurrency) is not int or not 0 < concurrency <= MOST_AT_ONCE:
        raise ConfigurationError(f"sweep.concurrency: expected an int, 1 to {MOST_AT_ONCE}, got {_checks.shown(concurrency)}")
    return concurrency
