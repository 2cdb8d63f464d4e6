"""Whatever value a program passes to a public function: it is taken or refused.

The refusal names the parameter.
"""

from __future__ import annotations

import asyncio
import enum
import gc
import inspect
import re
import warnings
from typing import TYPE_CHECKING, Any, Final

import pytest

import wxrevenue
from wxrevenue import (
    Checkpoint,
    ConfigurationError,
    FetchJob,
    HalfMonth,
    HttpResponse,
    MemoryTransport,
    RatioPlan,
    RevenueClient,
    WxRevenueError,
    open_ledger,
)
from wxrevenue.ledger._sql_ledger import SqlLedger
from wxrevenue.sweeps.progress import SweepProgress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ODD: Final = (None, 7, 1.5, True, -1, 10**30, float("nan"), b"x", "", "x y", "\ud800", object(), [object()], {"a": 1}, lambda: 1)
HALF: Final = HalfMonth(2024, 3, 1)
PATIENCE: Final = 5.0


async def taken(_job: object) -> int:
    """Return a value, as the call of a sweep."""
    return 1


GOOD: Final[dict[str, Any]] = {
    "appid": "wx1", "appids": ["wx1"], "owner": "wx1", "owners": ["wx1"], "start": "2024-01-01", "end": "2024-01-31",
    "start_date": "2024-01-01", "end_date": "2024-01-31", "day": "2024-01-01", "half_month": HALF, "job": FetchJob("wx1", HALF, HALF),
    "jobs": [], "rows": [], "orders": [], "statuses": [],
    "status": 1, "limit": 1, "call": taken, "wanted": {}, "found": [], "plan": RatioPlan((), 0),
    "client_for": taken, "components": ["wx1"], "component_appid": "wx1", "pre_auth_code": "x", "redirect_uri": "https://x.test/",
    "fen": 100, "shares": [1], "path": "out.csv", "url": "revenue.db", "month": "202403", "order": 1, "seq": 0,
    "error": ValueError(), "event": None,
    "client": "?", "ledger": "?", "name": "x", "value": "x", "text": "x",
}  # fmt: skip
"""Values by the name of a parameter, for use while another one is tried."""
_APART: Final = frozenset({"Bill", "Paginator", "Sweep"})
"""Classes whose instances only this package makes."""


def is_apart(name: str, kind: type[Any]) -> bool:
    """Return whether users do not call a class with arguments of their own.

    Such a class is an exception, an enum, a protocol, or made by this package alone.
    """
    return issubclass(kind, (BaseException, enum.Enum)) or getattr(kind, "_is_protocol", False) or name in _APART


def functions() -> dict[str, Callable[..., Any]]:
    """Return the public callables: functions and classes.

    The methods of clients and ledgers are among them.
    """
    found: dict[str, Callable[..., Any]] = {}
    public: Any = wxrevenue
    for name in public.__all__:
        value: Any = getattr(public, name)
        if inspect.isclass(value) and is_apart(name, value):
            continue
        if callable(value):
            found[name] = value
    for kind in (RevenueClient, SqlLedger):
        names = [name for name in dir(kind) if not name.startswith("_") and name not in {"aclose", "from_env"}]
        found |= {f"{kind.__name__}.{name}": getattr(kind, name) for name in names if callable(getattr(kind, name))}
    return found


FUNCTIONS: Final = functions()


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters with names; none where there is no signature."""
    try:
        found = [*inspect.signature(function).parameters.values()]
    except ValueError:
        return []
    return [one for one in found if one.kind in {one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY}]


def plain(name: str) -> bool:
    """Return whether a name is a function, not a class."""
    return not isinstance(FUNCTIONS[name], type)


def answered(_: object) -> HttpResponse:
    """Answer every request with a refusal: its arguments were taken."""
    return HttpResponse(200, {}, b'{"ret": 10001}')


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@pytest.mark.filterwarnings("ignore")
async def test_what_is_refused_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value of another kind ends in no error but this package's own.

    Where it is refused, the error has the parameter's name. No coroutine is left unawaited.
    """
    monkeypatch.chdir(tmp_path)
    client = RevenueClient("fake-token", "wx1", transport=MemoryTransport(answered))
    tried = parameters(FUNCTIONS[name])
    async with open_ledger(str(tmp_path / "open.db")) as ledger:
        good = {**GOOD, "client": client, "ledger": ledger, "self": ledger if name.startswith("SqlLedger") else client}
        good["client_for"] = {"wx1": client}.get
        for one in tried:
            needed = {other.name: good.get(other.name, GOOD) for other in tried if other.default is other.empty and other is not one}
            if one.name == "self" or GOOD in needed.values():
                continue
            for odd in ODD:
                await offered(f"{name}({one.name}={odd!r:.40})", FUNCTIONS[name], {**needed, one.name: odd})
    await client.aclose()
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always")
        gc.collect()  # now: what is left in a cycle would be told of in a later test
    assert [told for told in map(str, [one.message for one in left]) if "never awaited" in told] == []


async def offered(what: str, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
    """Call a function; ask a walk or a generator for its first value."""
    try:
        async with asyncio.timeout(PATIENCE):
            await begun(function(**arguments))
    except (WxRevenueError, StopAsyncIteration):
        return
    except BaseException as error:
        raise AssertionError(f"{what} ended in {type(error).__name__}: {error}") from error


async def begun(value: Any) -> None:
    """Await a value, or the first value of an iterator."""
    if inspect.iscoroutine(value):
        value = await value
    if hasattr(value, "__aiter__") and not isinstance(value, type):
        values = aiter(value)
        try:
            await anext(values)
        finally:
            await getattr(values, "aclose", values.__anext__)()


@pytest.mark.parametrize("name", sorted(name for name in FUNCTIONS if plain(name) and "." not in name))
def test_every_function_is_tried(name: str) -> None:
    """Each parameter that a function needs has a good value above.

    So every other parameter is tried.
    """
    assert [one.name for one in parameters(FUNCTIONS[name]) if one.default is one.empty and one.name not in GOOD] == []


PLAIN: Final[dict[str, Callable[[Any], object]]] = {
    "Checkpoint.key": lambda given: Checkpoint("jobs.jsonl", key=given),
    "SweepProgress.owner": lambda given: SweepProgress(owner=given),
    "RevenueClient.scope": lambda given: RevenueClient("fake-token", "wx1", scope=given),
    "sweep_settlements.client_for": lambda given: wxrevenue.sweep_settlements(given, ["wx1"], "2024-01-01", "2024-01-31"),
}
"""What takes a function whose answer is needed at once."""


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_function_is_not_an_async_one(name: str) -> None:
    """An ``async def`` is refused: nobody would await its answer."""
    with pytest.raises(ConfigurationError, match=f"{re.escape(name)}: expected a plain function, got an 'async def'"):
        PLAIN[name](taken)


@pytest.mark.parametrize("odd", [None, 7, "wx1"])
@pytest.mark.parametrize("name", sorted(name for name in FUNCTIONS if "client" in [one.name for one in parameters(FUNCTIONS[name])]))
async def test_a_client_that_is_none(name: str, odd: object, tmp_path: Path) -> None:
    """A function that is given no client says so before it begins.

    The caller has no row and no outcome to look at.
    """
    async with open_ledger(str(tmp_path / "open.db")) as ledger:
        needed = [one.name for one in parameters(FUNCTIONS[name]) if one.default is one.empty]
        arguments = {one: {**GOOD, "client": odd, "ledger": ledger}[one] for one in needed}
        with pytest.raises(ConfigurationError, match=r"client: expected a RevenueClient"):
            await begun(FUNCTIONS[name](**arguments))
