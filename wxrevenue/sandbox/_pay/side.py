"""What a sandbox's user does on the other side of WeChat Pay.

Payers pay, reviews end, keys change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias, get_args

from wxrevenue.errors import ConfigurationError, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue.sandbox._pay.books import FundsBooks, PayBooks
    from wxrevenue.sandbox._pay.notification import Notification
    from wxrevenue.sandbox._pay.platform import PayPlatform
    from wxrevenue.sandbox._pay.receivers import Receivers

Product: TypeAlias = Literal["signed", "unsigned", "pending", "punished"]
_PRODUCTS: Final[tuple[str, ...]] = get_args(Product)


class _Pay(Protocol):
    @property
    def books(self) -> PayBooks: ...
    @property
    def receivers(self) -> Receivers: ...
    @property
    def platform(self) -> PayPlatform: ...
    @property
    def sub_mchids(self) -> tuple[str, ...]: ...
    def notification(self, resource: dict[str, object], event_type: str, original_type: str) -> Notification: ...


class PaySide:
    """The hand of WeChat Pay, of payers and of reviewers."""

    def __init__(self, pay: _Pay) -> None:
        self._pay = pay
        self.institution = False
        """Whether every call has to name a sub-merchant."""
        self.distribute_after = 0.0
        """Seconds for which a distribution is ``PROCESSING``."""
        self.review_after = 0.0
        """Seconds for which a receiver is under review."""
        self._product: Product = "signed"

    @property
    def product(self) -> Product:
        """The state of the product.

        It is ``signed``, ``unsigned``, ``pending`` (not in effect yet), or a receiver is
        ``punished``.
        """
        return self._product

    @product.setter
    def product(self, state: Product) -> None:
        if state not in _PRODUCTS:
            raise ConfigurationError(f"Sandbox.pay.product: expected {one_of(_PRODUCTS)}, got {state!r}")
        self._product = state

    def place(self, out_trade_no: str) -> None:
        """Let an order be placed that is not paid yet.

        A mark that comes now succeeds without effect.
        """
        self._pay.books.placed.add(out_trade_no)

    def pay(self, out_trade_no: str, amount: int, sub_mchid: str | None = None) -> str:
        """Let an order be paid; return WeChat Pay's number of it.

        If it was marked, its funds are frozen.

        Args:
            out_trade_no: the merchant's number of the order.
            amount: fen, at least 1.
            sub_mchid: the sub-merchant whose order it is, one of the merchant's ``sub_mchids``.

        Raises:
            ConfigurationError: an argument is not allowed, or the order is paid already.
        """
        if type(out_trade_no) is not str or not out_trade_no:
            raise ConfigurationError(f"Sandbox.pay.pay: expected out_trade_no as a text, got {out_trade_no!r}")
        if sub_mchid is not None and sub_mchid not in self._pay.sub_mchids:
            raise ConfigurationError(f"Sandbox.pay.pay: expected sub_mchid as one of {one_of(self._pay.sub_mchids)}, got {sub_mchid!r}")
        return self._pay.books.pay(out_trade_no, _fen("pay", amount), sub_mchid)

    def books(self) -> FundsBooks:
        """Return where the fen of all payments are."""
        return self._pay.books.books()

    def refuse_receiver(self, account: str, reason: str = "DOCUMENTS") -> None:
        """Let the review of a receiver fail."""
        self._pay.receivers.refuse(account, reason)

    def close_account(self, account: str) -> None:
        """Let an account receive nothing any more: its shares end ``CLOSED``."""
        self._pay.books.abnormal.add(account)

    def pay_in_advance(self, amount: int) -> None:
        """Pay fen in advance for refunds of what is distributed.

        Raises:
            ConfigurationError: the amount is no whole number of fen, at least 1.
        """
        self._pay.books.advance += _fen("pay_in_advance", amount)

    def recharge(self, amount: int, sub_mchid: str | None = None) -> None:
        """Recharge fen for ordinary refunds.

        ``query_recharge_balance`` shows them, and no refund takes any.

        Raises:
            ConfigurationError: the amount is no whole number of fen, at least 1.
        """
        self._pay.books.recharged[sub_mchid] += _fen("recharge", amount)

    def notification(
        self, resource: Mapping[str, object], *, event_type: str = "REFUND.SUCCESS", original_type: str = "refund"
    ) -> Notification:
        """Return a notification, signed and sealed, as WeChat Pay sends it.

        ``await notification.post(url)`` sends it.

        Args:
            resource: what it says, such as
                ``{"out_refund_no": "R-1", "refund_status": "SUCCESS"}``.
            event_type: what happened.
            original_type: of what kind the resource is.
        """
        return self._pay.notification(dict(resource), event_type, original_type)

    def rotate_certificate(self) -> str:
        """Sign with a new certificate from now on; return its serial number.

        The one before stays listed.
        """
        return self._pay.platform.rotate()

    def retire_certificate(self, serial: str) -> None:
        """List a certificate no more."""
        self._pay.platform.retire(serial)


def _fen(where: str, amount: object) -> int:
    if type(amount) is not int or not 0 < amount < 2**63:
        raise ConfigurationError(f"Sandbox.pay.{where}: expected fen as an int of at least 1, got {amount!r}")
    return amount
