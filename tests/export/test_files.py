"""The file itself is whole or missing, and memory is constant.

This holds whatever ends the export.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import io
import os
import stat
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest

from wxrevenue import ConfigurationError, PageDriftError, RevenueClient, Sandbox, Settlement, SlotRevenue, export
from wxrevenue._base import files
from wxrevenue.export import _pump
from wxrevenue.sandbox import Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator

pa: Any = pytest.importorskip("pyarrow")
pq: Any = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("xlsxwriter")
WRITERS: list[Callable[..., Coroutine[Any, Any, int]]] = [export.to_csv, export.to_excel, export.to_jsonl, export.to_parquet]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="permissions and symbolic links of POSIX")


def many(count: int) -> Iterator[Settlement]:
    """Yield that many rows, each with two slots."""
    for n in range(count):
        slots = [SlotRevenue("SLOT_ID_WEAPP_BANNER", n), SlotRevenue("SLOT_ID_WEAPP_COVER", 1)]
        yield Settlement("202001", 1, n + 1, zone="2020年1月1日至15日", sett_no=str(n), slot_revenue=slots)


def names(folder: Path) -> list[str]:
    """Return the names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


async def broken(count: int, error: BaseException) -> AsyncGenerator[Settlement]:
    """Yield rows, and then fail."""
    for row in many(count):
        yield row
    raise error


# -- all or nothing --------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("count", [0, 1, 2 * _pump.BATCH + 3])
async def test_a_walk_that_fails_leaves_nothing(writer: Any, count: int, tmp_path: Path) -> None:
    """An error of the rows passes through as it is, and no file appears.

    A file that was there stays as it was.
    """
    (tmp_path / "old").write_text("what was there")
    for name in ("new", "old"):
        error = PageDriftError("page 7 only repeats earlier rows", got=count)
        with pytest.raises(PageDriftError) as caught:
            await writer(broken(count, error), tmp_path / name)
        assert caught.value is error
    assert names(tmp_path) == ["old"]
    assert (tmp_path / "old").read_text() == "what was there"
    gc.collect()  # nothing that was given up complains when it is collected


@pytest.mark.parametrize("writer", WRITERS)
async def test_until_the_end_there_is_no_file(writer: Any, tmp_path: Path) -> None:
    """While rows come, nothing stands under the final name; then all of it does."""
    seen: list[bool] = []

    async def rows() -> AsyncGenerator[Settlement]:
        for row in many(_pump.BATCH + 1):
            yield row
        seen.append((tmp_path / "a").exists())

    assert await writer(rows(), tmp_path / "a") == _pump.BATCH + 1
    assert seen == [False]
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_even_an_interrupt_leaves_nothing(error: BaseException, tmp_path: Path) -> None:
    """An interrupt in the middle of the rows cleans up like any error.

    It is a KeyboardInterrupt or a SystemExit.
    """
    with pytest.raises(type(error)):
        asyncio.run(export.to_csv(broken(_pump.BATCH + 1, error), tmp_path / "a.csv"))
    assert names(tmp_path) == []


@pytest.mark.parametrize("writer", WRITERS)
async def test_a_full_disk_leaves_nothing(writer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the error is the system's own, and nothing is left behind."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        await writer(many(_pump.BATCH), tmp_path / "a")
    assert names(tmp_path) == []
    gc.collect()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
@pytest.mark.parametrize("writer", WRITERS)
async def test_a_write_that_fails_ends_the_export(writer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of a write surfaces, with the walk closed and nothing left."""

    def created(*_: object, **__: object) -> io.FileIO:
        return io.FileIO("/dev/full", "wb")

    monkeypatch.setattr(files, "_new_file", created)
    closed: list[bool] = []

    async def rows() -> AsyncGenerator[Settlement]:
        try:
            for row in many(50 * _pump.BATCH):
                yield row
        finally:
            closed.append(True)

    with pytest.raises(OSError, match="No space left"):
        await writer(rows(), tmp_path / "a")
    assert closed == [True]
    gc.collect()


@pytest.mark.parametrize("writer", WRITERS)
async def test_a_mount_point_stays_as_it_was(writer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-05: a file that cannot be replaced stays as it was.

    It is mounted by itself. The error says what to mount instead.
    """
    path = tmp_path / "a"
    path.write_text("before")

    def busy(*_: object) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(os, "replace", busy)
    with pytest.raises(OSError, match="busy") as caught:
        await writer(many(3), path)
    assert caught.value.__notes__ == [f"{path}: it is a mount point, which no rename replaces; mount its folder, not the file"]
    assert (names(tmp_path), path.read_text()) == (["a"], "before")


# -- cancellation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", WRITERS)
async def test_cancelled_while_it_waits_for_a_row(writer: Any, tmp_path: Path) -> None:
    """Cancelled between rows, the export closes the walk and removes what it had."""
    waiting, closed = asyncio.Event(), asyncio.Event()

    async def rows() -> AsyncGenerator[Settlement]:
        try:
            for row in many(_pump.BATCH + 1):
                yield row
            waiting.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    task = asyncio.create_task(writer(rows(), tmp_path / "a"))
    await waiting.wait()
    assert len(names(tmp_path)) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed.is_set()
    assert names(tmp_path) == []


async def test_cancelled_while_a_thread_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancellation waits for the thread that writes, and then removes the file.

    It may come more than once.
    """
    inside, go_on, order = threading.Event(), threading.Event(), list[str]()
    real = _pump._add  # pyright: ignore[reportPrivateUsage]

    def slow(*arguments: Any) -> int:
        inside.set()
        go_on.wait(5)
        order.append("written")
        return real(*arguments)

    monkeypatch.setattr(_pump, "_add", slow)
    task = asyncio.create_task(export.to_csv(many(3), tmp_path / "a.csv"))
    await asyncio.to_thread(inside.wait, 5)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    order.append("ended")
    assert order == ["written", "ended"]
    assert names(tmp_path) == []


async def test_a_cancelled_walk_leaves_no_task(tmp_path: Path) -> None:
    """A paginator that is exported is closed with the pages it fetched ahead.

    The export is cancelled.
    """
    sandbox = Sandbox(trouble=Trouble(latency=0.01))
    client = RevenueClient(sandbox.tokens(sandbox.components[0]), transport=sandbox.transport())
    walk = client.iter_agency_settlement("2020-01-01", sandbox.today, 1)
    before = asyncio.all_tasks()
    task = asyncio.create_task(export.to_jsonl(walk, tmp_path / "a.jsonl"))
    while sandbox.calls.total() < 3:  # noqa: ASYNC110  (what is waited for is another side's counter)
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == before
    assert names(tmp_path) == []
    await client.aclose()


# -- memory and the event loop ---------------------------------------------------------------------


@pytest.mark.slow("traces the memory of 40,000 rows")
@pytest.mark.parametrize("writer", WRITERS)
async def test_memory_does_not_grow_with_the_rows(writer: Any, tmp_path: Path) -> None:
    """40,000 rows pass through a few megabytes.

    They are some 40 MB as objects. Memory of Python and of pyarrow is counted.
    """
    some = list(many(1000))
    await writer(some, tmp_path / "a")  # whatever loads once is loaded
    arrow: list[int] = []

    def watched() -> Iterator[Settlement]:
        for _ in range(40):
            arrow.append(pa.total_allocated_bytes())
            yield from some

    tracemalloc.start()
    try:
        assert await writer(watched(), tmp_path / "a") == 40_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000
    assert max(arrow) - arrow[0] < 12_000_000


@pytest.mark.parametrize("writer", WRITERS)
async def test_files_are_written_off_the_loop(writer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening, writing and ending the file happen in threads.

    The loop only gathers rows.
    """
    loop_thread, threads = threading.get_ident(), set[int]()
    real = files._new_file  # pyright: ignore[reportPrivateUsage]

    class Watched:
        """A raw file that notes which thread writes to it."""

        def __init__(self, file: Any) -> None:
            self._file = file

        def __getattr__(self, name: str) -> Any:
            if name != "closed":  # which its buffer's end looks at
                threads.add(threading.get_ident())
            return getattr(self._file, name)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            threads.add(threading.get_ident())
            self._file.close()

    def created(*arguments: Any, **options: Any) -> Any:
        threads.add(threading.get_ident())
        return Watched(real(*arguments, **options))

    monkeypatch.setattr(files, "_new_file", created)
    await writer(many(3 * _pump.BATCH), tmp_path / "a")
    assert threads
    assert loop_thread not in threads


# -- names and permissions -------------------------------------------------------------------------


@POSIX
async def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    """A new file has the permissions that the umask leaves.

    One that replaces another has the other's permissions.
    """
    (tmp_path / "usual").touch()
    await export.to_csv(many(1), tmp_path / "new.csv")
    assert (tmp_path / "new.csv").stat().st_mode == (tmp_path / "usual").stat().st_mode
    for mode in (0o600, 0o664):
        (tmp_path / "new.csv").chmod(mode)
        await export.to_csv(many(2), tmp_path / "new.csv")
        assert stat.S_IMODE((tmp_path / "new.csv").stat().st_mode) == mode


@POSIX
async def test_a_private_file_is_private_from_its_first_byte(tmp_path: Path) -> None:
    """While a private file is replaced, other users cannot read its draft either."""
    (tmp_path / "a.csv").touch(0o600)
    modes: set[int] = set()

    async def rows() -> AsyncGenerator[Settlement]:
        modes.update(stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names(tmp_path))
        for row in many(1):
            yield row

    await export.to_csv(rows(), tmp_path / "a.csv")
    assert modes == {0o600}


@POSIX
async def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    """What a link points to is replaced (or made), beside itself, and the link stays."""
    (tmp_path / "far").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "far" / "a.csv")
    for count in (1, 2):
        await export.to_csv(many(count), tmp_path / "link.csv")
        assert len((tmp_path / "far" / "a.csv").read_text().splitlines()) == count + 1
    assert (tmp_path / "link.csv").is_symlink()
    assert names(tmp_path / "far") == ["a.csv"]


@POSIX
async def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    """A folder, a pipe or a device is refused before the first row is asked for.

    Replacing one would do great damage.
    """
    os.mkfifo(tmp_path / "pipe")
    rows = many(1)
    for path in (tmp_path, tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(ConfigurationError, match="expected a regular file, or nothing yet"):
            await export.to_csv(rows, path)
    assert stat.S_ISCHR(await asyncio.to_thread(lambda: Path(os.devnull).stat().st_mode))
    assert next(rows).settled_revenue == 1


async def test_a_missing_folder_is_the_systems_error(tmp_path: Path) -> None:
    """A missing folder is reported before the first row is asked for."""
    rows = many(1)
    with pytest.raises(FileNotFoundError):
        await export.to_csv(rows, tmp_path / "none" / "a.csv")
    assert next(rows).settled_revenue == 1


async def test_long_names_and_two_exports_at_once(tmp_path: Path) -> None:
    """A name as long as the system allows is accepted.

    Of two exports to one name the later one to end wins, whole.
    """
    path = tmp_path / ("a" * 255)
    await asyncio.gather(export.to_jsonl(many(700), path), export.to_jsonl(many(1300), path))
    assert len(path.read_bytes().splitlines()) in {700, 1300}
    assert names(tmp_path) == [path.name]


async def test_what_is_replaced_is_read_to_its_end(tmp_path: Path) -> None:
    """A reader of a replaced file reads the old one to its end.

    It had the file open before.
    """
    path = tmp_path / "a.parquet"
    await export.to_parquet(many(5), path)
    with path.open("rb") as old:
        if sys.platform != "win32":
            await export.to_parquet(many(9), path)
        reading: BinaryIO = old
        assert pq.read_table(reading).num_rows == 5
