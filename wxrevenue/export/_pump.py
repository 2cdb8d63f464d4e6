"""From rows, wherever they come from, to a file: in batches, in threads, in constant memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias, TypeVar, TypeVarTuple

from wxrevenue._base.files import real_file, replacing
from wxrevenue.ams.settlement import Settlement
from wxrevenue.errors import ConfigurationError
from wxrevenue.export._check import check

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable
    from pathlib import Path

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Add: TypeAlias = Callable[[Sequence[Settlement]], None]
FileFormat: TypeAlias = Callable[[BinaryIO], AbstractContextManager[Add]]
"""A format: given a file, a block within which rows can be added. The file is complete when the block has ended."""

BATCH: Final = 500
"""Rows that are held until a thread writes them; encoding these takes a few milliseconds."""


async def write(where: str, rows: Any, path: Path, file_format: FileFormat) -> int:
    """Write rows to a file that appears when it is whole; return how many they were."""
    source = _asynchronous(where, rows)
    try:
        return await _write(where, source, path, file_format)
    except GeneratorExit:  # thrown away with its loop: there is nothing left to await with
        raise
    except BaseException:
        if (aclose := getattr(source, "aclose", None)) is not None:
            await aclose()
        raise


async def _write(where: str, source: AsyncIterable[Any], path: Path, file_format: FileFormat) -> int:
    count, batch, writing = 0, list[Any](), threading.Lock()
    with ExitStack() as stack:
        add = await in_thread(stack.enter_context, _draft(path, file_format))
        stack.callback(writing.acquire)  # even for a task thrown away with its loop no thread writes to a closed file
        async for row in source:
            batch.append(row)
            if len(batch) == BATCH:
                count += await in_thread(_add, where, writing, add, batch)
                batch = []
        count += await in_thread(_add, where, writing, add, batch)
        await in_thread(stack.close)
    return count


@contextmanager
def _draft(path: Path, file_format: FileFormat) -> Generator[Add]:
    with replacing(real_file(path)) as file, file_format(file) as add:
        yield add


def _add(where: str, writing: threading.Lock, add: Add, batch: Sequence[Any]) -> int:
    for row in batch:
        check(where, row)
    with writing:
        add(batch)
    return len(batch)


def _asynchronous(where: str, rows: Any) -> AsyncIterable[Any]:
    if hasattr(rows, "__iter__"):
        rows = _one_by_one(rows)
    if hasattr(rows, "__aiter__"):
        source: AsyncIterable[Any] = rows
        return source
    raise ConfigurationError(f"{where}.rows: expected an iterable or async iterable of Settlement, got {type(rows).__name__}")


async def _one_by_one(rows: Iterable[T]) -> AsyncGenerator[T]:
    for row in rows:
        yield row


async def in_thread(function: Callable[[*Ts], T], *args: *Ts) -> T:
    """Return what the function returns in a thread. A cancellation waits for the thread: nobody works on behind its caller's back."""
    job = asyncio.get_running_loop().run_in_executor(None, function, *args)
    cancelled: asyncio.CancelledError | None = None
    while not job.done():
        try:
            await asyncio.wait({job})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return job.result()
    job.exception()  # retrieved, for nobody
    raise cancelled
