"""What a broken-off run leaves behind.

A run that continues from it loses nothing and repeats nothing.
"""

from __future__ import annotations

import os
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from support.settlements_cli import ACTION, RANGE, ROWS, TODAY, broken_off, names, run, whole

from wxrevenue import Sandbox, Settlement
from wxrevenue.cli import _client
from wxrevenue.cli._settlements.journal import PartFile
from wxrevenue.cli._settlements.options import Job

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Books(Sandbox):
    """A sandbox whose books end on a fixed day.

    The account with several rows to a half-month comes first.
    """

    def __init__(self) -> None:
        super().__init__(today=TODAY, years=3)

    @property
    def components(self) -> tuple[str, ...]:
        return super().components[::-1]


# -- going on --------------------------------------------------------------------------------------


def test_a_resumed_run_goes_on_behind_what_is_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    """``--resume`` fetches the rest and gives the very same bytes.

    After a failure nothing stands under the final name.
    """
    expected, out = whole(tmp_path), tmp_path / "a.csv"
    broken_off(sandbox, out, 3)
    assert names(tmp_path) == ["a.csv.part"]
    before = sandbox.calls[ACTION, "ok"]
    assert run(f"--out={out}", "--resume")[0] == 0
    assert out.read_bytes() == expected
    assert names(tmp_path) == ["a.csv"]
    assert sandbox.calls[ACTION, "ok"] - before == 8 - 3 + 1  # the page of the cursor is looked at again


def test_a_run_may_be_broken_off_many_times(sandbox: Sandbox, tmp_path: Path) -> None:
    """A run may be broken off many times, and in the end the bytes are the same."""
    expected, out = whole(tmp_path), tmp_path / "a.csv"
    broken_off(sandbox, out, 1)
    for pages in (2, 3, 4):
        sandbox.next(None, None, 1700, action=ACTION)
        status, said = run(f"--out={out}", "--resume")
        assert (status, f"{5 * pages} rows are kept" in said) == (1, True)
    assert run(f"--out={out}", "--resume")[0] == 0
    assert out.read_bytes() == expected


def test_without_resume_it_starts_over(sandbox: Sandbox, tmp_path: Path) -> None:
    """A part file is used only on request.

    Else everything is fetched anew, and the run says what it throws away.
    """
    expected, out = whole(tmp_path), tmp_path / "a.csv"
    broken_off(sandbox, out, 3)
    before = sandbox.calls[ACTION, "ok"]
    status, said = run(f"--out={out}")
    assert status == 0
    assert said.replace("\n", " ").startswith(f"15 rows of an earlier run in {out}.part are discarded; --resume would have kept them.")
    assert sandbox.calls[ACTION, "ok"] - before == 8
    assert out.read_bytes() == expected
    assert names(tmp_path) == ["a.csv"]


def test_with_nothing_to_resume_it_starts(sandbox: Sandbox, tmp_path: Path) -> None:
    """A job that always says ``--resume`` works the first time as well."""
    expected, out = whole(tmp_path), tmp_path / "a.csv"
    assert run(f"--out={out}", "--resume")[0] == 0
    assert out.read_bytes() == expected
    assert sandbox.calls[ACTION, "ok"] == 16


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_every_format_resumes(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """JSONL and Parquet are resumed as CSV is, to the same bytes."""
    run(f"--out={tmp_path / name}")
    expected = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    broken_off(sandbox, tmp_path / name, 2)
    assert run(f"--out={tmp_path / name}", "--resume")[0] == 0
    assert (tmp_path / name).read_bytes() == expected


def test_it_may_go_on_in_another_shape(sandbox: Sandbox, tmp_path: Path) -> None:
    """A part file holds rows, not lines.

    A run that is resumed by slot writes all rows by slot.
    """
    out = tmp_path / "a.csv"
    broken_off(sandbox, out, 2)
    assert run(f"--out={out}", "--resume", "--by=slot")[0] == 0
    written = out.read_text("utf-8").splitlines()
    assert written[0].endswith("slot_settled_revenue_yuan")
    assert len({tuple(line.split(",")[:2]) for line in written[1:]}) == ROWS


@pytest.mark.parametrize("formats", [("csv", "jsonl", "parquet")])
def test_a_disk_that_is_full_in_the_end_costs_no_call(formats: tuple[str, ...], sandbox: Sandbox, tmp_path: Path) -> None:
    """When only the writing of the file failed, the next run makes no call.

    All had been fetched.
    """
    for name in formats:
        out, real = tmp_path / f"a.{name}", os.replace

        def full(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device", "a")

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(os, "replace", full)
            patched.setattr("pathlib.Path.replace", full)
            status, said = run(f"--out={out}")
        assert os.replace is real
        assert status == 1
        assert "No space left on device" in said
        assert names(tmp_path) == [f"a.{name}.part"]
        before = sandbox.calls.total()
        assert run(f"--out={out}", "--resume")[0] == 0
        assert sandbox.calls.total() == before
        assert names(tmp_path) == [f"a.{name}"]
        out.unlink()


@pytest.mark.slow("resumes from every byte")
def test_a_crash_at_any_byte_loses_and_repeats_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    """Wherever the writing of the part file stops, ``--resume`` gives the same file.

    It stops at a kill or a power cut.
    """
    expected, out, part = whole(tmp_path), tmp_path / "a.csv", tmp_path / "a.csv.part"

    def keep(_journal: PartFile) -> None:
        """Do not delete it."""

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PartFile, "remove", keep)
        run(f"--out={out}")
    journal = part.read_bytes()
    edges = [n for n, byte in enumerate(journal) if byte == ord("\n")]
    assert len(edges) == 7 + 2
    for cut in sorted({0, 1, *edges, *(n + 1 for n in edges), *range(0, len(journal), 997)}):
        out.unlink(missing_ok=True)
        part.write_bytes(journal[:cut] + b"\0" * (100_000 if cut % 2 else 0))  # as some file systems fill what was not written
        assert run(f"--out={out}", "--resume")[0] == 0
        assert out.read_bytes() == expected, cut
        assert names(tmp_path) == ["a.csv"]


# -- what may have changed meanwhile ---------------------------------------------------------------


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("pages", [1, 3])
def test_a_list_that_changed_is_read_from_its_beginning(
    several: object, pages: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that changed is read from its beginning, and a note says so.

    Half-months were added and others settled meanwhile. The file is what a run gives that begins
    now.
    """
    sandbox = Books() if several else Sandbox(today=TODAY, years=3)
    monkeypatch.setattr(_client, "Sandbox", lambda: sandbox)
    out, wide = tmp_path / "a.csv", "--to=2026-12-31"
    broken_off(sandbox, out, pages, wide)
    sandbox.today = date(2026, 7, 20)  # two more half-months, and the unsettled one got its number
    status, said = run(f"--out={out}", "--resume", wide)
    assert status == 0
    assert "Note: the list has changed since the run was broken off, so it was read from its beginning." in said
    resumed = out.read_bytes()
    assert run(f"--out={out}", wide)[0] == 0
    assert resumed == out.read_bytes()
    assert names(tmp_path) == ["a.csv"]


def test_what_was_kept_of_a_changing_list_is_not_gone_on_with(sandbox: Sandbox, tmp_path: Path) -> None:
    """A run that is broken off while it reads a list again is begun anew.

    The list had changed while it was read.
    """
    expected, out = whole(tmp_path), tmp_path / "a.csv"
    broken_off(sandbox, out, 2)
    with closing(PartFile(out, query(), resume=True)) as journal:
        assert (journal.rows, journal.complete) == (10, False)
        journal.add([Settlement("202501", 1, 1)], None)  # a row that the second reading found
    before = sandbox.calls[ACTION, "ok"]
    assert run(f"--out={out}", "--resume")[0] == 0
    assert sandbox.calls[ACTION, "ok"] - before == 8
    assert out.read_bytes() == expected


def query() -> Mapping[str, Any]:
    """Return the query of :func:`run`."""
    return Job(start=RANGE[1], end=RANGE[3], page_size=5, sandbox=True).query


def test_another_query_is_not_gone_on_with(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part file of another query is refused with exit code 2.

    Days, page size, server or account differ. Nothing is fetched or lost. Without --resume it is
    replaced.
    """
    out = tmp_path / "a.csv"
    broken_off(sandbox, out, 2)
    kept, calls = (tmp_path / "a.csv.part").read_bytes(), sandbox.calls.total()
    for other in (["--to=2026-06-15"], ["--page-size=6"]):
        status, said = run(f"--out={out}", "--resume", *other)
        assert (status, "belongs to another query; without --resume it is replaced" in said) == (2, True)
    job = Job(start="2025-01-01", end="2026-06-30", sandbox=True)
    others = [Job(start="2025-01-01", end="2026-06-30", base_url="http://127.0.0.1:1")]
    monkeypatch.setenv("WXREVENUE_COMPONENT_APPID", "wx1")
    others.append(Job(start="2025-01-01", end="2026-06-30"))
    assert all(other.query != job.query for other in others)
    assert others[0].query != others[1].query
    assert (tmp_path / "a.csv.part").read_bytes() == kept
    assert sandbox.calls.total() == calls


@pytest.mark.parametrize("damage", [b'{"wxrevenue":"settlements","version":2}\n', b'{"a":1}\n', b"[]\n", b"nonsense", b"\x00\xff\n"])
def test_a_journal_that_is_none(damage: bytes, sandbox: Sandbox, tmp_path: Path) -> None:
    """A part file that looks like one of another kind is refused.

    Any other unreadable file is begun anew.
    """
    (tmp_path / "a.csv.part").write_bytes(damage)
    status, said = run(f"--out={tmp_path / 'a.csv'}", "--resume")
    assert (status, "belongs to another query" in said) == ((2, True) if damage.startswith(b"{") else (0, False))
    assert sandbox.calls.total() == (0 if status else 8)


def test_a_journal_that_somebody_wrote_into(sandbox: Sandbox, tmp_path: Path) -> None:
    """Invalid settlements in a part file are refused, and the file stays as it is."""
    out = tmp_path / "a.csv"
    broken_off(sandbox, out, 2)
    part = tmp_path / "a.csv.part"
    part.write_bytes(part.read_bytes().replace(b'"order":1', b'"order":"1"'))
    status, said = run(f"--out={out}", "--resume")
    assert (status, f"{part} is damaged; without --resume it is replaced" in said.replace("\n", " ")) == (2, True)
    assert names(tmp_path) == ["a.csv.part"]
