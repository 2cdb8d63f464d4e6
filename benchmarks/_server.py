"""A lean HTTP server: it answers every POST with the same JSON, on loopback, until its standard input closes.

It runs in a process of its own, so that none of its work counts as the client's.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

_LENGTH: Final = b"content-length:"


class Canned(asyncio.Protocol):
    """Answers each complete request on a kept-alive connection."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (size := _first_request(self._received)) is not None:
            self._received = self._received[size:]
            self._transport.write(self._answer)


def _first_request(received: bytes) -> int | None:
    """Return the size of the first request, or ``None`` while it is incomplete."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return None
    lines = head.lower().split(b"\r\n")
    length = sum(int(line[len(_LENGTH) :]) for line in lines if line.startswith(_LENGTH))
    return len(head) + len(end) + length if len(body) >= length else None


def canned_answer(body: bytes) -> bytes:
    """Return the whole HTTP answer."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextlib.contextmanager
def serving(body: bytes) -> Generator[str]:
    """Run the server in another process; give its base URL."""
    command = [sys.executable, str(Path(__file__))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603  (this very file)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(len(body).to_bytes(4, "big") + body)
        process.stdin.flush()
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    body = sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(4), "big"))
    answer = canned_answer(body)
    server = await loop.create_server(lambda: Canned(answer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(_serve())
