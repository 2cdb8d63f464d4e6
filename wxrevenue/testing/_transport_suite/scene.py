"""Where a case plays.

Servers, transports, the calls it makes, and the oracles that hold for every one of them.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, TypedDict, Unpack

from wxrevenue._base.secret import Secret
from wxrevenue._engine.retry import RetryPolicy
from wxrevenue._wire.http import HttpRequest
from wxrevenue.clients._revenue import RevenueClient
from wxrevenue.errors import NotSentError, ResponseLostError, WxRevenueError
from wxrevenue.testing._certificates import tls_contexts
from wxrevenue.testing._leaks import assert_no_leak
from wxrevenue.testing._server import JSON, FaultServer, answer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from ssl import SSLContext

    from wxrevenue._wire.http import HttpResponse
    from wxrevenue.ports import Transport
    from wxrevenue.testing._server import Script

    class _Options(TypedDict, total=False):
        """How a request is sent."""

        timeout: float
        transport: Transport | None

    Make: TypeAlias = "Callable[..., Transport]"

TOKEN: Final = "fake-token-of-nobody"  # noqa: S105  (plainly fake)
PASSWORD: Final = "fake-proxy-password"  # noqa: S105  (likewise)
PATH: Final = "/wxa/getdefaultamsinfo?action=get_share_ratio&access_token="
_HEADERS: Final = MappingProxyType({"Content-Type": "application/json"})
"""Always the same, as those of a client are: a transport may treat such apart."""
GRACE: Final = 0.5
"""Seconds by which a call may outlive its timeout."""


def check(condition: object, said: str) -> None:
    """Fail the case unless something holds.

    Unlike an ``assert`` it fails also under ``python -O``.
    """
    if not condition:
        raise AssertionError(said)


def ask(url: str, *, method: str = "POST", body: bytes = b'{"appid":"wx1"}') -> HttpRequest:
    """Return a request whose token is apart from its URL, as a client makes them."""
    return HttpRequest(method, url + PATH, _HEADERS, body, Secret(TOKEN))


class Scene:
    """What a case works with.

    It keeps every server, transport and error, for the oracles to look at in the end.

    Args:
        make: makes a transport.
        stack: closes the servers.
    """

    def __init__(self, make: Make, stack: AsyncExitStack) -> None:
        self._make = make
        self._stack = stack
        self.servers: list[FaultServer] = []
        self.transports: list[Transport] = []
        self.errors: list[BaseException] = []
        self._tls: tuple[SSLContext | None, SSLContext | None] = (None, None)

    def speak_tls(self) -> None:
        """Let servers and transports made from now on speak TLS with each other."""
        self._tls = tls_contexts()

    async def serve(self, script: Script = answer, *, ssl: SSLContext | None = None) -> FaultServer:
        """Start a server."""
        server = await self._stack.enter_async_context(FaultServer(script, ssl=ssl or self._tls[0]))
        self.servers.append(server)
        return server

    def transport(self, **options: object) -> Transport:
        """Make a transport; the same one each time, unless there are options."""
        if options or not self.transports:
            trusted = {} if self._tls[1] is None else {"ssl": self._tls[1]}
            self.transports.append(self._make(**trusted, **options))
        return self.transports[-1]

    async def send(self, request: HttpRequest | str, *, timeout: float = 2.0, transport: Transport | None = None) -> HttpResponse:
        """Send a request, or the usual one to a URL.

        Fail if that takes longer than it may.
        """
        asked = ask(request) if isinstance(request, str) else request
        scope = asyncio.timeout(timeout + GRACE)
        try:
            async with scope:
                return await (transport or self.transport()).send(asked, timeout=timeout)
        except TimeoutError:
            late = scope.expired()
        raise AssertionError("the call outlived its timeout by half a second" if late else "the transport raised a bare TimeoutError")

    async def warm_up(self) -> None:
        """Let the transport send something.

        Its first request loads modules and certificates, which must not count below.
        """
        await self.send((await self.serve()).url)

    async def fails(self, request: HttpRequest | str, **options: Unpack[_Options]) -> NotSentError | ResponseLostError:
        """Send a request that must fail; return its error, which hangs from no other."""
        failure: BaseException | None = None
        try:
            await self.send(request, **options)
        except AssertionError:
            raise
        except Exception as error:  # noqa: BLE001  (which is what is to be seen)
            failure = error
        self.errors += [failure] if failure else []
        if not isinstance(failure, (NotSentError, ResponseLostError)):
            said = f"expected NotSentError or ResponseLostError, got {type(failure).__name__}"
            raise AssertionError(said) from failure  # noqa: TRY004  (a finding, not a wrong argument)
        check((failure.__cause__, failure.__context__) == (None, None), "an error must not hang from another one")
        return failure

    async def lost(self, request: HttpRequest | str, *, reasons: str, **options: Unpack[_Options]) -> ResponseLostError:
        """Send a request whose answer must get lost for one of these reasons."""
        error = await self.fails(request, **options)
        check(isinstance(error, ResponseLostError), f"bytes may have arrived, but the transport says they cannot: {error}")
        check(error.reason in reasons.split(), f"expected one of {reasons!r} as the reason, got {error.reason!r}")
        return error  # type: ignore[return-value]

    async def not_sent(self, request: HttpRequest | str, *, reasons: str, **options: Unpack[_Options]) -> NotSentError:
        """Send a request that must fail before a byte of it is sent.

        It must fail for one of these reasons.
        """
        error = await self.fails(request, **options)
        check(isinstance(error, NotSentError), f"no byte can have arrived, but the transport says that some may have: {error}")
        check(error.reason in reasons.split(), f"expected one of {reasons!r} as the reason, got {error.reason!r}")
        return error  # type: ignore[return-value]

    @asynccontextmanager
    async def client(self, server: FaultServer) -> AsyncGenerator[RevenueClient]:
        """Make a client that retries without waiting, on the scene's transport."""
        retry = RetryPolicy(base=0.0005, throttle_base=0.0005)
        async with RevenueClient(TOKEN, base_url=server.url, transport=self.transport(), retry=retry, deadline=5.0) as client:
            yield client

    async def call(self, script: Script) -> tuple[WxRevenueError | None, int]:
        """Ask a server for a share ratio, through a client.

        Return the error, if any, and how many requests there were.
        """
        server = await self.serve(script)
        failure: WxRevenueError | None = None
        async with self.client(server) as client:
            try:
                await client.get_share_ratio("wx1")
            except WxRevenueError as error:
                failure = error
        self.errors += [failure] if failure else []
        return failure, len(server.requests)

    async def end(self) -> None:
        """Close the transports and see that nothing of them is left."""
        for transport in self.transports:
            await transport.aclose()
            await transport.aclose()
        for server in self.servers:
            check(not await server.still_open(), "a connection is still open after the transport was closed")

    async def still_works(self) -> None:
        """See that the transport got over what happened.

        No slot among its connections may be lost.
        """
        if self.transports:
            server = await self.serve()
            check((await self.send(server.url, transport=self.transports[0])).body == JSON, "the transport must still work afterwards")


@asynccontextmanager
async def staged(make: Make) -> AsyncGenerator[Scene]:
    """Set a scene; afterwards check what holds for every case.

    No secret shows, nothing is left open, and every call came to its end.
    """
    before = asyncio.all_tasks()
    with _every_record() as log:
        async with AsyncExitStack() as stack:
            scene = Scene(make, stack)
            try:
                yield scene
            finally:
                await scene.end()
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    check(not left, f"{len(left)} tasks were left behind")
    shown = [*scene.errors, *scene.transports, *(vars(one) for one in scene.transports if hasattr(one, "__dict__"))]
    assert_no_leak(*shown, secrets=[TOKEN, PASSWORD], caplog=log)


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def _every_record() -> Generator[_Records]:
    """Collect every log record of every logger, at the most talkative setting."""
    root, log = logging.getLogger(), _Records()
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        root.setLevel(level)
        root.removeHandler(log)
