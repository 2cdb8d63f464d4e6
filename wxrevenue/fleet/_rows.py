"""One row for each Mini Program, in order of arrival."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from wxrevenue._base import checks
from wxrevenue.errors import WxRevenueError
from wxrevenue.sweeps._jobs import jobs_of
from wxrevenue.sweeps._sweep import MOST_AT_ONCE, sweep

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from wxrevenue.sweeps._outcome import Outcome

J = TypeVar("J")
T = TypeVar("T")
R = TypeVar("R")
Appids: TypeAlias = Iterable[str] | AsyncIterable[str]


def checked(where: str, jobs: Iterable[J] | AsyncIterable[J], concurrency: int) -> Iterable[J] | AsyncIterable[J]:
    """Return the jobs, if they and the number of calls side by side are allowed.

    Raises:
        ConfigurationError: they are not.
    """
    checks.number(f"{where}.concurrency", concurrency, range(1, MOST_AT_ONCE + 1))
    return jobs_of(f"{where}.appids", jobs)


async def rows(
    call: Callable[[J], Awaitable[T]],
    jobs: Iterable[J] | AsyncIterable[J],
    row: Callable[[Outcome[J, T]], R],
    *,
    concurrency: int,
) -> AsyncGenerator[R]:
    """Yield what ``row`` makes of each job's outcome.

    A job that is told "operating too fast" is put off and its call begun again, so it must be safe
    to begin twice. At the end, however it comes, no call is left behind.
    """
    async with aclosing(sweep(call, jobs, concurrency=concurrency)) as outcomes:
        async for outcome in outcomes:
            yield row(outcome)


def ours(error: BaseException) -> WxRevenueError:
    """Return an error of this package for whatever ended a job.

    Its cause is the other error, such as one that the program's own token source raised.
    """
    if isinstance(error, WxRevenueError):
        return error
    found = WxRevenueError(f"the call ended in {type(error).__name__}, which a part of your own raised")
    found.__cause__ = error
    return found
