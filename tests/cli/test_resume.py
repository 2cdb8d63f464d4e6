"""What a run that was broken off leaves behind, and that going on from it loses nothing and repeats nothing."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from wxrevenue import ConfigurationError, Sandbox, Settlement
from wxrevenue.cli import _app
from wxrevenue.cli._settlements import command as _settlements
from wxrevenue.cli._settlements.journal import PartFile
from wxrevenue.cli._settlements.options import Job
from wxrevenue.sandbox import Quota, Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

TODAY = date(2026, 6, 30)
RANGE = ("--from", "2025-01-01", "--to", "2026-06-30")
ROWS = 35
ACTION = "get_agency_settled_revenue"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals and file locks of POSIX")


class Books(Sandbox):
    """A sandbox whose books end on a fixed day, the account that has several rows to a half-month first."""

    def __init__(self) -> None:
        super().__init__(today=TODAY, years=3)

    @property
    def components(self) -> tuple[str, ...]:
        return super().components[::-1]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return the sandbox that ``--sandbox`` will use."""
    found = Sandbox(today=TODAY, years=3)
    monkeypatch.setattr(_settlements, "Sandbox", lambda: found)
    return found


def run(*args: str) -> tuple[int, str]:
    """Run ``wxrevenue settlements --sandbox`` with small pages; return exit code and stderr."""
    result = CliRunner().invoke(_app.app, ["settlements", "--sandbox", "--page-size=5", *RANGE, *args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    return result.exit_code, result.stderr


def names(folder: Path) -> list[str]:
    """Return the names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def whole(folder: Path) -> bytes:
    """Return what a run gives that nothing interrupts."""
    assert run(f"--out={folder / 'whole.csv'}")[0] == 0
    found = (folder / "whole.csv").read_bytes()
    (folder / "whole.csv").unlink()
    return found


def broken_off(sandbox: Sandbox, out: Path, pages: int, *options: str) -> None:
    """Break a run off after that many pages."""
    sandbox.next(*[None] * pages, 1700, action=ACTION)
    status, said = run(f"--out={out}", *options)
    assert status == 1
    assert f"{5 * pages} rows are kept in {out}.part: the same command with --resume goes on behind them." in said.replace("\n", " ")


# -- going on ----------------------------------------------------------------------------------------------------------


def test_a_resumed_run_goes_on_behind_what_is_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    """After a failure nothing stands under the final name; ``--resume`` fetches the rest and gives the very same bytes."""
    expected, out = whole(tmp_path), tmp_path / "a.csv"
    broken_off(sandbox, out, 3)
    assert names(tmp_path) == ["a.csv.part"]
    before = sandbox.calls[ACTION, "ok"]
    assert run(f"--out={out}", "--resume")[0] == 0
    assert out.read_bytes() == expected
    assert names(tmp_path) == ["a.csv"]
    assert sandbox.calls[ACTION, "ok"] - before == 8 - 3 + 1  # the page of the cursor is looked at again


def test_a_run_may_be_broken_off_many_times(sandbox: Sandbox, tmp_path: Path) -> None:
    """However often it fails, in the end the bytes are the same."""
    expected, out = whole(tmp_path), tmp_path / "a.csv"
    broken_off(sandbox, out, 1)
    for pages in (2, 3, 4):
        sandbox.next(None, None, 1700, action=ACTION)
        status, said = run(f"--out={out}", "--resume")
        assert (status, f"{5 * pages} rows are kept" in said) == (1, True)
    assert run(f"--out={out}", "--resume")[0] == 0
    assert out.read_bytes() == expected


def test_without_resume_it_starts_over(sandbox: Sandbox, tmp_path: Path) -> None:
    """What is kept is used only if one says so; else everything is fetched anew."""
    expected, out = whole(tmp_path), tmp_path / "a.csv"
    broken_off(sandbox, out, 3)
    before = sandbox.calls[ACTION, "ok"]
    assert run(f"--out={out}")[0] == 0
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
    """JSONL and Parquet are gone on with as CSV is, to the same bytes."""
    run(f"--out={tmp_path / name}")
    expected = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    broken_off(sandbox, tmp_path / name, 2)
    assert run(f"--out={tmp_path / name}", "--resume")[0] == 0
    assert (tmp_path / name).read_bytes() == expected


def test_it_may_go_on_in_another_shape(sandbox: Sandbox, tmp_path: Path) -> None:
    """What is kept is rows, not lines: a run resumed by slot writes all of them by slot."""
    out = tmp_path / "a.csv"
    broken_off(sandbox, out, 2)
    assert run(f"--out={out}", "--resume", "--by=slot")[0] == 0
    written = out.read_text("utf-8").splitlines()
    assert written[0].endswith("slot_settled_revenue_yuan")
    assert len({tuple(line.split(",")[:2]) for line in written[1:]}) == ROWS


@pytest.mark.parametrize("formats", [("csv", "jsonl", "parquet")])
def test_a_disk_that_is_full_in_the_end_costs_no_call(formats: tuple[str, ...], sandbox: Sandbox, tmp_path: Path) -> None:
    """When all is fetched and the file cannot be written, the next run writes it without asking the server."""
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
    """Wherever the writing of the journal stops (a kill, a power cut), going on gives the very same file."""
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


# -- what may have changed meanwhile -----------------------------------------------------------------------------------


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("pages", [1, 3])
def test_a_list_that_changed_is_read_from_its_beginning(
    several: object, pages: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When half-months were added and others settled meanwhile, the file is what a run gives that begins now, and a note says so."""
    sandbox = Books() if several else Sandbox(today=TODAY, years=3)
    monkeypatch.setattr(_settlements, "Sandbox", lambda: sandbox)
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
    """A run that is broken off while it reads a list again, because that changed under it, is begun anew."""
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
    """Other days, another page size, server or account: exit code 2, nothing fetched, nothing lost; without --resume it is replaced."""
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
    """A file that is no journal of this version is refused if it reads like one of another kind, else it is begun anew."""
    (tmp_path / "a.csv.part").write_bytes(damage)
    status, said = run(f"--out={tmp_path / 'a.csv'}", "--resume")
    assert (status, "belongs to another query" in said) == ((2, True) if damage.startswith(b"{") else (0, False))
    assert sandbox.calls.total() == (0 if status else 8)


def test_a_journal_that_somebody_wrote_into(sandbox: Sandbox, tmp_path: Path) -> None:
    """Rows in a journal that are no settlements are refused, and the journal is left as it is."""
    out = tmp_path / "a.csv"
    broken_off(sandbox, out, 2)
    part = tmp_path / "a.csv.part"
    part.write_bytes(part.read_bytes().replace(b'"order":1', b'"order":"1"'))
    status, said = run(f"--out={out}", "--resume")
    assert (status, f"{part} is damaged; without --resume it is replaced" in said.replace("\n", " ")) == (2, True)
    assert names(tmp_path) == ["a.csv.part"]


# -- processes ---------------------------------------------------------------------------------------------------------


@POSIX
def test_two_runs_do_not_write_to_one_journal(tmp_path: Path) -> None:
    """While a run has the journal another one is refused; once it is closed, or deleted, the next one gets its own."""
    out = tmp_path / "a.csv"
    with closing(PartFile(out, {}, resume=False)) as first:
        with pytest.raises(ConfigurationError, match="another run is writing to it"):
            PartFile(out, {}, resume=True)
        first.add([Settlement("202501", 1, 1)], "c")
        first.remove()
        with closing(PartFile(out, {}, resume=True)) as second:
            assert (second.rows, second.cursor) == (0, None)
            second.add([Settlement("202501", 1, 1)], "d")
    with closing(PartFile(out, {}, resume=True)) as third:
        assert (third.rows, third.cursor) == (1, "d")


@POSIX
def test_a_journal_that_is_deleted_as_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gets a file that its former owner has just deleted opens the next one, and keeps nothing in a file without a name."""
    import fcntl

    real, out = fcntl.flock, tmp_path / "a.csv"
    deleted: list[bool] = []

    def delete_first(file: Any, flags: int) -> None:
        if not deleted:
            deleted.append(True)
            (tmp_path / "a.csv.part").unlink()
        real(file, flags)

    monkeypatch.setattr(fcntl, "flock", delete_first)
    with closing(PartFile(out, {}, resume=False)) as journal:
        assert journal.path.read_bytes().startswith(b'{"wxrevenue"')


@POSIX
@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_disk_without_locks_or_fsync(sandbox: Sandbox, tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-03, F-04: where files have neither locks nor fsync a run ends well all the same."""
    import fcntl

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", fail)
    if code != errno.ENOLCK:
        monkeypatch.setattr(os, "fsync", fail)
    assert run(f"--out={tmp_path / 'a.csv'}")[0] == 0
    assert names(tmp_path) == ["a.csv"]


def test_a_failure_says_what_to_do(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-05: a file that cannot be replaced since it is mounted by itself: the user is told what to mount, and how to go on."""

    def busy(*_: object) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(os, "replace", busy)
    status, said = run(f"--out={tmp_path / 'a.csv'}")
    assert status == 1
    assert "mount its folder, not the file" in said
    assert "--resume goes on behind them" in said
    assert names(tmp_path) == ["a.csv.part"]


def test_a_journal_that_cannot_be_deleted(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-02: what was exported counts as exported, also if what is left beside it cannot be deleted; that is told."""

    def forbidden(_journal: PartFile) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(PartFile, "remove", forbidden)
    status, said = run(f"--out={tmp_path / 'a.csv'}")
    assert (status, names(tmp_path)) == (0, ["a.csv", "a.csv.part"])
    assert "a.csv.part is of no use any more, but cannot be deleted (Operation not permitted)." in said


@POSIX
def test_the_journal_is_no_more_public_than_the_file(tmp_path: Path) -> None:
    """A journal beside a private file is private; one that is a symbolic link is refused."""
    out = tmp_path / "a.csv"
    out.touch(0o600)
    with closing(PartFile(out, {}, resume=False)) as journal:
        assert journal.path.stat().st_mode & 0o077 == 0
    journal.path.unlink()
    journal.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        PartFile(out, {}, resume=False)


@pytest.fixture
def environment() -> dict[str, str]:
    """Return a process's environment without our variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WXREVENUE_")} | {"PYTHONIOENCODING": "utf-8"}


@asynccontextmanager
async def started(environment: dict[str, str], *args: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Start the real command; kill it if it has not ended by the end, or within a minute."""
    command = [sys.executable, "-W", "error", "-m", "wxrevenue", "settlements", "--page-size=5", *RANGE, *args]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        async with asyncio.timeout(60):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def lines_in(path: Path, count: int) -> None:
    """Wait until a file has that many lines."""
    async with asyncio.timeout(30):
        while lines(path) < count:  # noqa: ASYNC110  (another process writes it)
            await asyncio.sleep(0.02)


def lines(path: Path) -> int:
    """Return how many lines a file has that may not be there yet."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.slow("kills the real command and waits for it")
@POSIX
@pytest.mark.parametrize(("sent", "name"), [(signal.SIGKILL, "a.csv"), (signal.SIGINT, "a.jsonl"), (signal.SIGTERM, "a.parquet")])
async def test_a_killed_process_is_gone_on_with(sent: signal.Signals, name: str, environment: dict[str, str], tmp_path: Path) -> None:
    """Killed in the middle, a real run leaves no file under the final name; the next one fetches the rest, to the same bytes."""
    sandbox, out = Sandbox(today=TODAY, years=3), tmp_path / name
    token = sandbox.component_token(sandbox.components[0])
    async with sandbox.serve() as url:
        environment |= {"WXREVENUE_COMPONENT_TOKEN": token, "WXREVENUE_BASE_URL": url}
        async with started(environment, f"--out={tmp_path / ('whole-' + name)}") as whole_run:
            assert (await whole_run.communicate())[0] == b""
        sandbox.trouble = Trouble(too_fast=Quota(5, 3600.0))
        async with started(environment, f"--out={out}") as process:
            await lines_in(tmp_path / f"{name}.part", 1 + 5)
            process.send_signal(sent)
            _, err = await process.communicate()
        assert process.returncode == (130 if sent == signal.SIGINT else -sent)
        assert (b"Stopped.\n25 rows are kept" in err) == (sent == signal.SIGINT)
        assert b"Traceback" not in err
        assert not out.exists()
        kept = (tmp_path / f"{name}.part").read_bytes()
        assert kept.count(b'"cursor"') == 5
        assert token.encode() not in kept + err
        sandbox.trouble = Trouble()
        before = sandbox.calls[ACTION, "ok"]
        async with started(environment, f"--out={out}", "--resume") as resumed:
            _, err = await resumed.communicate()
        assert resumed.returncode == 0, err
        assert sandbox.calls[ACTION, "ok"] - before == 8 - 5 + 1
    assert out.read_bytes() == (tmp_path / f"whole-{name}").read_bytes()
    assert names(tmp_path) == sorted([name, f"whole-{name}"])
