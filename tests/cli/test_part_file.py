"""The file of a run that was broken off, among processes and on any disk."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import pytest
from support.settlements_cli import ACTION, RANGE, TODAY, names, run

from wxrevenue import ConfigurationError, Sandbox, Settlement
from wxrevenue.cli._settlements.journal import PartFile
from wxrevenue.sandbox import Quota, Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals and file locks of POSIX")


@POSIX
def test_two_runs_do_not_write_to_one_journal(tmp_path: Path) -> None:
    """While a run has the part file, another run is refused.

    Once the file is closed or deleted, the next run gets its own.
    """
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
    """A run whose part file was just deleted by its former owner opens a new one.

    It keeps nothing in a file without a name.
    """
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
    """F-03, F-04: a run ends well where files have neither locks nor fsync."""
    import fcntl

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", fail)
    if code != errno.ENOLCK:
        monkeypatch.setattr(os, "fsync", fail)
    assert run(f"--out={tmp_path / 'a.csv'}")[0] == 0
    assert names(tmp_path) == ["a.csv"]


def test_a_failure_says_what_to_do(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-05: the error says what to mount, and how to continue.

    The file cannot be replaced because it is mounted by itself.
    """

    def busy(*_: object) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(os, "replace", busy)
    status, said = run(f"--out={tmp_path / 'a.csv'}")
    assert status == 1
    assert "mount its folder, not the file" in said
    assert "--resume goes on behind them" in said
    assert names(tmp_path) == ["a.csv.part"]


def test_a_journal_that_cannot_be_deleted(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-02: an export counts as done even if its part file cannot be deleted.

    What is left is reported.
    """

    def forbidden(_journal: PartFile) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(PartFile, "remove", forbidden)
    status, said = run(f"--out={tmp_path / 'a.csv'}")
    assert (status, names(tmp_path)) == (0, ["a.csv", "a.csv.part"])
    assert "a.csv.part is of no use any more, but cannot be deleted (Operation not permitted)." in said


@POSIX
def test_the_journal_is_no_more_public_than_the_file(tmp_path: Path) -> None:
    """A part file beside a private file is private.

    One that is a symbolic link is refused.
    """
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
    """Start the real command.

    Kill it if it has not ended by the end, or within a minute.
    """
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
    """A killed run leaves no file under the final name.

    The next run fetches the rest, to the same bytes. The process is real and is killed in the
    middle.
    """
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
