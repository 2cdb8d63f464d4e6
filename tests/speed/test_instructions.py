"""Counts of instructions, which limit a change on a busy machine, too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks import instructions

if TYPE_CHECKING:
    from pathlib import Path


def test_counts_are_held_to_their_record() -> None:
    """A count above its record by more than the tolerance is reported with its share.

    A count without a record passes.
    """
    recorded = {"a call": 1_000, "a turn": 1_000, "gone": 5}
    assert instructions.too_many({"a call": 1_020, "a turn": 1_040, "new": 9}, recorded) == {"a turn": pytest.approx(0.04)}


def test_every_record_is_complete() -> None:
    """Every build's record has a count for each measured piece of work."""
    records = json.loads(instructions.RECORD.read_text())
    assert records
    assert all(tuple(record) == instructions.OURS for record in records.values())


def test_without_valgrind_nothing_is_counted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where valgrind is not installed the command says so, and is no failure."""
    monkeypatch.setenv("PATH", "")
    assert instructions.main([]) == 0
    assert "valgrind is not installed" in capsys.readouterr().out


def test_too_many_instructions_are_a_failure(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command fails where a count exceeds its record, and names it.

    It writes a new record only when told to.
    """
    record = tmp_path / "record.json"
    record.write_text(json.dumps({instructions.build(): dict.fromkeys(instructions.OURS, 1_000)}))
    monkeypatch.setattr(instructions, "RECORD", record)
    monkeypatch.setattr("shutil.which", str)
    monkeypatch.setattr(instructions, "counted", {**dict.fromkeys(instructions.WORK, 1_000), "a page of 20 rows": 1_100}.__getitem__)
    assert instructions.main([]) == 1
    assert "a page of 20 rows: 10.0% more than recorded" in capsys.readouterr().out
    assert instructions.main(["--record"]) == 0
    assert instructions.main([]) == 0


async def test_every_piece_of_work_is_done() -> None:
    """Each piece of work that is counted runs to its end."""
    for work, _ in instructions.WORK.values():
        await work(2)
