"""What only a process of its own can show.

Tested are interrupts, forks, loops that close too early, and the interpreter's end.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import paykit
from support.faultserver import inside

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow("starts an interpreter for each test")

TESTS = Path(__file__).parent.parent
TOKEN = "fake-token-of-a-process"
START = f"""
    import asyncio, gc, multiprocessing, os, signal, sys, threading, warnings
    from support.faultserver import FaultServer, silence
    from wxrevenue import ClientStateError, FundsDistributionClient, HttpResponse, MemoryTransport, RevenueClient, WxRevenueError

    TOKEN = "{TOKEN}"

    def memory():
        return MemoryTransport(lambda _: HttpResponse(200, {{}}, b'{{"ret":0,"share_ratio":40}}'))
"""


def run(script: str, *options: str, **variables: str) -> tuple[int, str, str]:
    """Run a script in a process of its own; return its exit code and what it printed."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, *options, "-c", textwrap.dedent(START) + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(TESTS), **variables},
    )
    assert TOKEN not in done.stdout + done.stderr
    return done.returncode, done.stdout.strip(), done.stderr


@pytest.mark.parametrize("transport", ["real", "memory"])
def test_keyboard_interrupt(transport: str) -> None:
    """C-05: Ctrl-C in the middle of a call ends the process as usual.

    The client is closed, and nothing is printed about it.
    """
    script = """
        async def interrupted(request):
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(30)

        async def main():
            global client
            async with FaultServer(silence) as server:
                how = {"base_url": server.url} if "REAL" in os.environ else {"transport": MemoryTransport(interrupted)}
                async with RevenueClient(TOKEN, **how) as client:
                    if "REAL" in os.environ:
                        asyncio.get_running_loop().call_later(0.1, signal.raise_signal, signal.SIGINT)
                    await client.get_share_ratio("wx1")

        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted", client._parts.engine.lifetime.closed)
        del client
        gc.collect()
    """
    found = run(script, "-W", "always", **({"REAL": "1"} if transport == "real" else {}))
    assert found == (0, "interrupted True", "")


SUITE = """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a script does that starts the suite in the background
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    os.execv(sys.executable, [*command, f"{os.environ['TESTS']}/engine/test_processes.py::test_keyboard_interrupt[memory]"])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there nothing is inherited")
def test_the_suite_runs_in_the_background() -> None:
    """C-05: children receive SIGINT even if the suite's parent ignores it.

    So no test waits for an interrupt in vain.
    """
    code, printed, _ = run(SUITE, TESTS=str(TESTS))
    assert (code, "1 passed" in printed) == (0, True)


def test_keyboard_interrupt_that_cancels_nothing() -> None:
    """C-05: a KeyboardInterrupt that is raised inside a call passes through it.

    ``async with`` still closes the client.
    """
    script = """
        def interrupted(request):
            raise KeyboardInterrupt

        async def main():
            async with RevenueClient(TOKEN, transport=MemoryTransport(interrupted)) as client:
                try:
                    await client.get_share_ratio("wx1")
                finally:
                    await client.aclose()
                    print("closed")

        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted")
    """
    assert run(script, "-W", "always") == (0, "closed\ninterrupted", "")


def test_a_loop_that_closes_first() -> None:
    """C-06: a client that is still open when its loop closes is a ResourceWarning.

    The warning shows no token, and ``__del__`` raises no error.
    """
    script = """
        async def main():
            global client
            async with FaultServer() as server:
                client = RevenueClient(TOKEN, base_url=server.url)
                await client.get_share_ratio("wx1")

        sys.unraisablehook = lambda unraisable: print("unraisable", unraisable.exc_value)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            asyncio.run(main())
            del client
            gc.collect()
        print({warning.category.__name__ for warning in told}, any(TOKEN in str(warning.message) for warning in told))
    """
    code, printed, said = run(script)
    assert (code, printed) == (0, "{'ResourceWarning'} False")
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_a_fork_after_a_preload() -> None:
    """C-08: clients made before a fork work in every child.

    A preloading web server makes them so. Each child has nonces of its own.
    """
    script = """
        nonces = []

        def handler(request):
            nonces.append(request.headers["Authorization"].split('nonce_str="')[1].split('"')[0])
            return HttpResponse(400, {}, b"{}")

        class Verifier:
            async def verify(self, **_): ...
            def request_serial(self): ...

        ratios = RevenueClient(TOKEN, transport=memory())
        how = {"verifier": Verifier(), "sub_mchid": "18", "transport": MemoryTransport(handler)}
        funds = FundsDistributionClient("19", "FA", os.environ["KEY"], **how)

        async def work():
            assert (await ratios.get_share_ratio("wx1")).share_ratio == 40
            try:
                await funds.mark_transaction("fake-order")
            except WxRevenueError:
                return nonces[0]

        def child(pipe):
            pipe.send((asyncio.run(work()), ratios._parts.engine.retry.jitter()))

        context = multiprocessing.get_context("fork")
        found = []
        for _ in range(3):
            here, there = context.Pipe()
            process = context.Process(target=child, args=(there,))
            process.start()
            assert here.poll(20)
            found.append(here.recv())
            process.join()
            assert process.exitcode == 0
        print(len({nonce for nonce, _ in found}), len({jitter for _, jitter in found}), threading.active_count())
    """
    assert run(script, "-W", "error", KEY=paykit.private_pem()) == (0, "3 3 1", "")


def test_a_fork_in_the_middle_of_use() -> None:
    """C-08: a child forked while its parent has connections is refused clearly.

    The parent keeps its connections.
    """
    script = """
        def child():
            try:
                asyncio.run(client.get_share_ratio("wx1"))
            except ClientStateError as error:
                sys.exit(7 if "fork" in str(error) else 8)

        async def main():
            global client
            async with FaultServer() as server, RevenueClient(TOKEN, base_url=server.url) as client:
                await client.get_share_ratio("wx1")
                process = multiprocessing.get_context("fork").Process(target=child)
                process.start()
                while process.exitcode is None:
                    await asyncio.sleep(0.005)
                await client.get_share_ratio("wx1")
                print(process.exitcode, server.connections)

        asyncio.run(main())
    """
    code, printed, said = run(script)
    assert (code, printed, said) == (0, "7 1", "")


@pytest.mark.parametrize("how", ["asyncio.run(main())", "asyncio.new_event_loop().run_until_complete(main())"])
def test_the_end_with_calls_pending(how: str) -> None:
    """C-16: an interpreter that ends with calls pending prints no traceback.

    The calls wait for a turn, a token, an answer or a back-off.
    """
    script = f"""
        from wxrevenue import NotSentError, RetryPolicy

        async def hang(*_):
            await asyncio.sleep(60)

        def busy(_):
            return HttpResponse(200, {{}}, b'{{"ret":-1}}')

        def too_fast(_):
            return HttpResponse(200, {{}}, b'{{"ret":1737}}')

        slow = RetryPolicy(throttle_base=9.0, jitter=lambda: 1.0)
        told = []

        async def main():
            server = await FaultServer(silence).__aenter__()
            clients = [
                RevenueClient(TOKEN, base_url=server.url, on_event=told.append),
                RevenueClient(hang, transport=memory(), on_event=told.append),
                RevenueClient(TOKEN, transport=MemoryTransport(hang), on_event=told.append),
                RevenueClient(TOKEN, transport=MemoryTransport(busy), retry=slow, on_event=told.append),
                RevenueClient(TOKEN, transport=MemoryTransport(too_fast), deadline=99.0, on_event=told.append),
            ]
            global tasks
            tasks = [asyncio.create_task(client.get_share_ratio("wx1")) for client in clients]
            tasks.append(asyncio.create_task(clients[2].iter_agency_settlement("2020-01-01", "2020-02-01").collect()))
            await asyncio.sleep(0.05)

        {how}
        print("end")
    """
    code, printed, said = run(script)
    assert (code, printed) == (0, "end")
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert "wxrevenue" not in said.replace("Unclosed", "") or how != "asyncio.run(main())"


def test_importing_has_no_side_effects() -> None:
    """C-08: importing the package has no side effects.

    It starts no thread, opens no loop, seeds nothing and configures no logging.
    """
    script = """
        import logging, random
        random.seed(5)
        state = random.getstate()
        import wxrevenue.clients._assembly, wxrevenue.clients._funds, wxrevenue.pagination._paginator, wxrevenue.sandbox
        print(threading.active_count(), random.getstate() == state, logging.root.handlers, logging.getLogger("wxrevenue").level)
    """
    assert run(script, "-W", "error") == (0, "1 True [] 0", "")


BLOCKING = """
    from wxrevenue import Sandbox, StaticVerifier

    SLOW = {"open", "socket.getaddrinfo", "socket.gethostbyname", "time.sleep", "subprocess.Popen", "os.system"}
    seen = []
    on = False

    def hook(event, args):
        if on and event in SLOW and threading.current_thread() is threading.main_thread():
            seen.append((event, str(args)[:200]))

    sys.addaudithook(hook)

    async def calls(url, sandbox):
        appid, merchant = sandbox.components[0], sandbox.merchant
        async with RevenueClient(sandbox.tokens(appid), component_appid=appid, base_url=url) as ams, FundsDistributionClient(
            merchant.mchid, merchant.serial_no, merchant.private_key, verifier=StaticVerifier(merchant.platform_keys),
            sub_mchid=merchant.sub_mchids[0], base_url=url,
        ) as funds:
            sandbox.next(-1)
            await ams.get_share_ratio(sandbox.programs(appid)[0])
            await ams.iter_agency_settlement("2024-01-01", "2024-12-31").collect()
            await funds.mark_transaction("P20150806125346")

    async def main():
        global on
        sandbox = Sandbox(seed=7)
        async with sandbox.serve() as url:
            await calls(url, sandbox)
            on = True
            await calls(url.replace("127.0.0.1", "localhost"), sandbox)
            on = False
        print(seen)

    asyncio.run(main())
"""


def test_nothing_blocks_the_loop() -> None:
    """C-11: once everything is imported, no call blocks the event loop's thread.

    No call opens a file, looks a name up or sleeps there.
    """
    assert run(BLOCKING) == (0, "[]", "")


async def test_the_key_is_used_off_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """C-11: RSA with the private key runs in a thread.

    It is the slowest step of a WeChat Pay call.
    """
    import threading

    from wxrevenue import PemSigner

    signer, threads = PemSigner(paykit.private_pem()), list[threading.Thread]()
    sign: Callable[[bytes], bytes] = inside(signer)._sign

    def noting(message: bytes) -> bytes:
        threads.append(threading.current_thread())
        return sign(message)

    monkeypatch.setattr(signer, "_sign", noting)
    await asyncio.gather(*(signer.sign(b"fake-message") for _ in range(3)))
    assert len(threads) == 3
    assert threading.main_thread() not in threads
