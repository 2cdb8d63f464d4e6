"""Where the money of payments is.

It is frozen, on its way, distributed, released or refunded.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

import attrs

from wxrevenue.errors import ConfigurationError
from wxrevenue.sandbox._pay.visit import NO_SUCH_ORDER, OTHER_SUB_MCHID, PayRefusedError
from wxrevenue.sandbox._seeded import digest

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_S: Final = 180 * 86_400
"""Seconds after a payment at which its funds are unfrozen without a command."""
_BEIJING: Final = timezone(timedelta(hours=8))


@attrs.frozen(kw_only=True)
class Mark:
    """A transaction whose funds are to be distributed, as its merchant named it."""

    out_trade_no: str
    sub_mchid: str | None
    currency: str


@attrs.define(kw_only=True)
class Share:
    """One receiver's share of a command."""

    account: str
    kind: str
    amount: int
    description: str
    result: str = "PENDING"
    fail_reason: str | None = None
    detail_id: str = ""


@attrs.define(kw_only=True)
class Command:
    """A request to distribute, or to unfreeze."""

    out_order_no: str
    order_id: str
    asked: object
    shares: list[Share]
    unfreezes: bool
    created: float
    finished: float | None = None
    initiator: str = "merchant"
    description: str = ""
    released: int = 0


@attrs.define(kw_only=True)
class Payment:
    """A paid order."""

    transaction_id: str
    out_trade_no: str
    sub_mchid: str | None
    amount: int
    paid: float
    is_marked: bool
    frozen: int
    ended: bool = False
    commands: list[Command] = attrs.field(factory=list[Command])
    refunded: int = 0


@attrs.frozen
class FundsBooks:
    """Where the fen of all payments are. ``paid`` is the sum of all others.

    Args:
        paid: what payers paid.
        frozen: what may still be distributed.
        pending: what is on its way to receivers.
        distributed: what receivers have, by account.
        released: what the merchant has.
        refunded: what payers got back.
    """

    paid: int
    frozen: int
    pending: int
    distributed: dict[str, int]
    released: int
    refunded: int


class PayBooks:
    """All payments of a merchant.

    Args:
        seed: numbers follow it.
        now: the time in Unix seconds.
        finish_after: returns how many seconds a command takes.
    """

    def __init__(self, seed: int, now: Callable[[], float], finish_after: Callable[[], float]) -> None:
        self.marks: dict[Mark, None] = {}
        self.placed: set[str] = set()
        """Orders that wait for their payment: a mark comes too late for them."""
        self.confirmed: set[str] = set()
        self.payments: dict[str, Payment] = {}
        self.abnormal: set[str] = set()
        """Accounts that cannot receive."""
        self.advance = 0
        """Fen paid in advance for refunds of distributed orders."""
        self.recharged: Counter[str | None] = Counter()
        """Fen recharged for ordinary refunds, by sub-merchant.

        They are shown, and no refund takes any.
        """
        self._received: Counter[str] = Counter()
        self._released = 0
        self._seed, self._now, self._finish_after = seed, now, finish_after

    def pay(self, out_trade_no: str, amount: int, sub_mchid: str | None) -> str:
        """Let an order be placed and paid; return WeChat Pay's number.

        The funds of an order that was marked before are frozen.

        Raises:
            ConfigurationError: it is paid already.
        """
        if any(one.out_trade_no == out_trade_no for one in self.payments.values()):
            raise ConfigurationError(f"Sandbox.pay.pay: {out_trade_no!r} is paid already")
        number = f"4200{int.from_bytes(digest(self._seed, 'transaction', out_trade_no), 'big') % 10**24:024d}"
        is_marked = Mark(out_trade_no=out_trade_no, sub_mchid=sub_mchid, currency="CNY") in self.marks
        self.confirmed.add(out_trade_no)
        self.payments[number] = Payment(
            transaction_id=number,
            out_trade_no=out_trade_no,
            sub_mchid=sub_mchid,
            amount=amount,
            paid=self._now(),
            is_marked=is_marked,
            frozen=amount if is_marked else 0,
        )
        self._released += 0 if is_marked else amount
        return number

    def payment(self, transaction_id: str, sub_mchid: str | None, *, marked: bool = True) -> Payment:
        """Return a payment, its books up to date; by default one that can be distributed."""
        found = self.payments.get(transaction_id)
        if found is None:
            raise PayRefusedError(404, "the order does not exist", code="ORDER_NOT_EXIST", number=NO_SUCH_ORDER)
        if found.sub_mchid != sub_mchid:
            raise PayRefusedError(400, "the merchant is inconsistent with the original command", number=OTHER_SUB_MCHID)
        if marked and not found.is_marked:
            raise PayRefusedError(400, "the transaction does not support distribution")
        self._bring_up(found)
        return found

    def command(self, payment: Payment, number: str, asked: object) -> Command | None:
        """Return what came under a number before.

        Refuse a command that asked for something else.
        """
        every = (one for other in self.payments.values() for one in other.commands)
        found = next((one for one in every if one.out_order_no == number), None)
        if found is not None and (found not in payment.commands or found.asked != asked):
            raise PayRefusedError(400, "out_order_no was used with other parameters")
        return found

    def add(  # noqa: PLR0913  (what there is to know)
        self, payment: Payment, number: str, asked: object, shares: list[Share], *, unfreezes: bool, description: str = ""
    ) -> Command:
        """Take a command in; its shares are frozen no more, and on their way."""
        order_id = f"3008{int.from_bytes(digest(self._seed, 'order', number), 'big') % 10**24:024d}"
        for place, share in enumerate(shares):
            share.detail_id = f"{order_id[:-2]}{place:02d}"
        command = Command(
            out_order_no=number,
            order_id=order_id,
            asked=asked,
            shares=shares,
            unfreezes=unfreezes,
            created=self._now(),
            description=description,
        )
        payment.frozen -= sum(share.amount for share in shares)
        payment.ended = payment.ended or unfreezes
        payment.commands.append(command)
        return command

    def refund(self, payment: Payment, amount: int) -> None:
        """Give a payer money back.

        It comes from what is frozen, then from what was paid in advance.
        """
        from_frozen = min(amount, payment.frozen)
        payment.frozen -= from_frozen
        self._released -= amount - from_frozen
        payment.refunded += amount
        if payment.is_marked:
            self.advance -= amount - from_frozen

    def books(self) -> FundsBooks:
        """Return where all money is."""
        everyone = list(self.payments.values())
        for payment in everyone:
            self._bring_up(payment)
        on_the_way = (share.amount for one in everyone for command in one.commands if command.finished is None for share in command.shares)
        return FundsBooks(
            paid=sum(one.amount for one in everyone),
            frozen=sum(one.frozen for one in everyone),
            pending=sum(on_the_way),
            distributed=dict(self._received),
            released=self._released,
            refunded=sum(one.refunded for one in everyone),
        )

    def _bring_up(self, payment: Payment) -> None:
        """Finish the commands whose time has come.

        Unfreeze what is left after 180 days.
        """
        for command in payment.commands:
            if command.finished is None and self._now() >= command.created + self._finish_after():
                self._finish(payment, command)
        if payment.is_marked and not payment.ended and self._now() >= payment.paid + LONGEST_S:
            command = self.add(payment, f"system-{payment.transaction_id}", None, [], unfreezes=True)
            command.initiator, command.created = "system", payment.paid + LONGEST_S
            self._finish(payment, command)

    def _finish(self, payment: Payment, command: Command) -> None:
        command.finished = command.created + self._finish_after()
        for share in command.shares:
            if share.account in self.abnormal:
                share.result, share.fail_reason = "CLOSED", "ACCOUNT_ABNORMAL"
                payment.frozen += share.amount
            else:
                share.result = "SUCCESS"
                self._received[share.account] += share.amount
        if command.unfreezes or payment.ended:
            command.released, payment.frozen = payment.frozen, 0
            self._released += command.released


def rfc3339(at: float) -> str:
    """Return a time as WeChat Pay writes it."""
    return datetime.fromtimestamp(at, UTC).astimezone(_BEIJING).isoformat(timespec="milliseconds")


def day_of(at: float) -> str:
    """Return the Beijing day of a time."""
    return rfc3339(at)[:10]
