"""Several real processes with one Redis.

One refreshes, a stopped one comes too late, a killed one is not waited for.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from support.redis import admin
from support.serving import serve_aiohttp

from wxrevenue import ComponentTokens, MemoryTicketStore, RedisTokenStore, Secret, StoredToken, Ticket, TokenKind
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence

pytestmark = pytest.mark.slow("waits for several processes")

TESTS = Path(__file__).parent.parent
LEASE = 0.1
SHORT_DEADLINE = 2.0
"""Seconds for a refresh, and so for the lock of a process that is killed."""
NAME = "wx1/"
START = """
    import asyncio, json, os, signal, sys
    from contextlib import suppress
    from wxrevenue import ClientStateError, ComponentTokens, MemoryTicketStore, RedisTokenStore, Secret, StoredToken, Ticket, TokenKind

    given = json.loads(sys.argv[1])

    def say(message):
        print(json.dumps(message), flush=True)

    def hear():
        return sys.stdin.readline().strip()
"""


class Child:
    """A process that runs a script and exchanges lines with the test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    async def hear(self) -> Any:
        """Return the next line of the process."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(self.process.stdout.readline), 30.0)
        return json.loads(line)

    def tell(self) -> None:
        """Let the process continue."""
        assert self.process.stdin is not None
        self.process.stdin.write("go on\n")
        self.process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, and wait until it has taken effect."""
        self.process.send_signal(number)
        if number is signal.SIGSTOP:
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        if number is signal.SIGKILL:
            self.process.wait()


@contextmanager
def children(count: int, script: str, **given: Any) -> Generator[Sequence[Child]]:
    """Run a script in processes of their own.

    They are killed at the end whatever happens.
    """
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
    """Wait until the lock lapses; take it, and return its fence."""
    async with asyncio.timeout(20):
        while (fence := await store.lock(NAME, lease=60.0)) is None:  # noqa: ASYNC110  (it is Redis that is waited for)
            await asyncio.sleep(0.01)
    return fence


async def test_a_stopped_holder(redis_path: str) -> None:
    """K-06: a process that is stopped longer than its lock lives is refused.

    It was stopped by SIGSTOP while it held the lock, and then goes on.
    """
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
    """K-07: the lock of a killed process (SIGKILL) lives one lease at most.

    Then the next process gets it.
    """
    url = f"unix://{redis_path}"
    async with admin(redis_path) as client, RedisTokenStore(url, timeout=5.0) as store:
        await client.flushall()
        with children(1, HOLDER, url=url, lease=LEASE) as (holder,):
            fence = await holder.hear()
            holder.signal(signal.SIGKILL)
            assert all([await client.pttl(key) <= LEASE * 1000 for key in await client.keys("*:lock")])
            assert await taken(store) > fence


async def test_one_refresh_among_processes(redis_path: str) -> None:
    """K-04: of four processes with twenty callers each, one asks WeChat.

    All want a token at once, and all get that one.
    """
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
    """C-08: a store that was used before a fork refuses to work in the child.

    The parent goes on with it.
    """
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


class Held:
    """A platform, over HTTP, that holds its answer to an authorizer's refresh.

    The test decides when the answer goes out.
    """

    def __init__(self) -> None:
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        """Hold the answer to a refresh; give the others at once."""
        if "api_component_token" in request.path:
            return web.json_response({"component_access_token": "fake-component-token", "expires_in": 7200})
        self.asked.set()
        await self.let_go.wait()
        said = {"authorizer_access_token": "fake-authorizer-token", "authorizer_refresh_token": "fake-refresh-token-2"}
        return web.json_response({**said, "expires_in": 7200})


@asynccontextmanager
async def held_platform() -> AsyncGenerator[tuple[Held, str]]:
    """Serve a held platform; yield it and its URL."""
    held, app = Held(), web.Application()
    app.router.add_post("/cgi-bin/component/{call}", held.answer)
    async with serve_aiohttp(app, "") as url:
        yield held, url


REFRESHER = """
    async def main():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
        tickets = MemoryTicketStore()
        await tickets.put(Ticket("fake-component-ticket", 1e9))
        async with RedisTokenStore(given["redis"], timeout=5.0) as store:
            options = {"tickets": tickets, "store": store, "base_url": given["url"]}
            async with ComponentTokens("wx1", "fake-secret", **options) as warm:  # with time to import everything
                await warm.get(TokenKind.COMPONENT, None, timeout=60.0)
            async with ComponentTokens("wx1", "fake-secret", **options, deadline=given["deadline"]) as tokens:
                await tokens.add_authorizer("wx2", "fake-refresh-token-1")
                say("ready")
                await tokens.get(TokenKind.AUTHORIZER, "wx2", timeout=60.0)

    with suppress(asyncio.CancelledError):
        asyncio.run(main())
    say("ended")
"""


async def test_a_process_that_is_told_to_stop(redis_path: str) -> None:
    """K-26: a process that gets SIGTERM waits for WeChat's answer on its way.

    It stores the new refresh token.
    """
    url = f"unix://{redis_path}"
    async with admin(redis_path) as client, RedisTokenStore(url, timeout=5.0) as store, held_platform() as (held, base):
        await client.flushall()
        with children(1, REFRESHER, redis=url, url=base, deadline=30.0) as (process,):
            assert await process.hear() == "ready"
            await asyncio.wait_for(held.asked.wait(), 30.0)
            process.signal(signal.SIGTERM)
            held.let_go.set()
            assert await process.hear() == "ended"
            assert process.process.wait(30.0) == 0
        found = await store.read("wx1/wx2")
        assert found is not None
        assert found.refresh == Secret("fake-refresh-token-2")


async def test_a_process_that_is_killed_while_it_refreshes(redis_path: str) -> None:
    """K-07: when a process that refreshes is killed, another one gets a token.

    It waits for one lease at most.
    """
    url = f"unix://{redis_path}"
    async with admin(redis_path) as client, RedisTokenStore(url, timeout=5.0) as store, held_platform() as (held, base):
        await client.flushall()
        with children(1, REFRESHER, redis=url, url=base, deadline=SHORT_DEADLINE) as (process,):
            assert await process.hear() == "ready"
            await asyncio.wait_for(held.asked.wait(), 30.0)
            held.asked.clear()
            process.signal(signal.SIGKILL)
            held.let_go.set()
            tickets = MemoryTicketStore()
            await tickets.put(Ticket("fake-component-ticket", 1e9))
            async with ComponentTokens("wx1", "fake-secret", tickets=tickets, store=store, base_url=base) as tokens:
                found = await tokens.get(TokenKind.AUTHORIZER, "wx2", timeout=30.0)
        assert found == Secret("fake-authorizer-token")
        assert held.asked.is_set()


class Once:
    """A platform, over HTTP, that takes a code once.

    The test decides when its first answer goes out.
    """

    def __init__(self) -> None:
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()
        self.codes: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Hold the first answer to a code; refuse the code later."""
        if "api_component_token" in request.path:
            return web.json_response({"component_access_token": "fake-component-token", "expires_in": 7200})
        if "api_authorizer_token" in request.path:
            return web.json_response({"authorizer_access_token": "fake-authorizer-token", "expires_in": 7200})
        info: dict[str, Any] = {"authorizer_appid": "wx2", "authorizer_refresh_token": "fake-refresh-token-anew", "func_info": []}
        if "api_get_authorizer_info" in request.path:
            return web.json_response({"authorizer_info": {}, "authorization_info": info})
        code = (await request.json())["authorization_code"]
        if code in self.codes:
            return web.json_response({"errcode": 61009, "errmsg": "code is invalid"})
        self.codes.append(code)
        self.asked.set()
        await self.let_go.wait()
        return web.json_response({"authorization_info": info})


REDEEMER = """
    async def main():
        from wxrevenue.push import AuthorizationPush
        tickets = MemoryTicketStore()
        await tickets.put(Ticket("fake-component-ticket", 1e9))
        async with RedisTokenStore(given["redis"], timeout=5.0) as store:
            options = {"tickets": tickets, "store": store, "base_url": given["url"], "deadline": given["deadline"]}
            async with ComponentTokens("wx1", "fake-secret", **options) as tokens:
                code = Secret("fake-code")
                await tokens.take_push(
                    AuthorizationPush(info_type="authorized", authorizer_appid="wx2", created=1.0, authorization_code=code)
                )
                say("kept")
                await asyncio.sleep(60)

    asyncio.run(main())
"""


async def test_a_process_that_is_killed_while_it_redeems(redis_path: str) -> None:
    """K-20, K-29: a process is killed after WeChat took its code.

    The answer had not come. The next process has the refresh token all the same.
    """
    url, once, app = f"unix://{redis_path}", Once(), web.Application()
    app.router.add_post("/cgi-bin/component/{call}", once.answer)
    async with admin(redis_path) as client, RedisTokenStore(url, timeout=5.0) as store, serve_aiohttp(app, "") as base:
        await client.flushall()
        with children(1, REDEEMER, redis=url, url=base, deadline=SHORT_DEADLINE) as (process,):
            assert await process.hear() == "kept"
            await asyncio.wait_for(once.asked.wait(), 30.0)
            process.signal(signal.SIGKILL)
            once.let_go.set()
        tickets = MemoryTicketStore()
        await tickets.put(Ticket("fake-component-ticket", 1e9))
        async with ComponentTokens("wx1", "fake-secret", tickets=tickets, store=store, base_url=base) as tokens:
            assert await tokens.get(TokenKind.AUTHORIZER, "wx2", timeout=30.0) == Secret("fake-authorizer-token")
        found = await store.read("wx1/wx2")
        assert found is not None
        assert found.refresh == Secret("fake-refresh-token-anew")
    assert once.codes == ["fake-code"]
