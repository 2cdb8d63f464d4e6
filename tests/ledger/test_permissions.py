"""Ledgers in files and folders in which the user may not do everything."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from wxrevenue import HalfMonth, LedgerError, open_ledger
from wxrevenue.ledger._open import existing_ledger

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows keeps permissions in another way")
NOBODY = 65_534
HALF = HalfMonth(2024, 3, 1)
OPENERS = {"to write": open_ledger, "only to read": existing_ledger}


@contextmanager
def ordinary_user(file: Path, *, of_folder: int = 0o755, of_file: int = 0o644) -> Generator[None]:
    """Run the block as a user who is not root, and who owns the file and its folder.

    Root may do everything; whoever else runs the tests stays who it is.
    """
    is_root = sys.platform == "linux" and os.geteuid() == 0
    for path, mode in ((file, of_file), (file.parent, of_folder)):
        if is_root:
            os.chown(path, NOBODY, -1)
        path.chmod(mode)
    if is_root:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if is_root:
            os.setresuid(0, 0, 0)
        file.parent.chmod(0o755)


@pytest.fixture
def place() -> Generator[Path]:
    """Return where a ledger may be, in a folder that every user reaches."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        folder = Path(name) / "is"
        folder.mkdir()
        yield folder / "revenue.db"


@pytest.fixture
async def file(place: Path) -> Path:
    """Return a ledger."""
    async with open_ledger(str(place)) as ledger:
        await ledger.record("wx1", HALF, [])
    return place


@pytest.mark.parametrize("way", OPENERS)
@pytest.mark.parametrize(
    ("of_folder", "of_file", "said"),
    [
        (0o555, 0o644, "the file or its folder must not be written to; let the user who runs this write to both, or copy the ledger"),
        (0o755, 0o000, "the user who runs this may not read it; make this user the owner of the file and its folder"),
        (0o000, 0o644, "the user who runs this may not enter its folder; make this user the owner of the file and its folder"),
    ],
)
async def test_a_ledger_that_cannot_be_opened(file: Path, way: str, of_folder: int, of_file: int, said: str) -> None:
    """B-17: the error names the file, what the user may not do, and what to do."""
    with ordinary_user(file, of_folder=of_folder, of_file=of_file), pytest.raises(LedgerError) as caught:
        async with OPENERS[way](str(file)):
            pass
    assert str(caught.value).startswith(f"{file}: {said}")


async def test_a_file_that_may_only_be_read(file: Path) -> None:
    """B-17: a ledger without permission to write can be read, where its folder has it."""
    with ordinary_user(file, of_file=0o444):
        async with existing_ledger(str(file)) as ledger:
            assert await ledger.providers() == ()
            with pytest.raises(LedgerError, match="write to both, or copy the ledger, and the -wal file beside it, to read it"):
                await ledger.record("wx1", HALF, [])


async def test_a_new_ledger_where_nothing_may_be_made(file: Path) -> None:
    """B-17: there is nothing to copy where a ledger is to be made."""
    with (
        ordinary_user(file, of_folder=0o555),
        pytest.raises(LedgerError, match="let the user who runs this write there, or choose another"),
    ):
        async with open_ledger(str(file.with_name("new.db"))):
            pass
