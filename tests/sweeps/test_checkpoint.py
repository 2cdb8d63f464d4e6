"""Checkpoints: what is written and when, and what a restarted sweep reads.

Some files are not what they should be.
"""

from __future__ import annotations

import asyncio
import errno
import io
import os
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from support.virtual import now, virtual

from wxrevenue import Checkpoint, ConfigurationError, JobEvent, Secret, sweep
from wxrevenue.sweeps._checkpoint import CheckpointFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


async def work(job: str) -> str:
    """Wait a second."""
    await asyncio.sleep(1)
    if job.startswith("bad"):
        raise ValueError(job)
    return job


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a checkpoint."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def done(path: Path) -> list[str]:
    """Return the jobs that are done in a checkpoint."""
    return [line["job"] for line in lines(path) if line.get("done")]


async def jobs_of(path: Path, jobs: Iterable[str], **options: Any) -> list[str]:
    """Sweep to the end; return the jobs that came out."""
    return [outcome.job async for outcome in sweep(work, jobs, checkpoint=Checkpoint(path), **options)]


@virtual
async def test_a_restart_skips_what_is_done(tmp_path: Path) -> None:
    """A restarted sweep does not repeat a job that is done, only one that failed."""
    path = tmp_path / "file.jsonl"
    assert sorted(await jobs_of(path, ["a", "bad", "b"])) == ["a", "b", "bad"]
    assert lines(path) == [{"job": "a", "done": True}, {"job": "b", "done": True}]
    assert await jobs_of(path, ["a", "bad", "b", "c"]) == ["bad", "c"]
    assert sorted(done(path)) == ["a", "b", "c"]


@pytest.mark.parametrize("ordered", [False, True])
@virtual
async def test_an_outcome_is_written_down_when_the_consumer_is_through_with_it(tmp_path: Path, ordered: bool) -> None:  # noqa: FBT001
    """A job is done in the file when the consumer comes back for the next outcome.

    It is not done before. Leaving early leaves it open.
    """
    path = tmp_path / "file.jsonl"
    async with sweep(work, ["a", "b", "c"], concurrency=1, ordered=ordered, checkpoint=Checkpoint(path)) as one:
        async for outcome in one:
            assert done(path) == ["a", "b", "c"][: ["a", "b", "c"].index(outcome.job)]
            await asyncio.sleep(5)
            if outcome.job == "b":
                break
    assert done(path) == ["a"]
    assert await jobs_of(path, ["a", "b", "c"], ordered=ordered) == ["b", "c"]


@virtual
async def test_a_consumer_that_fails_gets_its_outcome_again(tmp_path: Path) -> None:
    """An outcome on which the consumer raised is not done."""
    path = tmp_path / "file.jsonl"

    async def consume() -> None:
        async for outcome in sweep(work, ["a", "b"], concurrency=1, checkpoint=Checkpoint(path)):
            raise ZeroDivisionError(outcome.job)

    with pytest.raises(ZeroDivisionError):
        await consume()
    assert await jobs_of(path, ["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize("torn", [b"{", b'{"jo', b'{"job": "b", "do', b'{"job": "b", "done": true}', b'{"job": "b", "cursor": "1'])
@virtual
async def test_a_line_cut_short_is_dropped(tmp_path: Path, torn: bytes) -> None:
    """A last line without its end is dropped.

    The file goes on as if the line had never been begun.
    """
    path = tmp_path / "file.jsonl"
    path.write_bytes(b'{"job": "a", "done": true}\n' + torn)
    assert await jobs_of(path, ["a", "b"]) == ["b"]
    assert lines(path) == [{"job": "a", "done": True}, {"job": "b", "done": True}]


@pytest.mark.parametrize("torn", [b"", b'{"jo', b'{"job": "b", "done": true}'])
@pytest.mark.parametrize("nuls", [b"\0", b"\0" * 4_096, b"\0" * 50 + b"\n", b"\0\n\0\n"])
@virtual
async def test_nuls_at_the_end_are_dropped(tmp_path: Path, torn: bytes, nuls: bytes) -> None:
    """F-08: NUL bytes at the end of the file are a line that was cut short.

    A power cut leaves them in place of the last lines.
    """
    path = tmp_path / "file.jsonl"
    path.write_bytes(b'{"job": "a", "done": true}\n' + torn + nuls)
    assert await jobs_of(path, ["a", "b"]) == ["b"]
    assert lines(path) == [{"job": "a", "done": True}, {"job": "b", "done": True}]


@virtual
async def test_nothing_but_nuls(tmp_path: Path) -> None:
    """F-08: a checkpoint that is all NUL bytes after a power cut starts again."""
    path = tmp_path / "file.jsonl"
    path.write_bytes(b"\0" * 4_096)
    assert await jobs_of(path, ["a"]) == ["a"]
    assert lines(path) == [{"job": "a", "done": True}]


@virtual
async def test_nuls_before_whole_lines(tmp_path: Path) -> None:
    """NUL bytes before a whole line are no end that was cut off.

    No line is dropped, and the error names the line.
    """
    path = tmp_path / "file.jsonl"
    path.write_bytes(written := b'{"job": "a", "done": true}\n\0\0\n{"job": "b", "done": true}\n')
    with pytest.raises(ConfigurationError, match="line 2"):
        await jobs_of(path, ["a"])
    assert path.read_bytes() == written


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"5", b"not JSON", b'{"job": 5, "done": true}', b'{"job": "a"}', b'{"job": "a", "done": false}']
)
@virtual
async def test_a_file_that_is_no_checkpoint(tmp_path: Path, line: bytes) -> None:
    """Another file is refused with the number of the line, before any job.

    It stays as it is.
    """
    path = tmp_path / "file.jsonl"
    path.write_bytes(written := b'{"job": "a", "done": true}\n' + line + b"\n")
    with pytest.raises(ConfigurationError, match=r"file\.jsonl, line 2: expected"):
        await jobs_of(path, ["b"])
    assert path.read_bytes() == written
    assert now() == 0


@pytest.mark.parametrize("before", [b"", b'{"job": "a", "done": true}\n'])
@pytest.mark.parametrize("last", [b"notes of somebody else's", b"\xff", b'{"jobs": 5}', b" "])
@virtual
async def test_a_file_of_somebody_elses_that_ends_without_a_newline(tmp_path: Path, before: bytes, last: bytes) -> None:
    """A last line that no checkpoint could begin with is not cut off.

    The file is refused and stays as it is.
    """
    path = tmp_path / "file.jsonl"
    path.write_bytes(before + last)
    with pytest.raises(ConfigurationError, match=rf"file\.jsonl, line {before.count(10) + 1}: expected"):
        await jobs_of(path, ["b"])
    assert path.read_bytes() == before + last


@virtual
async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A file in a missing folder ends the sweep before any job."""
    with pytest.raises(FileNotFoundError):
        await jobs_of(tmp_path / "none" / "file.jsonl", ["a"])
    assert now() == 0


@virtual
async def test_keys(tmp_path: Path) -> None:
    """A function names jobs that are no strings; the file holds these names."""
    path = tmp_path / "file.jsonl"

    async def call(job: tuple[str, int]) -> int:
        return job[1]

    by_name = Checkpoint(path, key=lambda job: f"{job[0]}-{job[1]}")
    assert len([one async for one in sweep(call, [("a", 1), ("b", 2)], checkpoint=by_name)]) == 2
    assert sorted(done(path)) == ["a-1", "b-2"]
    assert [one.job async for one in sweep(call, [("a", 1), ("b", 3)], checkpoint=by_name)] == [("b", 3)]


@pytest.mark.parametrize("job", [5, ("a", 1), Secret("fake-token-key"), b"fake-token-bytes"])
@virtual
async def test_jobs_without_a_key(tmp_path: Path, job: Any) -> None:
    """A job without a name, and without a function to name it, ends the sweep.

    The message does not show the job.
    """
    with pytest.raises(ConfigurationError, match=r"Checkpoint\.key") as caught:
        await jobs_of(tmp_path / "file.jsonl", [job])
    assert "fake-token" not in str(caught.value)


@pytest.mark.parametrize("key", [5, "", "a\nb", None])
@virtual
async def test_keys_that_are_refused(tmp_path: Path, key: Any) -> None:
    """A key is a ``str`` of one line."""
    with pytest.raises(ConfigurationError, match=r"Checkpoint\.key"):
        await anext(aiter(sweep(work, ["a"], checkpoint=Checkpoint(tmp_path / "file.jsonl", key=lambda _: key))))


@pytest.mark.parametrize(
    ("path", "options", "name"),
    [
        (5, {}, "path"),
        (None, {}, "path"),
        ("file", {"key": 5}, "key"),
        ("file", {"query": 5}, "query"),
        ("file", {"query": "a\n"}, "query"),
    ],
)
def test_arguments_that_are_refused(path: Any, options: dict[str, Any], name: str) -> None:
    """A forbidden argument is refused when the checkpoint is made."""
    with pytest.raises(ConfigurationError, match=rf"Checkpoint\.{name}"):
        Checkpoint(path, **options)


def test_what_it_prints() -> None:
    """The repr of a checkpoint has its path."""
    assert repr(Checkpoint("june.jsonl")) == "Checkpoint('june.jsonl')"


@virtual
async def test_lines_are_forced_to_the_disk_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand outcomes within five seconds are forced to the disk once a second.

    They are forced once more at the end.
    """
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)

    async def quick(job: str) -> str:
        await asyncio.sleep(0.05)
        return job

    path = tmp_path / "file.jsonl"
    async for _ in sweep(quick, map(str, range(1_000)), concurrency=10, checkpoint=Checkpoint(path)):
        pass
    assert len(done(path)) == 1_000
    assert len(synced) in {5, 6}


class Full(io.FileIO):
    """A file with room for ten more bytes."""

    def write(self, line: Any, /) -> int:
        """Write as many bytes as there is room for."""
        return super().write(line[:10])


@virtual
async def test_a_full_disk_ends_the_sweep(tmp_path: Path) -> None:
    """A line that cannot be written whole is an error.

    So no other line is joined to it; the next run drops its part.
    """
    path = tmp_path / "file.jsonl"
    with Full(path, "ab") as file, pytest.raises(OSError, match="No space left"):
        await CheckpointFile(file, Checkpoint(path), {}).append("a", None)
    assert path.read_bytes() == b'{"job":"a"'
    assert await jobs_of(path, ["a"]) == ["a"]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
@virtual
async def test_a_disk_without_fsync(tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-03: on a file system without fsync a checkpoint is still written.

    The file is as safe as that file system permits.
    """

    def fail(_descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    path = tmp_path / "file.jsonl"
    assert sorted(await jobs_of(path, ["a", "b", "c"], concurrency=1)) == ["a", "b", "c"]
    assert sorted(done(path)) == ["a", "b", "c"]


@virtual
async def test_a_broken_disk_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-06: an fsync that fails for good ends the sweep.

    The error has a note that says what to do.
    """

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    path = tmp_path / "file.jsonl"
    await jobs_of(path, ["a"])
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output") as caught:
        await jobs_of(path, ["a", "b"])
    assert [str(path) in note for note in caught.value.__notes__] == [True]


@virtual
async def test_skipped_jobs_are_told(tmp_path: Path) -> None:
    """Each job that was done before has an event, with its key.

    So a progress bar adds up.
    """
    path, told = tmp_path / "file.jsonl", list[JobEvent]()
    await jobs_of(path, map(str, range(2_500)), concurrency=1_000)
    await jobs_of(path, map(str, range(2_501)), on_event=told.append)
    assert [event.state for event in told] == ["skipped"] * 2_500 + ["done"]
    assert (told[-1].key, told[-1].skipped, told[-1].done) == ("2500", 2_500, 1)
