"""A notification from its arrival to its reply.

It is judged, told, and only then acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
from inspect import isawaitable
from typing import TYPE_CHECKING, Final, TypeAlias

from wxrevenue._base.tasks import is_cancelled
from wxrevenue._engine.clock import within
from wxrevenue.errors import WxRevenueError
from wxrevenue.push._payment.event import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxrevenue.push._payment.event import PaymentEvent, PaymentReply
    from wxrevenue.push._payment.receiver import PaymentReceiver

    OnPayment: TypeAlias = Callable[[PaymentEvent], object]

_VERIFYING_S: Final = 3.0
_TELLING_S: Final = 1.5
"""Seconds; together they leave half a second of the five that WeChat Pay waits."""
_log = logging.getLogger("wxrevenue.push")


async def receive_payment(
    receiver: PaymentReceiver, headers: Mapping[str, str], body: bytes, *, on_push: OnPayment | None = None
) -> PaymentReply:
    """Judge a notification, tell ``on_push``, and return the reply to send.

    This takes five seconds at most. ``SUCCESS`` is returned only when ``on_push`` has returned. If
    it fails, or takes longer than 1.5 seconds, the reply is a refusal, and the notification comes
    again; so it does where all who wait for it are cancelled. A repetition that comes meanwhile
    waits for it. Why one was refused goes to the logger ``wxrevenue.push``.

    Args:
        receiver: the judge.
        headers: the request's headers.
        body: the request's body, byte for byte.
        on_push: a function, plain or async, that is given every new :class:`PaymentEvent`.
    """
    reply = await receiver.handle(headers, body, timeout=_VERIFYING_S)
    if not reply.is_success:
        _log.warning("a notification was refused: %s", reply.reason)
        return reply

    async def deal() -> str | None:
        if reply.event is None or on_push is None:
            return None
        problem: str | None = "it was given up"
        try:
            problem = await _problem_with(reply.event, on_push)
        finally:
            if problem is not None:  # forgotten before a repetition can ask: it must count as new
                receiver.refuse(reply)
        return problem

    problem, _ = await receiver.in_flight.join(reply.marks[0].encode(), deal)
    if problem is not None:
        _log.warning("a notification could not be dealt with (%s), so that it will come again", problem)
        return refused(problem, status=500)
    return reply


async def _problem_with(event: PaymentEvent, on_push: OnPayment) -> str | None:
    """Tell ``on_push`` of an event; return what went wrong, in words to log."""
    try:
        told = on_push(event)
        if isawaitable(told):
            await within(_TELLING_S, told, "on_push")
    except WxRevenueError as error:
        return f"{type(error).__name__}: {error}"
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        return type(error).__name__
    except Exception as error:  # noqa: BLE001  (its text may show anything)
        return type(error).__name__
    return None
