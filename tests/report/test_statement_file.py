"""The file of a statement: complete, or unchanged after a failure."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from support.statements import MARCH, TODAY, filled, row

from wxrevenue import ConfigurationError, open_ledger, write_statement

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wxrevenue import Ledger

worksheet: Any = pytest.importorskip("xlsxwriter.worksheet")


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """Open a ledger in a file."""
    async with open_ledger(str(tmp_path / "revenue.db")) as opened:
        yield opened


@pytest.mark.skipif(sys.platform == "win32", reason="permissions and links of POSIX")
async def test_it_replaces_what_was_there(ledger: Ledger, tmp_path: Path) -> None:
    """A statement replaces the former file.

    Behind a link the file is replaced, not the link; its permissions stay.
    """
    await filled(ledger)
    (tmp_path / "old.xlsx").write_text("what was there")
    (tmp_path / "old.xlsx").chmod(0o640)
    (tmp_path / "link.xlsx").symlink_to("old.xlsx")
    await write_statement(ledger, MARCH, tmp_path / "link.xlsx", today=TODAY)
    assert os.readlink(tmp_path / "link.xlsx") == "old.xlsx"  # noqa: PTH115
    assert (tmp_path / "old.xlsx").read_bytes().startswith(b"PK")
    assert stat.S_IMODE((tmp_path / "old.xlsx").stat().st_mode) == 0o640


@pytest.mark.parametrize("kind", ["cell", "disk", "open"])
async def test_a_failure_leaves_the_old_file(kind: str, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure the old file stays, and no draft is left.

    The cause is a cell that is not written, a full disk, or a file open in another program.
    """
    await filled(ledger)
    target = tmp_path / "a.xlsx"
    target.write_text("what was there")
    before = sorted(os.listdir(tmp_path))  # noqa: PTH208

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(target))

    def dropped(*_: object) -> int:
        return -1

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if kind == "cell":
        monkeypatch.setattr(worksheet.Worksheet, "write_number", dropped)
    elif kind == "disk":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises((OSError, ConfigurationError)) as caught:
        await write_statement(ledger, MARCH, target, today=TODAY)
    assert kind == "cell" or str(target) in caught.value.__notes__[0]
    assert target.read_text() == "what was there"
    assert sorted(os.listdir(tmp_path)) == before  # noqa: PTH208


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"half_month": "2024-03-1"}, "half_month: expected a HalfMonth, got str"),
        ({"ledger": None}, "ledger: expected a Ledger, got NoneType"),
        ({"lang": "fr"}, "lang: expected 'zh' or 'en'"),
        ({"path": b"a.xlsx"}, "path: expected a str or an os.PathLike"),
        ({"today": "2024-04-20"}, "expected a datetime with a time zone or a datetime.date, got str"),
    ],
)
async def test_arguments_are_checked(change: dict[str, Any], said: str, ledger: Ledger, tmp_path: Path) -> None:
    """A forbidden argument is refused by name before anything is read or written."""
    asked: dict[str, Any] = {"ledger": ledger, "half_month": MARCH, "path": tmp_path / "a.xlsx", **change}
    with pytest.raises(ConfigurationError, match=said):
        await write_statement(**asked)
    assert not (tmp_path / "a.xlsx").exists()


async def test_without_xlsxwriter(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing extra is an error that says what to install."""
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ConfigurationError, match=r"write_statement needs XlsxWriter: pip install 'wxrevenue\[excel\]'"):
        await write_statement(ledger, MARCH, tmp_path / "a.xlsx")


async def test_no_room_for_temporary_files(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk of temporary files is full, its folder is named.

    The workbook is not, and nothing is written.
    """

    class Full(io.BytesIO):
        """A file on a full disk."""

        def write(self, data: object) -> int:
            del data
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            if not self.closed:  # which a file is afterwards: it fails once
                super().close()
                raise OSError(errno.ENOSPC, "No space left on device: again, for what was not written")

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    await ledger.record("wx1", MARCH, [row(5)])
    with pytest.raises(OSError, match=r"No space left on device\n") as caught:
        await write_statement(ledger, MARCH, tmp_path / "a.xlsx")
    assert getattr(caught.value, "__notes__", []) == [f"{scratch}: its disk is full; make room, or choose another"]
    assert not (tmp_path / "a.xlsx").exists()
