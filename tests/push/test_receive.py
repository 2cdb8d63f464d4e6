"""A push from its arrival to its reply.

It is acknowledged only when all is done, in time, and whatever the server does.
"""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.leaks import assert_no_leak
from support.pushkit import NOON, REFUSED, SECRETS, TICKET, inner, on_the_wire, push, receiver, ticket_push
from support.virtual import armed_timers, now, run_virtual, settle, virtual

from wxrevenue import FileTicketStore, MemoryTicketStore, Ticket, WxRevenueError
from wxrevenue._base.file_errors import with_remedy
from wxrevenue.push import receive

if TYPE_CHECKING:
    from collections.abc import Callable


class Slow(MemoryTicketStore):
    """A store that answers late."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def put(self, ticket: Ticket) -> bool:
        """Keep the ticket, after a while."""
        await asyncio.sleep(self.seconds)
        return await super().put(ticket)


@virtual
async def test_success_waits_for_the_store() -> None:
    """The reply is ready only once the ticket is kept.

    A repetition in the meantime waits for it, too.
    """
    judge, store = receiver(), Slow(3.0)
    first = asyncio.create_task(receive(judge, store, *push()))
    await asyncio.sleep(1)
    second = asyncio.create_task(receive(judge, store, *push()))
    await asyncio.sleep(1.9)
    assert not first.done()
    assert (await first).is_success
    assert now() == 3.0
    assert await store.get() == Ticket(TICKET, NOON)
    again = await second
    assert (again.is_success, again.event, again.reason) == (True, None, "it came twice at once")
    assert now() == 3.0


@virtual
async def test_a_store_that_hangs(caplog: pytest.LogCaptureFixture) -> None:
    """X-17: a store that does not answer in four seconds gets the push refused.

    WeChat, which waits five, gets the refusal in time.
    """
    judge, store = receiver(), Slow(1e6)
    reply = await receive(judge, store, *push())
    assert (on_the_wire(reply), reply.reason, now()) == (
        REFUSED,
        "DeadlineExceededError: the deadline passed while waiting for the ticket store",
        4.0,
    )
    assert armed_timers() == 0
    store.seconds = 0.0
    assert (await receive(judge, store, *push())).event == Ticket(TICKET, NOON)
    assert_no_leak(reply, secrets=SECRETS, caplog=caplog)


async def test_why_a_ticket_cannot_be_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """X-17: the log says what is wrong with a file that no push can replace.

    Of a foreign exception it has the class alone.
    """
    judge, path = receiver(), tmp_path / "ticket"
    path.symlink_to("elsewhere")
    assert not (await receive(judge, FileTicketStore(path), *push())).is_success
    assert "expected a file of its own, this is a link" in caplog.text

    def fail(error: Exception) -> Callable[[object], None]:
        def on_push(_event: object) -> None:
            raise error

        return on_push

    replies = [await receive(judge, MemoryTicketStore(), *push(), on_push=fail(error)) for error in (LookupError(TICKET), WxRevenueError())]
    assert [(on_the_wire(reply), reply.reason) for reply in replies] == [(REFUSED, "LookupError"), (REFUSED, "WxRevenueError: ")]
    assert_no_leak(secrets=SECRETS, caplog=caplog)


@virtual
async def test_a_listener_that_hangs() -> None:
    """Store and ``on_push`` have four seconds together."""

    async def listen(_event: object) -> None:
        await asyncio.sleep(1e6)

    reply = await receive(receiver(), Slow(3.0), *push(), on_push=listen)
    assert (on_the_wire(reply), now()) == (REFUSED, 4.0)


class Cancelling(MemoryTicketStore):
    """A store that raises ``CancelledError`` by itself."""

    async def put(self, ticket: Ticket) -> bool:
        """Raise ``CancelledError``."""
        raise asyncio.CancelledError(ticket.value.reveal())


@pytest.mark.parametrize("is_store", [True, False])
@virtual
async def test_what_cancels_by_itself(caplog: pytest.LogCaptureFixture, is_store: bool) -> None:  # noqa: FBT001
    """X-17: a store or listener may raise ``CancelledError`` by itself.

    The push is refused, and handled again, as after any other error.
    """
    judge = receiver()

    def tell(_event: object) -> None:
        raise asyncio.CancelledError

    store = Cancelling() if is_store else MemoryTicketStore()
    replies = await asyncio.gather(*(receive(judge, store, *push(), on_push=tell) for _ in range(2)))
    assert [(on_the_wire(reply), reply.reason) for reply in replies] == [(REFUSED, "CancelledError")] * 2
    assert (await receive(judge, MemoryTicketStore(), *push())).event is not None
    assert_no_leak(*replies, secrets=SECRETS, caplog=caplog)


@virtual
async def test_a_request_that_is_cancelled() -> None:
    """A request that ends early is not remembered as done.

    The push comes again and is handled.
    """
    judge, store = receiver(), Slow(3.0)
    task = asyncio.create_task(receive(judge, store, *push()))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await receive(judge, store, *push())).event == Ticket(TICKET, NOON)


async def test_refused_pushes_touch_no_store() -> None:
    """A push that is refused, repeated or ignored reaches no store and no ``on_push``."""
    told: list[object] = []
    judge, store = receiver(), MemoryTicketStore()
    await receive(judge, MemoryTicketStore(), *push())
    other = push(inner(InfoType="notify_third_fasteregister"))
    replies = [await receive(judge, store, *pushed, on_push=told.append) for pushed in (push(), other, ("", b""), (push()[0], b""))]
    assert [reply.is_success for reply in replies] == [True, True, False, False]
    assert (told, await store.get()) == ([], None)


async def test_an_older_ticket_is_not_told() -> None:
    """K-18: ``on_push`` is not called for a ticket if the store has a newer one.

    The push is acknowledged.
    """
    told: list[object] = []
    judge, store = receiver(), MemoryTicketStore()
    for n in (2, 1, 3):
        assert (await receive(judge, store, *ticket_push(n, NOON + n), on_push=told.append)).is_success
    assert told == [Ticket("fake-ticket-2", NOON + 2), Ticket("fake-ticket-3", NOON + 3)]


async def test_the_newest_of_several_at_once() -> None:
    """K-18: pushes that are handled at the same time leave the newest ticket.

    It does not matter which is done last.
    """
    judge, store = receiver(), MemoryTicketStore()
    await asyncio.gather(*(receive(judge, store, *ticket_push(n, NOON + n)) for n in (2, 3, 1)))
    assert await store.get() == Ticket("fake-ticket-3", NOON + 3)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.EBUSY, f"fake text with {TICKET}"),
            "OSError: ticket: it is a mount point, which no rename replaces; mount its folder, not the file",
        ),
        (OSError(errno.ENAMETOOLONG, f"fake text with {TICKET}"), "OSError: File name too long"),
        (TimeoutError(f"fake text with {TICKET}"), "TimeoutError"),
    ],
)
async def test_the_log_says_what_became_of_a_ticket(error: OSError, said: str, caplog: pytest.LogCaptureFixture) -> None:
    """F-05, X-17: if a ticket cannot be stored, the log has the system's message.

    It has the remedy too, and no text that may show more.
    """

    class Broken(MemoryTicketStore):
        """A store on a broken disk."""

        async def put(self, ticket: Ticket) -> bool:
            """Fail with the error of a file."""
            with with_remedy(Path("ticket")):
                raise error

    reply = await receive(receiver(), Broken(), *push())
    assert on_the_wire(reply) == REFUSED
    assert f"a push could not be dealt with ({said})" in caplog.text
    assert_no_leak(reply, secrets=SECRETS, caplog=caplog)


# -- twice at once ---------------------------------------------------------------------------------


class Listener:
    """A listener that is slow, and fails the first times if told to."""

    def __init__(self, seconds: float = 1.0, *, failures: int = 0) -> None:
        self.seconds = seconds
        self.failures = failures
        self.told: list[object] = []
        self.finished = 0

    async def __call__(self, event: object) -> None:
        """Wait, then fail or keep the event."""
        self.told.append(event)
        await asyncio.sleep(self.seconds)
        if len(self.told) <= self.failures:
            raise LookupError
        self.finished += 1


def sealed_anew() -> tuple[str, bytes]:
    """Return the authorization of :func:`authorized`, encrypted again."""
    return push(AUTHORIZED, salt=b"fedcba9876543210")


AUTHORIZED = inner(InfoType="authorized", AuthorizerAppid="wx9", AuthorizationCode="fake-code", ComponentVerifyTicket=None)


@virtual
async def test_a_push_that_comes_several_times_at_once() -> None:
    """X-18: a push that comes several times at once calls ``on_push`` once.

    It may be sealed the same or anew. All get ``success`` after that call, and one gets the event.
    """
    judge, listener = receiver(), Listener()
    pushes = [push(AUTHORIZED), push(AUTHORIZED), sealed_anew()]
    replies = await asyncio.gather(*(receive(judge, MemoryTicketStore(), *pushed, on_push=listener) for pushed in pushes))
    assert [reply.is_success for reply in replies] == [True] * 3
    assert [reply.event is not None for reply in replies] == [True, False, False]
    assert (len(listener.told), listener.finished, now()) == (1, 1, 1.0)
    assert (await receive(judge, MemoryTicketStore(), *sealed_anew(), on_push=listener)).reason == "it came before"


@virtual
async def test_telling_that_fails_while_others_wait() -> None:
    """X-18: when the listener fails, no request gets ``success``.

    A later repetition calls it again.
    """
    judge, listener = receiver(), Listener(failures=1)
    replies = await asyncio.gather(*(receive(judge, MemoryTicketStore(), *push(AUTHORIZED), on_push=listener) for _ in range(3)))
    assert [on_the_wire(reply) for reply in replies] == [REFUSED] * 3
    assert (await receive(judge, MemoryTicketStore(), *push(AUTHORIZED), on_push=listener)).event is not None
    assert (len(listener.told), listener.finished) == (2, 1)


@virtual
async def test_the_first_of_several_is_cancelled() -> None:
    """X-18: when the first request is cancelled, the listener goes on for the others.

    One of them gets the event.
    """
    judge, listener = receiver(), Listener()
    tasks = [asyncio.create_task(receive(judge, MemoryTicketStore(), *push(AUTHORIZED), on_push=listener)) for _ in range(3)]
    await asyncio.sleep(0.5)
    tasks[0].cancel()
    replies = await asyncio.gather(*tasks[1:])
    assert [(reply.is_success, reply.event is not None) for reply in replies] == [(True, True), (True, False)]
    assert (len(listener.told), listener.finished, now()) == (1, 1, 1.0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_all_of_several_are_cancelled() -> None:
    """X-18, C-01: when no request waits any more, the listener is cancelled.

    No task stays, and a later repetition calls it again.
    """
    judge, listener = receiver(), Listener()
    tasks = [asyncio.create_task(receive(judge, MemoryTicketStore(), *push(AUTHORIZED), on_push=listener)) for _ in range(3)]
    await asyncio.sleep(0.5)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert (await receive(judge, MemoryTicketStore(), *push(AUTHORIZED), on_push=listener)).event is not None
    assert (len(listener.told), listener.finished) == (2, 1)


def test_a_loop_that_ends_in_the_middle() -> None:
    """X-18: a push that a closed event loop left undone is handled again."""
    judge = receiver()
    loop = asyncio.new_event_loop()
    left = loop.create_task(receive(judge, MemoryTicketStore(), *push(AUTHORIZED), on_push=Listener(1e6)))
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(asyncio.sleep(0))
    listener = Listener()
    assert run_virtual(receive(judge, MemoryTicketStore(), *push(AUTHORIZED), on_push=listener)).event is not None
    assert listener.finished == 1
    left.cancel()
    loop.run_until_complete(asyncio.wait([left]))
    loop.close()


@virtual
async def test_a_ticket_that_comes_twice_while_its_store_hangs() -> None:
    """X-17, X-18: if a ticket could not be kept, every waiting request is refused.

    The ticket is kept when it comes again.
    """
    judge, store, listener = receiver(), Slow(1e6), Listener()
    first = asyncio.create_task(receive(judge, store, *push(), on_push=listener))
    await asyncio.sleep(3.0)
    second = asyncio.create_task(receive(judge, store, *push(), on_push=listener))
    assert [on_the_wire(reply) for reply in await asyncio.gather(first, second)] == [REFUSED] * 2
    assert now() == 4.0
    store.seconds = 0.0
    assert (await receive(judge, store, *push(), on_push=listener)).event == Ticket(TICKET, NOON)
    assert listener.told == [await store.get()]
