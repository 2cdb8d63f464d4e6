"""The client of WeChat Pay's overseas funds distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar, cast

import attrs

from wxrevenue import funds
from wxrevenue._base.secret import as_port, as_secret_key, without_key
from wxrevenue._wire.request import PayRequest
from wxrevenue.clients._base import Client, unknown_option
from wxrevenue.clients._shortcut import shortcut
from wxrevenue.errors import ConfigurationError
from wxrevenue.funds import BASE_URL

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, Unpack

    from wxrevenue._base.secret import Secret
    from wxrevenue._engine.retry import RetryPolicy
    from wxrevenue.events import Event
    from wxrevenue.ports import Clock, Signer, Transport, Verifier

T = TypeVar("T")
_NAME: Final = "FundsDistributionClient"


class FundsOptions(TypedDict, total=False):
    """What :meth:`FundsDistributionClient.with_options` may change."""

    timeout: float
    deadline: float
    retry: RetryPolicy
    on_event: Callable[[Event], object] | None


class FundsDistributionClient(Client):
    """Calls WeChat Pay's overseas funds distribution; safe for any number of concurrent callers of a loop.

    Every request is signed, every answer's signature verified: nothing switches that off. Use it as ``async with``, or
    ``await client.aclose()`` at the end. Making one does no I/O and needs no running loop.

    Args:
        mchid: the merchant's (institution's) number.
        serial_no: the serial number of its API certificate.
        private_key: the certificate's private key as PEM, or a ``Signer`` (a key vault, for instance).
        verifier: knows WeChat Pay's keys, such as ``StaticVerifier({serial: pem})``.
        sub_mchid: the sub-merchant of every request that names none itself.
        base_url: where to send instead of WeChat Pay: a sandbox, or a gateway of your own.
        transport: carries the requests; aiohttp by default. One that you give is not closed.
        retry: how failed attempts are repeated.
        clock: where the time comes from, also that of signatures.
        timeout: seconds for one HTTP exchange.
        deadline: seconds for one awaited call, every wait included.
        on_event: a plain function, told what happens.

    Raises:
        ConfigurationError: one of these is not allowed.
    """

    mark_transaction = shortcut(lambda: funds.MarkTransaction)

    def __init__(  # noqa: PLR0913  (settings, by keyword)
        self,
        mchid: str,
        serial_no: str,
        private_key: str | bytes | Secret | Signer,
        *,
        verifier: Verifier,
        sub_mchid: str | None = None,
        base_url: str = BASE_URL,
        transport: Transport | None = None,
        retry: RetryPolicy | None = None,
        clock: Clock | None = None,
        timeout: float = 30.0,
        deadline: float = 60.0,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        private_key = as_secret_key(private_key, "sign")  # first of all: what follows may raise
        mchid, serial_no, sub_mchid = without_key(mchid), without_key(serial_no), without_key(sub_mchid)  # one taken for the other
        verifier = as_port(verifier, "verify")
        from wxrevenue.clients import _assembly  # a process that makes no client does without all of it

        parts = {"mchid": mchid, "serial_no": serial_no, "verifier": verifier, "base_url": base_url, "transport": transport}
        options = {"retry": retry, "clock": clock, "timeout": timeout, "deadline": deadline, "on_event": on_event}
        self._parts = _assembly.assemble_pay(_NAME, private_key, {**parts, **options})
        self._sub_mchid = None if sub_mchid is None else _assembly.quotable(f"{_NAME}.sub_mchid", sub_mchid)

    async def send(self, request: PayRequest[T]) -> T:
        """Send any WeChat Pay request, also one of your own class, and return its result."""
        if not isinstance(request, PayRequest):
            raise ConfigurationError(f"{_NAME}.send: expected a PayRequest, got {type(request).__name__}")
        if self._sub_mchid is not None and getattr(request, "sub_mchid", "") is None:
            request = cast("PayRequest[T]", attrs.evolve(cast("Any", request), sub_mchid=self._sub_mchid))
        return await self._parts.engine.send(request)

    def with_options(self, **options: Unpack[FundsOptions]) -> Self:
        """Return a clone with other options on the same transport; closing the clone does nothing."""
        changes: dict[str, Any] = dict(options)
        unknown_option(_NAME, changes, FundsOptions)
        return self._clone(changes)
