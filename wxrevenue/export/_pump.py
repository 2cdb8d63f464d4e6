"""From rows to a file, wherever the rows come from.

In batches, in threads, in constant memory.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias, TypeVar, TypeVarTuple, cast

from wxrevenue._base.files import real_file, replacing
from wxrevenue.ams.settlement import Settlement
from wxrevenue.errors import ConfigurationError
from wxrevenue.export._check import check
from wxrevenue.export._flat import FLAT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable
    from pathlib import Path

    from wxrevenue.ams._ad_row import AdRow
    from wxrevenue.funds._bill import BillRow

    Row: TypeAlias = Settlement | AdRow | BillRow

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Add: TypeAlias = Callable[[Sequence[Any]], None]
FileFormat: TypeAlias = Callable[[BinaryIO], AbstractContextManager[Add]]
"""A format: given a file, a block within which rows can be added.

The file is complete when the block has ended.
"""

MODELS: Final = (Settlement, *FLAT)
"""What rows may be."""
NAMED: Final = ", ".join(model.__name__ for model in MODELS[:-1]) + f" or {MODELS[-1].__name__}"
BATCH: Final = 500
"""Rows that are held until a thread writes them.

To encode these takes a few milliseconds.
"""


async def write(where: str, rows: object, path: Path, format_for: Callable[[type], FileFormat], model: type | None = None) -> int:
    """Write rows to a file that appears when it is whole; return how many they were.

    Args:
        where: what the function is called in messages.
        rows: what to write.
        path: the file.
        format_for: returns the format for rows of a model.
        model: of what the rows are; by default the first one tells.
    """
    source = _asynchronous(where, rows)
    try:
        return await pump(source, _draft(where, path, format_for, model))
    except GeneratorExit:  # thrown away with its loop: there is nothing left to await with
        raise
    except BaseException:
        if (aclose := getattr(source, "aclose", None)) is not None:
            await aclose()
        raise


async def pump(source: AsyncIterable[object], draft: AbstractContextManager[Add]) -> int:
    """Hand rows to a draft, some at a time, in threads; return how many they were."""
    count, batch, writing = 0, list[object](), threading.Lock()
    with ExitStack() as stack:
        add = await in_thread(stack.enter_context, draft)
        stack.callback(writing.acquire)  # even for a task thrown away with its loop no thread writes to a closed file
        async for row in source:
            batch.append(row)
            if len(batch) == BATCH:
                count += await in_thread(_add, writing, add, batch)
                batch = []
        count += await in_thread(_add, writing, add, batch)
        await in_thread(stack.close)
    return count


@contextmanager
def _draft(where: str, path: Path, format_for: Callable[[type], FileFormat], model: type | None) -> Generator[Add]:
    with replacing(real_file(path)) as file, ExitStack() as stack:
        sheets: dict[type, Add] = {}

        def add(batch: Sequence[object]) -> None:
            found = next(iter(sheets), model) or _model_of(batch)
            for row in batch:
                check(where, row, found)
            if not sheets:  # also where no row came: the file has its head
                sheets[found] = stack.enter_context(format_for(found)(file))
            sheets[found](batch)

        yield add


def _model_of(batch: Sequence[object]) -> type:
    return next((model for model in FLAT if batch and isinstance(batch[0], model)), Settlement)


def _add(writing: threading.Lock, add: Add, batch: Sequence[object]) -> int:
    with writing:
        add(batch)
    return len(batch)


def _asynchronous(where: str, rows: object) -> AsyncIterable[object]:
    if hasattr(rows, "__iter__"):
        return _one_by_one(cast("Iterable[object]", rows))
    if hasattr(rows, "__aiter__"):
        return cast("AsyncIterable[object]", rows)
    raise ConfigurationError(f"{where}.rows: expected an iterable or async iterable of {NAMED}, got {type(rows).__name__}")


async def _one_by_one(rows: Iterable[T]) -> AsyncGenerator[T]:
    for row in rows:
        yield row


async def in_thread(function: Callable[[*Ts], T], *args: *Ts) -> T:
    """Return what the function returns in a thread.

    A cancellation waits for the thread: it never goes on after its caller has gone.
    """
    job = asyncio.get_running_loop().run_in_executor(None, function, *args)
    cancelled: asyncio.CancelledError | None = None
    while not job.done():
        try:
            await asyncio.wait({job})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return job.result()
    job.exception()  # retrieved, and not used
    raise cancelled
