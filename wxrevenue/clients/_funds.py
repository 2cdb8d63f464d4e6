"""The client of WeChat Pay's overseas funds distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs

from wxrevenue import funds
from wxrevenue._base.secret import as_port, as_secret_key, without_key
from wxrevenue._wire.request import PayRequest
from wxrevenue.clients._base import Client
from wxrevenue.clients._options import Options, unknown_option
from wxrevenue.clients._shortcut import shortcut
from wxrevenue.errors import ConfigurationError
from wxrevenue.funds import BASE_URL

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from typing import Self, Unpack

    from wxrevenue._base.secret import Secret
    from wxrevenue._engine.retry import RetryPolicy
    from wxrevenue._wire.answer import Answer
    from wxrevenue.clients._funds_bill import Bill
    from wxrevenue.events import Event
    from wxrevenue.pagination._paginator import Paginator
    from wxrevenue.ports import Clock, Signer, Transport, Verifier

T = TypeVar("T")
R = TypeVar("R", bound="PayRequest[object]")
_NAME: Final = "FundsDistributionClient"


class FundsOptions(Options, total=False):
    """What :meth:`FundsDistributionClient.with_options` may change."""


class FundsDistributionClient(Client):
    """Calls WeChat Pay's overseas funds distribution.

    Any number of callers of one loop may use it at once. Every request is signed, every answer's
    signature verified: nothing switches that off. Use it as ``async with``, or
    ``await client.aclose()`` at the end. Making one does no I/O and needs no running loop.

    Args:
        mchid: the merchant's (institution's) number.
        serial_no: the serial number of its API certificate.
        private_key: the certificate's private key as PEM, or a ``Signer`` (a key vault, for
            instance).
        verifier: knows WeChat Pay's keys, such as ``StaticVerifier({serial: pem})``.
        sub_mchid: the sub-merchant of every request that names none itself.
        base_url: where to send. WeChat Pay answers on three hosts, all with the same data:
            ``https://apihk.mch.weixin.qq.com`` (the default), ``apius`` and ``apieu``; or a
            sandbox, or a gateway of your own.
        accept_language: in which messages are: ``en``, ``zh-CN``, ``zh-HK`` or ``zh-TW``.
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
    request_distribution = shortcut(lambda: funds.RequestDistribution)
    unfreeze_remaining_funds = shortcut(lambda: funds.UnfreezeRemainingFunds)
    query_distribution = shortcut(lambda: funds.QueryDistribution)
    query_remaining_amount = shortcut(lambda: funds.QueryRemainingAmount)
    query_refundable_amount = shortcut(lambda: funds.QueryRefundableAmount)
    query_refundable_balance = shortcut(lambda: funds.QueryRefundableBalance)
    query_recharge_balance = shortcut(lambda: funds.QueryRechargeBalance)
    add_receiver = shortcut(lambda: funds.AddReceiver)
    query_receiver = shortcut(lambda: funds.QueryReceiver)
    delete_receiver = shortcut(lambda: funds.DeleteReceiver)
    upload_file = shortcut(lambda: funds.UploadFile)
    get_bill_download_url = shortcut(lambda: funds.GetBillDownloadUrl)
    get_refund_bill_download_url = shortcut(lambda: funds.GetRefundBillDownloadUrl)
    request_refund = shortcut(lambda: funds.RequestRefund)
    query_refund = shortcut(lambda: funds.QueryRefund)
    query_refunds = shortcut(lambda: funds.QueryRefunds)
    query_settlement_details = shortcut(lambda: funds.QuerySettlementDetails)

    def __init__(  # noqa: PLR0913  (settings, by keyword)
        self,
        mchid: str,
        serial_no: str,
        private_key: str | bytes | Secret | Signer,
        *,
        verifier: Verifier,
        sub_mchid: str | None = None,
        base_url: str = BASE_URL,
        accept_language: str = "en",
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
        from wxrevenue.clients import _assembly, _settings  # a process that makes no client does without all of it

        common = _settings.Common(base_url, transport, retry, clock, timeout, deadline, on_event)
        own = _settings.PaySettings(mchid, serial_no, verifier, accept_language)
        self._parts = _assembly.assemble_pay(_NAME, private_key, common, own)
        from wxrevenue.signing._merchant import quotable

        self._sub_mchid = None if sub_mchid is None else quotable(f"{_NAME}.sub_mchid", sub_mchid)

    async def send(self, request: PayRequest[T]) -> T:
        """Send any WeChat Pay request, also one of your own class, and return its result."""
        if not isinstance(request, PayRequest):
            raise ConfigurationError(f"{_NAME}.send: expected a PayRequest, got {type(request).__name__}")
        return await self._parts.engine.send(self._completed(request))

    async def send_raw(self, request: PayRequest[T]) -> Answer[T]:
        """Send a request as ``send`` does.

        Return its result with the HTTP status and the headers.
        """
        if not isinstance(request, PayRequest):
            raise ConfigurationError(f"{_NAME}.send_raw: expected a PayRequest, got {type(request).__name__}")
        return await self._send_raw(self._completed(request))

    async def wait_until_finished(
        self, out_order_no: str, *, transaction_id: str, sub_mchid: str | None = None, deadline: float = 600.0
    ) -> funds.DistributionOrder:
        """Ask for a distribution, or an unfreeze, until it is finished.

        Pauses grow from one second to thirty. Finished is not succeeded: read each receiver's
        ``result``, or ``failures``. What may pass (a busy server, a lost answer) is asked again.

        Args:
            out_order_no: the number of the request or unfreeze.
            transaction_id: WeChat Pay's number of the payment.
            sub_mchid: the order's sub-merchant, where it is not the client's.
            deadline: seconds for all of it.

        Returns:
            :class:`DistributionOrder`, finished.

        Raises:
            ConfigurationError: an argument is not allowed; nothing was sent.
            DeadlineExceededError: it is not finished; ``last`` is the last answer, or ``None``.
            ApiError: the server refused.
        """
        from wxrevenue.clients import _funds_steps

        request = funds.QueryDistribution(out_order_no=out_order_no, transaction_id=transaction_id, sub_mchid=sub_mchid)
        return await _funds_steps.wait_until_finished(self._parts.engine, self._completed(request), deadline)

    def download_bill(self, bill_date: str | date, *, sub_mchid: str | None = None, skip: int = 0) -> Bill:
        """Return the distribution bill of a day.

        Nothing is asked for before its first row.
        ``async with funds.download_bill("2026-03-01") as bill:`` and ``async for row in bill:``
        give :class:`BillRow`; ``bill.summary`` is there after the last one. Amounts are yuan in the
        file and fen here. What did not succeed is not listed.

        Args:
            bill_date: a Beijing calendar day of the last 90, ``datetime.date`` or ``'yyyy-mm-dd'``.
            sub_mchid: the sub-merchant, where it is not the client's.
            skip: how many rows to leave out at the beginning: ``row_count`` of a download that
                broke.

        Raises:
            ConfigurationError: an argument is not allowed; raised at once.
            ResponseLostError: while reading: the file was cut short.
            DecodeError: while reading: the file is not a bill, or its link leads elsewhere.
            ApiError: while reading: the server refused.
        """
        return self._bill(funds.GetBillDownloadUrl(bill_date, sub_mchid), skip, needs_amount=True)

    def download_refund_bill(self, bill_date: str | date, *, sub_mchid: str | None = None, skip: int = 0) -> Bill:
        """Return the bill of a day's refunds of distributed orders.

        It works as ``download_bill`` does. The documents do not list its columns: those that
        :class:`BillRow` lacks stand in ``extra``.
        """
        return self._bill(funds.GetRefundBillDownloadUrl(bill_date, sub_mchid), skip, needs_amount=False)

    def _bill(self, request: PayRequest[funds.BillDownloadUrl], skip: int, *, needs_amount: bool) -> Bill:
        from wxrevenue.clients._funds_bill import Bill

        return Bill(self._parts.engine, self._completed(request), skip=skip, needs_amount=needs_amount)

    def iter_settlement_details(  # noqa: PLR0913  (options, by keyword)
        self,
        settle_state: str,
        start_date: str | date,
        end_date: str | date,
        *,
        limit: int = 100,
        sub_mchid: str | None = None,
        prefetch: int = 1,
        cursor: str | None = None,
    ) -> Paginator[funds.SettlementDetail]:
        """Stream settlements, a row each.

        ``split_amount`` is the distribution business in it.

        Args:
            settle_state: one of :class:`SettleState`.
            start_date: the first day of settlement, ``datetime.date`` or ``'yyyy-mm-dd'``.
            end_date: the last day, inclusive.
            limit: rows per page, 1 to 1000.
            sub_mchid: the sub-merchant, where it is not the client's.
            prefetch: how many pages to fetch ahead, 0 to 8.
            cursor: where an earlier walk of the same query stood; see :attr:`Paginator.cursor`.

        Raises:
            ConfigurationError: an argument is not allowed; raised at once.
        """
        from wxrevenue.clients._funds_steps import SettlementDetailPages
        from wxrevenue.pagination._paginator import Paginator

        days: dict[str, Any] = {"start_date": start_date, "end_date": end_date}
        request = funds.QuerySettlementDetails(settle_state=settle_state, limit=limit, sub_mchid=sub_mchid, **days)
        return Paginator(SettlementDetailPages(self._parts.engine, self._completed(request)), prefetch=prefetch, cursor=cursor)

    def _completed(self, request: R) -> R:
        """Return a request with the client's sub-merchant.

        It is filled in where the request has a place for one and names none.
        """
        if self._sub_mchid is None or getattr(request, "sub_mchid", "") is not None:
            return request
        return attrs.evolve(cast("Any", request), sub_mchid=self._sub_mchid)  # type: ignore[no-any-return]

    def with_options(self, **options: Unpack[FundsOptions]) -> Self:
        """Return a clone with other options on the same transport.

        Closing the clone does nothing.
        """
        unknown_option(f"{_NAME}.with_options", options, FundsOptions)
        return self._clone(options)
