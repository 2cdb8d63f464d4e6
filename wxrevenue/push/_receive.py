"""A push from its arrival to its reply.

It is judged, kept, told, and only then acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
import os
from inspect import isawaitable
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, runtime_checkable

from wxrevenue._base import checks as _checks
from wxrevenue._base.file_errors import Remedy
from wxrevenue._base.tasks import is_cancelled
from wxrevenue._engine.clock import within
from wxrevenue._wire.stored import Ticket
from wxrevenue.errors import ConfigurationError, WxRevenueError
from wxrevenue.ports import TicketStore
from wxrevenue.push._component.receiver import TicketReceiver
from wxrevenue.push._reply import success

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.push._reply import AuthorizationPush, Reply

    OnPush: TypeAlias = Callable[[Ticket | AuthorizationPush], object]

PATIENCE: Final = 4.0
"""Seconds for keeping and telling: WeChat waits five for the reply."""

_log = logging.getLogger("wxrevenue.push")


@runtime_checkable
class AuthorizationTaker(Protocol):
    """What takes pushes about authorizations: :class:`wxrevenue.ComponentTokens`."""

    component_appid: str

    async def take_push(self, push: AuthorizationPush) -> None:
        """Keep the push's code, or forget the Mini Program; raise if that failed."""
        ...


async def receive(  # noqa: PLR0913  (what there is to do, by keyword)
    receiver: TicketReceiver,
    store: TicketStore,
    query: str | bytes,
    body: bytes,
    *,
    on_push: OnPush | None = None,
    tokens: AuthorizationTaker | None = None,
) -> Reply:
    """Judge a push, keep its ticket or code, tell ``on_push``, and return the reply.

    ``success`` is returned only when all that is done. A repetition that comes meanwhile waits for
    it, and gets the same reply without telling ``on_push``. One that comes within a day afterwards
    is acknowledged. This holds in one process: a repetition that reaches another process is told
    there as well. The store or ``on_push`` may fail, or take longer than four seconds together.
    Then the reply is a refusal, WeChat pushes again, and ``on_push`` is told a second time. Why a
    push was refused, and what failed (an exception of your own by its class alone), goes to the
    logger ``wxrevenue.push``.

    Args:
        receiver: the judge.
        store: where the ticket goes.
        query: the URL's query as it was on the wire, without the ``?``.
        body: the request's body. Read no more than 64 KiB and one byte of it: larger ones are
            refused anyway.
        on_push: a function, plain or async, that is given every new :class:`Ticket` once it is
            kept, and every :class:`AuthorizationPush`.
        tokens: the :class:`wxrevenue.ComponentTokens` of the same component. The code of an
            authorization is kept in its token store, and redeemed after the reply; the tokens of a
            merchant that withdraws are forgotten.

    Raises:
        ConfigurationError: ``tokens`` is something else, or another component's.
    """
    _check_tokens(receiver, tokens)
    reply = receiver.handle(query, body)
    if reply.event is None:
        _tell(reply)
        return reply
    problem, is_first = await receiver.in_flight.join(reply.digest, lambda: _dealt_with(receiver, reply, store, on_push, tokens))
    if problem is not None:
        _log.warning("a push could not be dealt with (%s), so that it will come again", problem)
        return receiver.refuse(problem)
    return reply if is_first else success(reason="it came twice at once")


def disconnected(receiver: TicketReceiver) -> Reply:
    """Return the reply to a push whose body could not be read to its end."""
    reply = receiver.refuse("its body broke off, or is not encoded as its header says")
    _tell(reply)
    return reply


def check_parts(receiver: object, store: object, on_push: object, tokens: object) -> None:
    """Raise ``ConfigurationError`` unless an adapter was given what it needs."""
    if not isinstance(receiver, TicketReceiver) or not isinstance(store, TicketStore):
        raise ConfigurationError(f"expected a TicketReceiver and a TicketStore, got {type(receiver).__name__} and {type(store).__name__}")
    _checks.function("on_push", on_push)
    _check_tokens(receiver, tokens)


def _check_tokens(receiver: TicketReceiver, tokens: object) -> None:
    if tokens is None:
        return
    if not isinstance(tokens, AuthorizationTaker):
        raise ConfigurationError(f"tokens: expected ComponentTokens, got {type(tokens).__name__}")
    if tokens.component_appid != receiver.component_appid:
        raise ConfigurationError(f"tokens: of component {tokens.component_appid}, but the pushes are those of {receiver.component_appid}")


async def _dealt_with(
    receiver: TicketReceiver, reply: Reply, store: TicketStore, on_push: OnPush | None, tokens: AuthorizationTaker | None
) -> str | None:
    assert reply.event is not None  # noqa: S101  (for type checkers)
    problem = await _problem_with(reply.event, store, on_push, tokens)
    if problem is None:
        receiver.confirm(reply)
    return problem


async def _problem_with(
    event: Ticket | AuthorizationPush, store: TicketStore, on_push: OnPush | None, tokens: AuthorizationTaker | None
) -> str | None:
    """Deal with what was pushed; return what went wrong, in words that may be logged."""
    where = "the ticket store" if isinstance(event, Ticket) else "the token store"
    try:
        await within(PATIENCE, _deal_with(event, store, on_push, tokens), where)
    except WxRevenueError as error:
        return f"{type(error).__name__}: {error}"
    except OSError as error:
        said = Remedy.on(error) or ((os.strerror(error.errno),) if error.errno else ())
        return ": ".join((type(error).__name__, *said))
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        return type(error).__name__
    except Exception as error:  # noqa: BLE001  (whatever it is, WeChat has to push again; its text may show anything)
        return type(error).__name__
    return None


async def _deal_with(
    event: Ticket | AuthorizationPush, store: TicketStore, on_push: OnPush | None, tokens: AuthorizationTaker | None
) -> None:
    if isinstance(event, Ticket):
        if not await store.put(event):
            return
    elif tokens is not None:
        await tokens.take_push(event)
    told = on_push(event) if on_push else None
    if isawaitable(told):
        await told


def _tell(reply: Reply) -> None:
    if reply.is_success:
        _log.debug("a push asks for nothing: %s", reply.reason)
    else:
        _log.warning("a push was refused: %s", reply.reason)
