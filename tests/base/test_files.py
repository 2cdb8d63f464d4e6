"""What all files of the package have in common.

They work without what a file system lacks, and an error says what to do.
"""

from __future__ import annotations

import errno
import io
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from wxrevenue import ConfigurationError
from wxrevenue._base import file_errors, files
from wxrevenue._base.file_errors import Remedy, with_remedy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="devices, folders and locks of POSIX")


@pytest.fixture(autouse=True)
def _nothing_logged_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test see what is logged once for each file system."""
    monkeypatch.setattr(file_errors, "_logged", set[tuple[str, int]]())


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="Linux has devices and folders without fsync")
def test_what_has_no_fsync(caplog: pytest.LogCaptureFixture) -> None:
    """F-03: what cannot be synced is logged once each, and is not an error.

    Here these are a device and a folder of the kernel's.
    """
    with Path("/dev/null").open("wb") as device:
        for _ in range(2):
            files.sync(device.fileno(), Path("/dev/null"))
            files.sync_folder(Path("/proc"))
    said = sorted(record.message for record in caplog.records if record.name == "wxrevenue.files")
    assert said == [
        "/dev/null: no fsync there (EINVAL): a power cut may take what was written last",
        "/proc: no fsync of folders there (EINVAL): a power cut may bring the old file back",
    ]


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """F-03: a folder that cannot be opened for its fsync is not an error.

    The file that was put there is good.
    """
    files.sync_folder(tmp_path / "none")


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_an_fsync_that_fails_is_an_error(tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-06: a failed fsync of the content is an error.

    The new file is given up, and the one before it stays.
    """
    target = tmp_path / "a"
    target.write_text("before")

    def fail(_descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=os.strerror(code)) as caught, files.replacing(target) as file:
        file.write(b"after")
    assert [str(target) in note for note in Remedy.on(caught.value)] == [True]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "before"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
def test_a_full_disk_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-06: a write that fails within the block has the remedy as a note.

    It does not matter which code writes.
    """

    def on_full_disk(*_: object) -> io.FileIO:
        return io.FileIO("/dev/full", "wb")

    monkeypatch.setattr(files, "_new_file", on_full_disk)
    with pytest.raises(OSError, match="No space left") as caught, files.replacing(tmp_path / "a") as file:
        file.write(bytes(100_000))
    assert Remedy.on(caught.value) == (f"{tmp_path / 'a'}: its disk is full; make room, or choose another",)


def test_errors_of_others_have_no_remedy(tmp_path: Path) -> None:
    """F-06: an error of a file of another kind is left as it is.

    The code inside of the block raises it.
    """
    with pytest.raises(PermissionError) as caught, files.replacing(tmp_path / "a"):
        raise PermissionError(errno.EACCES, "elsewhere")
    assert Remedy.on(caught.value) == ()


def test_one_remedy() -> None:
    """F-06: of several blocks, the innermost adds its remedy.

    It knows the file best. An error without a known remedy gets none.
    """
    with pytest.raises(OSError, match="busy") as caught, with_remedy(Path("outer")), with_remedy(Path("inner")):
        raise OSError(errno.EBUSY, "busy")
    assert [note.partition(":")[0] for note in Remedy.on(caught.value)] == ["inner"]
    with pytest.raises(OSError, match="odd") as odd, with_remedy(Path("a")):
        raise OSError("odd")
    assert Remedy.on(odd.value) == ()


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.EACCES])
def test_no_permissions_to_give(tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """F-07: where permissions cannot be changed a file is replaced nevertheless.

    That is logged.
    """
    target = tmp_path / "a"
    target.touch(0o664)

    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "chmod", fail)
    with files.replacing(target) as file:
        file.write(b"after")
    assert target.read_text() == "after"
    assert f"no permissions there ({errno.errorcode[code]})" in caplog.text


def test_a_lock_that_is_a_link(tmp_path: Path) -> None:
    """F-04: a lock is a file of its own, and a link in its place is refused.

    The target of the link is not made.
    """
    (tmp_path / "lock").symlink_to("elsewhere")
    with pytest.raises(ConfigurationError, match="this is a link"), files.locked(tmp_path / "lock", patience=0.1):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@pytest.mark.parametrize("given", ["", b"bytes", None, 7, "a\0b"])
def test_paths_that_are_none(given: Any) -> None:
    """A path is a str or a path, not empty; the error names the argument."""
    with pytest.raises(ConfigurationError, match=r"^there: expected a"):
        files.checked_path("there", given)


@pytest.mark.parametrize("linked", [False, True])
def test_no_file_replaces_a_database(tmp_path: Path, *, linked: bool) -> None:
    """A page, a table or a workbook never replaces an SQLite database.

    A link does not either. Other files are replaced.
    """
    path = tmp_path / "revenue.html"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE a (b)")
    named = tmp_path / "link" if linked else path
    if linked:
        named.symlink_to(path)
    with pytest.raises(ConfigurationError, match=r"found an SQLite database, which may be a ledger$"):
        files.real_file(named)
    path.write_bytes(b"SQLite")
    assert files.real_file(named) == path
