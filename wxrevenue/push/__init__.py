"""What WeChat pushes to a service provider's server: tickets, and merchants who grant, change or withdraw their authorization.

:class:`TicketReceiver` judges a push without any I/O; :func:`receive` keeps what came, and puts it behind any web server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._lazy import lazy_names

if TYPE_CHECKING:
    from wxrevenue.push._receive import receive
    from wxrevenue.push._receiver import TicketReceiver
    from wxrevenue.push._reply import Authorization, Reply

_NAMES = {
    "wxrevenue.push._receive": "receive",
    "wxrevenue.push._receiver": "TicketReceiver",
    "wxrevenue.push._reply": "Authorization Reply",
}

__all__ = ["Authorization", "Reply", "TicketReceiver", "receive"]

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
