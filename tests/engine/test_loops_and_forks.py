"""Where a client may be used: on one event loop, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.fakes import Read, ams_client, answer, slow_tokens
from support.virtual import run_virtual, settle

from wxrevenue import (
    ClientStateError,
    LocalRateLimiter,
)


def test_another_loop() -> None:
    """C-07: a client used on one loop refuses another with a clear error."""
    client, transport = ams_client(answer())
    run_virtual(client.send(Read()))
    with pytest.raises(ClientStateError, match="another event loop"):
        run_virtual(client.send(Read()))
    with pytest.raises(ClientStateError, match="another event loop"):
        run_virtual(client.with_options(timeout=1.0).send(Read()))
    assert len(transport.requests) == 1


def test_another_thread_while_a_task_of_the_loop_runs() -> None:
    """C-14: another thread is refused, too, while a task of the first loop runs."""
    client, transport = ams_client(answer())

    async def main() -> BaseException | None:
        await client.send(Read())
        with ThreadPoolExecutor(1) as threads:
            return threads.submit(asyncio.run, client.send(Read())).exception()  # this task waits in its step

    error = asyncio.run(main())
    assert isinstance(error, ClientStateError)
    assert "another event loop" in str(error)
    assert len(transport.requests) == 1


def test_a_loop_that_moves_to_another_thread() -> None:
    """A loop may go on in another thread, and the client with it."""
    client, transport = ams_client(answer(), answer())
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop), ThreadPoolExecutor(1) as threads:
        loop.run_until_complete(client.send(Read()))
        threads.submit(loop.run_until_complete, client.send(Read())).result()
    assert len(transport.requests) == 2


def test_closing_on_another_loop_when_idle() -> None:
    """A client with no calls under way may be closed from anywhere; it then is closed."""
    client, _ = ams_client(answer())
    run_virtual(client.send(Read()))
    run_virtual(client.aclose())
    with pytest.raises(ClientStateError):
        run_virtual(client.send(Read()))


def test_closing_on_another_loop_while_calls_wait() -> None:
    """Closing cannot reach calls of another loop, and its error says so."""
    client, _ = ams_client(tokens=slow_tokens, deadline=100.0)

    async def main() -> None:
        call = asyncio.create_task(client.send(Read()))
        await settle()
        with pytest.raises(ClientStateError):
            await asyncio.to_thread(asyncio.run, client.aclose())
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    run_virtual(main())


def test_a_client_needs_no_loop_to_be_made() -> None:
    """A client, a limiter and a clone are made without a running loop.

    They work on the first loop that uses them.
    """
    client, _ = ams_client(answer(), limiter=LocalRateLimiter())
    run_virtual(client.with_options(deadline=3.0).send(Read()))


FORK = """
    import asyncio, os, sys
    from wxrevenue import AmsRequest, ClientStateError, GetShareRatio, HttpResponse, MemoryTransport, RevenueClient

    def client():
        transport = MemoryTransport(lambda _: HttpResponse(200, {}, b'{"ret":0,"share_ratio":40}'))
        return RevenueClient("fake-token-1", transport=transport)

    used, fresh = client(), client()
    asyncio.run(used.get_share_ratio("wx1"))
    if os.fork() == 0:
        asyncio.run(fresh.get_share_ratio("wx1"))
        try:
            asyncio.run(used.get_share_ratio("wx1"))
        except ClientStateError as error:
            os._exit(7 if "fork" in str(error) else 8)
        os._exit(9)
    print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.mark.slow("waits for another process")
def test_fork() -> None:
    """C-08: a client used before a fork refuses the child with a clear error.

    A client that was only made works there.
    """
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", textwrap.dedent(FORK)], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.stdout.strip(), done.stderr) == ("7", "")


def test_closing_in_a_forked_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """C-08: to close a used client in a forked child is refused by name.

    A client that was only made is closed there.
    """
    client, _ = ams_client(answer())
    asyncio.run(client.send(Read()))
    only_made, _ = ams_client()
    with monkeypatch.context() as patch:
        patch.setattr("os.getpid", lambda: -1)
        with pytest.raises(ClientStateError, match="fork"):
            asyncio.run(client.aclose())
        asyncio.run(only_made.aclose())


def test_fork_by_pid(monkeypatch: pytest.MonkeyPatch) -> None:
    """C-08: a forked child is recognized by its process id."""
    client, _ = ams_client(answer())
    run_virtual(client.send(Read()))
    monkeypatch.setattr("os.getpid", lambda: -1)
    with pytest.raises(ClientStateError, match="fork"):
        run_virtual(client.send(Read()))
