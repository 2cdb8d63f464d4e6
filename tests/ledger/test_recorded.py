"""What recording returns: its changes are made when somebody looks at them."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from wxrevenue import ChangeKind, HalfMonth, Settlement, SettlementStatus, open_ledger
from wxrevenue.ledger import Recorded, _recorded
from wxrevenue.ledger._recorded import kinds_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HALF = HalfMonth(2024, 1, 1)


def row(amount: int = 100, number: str | None = None) -> Settlement:
    """Return a settlement."""
    return Settlement("202401", 1, amount, sett_status=SettlementStatus.SETTLED, sett_no=number)


async def recorded(folder: Path) -> tuple[Recorded, Recorded]:
    """Return what recording some rows anew changed, and the same read back."""
    async with open_ledger(f"{folder}/revenue.db") as ledger:
        await ledger.record("wx1", HALF, [row(1, "N1"), row(2, "N2"), row(3, "N3")])
        found = await ledger.record("wx1", HALF, [row(1, "N1"), row(5, "N2"), row(4)])
        return found, Recorded(tuple([change async for change in ledger.changes(3)]), stale=False)


def same(found: Recorded) -> Recorded:
    """Return it."""
    return found


def evolved(found: Recorded) -> Recorded:
    """Return it, made again by attrs."""
    return attrs.evolve(found, stale=False)


def travelled(found: Recorded) -> Recorded:
    """Return it as it comes from another process."""
    back: Recorded = pickle.loads(pickle.dumps(found))  # noqa: S301  (its own)
    return back


def copied(found: Recorded) -> Recorded:
    """Return a copy of a copy."""
    return copy.deepcopy(copy.copy(found))


@pytest.mark.parametrize("use", [same, evolved, travelled, copied])
async def test_it_is_as_if_they_had_been_made(tmp_path: Path, use: Callable[[Recorded], Recorded]) -> None:
    """It equals, prints and travels as one whose changes were given."""
    found, read = await recorded(tmp_path)
    assert (len(read.changes), type(found)) == (3, Recorded)
    assert use(found) == read
    assert (repr(found), attrs.asdict(found)) == (repr(read), attrs.asdict(read))
    assert found.changes is found.changes
    assert {ChangeKind.AMOUNT} in [change.kinds for change in found.changes]


async def test_to_count_them_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kinds are known without the changes, and looked up in those of others."""
    monkeypatch.delattr(_recorded, "Change")
    found, read = await recorded(tmp_path)
    kinds = [change.kinds for change in read.changes]
    assert kinds_of(found) == kinds_of(read) == kinds
    with pytest.raises(NameError, match="Change"):
        _ = found.changes


async def test_nothing_else_is_made_up(tmp_path: Path) -> None:
    """What it does not have it does not have, also before its changes were made."""
    found, _ = await recorded(tmp_path)
    other: Any = found
    for name in ("change", "_other"):
        with pytest.raises(AttributeError, match=f"'Recorded' object has no attribute '{name}'"):
            getattr(other, name)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        other.changes = ()
    assert repr(Recorded.__new__(Recorded)) == "<Recorded, half made>"
