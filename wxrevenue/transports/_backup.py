"""Backup hosts.

WeChat names further hosts of the same service for when the first cannot be reached.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs

from wxrevenue._base.checks import seconds
from wxrevenue.errors import ConfigurationError, NotSentError, ResponseLostError, without_history
from wxrevenue.transports._common import host_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wxrevenue._wire.http import HttpRequest, HttpResponse
    from wxrevenue.ports import Transport

_WORTHWHILE = 0.1
"""Share of its timeout that a request must have left to go to another host."""


class BackupHosts:
    """A transport that turns to another host of the same service.

    It does so when one cannot be reached.

    A request that was **not sent** goes to the next host at once, within its timeout. One whose
    answer was **lost** is never repeated here; but what comes after it, such as the client's own
    retry of a call that may be repeated, goes to the next host. After ``rest`` seconds the first
    host is tried again.

    Args:
        transport: what carries the requests; closed with this one.
        hosts: for each host (with its port, if the URL has one) its backups, such as
            ``{"api.weixin.qq.com": ["api2.weixin.qq.com"]}``.
        rest: seconds for which a host that failed is left alone.
    """

    def __init__(self, transport: Transport, hosts: Mapping[str, Sequence[str]], *, rest: float = 60.0) -> None:
        if not hosts or any(isinstance(backups, str) or not backups for backups in hosts.values()):
            raise ConfigurationError("BackupHosts.hosts: expected a mapping from each host to a list of its backups")
        self._inner = transport
        self._hosts = {host: (host, *backups) for host, backups in hosts.items()}
        self._rest = seconds("BackupHosts.rest", rest)
        self._failed: dict[str, float] = {}

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Send the request to the first host that can be reached.

        See :class:`wxrevenue.ports.Transport`.
        """
        now = asyncio.get_running_loop().time
        until = now() + timeout
        failure: NotSentError | ResponseLostError | None = None
        for host in self._order(host_of(request.url), now()):
            left = until - now()
            if failure is not None and left < timeout * _WORTHWHILE:
                break  # the next host would only be blamed for the time that this one took
            try:
                return await self._inner.send(_at(request, host), timeout=left)
            except (NotSentError, ResponseLostError) as error:
                failure = without_history(error)
            if not self._go_on(failure, host, now()):
                break
        assert failure is not None  # noqa: S101  (there is always a first host)
        raise without_history(failure)

    async def aclose(self) -> None:
        """Close the transport within; may be called twice."""
        await self._inner.aclose()

    def _order(self, host: str, now: float) -> list[str]:
        """Return the hosts to try: those that did not fail lately.

        If all did, return all, the one that failed first ahead.
        """
        hosts = self._hosts.get(host, (host,))
        rested = [one for one in hosts if now - self._failed.get(one, -self._rest) >= self._rest]
        return rested or sorted(hosts, key=self._failed.__getitem__)

    def _go_on(self, error: NotSentError | ResponseLostError | None, host: str, now: float) -> bool:
        """Take notice of a failure; tell whether the same request may go to the next host."""
        if error is None or error.reason == "pool" or not error.retryable:
            return False
        self._failed[host] = now
        return isinstance(error, NotSentError)


def _at(request: HttpRequest, host: str) -> HttpRequest:
    own = host_of(request.url)
    return request if own == host else attrs.evolve(request, url=request.url.replace(f"://{own}", f"://{host}", 1))
