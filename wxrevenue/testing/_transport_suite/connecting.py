"""Cases before the request can have been sent.

Names, connections, certificates, proxies, a full pool, backup hosts.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from wxrevenue.testing._certificates import tls_contexts
from wxrevenue.testing._server import JSON, head, unused_port
from wxrevenue.testing._suite import Suite
from wxrevenue.testing._transport_suite.case import TransportCase
from wxrevenue.testing._transport_suite.faults import TLS_1_1_ONLY, blurting, close_after_request, deaf, saying, silence
from wxrevenue.testing._transport_suite.scene import PASSWORD, TOKEN, ask, check
from wxrevenue.transports._backup import BackupHosts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from wxrevenue.testing._transport_suite.scene import Scene

CASES: Final = Suite(TransportCase)


@contextmanager
def _resolving(resolve: Callable[..., Awaitable[object]]) -> Generator[None]:
    """Let the running loop look names up with ``resolve``."""
    loop: Any = asyncio.get_running_loop()
    loop.getaddrinfo = resolve
    try:
        yield
    finally:
        del loop.getaddrinfo


@CASES()
async def refused(scene: Scene) -> None:
    """T-01: a closed port means that nothing was sent; the error names the host."""
    port = unused_port()
    error = await scene.not_sent(f"http://127.0.0.1:{port}", reasons="connect")
    check(error.retryable, "a refused connection is worth another attempt")
    check(f"127.0.0.1:{port}" in str(error), "the error must say which host it was")


@CASES()
async def unknown_host(scene: Scene) -> None:
    """T-02: a name that does not resolve means that nothing was sent."""

    async def unknown(*_args: object, **_kwargs: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with _resolving(unknown):
        error = await scene.not_sent("http://no-such-host.invalid", reasons="dns")
    check(error.retryable, "a name server may come back")


@CASES()
async def resolver_hangs(scene: Scene) -> None:
    """T-03: the timeout cuts a name server that never answers.

    Nothing was sent.
    """

    async def hang(*_args: object, **_kwargs: object) -> None:
        await asyncio.Event().wait()

    await scene.warm_up()
    with _resolving(hang):
        await scene.not_sent("http://slow-name.invalid", reasons="timeout", timeout=0.05)


@CASES()
async def blackhole(scene: Scene) -> None:
    """T-04: the timeout cuts a host that does not answer the connection attempt.

    Nothing was sent.
    """
    await scene.warm_up()
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)  # noqa: FBT003  (the standard library's own)
            filler.connect_ex(full.getsockname())
        try:
            await scene.not_sent(f"http://127.0.0.1:{full.getsockname()[1]}", reasons="timeout connect", timeout=0.1)
        finally:
            for filler in fillers:
                filler.close()


@CASES()
async def one_family_is_broken(scene: Scene) -> None:
    """T-48: a host whose IPv6 address is dead is reached at its IPv4 address.

    It is reached within the timeout.
    """
    server = await scene.serve()

    async def both(*_args: object, family: int = 0, **_kwargs: object) -> object:
        kind = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        known = [(socket.AF_INET6, *kind, ("::1", server.port, 0, 0)), (socket.AF_INET, *kind, ("127.0.0.1", server.port))]
        return [address for address in known if family in {0, address[0]}]  # uvloop looks an address up once more to connect to it

    with _resolving(both):
        response = await scene.send(f"http://two-families.invalid:{server.port}")
    check(response.body == JSON, "the answer must come through")


@CASES()
async def bad_addresses(scene: Scene) -> None:
    """T-47: an address that cannot be sent to is an error of the package.

    Nothing was sent.
    """
    for url in ("http://", "htp://127.0.0.1", "http://127.0.0.1:99999", "http://[bad"):
        await scene.not_sent(url, reasons="protocol connect dns")


# -- TLS -------------------------------------------------------------------------------------------


async def _mistrusts(scene: Scene, url: str, **options: object) -> None:
    error = await scene.not_sent(url, reasons="tls", transport=scene.transport(**options))
    check(not error.retryable, "a certificate does not become good by being looked at again")


@CASES()
async def unknown_authority(scene: Scene) -> None:
    """T-37: a certificate of an unknown authority is refused for good."""
    server = await scene.serve(ssl=tls_contexts()[0])
    await _mistrusts(scene, server.url)
    check(not server.requests, "nothing must be sent to a stranger")


@CASES(needs="ssl")
async def wrong_host(scene: Scene) -> None:
    """T-37: a known authority's certificate for another host is refused."""
    there, here = tls_contexts(host="127.0.0.2")
    server = await scene.serve(ssl=there)
    await _mistrusts(scene, server.url, ssl=here)
    check(not server.requests, "nothing must be sent to a stranger")


@CASES(needs="ssl")
async def expired(scene: Scene) -> None:
    """T-37: a certificate that ran out is refused."""
    there, here = tls_contexts(expired=True)
    server = await scene.serve(ssl=there)
    await _mistrusts(scene, server.url, ssl=here)
    check(not server.requests, "nothing must be sent to a stranger")


@CASES(needs="ssl")
async def private_authority(scene: Scene) -> None:
    """A certificate of an authority that was brought along is accepted."""
    there, here = tls_contexts()
    server = await scene.serve(ssl=there)
    check((await scene.send(server.url, transport=scene.transport(ssl=here))).body == JSON, "the answer must come through")


@CASES()
async def old_tls(scene: Scene) -> None:
    """T-38: a server that knows nothing newer than TLS 1.1 is refused.

    It is refused before anything is sent.
    """
    server = await scene.serve(blurting(TLS_1_1_ONLY))
    await scene.not_sent(server.url.replace("http:", "https:"), reasons="tls connect reset")


@CASES()
async def tls_without_an_answer(scene: Scene) -> None:
    """T-39: speaking TLS to a port that stays silent ends with the timeout.

    Nothing was sent.
    """
    await scene.warm_up()
    server = await scene.serve(deaf)
    await scene.not_sent(server.url.replace("http:", "https:"), reasons="timeout", timeout=0.05)


@CASES()
async def plain_http_on_a_tls_port(scene: Scene) -> None:
    """T-39: a port that speaks plain HTTP where TLS is due is refused.

    Nothing was sent.
    """
    server = await scene.serve(blurting(head(0, status="400 Bad Request")))
    await scene.not_sent(server.url.replace("http:", "https:"), reasons="tls connect reset")


# -- proxies ---------------------------------------------------------------------------------------


async def _through(scene: Scene, url: str) -> None:
    scene.transport()  # another one, that can show afterwards that it works
    transport = scene.transport(proxy=url.replace("://", f"://user:{PASSWORD}@"))
    await scene.not_sent("https://api.invalid", reasons="proxy reset", transport=transport)


@CASES(needs="proxy")
async def proxy_refuses(scene: Scene) -> None:
    """T-45: a proxy that refuses the tunnel means that nothing was sent.

    It never sees the token.
    """
    for status in ("407 Proxy Authentication Required", "502 Bad Gateway"):
        proxy = await scene.serve(saying(head(0, status=status)))
        await _through(scene, proxy.url)
        check([got.method for got in proxy.requests] == ["CONNECT"], "a proxy is asked for a tunnel, once")
        check(TOKEN not in proxy.requests[0].target, "a proxy must not see the token")


@CASES(needs="proxy")
async def proxy_dies(scene: Scene) -> None:
    """T-45: a proxy that hangs up means that nothing was sent.

    It hangs up instead of opening the tunnel.
    """
    await _through(scene, (await scene.serve(close_after_request)).url)


@CASES(needs="proxy")
async def proxy_is_gone(scene: Scene) -> None:
    """T-45: a proxy that cannot be reached means that nothing was sent."""
    await _through(scene, f"http://127.0.0.1:{unused_port()}")


# -- the pool, and other hosts ---------------------------------------------------------------------


@CASES(needs="limit")
async def pool_exhausted(scene: Scene) -> None:
    """T-49: a call that finds no free connection in time sent nothing.

    It waits for one until its time is up. The error says that it is the pool.
    """
    transport = scene.transport(limit=1)
    server = await scene.serve(silence)
    holder = asyncio.create_task(transport.send(ask(server.url), timeout=5.0))
    while not server.requests:  # noqa: ASYNC110  (there is no event to wait for)
        await asyncio.sleep(0.001)
    error = await scene.not_sent(server.url, reasons="pool", timeout=0.1, transport=transport)
    check(error.retryable, "a connection may come free")
    check(server.connections == 1, "a limit of one connection means one connection")
    holder.cancel()
    await asyncio.wait([holder])


@CASES()
async def backup_host(scene: Scene) -> None:
    """T-50: what could not be sent to the first host goes to a backup host.

    What may have arrived is never repeated.
    """
    alive, dying = await scene.serve(), await scene.serve(close_after_request)
    dead = f"127.0.0.1:{unused_port()}"
    hosts = {dead: [f"127.0.0.1:{alive.port}"], f"127.0.0.1:{dying.port}": [f"127.0.0.1:{alive.port}"]}
    backed = BackupHosts(scene.transport(), hosts)
    check((await scene.send(f"http://{dead}", transport=backed)).body == JSON, "the backup host must answer")
    await scene.lost(dying.url, reasons="reset", transport=backed)
    check((len(alive.requests), len(dying.requests)) == (1, 1), "a request that may have arrived must not be repeated")
    check((await scene.send(dying.url, transport=backed)).body == JSON, "the next request goes to the backup host")
