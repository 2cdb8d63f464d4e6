"""Tickets in a file: private, and readable by other programs.

No other user reads the file, and what is no ticket is refused.
"""

# ruff: noqa: ASYNC240  (tests look at the file between awaits)

from __future__ import annotations

import asyncio
import os
import stat
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from support.leaks import assert_no_leak
from support.processes import started
from support.tickets import NEW, OLD

from wxrevenue import ConfigurationError, FileTicketStore, TokenUnavailableError
from wxrevenue.tickets import _file

if TYPE_CHECKING:
    from collections.abc import Callable


ROOT = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root gives files away")
PUSH_AS_USER = """
import asyncio, logging, os
from wxrevenue import FileTicketStore, Ticket

logging.basicConfig()
asyncio.run(asyncio.to_thread(int))  # imports what only root may read
os.setgroups([]), os.setegid(12345), os.seteuid(12345)
store = FileTicketStore({path!r})
try:
    asyncio.run(store.get())
except Exception as error:
    print(type(error).__name__)
print(asyncio.run(store.put(Ticket("fake-ticket-2", 1_700_000_600))))
print(asyncio.run(store.get()).value.reveal(), os.stat({path!r}).st_uid)
"""


# -- who may read it -------------------------------------------------------------------------------


async def test_only_the_owner_can_read_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file and its lock are readable by their owner alone, whatever the umask.

    This holds from the moment they have a name.
    """
    modes: list[int] = []
    fsync = os.fsync

    def look(descriptor: int) -> None:
        modes.append(os.fstat(descriptor).st_mode)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    before = os.umask(0)
    try:
        await FileTicketStore(path).put(OLD)
    finally:
        os.umask(before)
    assert stat.S_IMODE(modes[0]) == 0o600
    assert {name.name: stat.S_IMODE(name.stat().st_mode) for name in path.parent.iterdir()} == {"ticket": 0o600, "ticket.lock": 0o600}


@pytest.mark.parametrize("mode", [0o660, 0o640, 0o604, 0o620, 0o601, 0o777])
async def test_a_file_that_others_reach(path: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    """K-24, F-01: a file that others may read or write is not believed.

    The next push replaces it, and the error says how to keep it private.
    """
    store = FileTicketStore(path)
    await store.put(NEW)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=rf"mode {mode:o}\); the next push replaces it.*umask=077.*fsGroupChangePolicy") as caught:
        await store.get()
    assert await store.put(OLD) is True
    assert await store.get() == OLD
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "it is replaced now" in caplog.text
    assert_no_leak(caught.value, secrets=[OLD.value.reveal(), NEW.value.reveal()], caplog=caplog)


def test_a_file_of_somebody_else_is_refused() -> None:
    """F-02: a file of another user is refused, except one of root's."""
    mine: Any = SimpleNamespace(st_mode=stat.S_IFREG | 0o600, st_uid=os.geteuid())
    theirs: Any = SimpleNamespace(st_mode=stat.S_IFREG | 0o600, st_uid=os.geteuid() + 1)
    roots: Any = SimpleNamespace(st_mode=stat.S_IFREG | 0o600, st_uid=0)
    exposure = [_file._exposure(Path("ticket"), found) for found in (mine, theirs, roots)]  # pyright: ignore[reportPrivateUsage]
    assert exposure == [None, f"ticket belongs to another user ({os.geteuid() + 1})", None]


@ROOT
async def test_a_file_of_somebody_else_is_replaced(path: Path) -> None:
    """F-02: in the user's own folder the next push replaces another user's file.

    The new file belongs to the user.
    """
    store = FileTicketStore(path)
    await store.put(NEW)
    os.chown(path, 12345, 12345)
    with pytest.raises(ConfigurationError, match=r"belongs to another user \(12345\); the next push replaces it"):
        await store.get()
    assert await store.put(OLD)
    assert (await store.get(), path.stat().st_uid) == (OLD, os.geteuid())


@ROOT
def test_files_that_root_left(path: Path) -> None:
    """F-02: files that a run as root left in a user's folder stop no later push.

    This holds for the lock too. The log names the lock.
    """
    asyncio.run(FileTicketStore(path).put(OLD))
    os.chown(path.parent, 12345, 12345)
    for folder in path.parents[1:-2]:  # pytest's own, which are root's alone
        folder.chmod(0o711)
    script = PUSH_AS_USER.format(path=str(path))
    with started([sys.executable, "-c", script]) as pushing:
        said, logged = pushing.communicate(timeout=60)
    assert said.split() == ["PermissionError", "True", "fake-ticket-2", "12345"], logged
    assert "ticket.lock" in logged
    assert "delete it, if it is another user's" in logged
    assert sorted(name.name for name in path.parent.iterdir()) == ["ticket", "ticket.lock"]


def _link(path: Path) -> None:
    path.with_name("elsewhere").write_bytes(b"")
    path.symlink_to("elsewhere")


@pytest.mark.parametrize("make", [_link, Path.mkdir, os.mkfifo], ids=["link", "folder", "pipe"])
async def test_what_is_no_plain_file_is_refused(path: Path, make: Callable[[Path], None]) -> None:
    """A link, a folder or a pipe in the file's place is refused.

    It is neither followed, waited for nor replaced.
    """
    make(path)
    before = path.lstat()
    for work in (FileTicketStore(path).get(), FileTicketStore(path).put(OLD)):
        with pytest.raises(ConfigurationError, match="expected a file"):
            await work
    assert path.lstat().st_ino == before.st_ino


@pytest.mark.parametrize("given", ["", b"ticket", None, 7, "a\0b"])
def test_paths_that_are_none(given: Any) -> None:
    """A path is a ``str`` or a ``Path``; nothing is looked up before the first await."""
    with pytest.raises(ConfigurationError, match=r"FileTicketStore\.path"):
        FileTicketStore(given)


async def test_the_path_does_not_move(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path stays relative to the folder where the store was made."""
    monkeypatch.chdir(path.parent)
    store = FileTicketStore("ticket")
    monkeypatch.chdir("/")
    await store.put(OLD)
    assert path.exists()


# -- what is in it ---------------------------------------------------------------------------------


async def test_the_file_is_versioned_json(path: Path) -> None:
    """The file is JSON with a version, for other programs and later releases."""
    await FileTicketStore(path).put(OLD)
    assert orjson.loads(path.read_bytes()) == {"version": 1, "created": 1_700_000_000, "ticket": "fake-ticket-1"}


TORN = [
    b"",
    b'{"version":1,"created":1700000000,"ticket":"fake-tick',
    b'{"version":2,"created":1700000000,"ticket":"fake-ticket-1"}',
    b'{"version":1,"created":"1700000000","ticket":"fake-ticket-1"}',
    b'{"version":1,"created":1700000000000,"ticket":"fake-ticket-1"}',
    b'{"version":1,"created":1700000000,"ticket":""}',
    b'{"version":1,"created":1700000000,"ticket":["fake-ticket-1"]}',
    b'{"version":1,"ticket":"fake-ticket-1"}',
    b'["fake-ticket-1"]',
    b"fake-ticket-1\n",
    b"\xff\xfe\x00" * 50_000,
]


@pytest.mark.parametrize("content", TORN, ids=range(len(TORN)))
async def test_a_damaged_file_heals(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """K-21: a file without a readable ticket is an error.

    The error shows nothing of the file, and the next push replaces it.
    """
    path.write_bytes(content)
    path.chmod(0o600)
    store = FileTicketStore(path)
    with pytest.raises(TokenUnavailableError, match="holds no ticket") as caught:
        await store.get()
    assert await store.put(NEW) is True
    assert await store.get() == NEW
    assert "holds no ticket" in caplog.text
    assert_no_leak(caught.value, secrets=["fake-tick"], caplog=caplog)
