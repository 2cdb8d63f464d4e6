"""The life of a checkpoint.

Its owner, its users, what it says of skipped jobs, and its end.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import stat
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from support.virtual import virtual

from wxrevenue import (
    Checkpoint,
    ClientStateError,
    ConfigurationError,
    RevenueClient,
    sweep,
    sweep_authorizer_settlements,
    sweep_half_months,
)
from wxrevenue._base.files import try_lock
from wxrevenue.sandbox import Sandbox
from wxrevenue.sweeps._checkpoint import CheckpointFile

if TYPE_CHECKING:
    from pathlib import Path

DONE = b'{"job": "a", "done": true}\n'
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
OTHER_PROCESS = """
import asyncio, sys
from wxrevenue import Checkpoint, sweep

async def call(job):
    return job

async def main():
    async for _ in sweep(call, ["a", "b"], concurrency=1, checkpoint=Checkpoint(sys.argv[1])):
        print("ready", flush=True)
        sys.stdin.read()

asyncio.run(main())
"""


async def work(job: str) -> str:
    """Wait a second."""
    await asyncio.sleep(1)
    if job.startswith("bad"):
        raise ValueError(job)
    return job


async def jobs_of(checkpoint: Checkpoint, jobs: list[str]) -> list[str]:
    """Sweep to the end; return the jobs that came out."""
    return [outcome.job async for outcome in sweep(work, jobs, concurrency=1, checkpoint=checkpoint)]


# -- whose it is -----------------------------------------------------------------------------------


@virtual
async def test_the_first_line_names_the_query(tmp_path: Path) -> None:
    """A new file begins with its query; a sweep with the same one resumes."""
    path = tmp_path / "file.jsonl"
    assert await jobs_of(Checkpoint(path, query="ratio 40 \u5143"), ["a"]) == ["a"]
    assert path.read_text(encoding="utf-8") == '{"query":"ratio 40 \u5143"}\n{"job":"a","done":true}\n'
    assert await jobs_of(Checkpoint(path, query="ratio 40 \u5143"), ["a", "b"]) == ["b"]


@pytest.mark.parametrize("query", ["ratio 50", None])
@pytest.mark.parametrize("torn", [b"", b'{"jo', b"\0\0"])
@virtual
async def test_another_query(tmp_path: Path, query: str | None, torn: bytes) -> None:
    """A sweep with another query, or with none, is refused.

    The error names both, and the file stays as it is.
    """
    path = tmp_path / "file.jsonl"
    path.write_bytes(written := b'{"query":"ratio 40"}\n' + DONE + torn)
    wanted = "has none" if query is None else "has the query 'ratio 50'"
    with pytest.raises(ConfigurationError, match=rf"file\.jsonl holds the query 'ratio 40', this sweep {wanted}: take another file"):
        await jobs_of(Checkpoint(path, query=query), ["a"])
    assert path.read_bytes() == written


@virtual
async def test_a_file_of_an_older_version(tmp_path: Path) -> None:
    """A file without a query, of an older version, is used and stays without one."""
    path = tmp_path / "file.jsonl"
    path.write_bytes(DONE)
    assert await jobs_of(Checkpoint(path, query="ratio 40"), ["a", "b"]) == ["b"]
    assert path.read_bytes() == DONE + b'{"job":"b","done":true}\n'


@pytest.mark.parametrize("torn", [b"{", b'{"que', b'{"query":"ratio 40"}', b"\0\0"])
@virtual
async def test_a_query_cut_short(tmp_path: Path, torn: bytes) -> None:
    """A first line that was cut short is written again."""
    path = tmp_path / "file.jsonl"
    path.write_bytes(torn)
    assert await jobs_of(Checkpoint(path, query="ratio 50"), ["a"]) == ["a"]
    assert path.read_bytes() == b'{"query":"ratio 50"}\n{"job":"a","done":true}\n'


@pytest.mark.parametrize("last", [b'{"query":"ratio 40"}\n', b'{"query":"rat'])
@virtual
async def test_a_query_in_a_later_line(tmp_path: Path, last: bytes) -> None:
    """Only the first line may name a query: elsewhere the file is no checkpoint."""
    path = tmp_path / "file.jsonl"
    path.write_bytes(DONE + last)
    with pytest.raises(ConfigurationError, match="line 2"):
        await jobs_of(Checkpoint(path), ["a"])
    assert path.read_bytes() == DONE + last


@virtual
async def test_queries_of_ready_made_sweeps(tmp_path: Path) -> None:
    """Ready-made sweeps name function, provider, range and page size.

    A query of the user's replaces theirs.
    """
    server = Sandbox(seed=5, components=1, today=date(2024, 12, 31))
    appid, path = server.components[0], tmp_path / "file.jsonl"
    client = RevenueClient(server.tokens(appid), appid, transport=server.transport())
    days, kept = ("2024-01-03", "2024-01-20"), Checkpoint(path)
    for found, query in (
        (sweep_half_months(client, *days, checkpoint=kept), f"sweep_half_months of {appid}, 2024-01 H1/2024-01 H2, page_size=20"),
        (
            sweep_authorizer_settlements(client, server.programs(appid)[:1], *days, page_size=7, checkpoint=kept),
            f"sweep_authorizer_settlements of {appid}, 2024-01-03/2024-01-20, page_size=7",
        ),
        (sweep_half_months(client, *days, checkpoint=Checkpoint(path, query="mine")), "mine"),
    ):
        async for _ in found:
            pass
        assert path.read_text().splitlines()[0] == f'{{"query":"{query}"}}'
        if query != "mine":
            kept.finish(ignore_failed=True)


# -- who may use it --------------------------------------------------------------------------------


@POSIX
@virtual
async def test_a_second_process(tmp_path: Path) -> None:
    """While another process sweeps with a file no other gets it.

    When that process was killed the sweep goes on.
    """
    path = tmp_path / "file.jsonl"
    with subprocess.Popen(  # noqa: ASYNC220, S603  (our own; it runs beside virtual time)
        [sys.executable, "-c", OTHER_PROCESS, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"ready\n"
            with pytest.raises(ConfigurationError, match=r"file\.jsonl: another sweep is using it"):
                await jobs_of(Checkpoint(path), ["a"])
        finally:
            other.kill()
    assert await jobs_of(Checkpoint(path), ["a", "b"]) == ["a", "b"]


@POSIX
@virtual
async def test_a_second_sweep(tmp_path: Path) -> None:
    """A second sweep of the same process does not get the file; nor does `finish`.

    They get it when the first was left.
    """
    checkpoint = Checkpoint(tmp_path / "file.jsonl")
    assert await jobs_of(checkpoint, ["a"]) == ["a"]
    async with sweep(work, ["b", "c"], checkpoint=Checkpoint(checkpoint.path)) as first:
        await anext(first)
        with pytest.raises(ConfigurationError, match="another sweep is using it"):
            await jobs_of(Checkpoint(checkpoint.path), ["b"])
        with pytest.raises(ConfigurationError, match="another sweep is using it"):
            checkpoint.finish()
    assert await jobs_of(checkpoint, ["a", "b", "c"]) == ["b", "c"]


@POSIX
@virtual
async def test_a_child_that_was_forked_does_not_keep_it(tmp_path: Path) -> None:
    """A copy of the open file does not keep the next sweep out.

    A forked child has such a copy.
    """
    checkpoint = Checkpoint(tmp_path / "file.jsonl")
    file = checkpoint.path.open("a+b", buffering=0)
    assert try_lock(file.fileno(), checkpoint.path)
    copy = os.dup(file.fileno())
    try:
        CheckpointFile(file, checkpoint, {}).close(open_jobs=None)
        assert await jobs_of(checkpoint, ["a"]) == ["a"]
    finally:
        os.close(copy)


@POSIX
@virtual
async def test_a_file_that_is_deleted_as_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that opened a file just finished elsewhere opens the next one.

    It writes to no file without a name.
    """
    import fcntl

    real, path, deleted = fcntl.flock, tmp_path / "file.jsonl", list[bool]()

    def delete_first(file: Any, flags: int) -> None:
        if not deleted:
            deleted.append(True)
            path.unlink()
        real(file, flags)

    monkeypatch.setattr(fcntl, "flock", delete_first)
    assert await jobs_of(Checkpoint(path), ["a"]) == ["a"]
    assert path.read_bytes() == b'{"job":"a","done":true}\n'


@POSIX
@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
@virtual
async def test_a_disk_without_locks(tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-04: without file locks a checkpoint works, but does not exclude others."""
    import fcntl

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", fail)
    checkpoint = Checkpoint(tmp_path / "file.jsonl")
    assert await jobs_of(checkpoint, ["a"]) == ["a"]
    assert await jobs_of(checkpoint, ["a", "b"]) == ["b"]
    checkpoint.finish()
    assert not checkpoint.path.exists()


# -- what it says ----------------------------------------------------------------------------------


@virtual
async def test_skipped_jobs_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A log line says how many jobs were skipped according to which file.

    It is a warning if no other job was done.
    """
    caplog.set_level(logging.INFO, "wxrevenue.sweeps")
    checkpoint = Checkpoint(tmp_path / "file.jsonl")
    for jobs in (["a", "b"], ["a", "b", "c"], ["a", "b", "c"]):
        await jobs_of(checkpoint, jobs)
    said = [(one.name, one.levelname, one.getMessage()) for one in caplog.records if one.name.startswith("wxrevenue")]
    assert said == [
        ("wxrevenue.sweeps", level, f"{count} jobs skipped, done according to {checkpoint.path}")
        for level, count in (("INFO", 2), ("WARNING", 3))
    ]


# -- its end ---------------------------------------------------------------------------------------


@virtual
async def test_finish(tmp_path: Path) -> None:
    """After a sweep that came to its end `finish` deletes the file, once.

    The next sweep does all jobs.
    """
    checkpoint = Checkpoint(tmp_path / "file.jsonl")
    assert await jobs_of(checkpoint, ["a", "b"]) == ["a", "b"]
    checkpoint.finish()
    assert not checkpoint.path.exists()
    with pytest.raises(ClientStateError, match="jobs are open"):
        checkpoint.finish()
    assert await jobs_of(checkpoint, ["a", "b"]) == ["a", "b"]
    checkpoint.path.unlink()
    checkpoint.finish()
    assert not checkpoint.path.exists()


@virtual
async def test_finish_while_jobs_are_open(tmp_path: Path) -> None:
    """Before a sweep the file stays.

    It also stays after one that was left, and after one whose jobs raise.
    """
    checkpoint = Checkpoint(tmp_path / "file.jsonl")

    def broken() -> Any:
        yield "a"
        raise ZeroDivisionError

    async def left() -> None:
        async with sweep(work, ["a", "b"], concurrency=1, checkpoint=checkpoint) as one:
            await anext(one)
            await anext(one)
            with pytest.raises(ClientStateError, match="jobs are open"):
                checkpoint.finish()

    with pytest.raises(ClientStateError, match="jobs are open"):
        checkpoint.finish()
    await left()
    with pytest.raises(ClientStateError, match="jobs are open"):
        checkpoint.finish(ignore_failed=True)
    with pytest.raises(ZeroDivisionError):
        [one async for one in sweep(work, broken(), checkpoint=checkpoint)]
    with pytest.raises(ClientStateError, match="jobs are open"):
        checkpoint.finish()
    assert checkpoint.path.read_bytes() == b'{"job":"a","done":true}\n'


@virtual
async def test_finish_with_failed_jobs(tmp_path: Path) -> None:
    """Failed jobs count as open for `finish`, unless they are to be ignored."""
    checkpoint = Checkpoint(tmp_path / "file.jsonl")
    assert await jobs_of(checkpoint, ["a", "bad", "bad too"]) == ["a", "bad", "bad too"]
    with pytest.raises(ClientStateError, match=r"2 jobs failed: sweep again, or finish\(ignore_failed=True\)"):
        checkpoint.finish()
    with pytest.raises(ConfigurationError, match="ignore_failed: expected a bool"):
        checkpoint.finish(ignore_failed=1)  # type: ignore[arg-type]
    assert checkpoint.path.exists()
    checkpoint.finish(ignore_failed=True)
    assert not checkpoint.path.exists()


@POSIX
@virtual
async def test_finish_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`finish` forces the folder to the disk.

    Otherwise a power cut could bring the file back, and the next sweep would skip every job.
    """
    checkpoint, synced = Checkpoint(tmp_path / "file.jsonl"), list[tuple[bool, bool]]()
    await jobs_of(checkpoint, ["a"])

    def fsync(file: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(file).st_mode), checkpoint.path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    checkpoint.finish()
    assert synced == [(True, False)]


@POSIX
@virtual
async def test_finish_behind_a_link(tmp_path: Path) -> None:
    """Behind a symbolic link the file is deleted, not the link.

    The next sweep writes where the user wants it.
    """
    (tmp_path / "disk").mkdir()
    checkpoint = Checkpoint(tmp_path / "link")
    checkpoint.path.symlink_to(tmp_path / "disk" / "file.jsonl")
    await jobs_of(checkpoint, ["a"])
    checkpoint.finish()
    assert (checkpoint.path.is_symlink(), checkpoint.path.exists()) == (True, False)
