"""Backup hosts: when the next one is tried, when not, and when the first again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.faultserver import TOKEN, ask
from support.leaks import assert_no_leak

from wxrevenue import BackupHosts, HttpResponse, MemoryTransport, RetryPolicy, RevenueClient
from wxrevenue.errors import ConfigurationError, NotSentError, OutcomeUnknownError, ResponseLostError

if TYPE_CHECKING:
    from wxrevenue import HttpRequest
    from wxrevenue.errors import Reason

FIRST, SECOND, THIRD = "api.weixin.qq.com", "api2.weixin.qq.com", "sh.api.weixin.qq.com"
HOSTS = {FIRST: [SECOND, THIRD]}


def transport(**broken: NotSentError | ResponseLostError) -> MemoryTransport:
    """Return a transport on which some hosts fail.

    The first letters of their names choose them.
    """

    def handler(request: HttpRequest) -> HttpResponse:
        host = request.url.split("/")[2]
        for name, error in broken.items():
            if host.startswith(f"{name}."):
                raise error
        return HttpResponse(200, {}, b'{"share_ratio":40}')

    return MemoryTransport(handler)


def asked(inner: MemoryTransport) -> list[str]:
    """Return the hosts of the requests, in order."""
    return [request.url.split("/")[2] for request in inner.requests]


def not_sent(reason: Reason = "connect") -> NotSentError:
    """Return an error of a request that was not sent."""
    return NotSentError("no", reason=reason)


async def test_not_sent() -> None:
    """A request that was not sent goes to one host after the other.

    Address and token are unchanged but for the host.
    """
    inner = transport(api=not_sent("dns"), api2=not_sent())
    response = await BackupHosts(inner, HOSTS).send(ask(f"https://{FIRST}"), timeout=1.0)
    assert response.status == 200
    assert asked(inner) == [FIRST, SECOND, THIRD]
    assert [request.wire_url() for request in inner.requests] == [ask(f"https://{host}").wire_url() for host in (FIRST, SECOND, THIRD)]


async def test_failed_host_rests() -> None:
    """A host that failed is not used for a while.

    Afterwards it is tried first again.
    """
    inner = transport(api=not_sent())
    backed = BackupHosts(inner, HOSTS, rest=0.05)
    for _ in range(2):
        await backed.send(ask(f"https://{FIRST}"), timeout=1.0)
    await asyncio.sleep(0.06)
    await backed.send(ask(f"https://{FIRST}"), timeout=1.0)
    assert asked(inner) == [FIRST, SECOND, SECOND, FIRST, SECOND]


@pytest.mark.parametrize("error", [not_sent("pool"), not_sent("tls"), ResponseLostError("lost", reason="reset")])
async def test_not_repeated(error: NotSentError | ResponseLostError) -> None:
    """Some requests go to no other host.

    They may have arrived, failed for trust in the host, or lack a connection of the package's own.
    """
    inner = transport(api=error)
    with pytest.raises(type(error)) as caught:
        await BackupHosts(inner, HOSTS).send(ask(f"https://{FIRST}"), timeout=1.0)
    assert asked(inner) == [FIRST]
    assert_no_leak(caught.value, secrets=[TOKEN])


async def test_all_hosts_are_down() -> None:
    """Where every host fails the caller gets the last error.

    The next request tries them all again.
    """
    inner = transport(api=not_sent("dns"), api2=not_sent("dns"), sh=not_sent("connect"))
    backed = BackupHosts(inner, HOSTS)
    for _ in range(2):
        with pytest.raises(NotSentError) as caught:
            await backed.send(ask(f"https://{FIRST}"), timeout=1.0)
        assert caught.value.reason == "connect"
    assert asked(inner) == [FIRST, SECOND, THIRD] * 2


async def test_other_hosts() -> None:
    """A host without backups is requested as it is."""
    inner = transport()
    await BackupHosts(inner, HOSTS).send(ask("https://apihk.mch.weixin.qq.com"), timeout=1.0)
    assert asked(inner) == ["apihk.mch.weixin.qq.com"]


async def test_through_a_client() -> None:
    """A client's retry of a read whose answer was lost goes to the backup host.

    A write is sent a second time by the client alone.
    """
    lost = ResponseLostError("lost", reason="reset")
    inner = transport(api=lost)
    retry = RetryPolicy(base=0.0001)
    async with RevenueClient(TOKEN, transport=BackupHosts(inner, HOSTS), retry=retry) as client:
        assert (await client.get_share_ratio("wx1")).share_ratio == 40
    assert asked(inner) == [FIRST, SECOND]
    once = transport(api=lost)
    async with RevenueClient(TOKEN, transport=BackupHosts(once, HOSTS), retry=RetryPolicy(max_attempts=1)) as client:
        with pytest.raises(OutcomeUnknownError):
            await client.set_share_ratio(40)
    assert asked(once) == [FIRST]


@pytest.mark.parametrize("hosts", [{}, {FIRST: []}, {FIRST: SECOND}])
def test_hosts(hosts: Any) -> None:
    """Each host in ``hosts`` has a list of backups, at least one."""
    with pytest.raises(ConfigurationError, match="hosts"):
        BackupHosts(transport(), hosts)
    with pytest.raises(ConfigurationError, match="rest"):
        BackupHosts(transport(), HOSTS, rest=0)


async def test_close() -> None:
    """Closing the transport closes the one within."""
    closed: list[int] = []

    class Inner(MemoryTransport):
        async def aclose(self) -> None:
            closed.append(1)

    await BackupHosts(Inner(lambda _: HttpResponse(200, {}, b"")), HOSTS).aclose()
    assert closed == [1]


async def test_a_host_that_swallows_everything() -> None:
    """A host that uses up the whole timeout is not used next time.

    Its backup is not blamed for the time it took.
    """
    hosts: list[str] = []

    class Swallowing:
        async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
            hosts.append(request.url.split("/")[2])
            if hosts[-1] == FIRST:
                await asyncio.sleep(timeout)
                raise not_sent("timeout")
            return HttpResponse(200, {}, b"{}")

        async def aclose(self) -> None:
            pass

    backed = BackupHosts(Swallowing(), HOSTS)
    with pytest.raises(NotSentError):
        await backed.send(ask(f"https://{FIRST}"), timeout=0.05)
    await backed.send(ask(f"https://{FIRST}"), timeout=0.05)
    assert hosts == [FIRST, SECOND]


async def test_a_url_that_is_none() -> None:
    """A malformed URL goes to the transport within, which refuses it."""
    inner = transport()
    await BackupHosts(inner, HOSTS).send(ask("http://[bad"), timeout=1.0)
    assert len(inner.requests) == 1
