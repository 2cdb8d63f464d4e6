"""Several real processes with one Redis: one refreshes, a stopped one comes too late, a killed one is not waited for."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.redis import admin

from wxrevenue import RedisTokenStore, Secret, StoredToken
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

TESTS = Path(__file__).parent.parent
LEASE = 0.1
NAME = "wx1/"
START = """
    import asyncio, json, os, sys
    from wxrevenue import ClientStateError, ComponentTokens, MemoryTicketStore, RedisTokenStore, Secret, StoredToken, Ticket, TokenKind

    given = json.loads(sys.argv[1])

    def say(message):
        print(json.dumps(message), flush=True)

    def hear():
        return sys.stdin.readline().strip()
"""


class Child:
    """A process that runs a script, to which one can talk."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    async def hear(self) -> Any:
        """Return what it says next."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(self.process.stdout.readline), 30.0)
        return json.loads(line)

    def tell(self) -> None:
        """Let it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("go on\n")
        self.process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, and wait until it has had its effect."""
        self.process.send_signal(number)
        if number is signal.SIGSTOP:
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        if number is signal.SIGKILL:
            self.process.wait()


@contextmanager
def children(count: int, script: str, **given: Any) -> Generator[Sequence[Child]]:
    """Run a script in processes of their own, which are killed at the end whatever happens."""
    source = textwrap.dedent(START) + textwrap.dedent(script)
    command = [sys.executable, "-W", "error", "-c", source, json.dumps(given)]
    pipe = subprocess.PIPE
    with ExitStack() as stack:
        made: list[Child] = []
        for _ in range(count):
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=TESTS.parent)  # noqa: S603
            stack.callback(process.communicate)
            stack.callback(process.kill)
            made.append(Child(process))
        yield made


HOLDER = """
    async def main():
        async with RedisTokenStore(given["url"], timeout=5.0) as store:
            fence = await store.lock("wx1/", lease=given["lease"])
            say(fence)
            hear()
            say(await store.write("wx1/", StoredToken(token=Secret("fake-token-late"), left=100.0), fence=fence))

    asyncio.run(main())
"""


async def taken(store: RedisTokenStore) -> int:
    """Return the fence of the lock, which lapses soon."""
    async with asyncio.timeout(20):
        while (fence := await store.lock(NAME, lease=60.0)) is None:  # noqa: ASYNC110  (it is Redis that is waited for)
            await asyncio.sleep(0.01)
    return fence


async def test_a_stopped_holder(redis_path: str) -> None:
    """K-06: a process that is stopped (SIGSTOP) while it holds the lock, for longer than that lives, is refused when it goes on."""
    url = f"unix://{redis_path}"
    async with admin(redis_path) as client, RedisTokenStore(url, timeout=5.0) as store:
        await client.flushall()
        with children(1, HOLDER, url=url, lease=LEASE) as (holder,):
            fence = await holder.hear()
            holder.signal(signal.SIGSTOP)
            holder.tell()
            later = await taken(store)
            assert later > fence
            newer = StoredToken(token=Secret("fake-token-newer"), left=100.0)
            assert await store.write(NAME, newer, fence=later)
            holder.signal(signal.SIGCONT)
            assert await holder.hear() is False
        found = await store.read(NAME)
        assert found is not None
        assert found.token == newer.token


async def test_a_killed_holder(redis_path: str) -> None:
    """K-07: the lock of a process that was killed (SIGKILL) has no more than its lease to live, and then the next one gets it."""
    url = f"unix://{redis_path}"
    async with admin(redis_path) as client, RedisTokenStore(url, timeout=5.0) as store:
        await client.flushall()
        with children(1, HOLDER, url=url, lease=LEASE) as (holder,):
            fence = await holder.hear()
            holder.signal(signal.SIGKILL)
            assert all([await client.pttl(key) <= LEASE * 1000 for key in await client.keys("*:lock")])
            assert await taken(store) > fence


async def test_one_refresh_among_processes(redis_path: str) -> None:
    """K-04: of four processes with twenty callers each, that all want a token at once, one asks WeChat, and all get what it got."""
    script = """
        async def main():
            tickets = MemoryTicketStore()
            await tickets.put(Ticket(*given["ticket"]))
            async with RedisTokenStore(given["redis"], timeout=5.0) as store:
                tokens = ComponentTokens(given["component"], given["secret"], tickets=tickets, store=store, base_url=given["url"])
                async with tokens:
                    say("ready")
                    await asyncio.to_thread(hear)
                    calls = (tokens.get(TokenKind.COMPONENT, None, timeout=20.0) for _ in range(20))
                    found = await asyncio.gather(*calls)
            say([one.reveal() for one in found])

        asyncio.run(main())
    """
    sandbox = Sandbox()
    component = sandbox.components[0]
    ticket = sandbox.ticket(component)
    async with admin(redis_path) as client, sandbox.serve() as url:
        await client.flushall()
        given = {"url": url, "redis": f"unix://{redis_path}", "component": component, "secret": sandbox.component_secret(component)}
        with children(4, script, ticket=[ticket.value.reveal(), ticket.created], **given) as processes:
            assert await asyncio.gather(*(process.hear() for process in processes)) == ["ready"] * 4
            for process in processes:
                process.tell()
            found = await asyncio.gather(*(process.hear() for process in processes))
    assert {token for tokens in found for token in tokens} == {sandbox.component_token(component)}
    assert sandbox.calls["api_component_token", "ok"] == 1


async def test_a_forked_child(redis_path: str) -> None:
    """C-08: a store that was used before a fork refuses to work in the child, whose parent goes on with it."""
    script = """
        store = RedisTokenStore(given["url"], timeout=5.0)

        async def used():
            try:
                await store.read("wx1/")
                return "worked"
            except ClientStateError as error:
                return str(error)

        with asyncio.Runner() as runner:
            runner.run(used())
            child = os.fork()
            if child == 0:
                with asyncio.Runner() as other:
                    say(other.run(used()))
                os._exit(0)
            os.waitpid(child, 0)
            say(runner.run(used()))
            runner.run(store.aclose())
    """
    with children(1, script, url=f"unix://{redis_path}") as (process,):
        assert "was used before this process was forked" in await process.hear()
        assert await process.hear() == "worked"
