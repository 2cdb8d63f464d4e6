"""An HTTP server on loopback that breaks as it is told to.

One coroutine is one fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Final, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from ssl import SSLContext

    Script: TypeAlias = "Callable[[Peer], Awaitable[None]]"

JSON: Final = b'{"ret":0,"share_ratio":40}'
"""A good answer to the question for a share ratio."""


class Got:
    """One request as it came over the wire."""

    def __init__(self, line: str, headers: Mapping[str, str], body: bytes) -> None:
        self.method, self.target, self.version = line.split(" ")
        self.headers = headers
        """Names in lower case."""
        self.body = body


class Peer:
    """The server's end of one connection: what a script reads from and writes to."""

    def __init__(self, server: FaultServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer

    async def request(self) -> Got:
        """Read one whole request.

        When the client hangs up, an ``asyncio.IncompleteReadError`` ends the script.
        """
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in head[1:-2])
        headers = {name.lower(): value for name, _, value in pairs}
        got = Got(head[0], headers, await self._reader.readexactly(int(headers.get("content-length", "0"))))
        self._server.requests.append(got)
        return got

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def reply(self, body: bytes = JSON, *, status: str = "200 OK", **headers: str) -> None:
        """Send a whole answer; ``_`` in a header's name stands for ``-``."""
        await self.send(head(len(body), status=status, **headers) + body)

    async def close(self) -> None:
        """Close as a server does that has nothing more to say (FIN)."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    def reset(self) -> None:
        """Break the connection off (RST)."""
        found: socket.socket = self._writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def hung_up(self) -> bool:
        """Return whether the client's end is closed, or is closed within half a second."""
        if self._writer.transport.is_closing():
            return True
        try:
            async with asyncio.timeout(0.5):
                while await self._reader.read(1 << 16):
                    pass
        except (ConnectionError, TimeoutError) as error:
            return isinstance(error, ConnectionError)
        return True

    def abort(self) -> None:
        """Drop the connection."""
        self._writer.transport.abort()


def head(length: int | None, *, status: str = "200 OK", **headers: str) -> bytes:
    """Return the status line and headers of an answer.

    Without a length none is announced.
    """
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    if length is not None:
        lines["Content-Length"] = str(length)
    return "".join([f"HTTP/1.1 {status}\r\n", *(f"{name}: {value}\r\n" for name, value in lines.items()), "\r\n"]).encode()


async def answer(peer: Peer) -> None:
    """Answer every request rightly: the script of a server with no fault."""
    while True:
        await peer.request()
        await peer.reply(Content_Type="application/json")


class FaultServer:
    """Serves on loopback within ``async with``.

    Each connection runs the script from its start.

    Args:
        script: what a connection does. It may return, which closes nothing by itself.
        ssl: a server's TLS context.
    """

    def __init__(self, script: Script = answer, *, ssl: SSLContext | None = None) -> None:
        self.script = script
        self.requests: list[Got] = []
        """What came in so far, oldest first."""
        self.connections = 0
        """How many connections were accepted so far."""
        self._ssl = ssl
        self._tasks: set[asyncio.Task[None]] = set()
        self._peers: list[Peer] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._ssl, backlog=1000)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._ssl else 'http'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await asyncio.sleep(0.001)  # asyncio loses a socket that it is just accepting when the server closes
        self._server.close()
        await self._stop_scripts()
        for peer in self._peers:
            peer.abort()
        await asyncio.sleep(0)

    async def still_open(self) -> int:
        """Stop the scripts; return how many connections the clients left open.

        Clients have half a second to close them.
        """
        await self._stop_scripts()
        return (await asyncio.gather(*(peer.hung_up() for peer in self._peers))).count(False)

    async def _stop_scripts(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        peer = Peer(self, reader, writer)
        self._peers.append(peer)
        task = asyncio.get_running_loop().create_task(self._run(peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, peer: Peer) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self.script(peer)


def unused_port() -> int:
    """Return a port of loopback that no server listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
