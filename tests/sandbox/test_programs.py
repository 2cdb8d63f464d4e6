"""Any number of Mini Programs to a provider, made when they are used."""

from __future__ import annotations

import tracemalloc
from datetime import date

import orjson
import pytest
from support.provider import Provider
from support.virtual import virtual

from wxrevenue import ConfigurationError
from wxrevenue.sandbox import Sandbox
from wxrevenue.sandbox._ams.programs import Programs

MANY = 1_000_000


def test_none_is_made_before_it_is_used() -> None:
    """A million Mini Programs to each provider take no memory.

    Each is known: its token, its books, its provider.
    """
    tracemalloc.start()
    sandbox = Sandbox(seed=7, today=date(2026, 3, 20), programs=MANY, years=1)
    first, last = f"wxa{1:09x}{0:06x}", f"wxa{1:09x}{MANY - 1:06x}"
    for program in (first, last):
        assert sandbox.totals(program, "2025-04-01", "2026-03-20").rows > 20
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
    with pytest.raises(KeyError):
        sandbox.totals(f"wxa{1:09x}{MANY:06x}", "2025-04-01", "2026-03-20")


def test_asking_for_their_settlements_leaves_nothing_behind() -> None:
    """The sandbox remembers a limited number of books.

    Beyond it, further Mini Programs' settlements take no more memory.
    """
    sandbox = Sandbox(seed=7, today=date(2026, 3, 20), programs=MANY, years=1)
    query = orjson.dumps({"page": 1, "page_size": 20, "start_date": "2026-01-01", "end_date": "2026-03-20"})

    def ask(numbers: range) -> None:
        for number in numbers:
            token = sandbox.authorizer_token(f"wxa{0:09x}{number:06x}")
            answer = sandbox.handle("POST", f"/wxa/operationams?action=agency_get_settlement&access_token={token}", {}, query)
            assert answer.outcome == "ok"

    tracemalloc.start()
    ask(range(300))
    before, _ = tracemalloc.get_traced_memory()
    ask(range(300, 900))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 200_000


def test_they_are_a_sequence() -> None:
    """The Mini Programs have length, order, membership and slices of a tuple.

    One beyond the last does not exist.
    """
    made = Programs(2, 5)
    assert len(made) == 5
    assert [*made] == [made[n] for n in range(5)] == [*made[:]]
    assert (made[-1], made[1:3]) == (made.without_account, tuple(made)[1:3])
    assert made[3] in made
    assert Programs(2, 6)[5] not in made
    assert made[3].upper() not in made
    assert 3 not in made  # type: ignore[comparison-overlap]
    with pytest.raises(IndexError):
        _ = made[5]
    with pytest.raises(ConfigurationError, match=r"Sandbox\.programs: expected an int, 1 to"):
        Sandbox(programs=0)


@virtual
async def test_all_of_them_are_listed() -> None:
    """The provider's list shows each Mini Program once."""
    provider = Provider(1, programs=750)
    listed = [row.authorizer_appid async for row in provider.client.iter_authorizer_list(count=500)]
    assert tuple(listed) == provider.programs
    assert len(set(listed)) == 750
