"""A lean HTTP server on loopback: the same JSON for every request.

It runs in a process of its own, on a core of its own where there are two, so that none of its work
counts as the client's. It ends when its standard input closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parent.parent)

from benchmarks._apart import started
from benchmarks._cores import beside_a_server, pin

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from contextlib import AbstractContextManager

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


def canned_answer(body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the whole HTTP answer."""
    known = {"Content-Type": "application/json; charset=UTF-8", "Content-Length": str(len(body))}
    lines = [f"{name}: {value}\r\n" for name, value in {**known, **(headers or {})}.items()]
    return f"HTTP/1.1 200 OK\r\n{''.join(lines)}\r\n".encode() + body


@contextlib.contextmanager
def in_a_process(file: str, given: bytes = b"", *, pinned: bool = True) -> Generator[str]:
    """Run a server's file as a program; give its base URL.

    The program prints its port first, and ends with its standard input, or with the block.

    Args:
        file: the program.
        given: what it reads first.
        pinned: it gets a core of its own, where there are two, and this process keeps off it.
    """
    with contextlib.ExitStack() as stack:
        core = stack.enter_context(beside_a_server()) if pinned else None
        process = stack.enter_context(started(file, stdin=subprocess.PIPE))
        pin(core, process.pid)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(given)
        process.stdin.flush()
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


def serving(body: bytes, headers: Mapping[str, str] | None = None, *, pinned: bool = True) -> AbstractContextManager[str]:
    """Run the server in another process; give its base URL."""
    answer = canned_answer(body, headers)
    return in_a_process(__file__, len(answer).to_bytes(4, "big") + answer, pinned=pinned)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    answer = sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(4), "big"))
    server = await loop.create_server(lambda: Canned(answer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(_serve())
