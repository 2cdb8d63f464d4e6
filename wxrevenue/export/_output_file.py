"""The file that a workbook is put together in, apart from its temporary files."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, BinaryIO

from wxrevenue._base.file_errors import FAULTS, with_remedy

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


class Output:
    """A file that takes nothing any more once it was given up.

    A ZIP file ends itself when it is collected.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._place, self.given_up = file, file.tell(), False
        self.has_failed = False
        """Whether it could not be written once: the error is about it, then."""

    def write(self, data: bytes) -> int:
        """Write, and say how much."""
        if not self.given_up:
            with self._noted():
                self._file.write(data)
        self._place += len(data)
        return len(data)

    def tell(self) -> int:
        """Return the place in the file."""
        return self._place

    def seek(self, offset: int) -> int:
        """Go to a place, and return it."""
        with self._noted():
            self._place = offset if self.given_up else self._file.seek(offset)
        return self._place

    def flush(self) -> None:
        """Hand on what was written."""
        if not self.given_up:
            with self._noted():
                self._file.flush()

    @contextmanager
    def _noted(self) -> Generator[None]:
        try:
            yield
        except OSError:
            self.has_failed = True
            raise


@contextmanager
def told_apart(folder: Path, output: Output) -> Generator[None]:
    """Name the folder for temporary files where it, and not the file, has a fault."""
    try:
        yield
    except OSError:
        with nullcontext() if output.has_failed else with_remedy(folder, only=FAULTS):
            raise
