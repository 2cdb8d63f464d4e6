"""What WeChat pushes to a service provider's server.

That is tickets, and merchants that grant, change or withdraw their authorization.
:class:`TicketReceiver` judges a push without any I/O. :func:`aiohttp_handler` and :func:`asgi_app`
put one behind a web server; :func:`receive` is what both are made of, for any other framework.

Notifications of WeChat Pay are judged by a :class:`PaymentReceiver`, which the same two put behind
a server; :func:`receive_payment` is for others.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from wxrevenue._lazy import lazy_names

if TYPE_CHECKING:
    from wxrevenue.push._aiohttp_web import aiohttp_handler
    from wxrevenue.push._asgi import asgi_app
    from wxrevenue.push._component.receiver import TicketReceiver
    from wxrevenue.push._payment.event import DistributionRefundChanged, PaymentEvent, PaymentReply, RefundChanged
    from wxrevenue.push._payment.receive import receive_payment
    from wxrevenue.push._payment.receiver import PaymentReceiver
    from wxrevenue.push._receive import receive
    from wxrevenue.push._reply import AuthorizationPush, Reply

_NAMES = {
    "wxrevenue.push._aiohttp_web": "aiohttp_handler",
    "wxrevenue.push._asgi": "asgi_app",
    "wxrevenue.push._payment.event": "DistributionRefundChanged PaymentEvent PaymentReply RefundChanged",
    "wxrevenue.push._payment.receive": "receive_payment",
    "wxrevenue.push._payment.receiver": "PaymentReceiver",
    "wxrevenue.push._receive": "receive",
    "wxrevenue.push._component.receiver": "TicketReceiver",
    "wxrevenue.push._reply": "AuthorizationPush Reply",
}

__all__ = [
    "AuthorizationPush", "DistributionRefundChanged", "PaymentEvent", "PaymentReceiver", "PaymentReply", "RefundChanged", "Reply",
    "TicketReceiver", "aiohttp_handler", "asgi_app", "receive", "receive_payment",
]  # fmt: skip

_lazy, __dir__ = lazy_names(__name__, _NAMES)

if not TYPE_CHECKING:  # a type checker would take it that every name exists

    def __getattr__(name: str) -> object:
        if name == "Authorization":
            warnings.warn("wxrevenue.push.Authorization is called AuthorizationPush now", DeprecationWarning, stacklevel=2)
            name = "AuthorizationPush"
        return _lazy(name)
