"""What an adapter puts behind a web server.

A receiver, and what is to be done with what it finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from wxrevenue._base import checks
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue.ports import TicketStore
    from wxrevenue.push._component.receiver import TicketReceiver
    from wxrevenue.push._payment.event import PaymentReply
    from wxrevenue.push._payment.receive import OnPayment
    from wxrevenue.push._payment.receiver import PaymentReceiver
    from wxrevenue.push._receive import AuthorizationTaker, OnPush
    from wxrevenue.push._reply import Reply


class Served:
    """Answers the requests of one web server.

    Args:
        receiver: a ``TicketReceiver`` or a ``PaymentReceiver``.
        store: where tickets go; payments have none.
        on_push: is told of what came.
        tokens: takes authorizations; payments have none.

    Raises:
        ConfigurationError: one of these is something else.
    """

    def __init__(
        self,
        receiver: TicketReceiver | PaymentReceiver,
        store: TicketStore | None,
        on_push: OnPush | OnPayment | None,
        tokens: AuthorizationTaker | None,
    ) -> None:
        self._payments: tuple[PaymentReceiver, OnPayment | None] | None = None
        self._pushes: tuple[TicketReceiver, TicketStore, OnPush | None, AuthorizationTaker | None] | None = None
        from wxrevenue.push._payment.receiver import PaymentReceiver  # what it needs is loaded when there is one

        if not isinstance(receiver, PaymentReceiver):
            from wxrevenue.push._receive import check_parts

            check_parts(receiver, store, on_push, tokens)
            self._pushes = receiver, cast("TicketStore", store), cast("OnPush | None", on_push), tokens
        elif store is not None or tokens is not None:
            raise ConfigurationError("a PaymentReceiver takes neither a store nor tokens")
        else:
            self._payments = receiver, cast("OnPayment | None", on_push)
        checks.function("on_push", on_push)

    async def reply(self, headers: Mapping[str, str], query: str | bytes, body: bytes) -> Reply | PaymentReply:
        """Return the reply to a request."""
        if self._pushes is not None:
            from wxrevenue.push._receive import receive

            receiver, store, on_push, tokens = self._pushes
            return await receive(receiver, store, query, body, on_push=on_push, tokens=tokens)
        from wxrevenue.push._payment.receive import receive_payment

        assert self._payments is not None  # noqa: S101  (for type checkers)
        payments, on_payment = self._payments
        return await receive_payment(payments, headers, body, on_push=on_payment)

    def disconnected(self) -> Reply | PaymentReply:
        """Return the reply to a request whose body could not be read to its end."""
        if self._pushes is None:
            from wxrevenue.push._payment.event import refused

            return refused("its body broke off, or is not encoded as its header says")
        from wxrevenue.push._receive import disconnected

        return disconnected(self._pushes[0])
