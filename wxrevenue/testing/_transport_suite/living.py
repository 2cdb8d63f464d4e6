"""Cases about many callers, cancellation and the end of a transport's life."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from wxrevenue.errors import ClientStateError, WxRevenueError
from wxrevenue.testing._server import JSON, FaultServer, head
from wxrevenue.testing._suite import Suite
from wxrevenue.testing._transport_suite.case import TransportCase
from wxrevenue.testing._transport_suite.faults import saying, silence
from wxrevenue.testing._transport_suite.scene import ask, check

if TYPE_CHECKING:
    from wxrevenue.testing._transport_suite.scene import Scene

CASES: Final = Suite(TransportCase)


async def _asked(server: FaultServer, requests: int = 1) -> None:
    """Wait until that many requests came in."""
    async with asyncio.timeout(5):
        while len(server.requests) < requests:  # noqa: ASYNC110  (there is no event to wait for)
            await asyncio.sleep(0.001)


async def _ended(task: asyncio.Task[object]) -> BaseException | None:
    await asyncio.wait([task], timeout=2.0)
    check(task.done(), "the call must end when it is cancelled")
    try:
        await task
    except BaseException as error:  # noqa: BLE001  (which is what is to be seen)
        return error
    return None


async def _caller(scene: Scene, server: FaultServer, hanging: list[BaseException | None]) -> None:
    """Send, and note from what a cancellation hangs that comes out."""
    try:
        await scene.transport().send(ask(server.url), timeout=5.0)
    except asyncio.CancelledError as error:
        hanging += [error.__cause__, error.__context__]
        raise


@CASES()
async def cancelled_while_waiting(scene: Scene) -> None:
    """C-01: a caller cancelled on the wire gets its ``CancelledError``.

    Nothing hangs from that error, and no connection is left.
    """
    for script in (silence, saying(head(10) + b"12345", then="stay")):
        server = await scene.serve(script)
        hanging: list[BaseException | None] = []
        task = asyncio.create_task(_caller(scene, server, hanging))
        await _asked(server)
        await asyncio.sleep(0.01)
        task.cancel()
        error = await _ended(task)
        check(hanging == [None, None], "a cancellation must not hang from another error")
        check(task.cancelled() and isinstance(error, asyncio.CancelledError), f"expected a CancelledError, got {error!r}")
        scene.errors += [error] if error else []


@CASES()
async def cancelled_at_once(scene: Scene) -> None:
    """C-01: a caller cancelled before it has a connection hears ``CancelledError``."""
    server = await scene.serve(silence)
    for turns in range(1, 6):
        task = asyncio.create_task(scene.transport().send(ask(server.url), timeout=5.0))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        check(isinstance(await _ended(task), asyncio.CancelledError), "expected a CancelledError")


@CASES()
async def the_callers_own_timeout(scene: Scene) -> None:
    """C-04: the caller's own, earlier timeout comes out as its ``TimeoutError``."""
    server = await scene.serve(silence)
    failure: BaseException | None = None
    try:
        async with asyncio.timeout(0.05):
            await scene.transport().send(ask(server.url), timeout=5.0)
    except TimeoutError as error:
        failure = error
    check(isinstance(failure, TimeoutError) and not isinstance(failure, WxRevenueError), f"expected a TimeoutError, got {failure!r}")


@CASES()
async def a_timeout_leaves_no_cancellation(scene: Scene) -> None:
    """After a timeout the task goes on as if nothing had happened."""
    await scene.warm_up()
    server = await scene.serve(silence)
    await scene.lost(server.url, reasons="timeout", timeout=0.2)
    task = asyncio.current_task()
    check(task and task.cancelling() == 0, "a cancellation is left over")


@CASES(needs="limit")
async def many_callers(scene: Scene) -> None:
    """C-13: fifty callers share two connections; every one gets its answer."""
    server = await scene.serve()
    transport = scene.transport(limit=2)
    bodies = await asyncio.gather(*(transport.send(ask(server.url), timeout=5.0) for _ in range(50)))
    check([response.body for response in bodies] == [JSON] * 50, "every caller must get an answer")
    check(server.connections <= 2, f"{server.connections} connections, although two were allowed")


@CASES(needs="limit")
async def closed_under_its_callers(scene: Scene) -> None:
    """C-10: closing ends a call on the wire and one that waits for a connection.

    Each ends with an error of the package.
    """
    server = await scene.serve(silence)
    transport = scene.transport(limit=1)
    spare = scene.transport(limit=2)
    scene.transports[:] = [spare, transport]
    tasks = [asyncio.create_task(transport.send(ask(server.url), timeout=5.0)) for _ in range(2)]
    await _asked(server)
    await transport.aclose()
    ended = [await _ended(task) for task in tasks]
    check(all(isinstance(error, WxRevenueError) for error in ended), f"expected errors of ours, got {ended!r}")
    scene.errors += [error for error in ended if error]


@CASES(needs="limit")
async def closed_within_a_body(scene: Scene) -> None:
    """C-10: closing ends a call whose answer has begun.

    It does not leave the call to its timeout.
    """
    server = await scene.serve(saying(head(10) + b"12345", then="stay"))
    transport, spare = scene.transport(limit=1), scene.transport(limit=2)
    scene.transports[:] = [spare, transport]
    task = asyncio.create_task(transport.send(ask(server.url), timeout=60.0))
    await _asked(server)
    await asyncio.sleep(0.01)  # its beginning is read, or not yet: the call must end either way
    await transport.aclose()
    error = await _ended(task)
    check(isinstance(error, WxRevenueError), f"expected an error of ours, got {error!r}")
    scene.errors += [error] if error else []


@CASES()
async def closed_for_good(scene: Scene) -> None:
    """C-10: closing twice is closing once, also before first use.

    Afterwards nothing is sent.
    """
    server = await scene.serve()
    transport = scene.transport()
    await transport.aclose()
    await transport.aclose()
    failure: BaseException | None = None
    try:
        await transport.send(ask(server.url), timeout=2.0)
    except ClientStateError as error:
        failure = error
    check(failure is not None and not server.requests, "a closed transport must say so")
    scene.errors += [failure] if failure else []
    scene.transports.clear()


@CASES()
async def another_loop(scene: Scene) -> None:
    """C-07: on another event loop than its first a transport says so.

    It does before it sends anything.
    """
    server = await scene.serve()
    await scene.send(server.url)

    def elsewhere() -> BaseException | None:
        try:
            asyncio.run(scene.transport().send(ask(server.url), timeout=2.0))
        except ClientStateError as error:
            return error
        return None

    failure = await asyncio.to_thread(elsewhere)
    check(failure is not None and len(server.requests) == 1, "a transport must say that it is on another loop")
    scene.errors += [failure] if failure else []
