"""Virtual time: hours pass at once.

Threads and sockets are waited for, and a test that is stuck ends with an error.
"""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from wxrevenue import Clock
from wxrevenue.testing import VirtualClock, run_virtual, virtual


def test_the_wall_clock_goes_with_the_loop() -> None:
    """A virtual clock's wall time follows the virtual loop, and can be set apart."""
    clock = VirtualClock(1_000_000.0)

    async def main() -> tuple[float, ...]:
        monotonic, wall = clock.monotonic(), clock.time()
        await clock.sleep(3_600.0)
        clock.step(-60.0)
        return wall, clock.time() - wall, clock.monotonic() - monotonic

    assert isinstance(clock, Clock)
    assert run_virtual(main()) == (1_000_000.0, 3_540.0, 3_600.0)


def test_a_server_may_take_its_time() -> None:
    """Timers do not run ahead of an answer that a socket brings a moment later."""

    async def main() -> bytes:
        here, there = socket.socketpair()
        server = threading.Timer(0.002, there.sendall, [b"hello\n"])
        reader, writer = await asyncio.open_connection(sock=here)
        server.start()
        async with asyncio.timeout(3_600.0):
            line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        server.join()
        there.close()
        return line

    assert run_virtual(main(), patience=5.0) == b"hello\n"  # a busy machine may be late itself


@virtual
async def test_who_asks_again_and_again() -> None:
    """Time goes on while a task asks again and again whether a moment has come."""
    loop = asyncio.get_running_loop()
    moment = loop.time() + 1e-6
    while loop.time() < moment:  # noqa: ASYNC110  (which is what is to be seen)
        await asyncio.sleep(0)


def test_who_waits_for_nothing_is_told() -> None:
    """A test that waits for an event that never comes fails and does not hang."""

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="something that never comes"):
        run_virtual(main())


def test_who_asks_without_end_is_told() -> None:
    """A test that asks again and again in vain fails and does not hang."""

    async def main() -> None:
        while True:  # noqa: ASYNC110  (which is what is to be seen)
            await asyncio.sleep(0)

    with pytest.raises(AssertionError, match="again and again"):
        run_virtual(main())


async def test_not_in_a_running_loop() -> None:
    """Virtual time needs an event loop of its own, and says so inside a running one."""
    with pytest.raises(RuntimeError, match="running event loop"):
        run_virtual(asyncio.sleep(1.0))
