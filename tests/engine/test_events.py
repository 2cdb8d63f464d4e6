"""The events that ``on_event`` gets."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from support import paykit
from support.fakes import COMPONENT, TOKEN, Put, Read, Tokens, ams_client, answer, ratio, refusal
from support.leaks import assert_no_leak
from support.virtual import WallClock, settle, virtual

from wxrevenue import (
    AttemptEvent,
    CallEvent,
    ClientStateError,
    Event,
    GateEvent,
    NotSentError,
    PageEvent,
    ResponseLostError,
    RetryEvent,
    RetryPolicy,
    TokenEvent,
    WaitEvent,
)

FULL = RetryPolicy(jitter=lambda: 1.0)


async def events_of(*script: Any, request: Any = None, **options: Any) -> list[Any]:
    """Return the events of one call."""
    told: list[Any] = []
    settings: dict[str, Any] = {"retry": FULL, **options}
    client, _ = ams_client(*script, on_event=told.append, **settings)
    await asyncio.gather(client.send(request or Read()), return_exceptions=True)
    assert all(isinstance(event, Event) and event.account == COMPONENT for event in told)
    return told


def one_call(told: list[Any]) -> dict[str, Any]:
    """Return the fields of the only CallEvent, which is the last event."""
    calls = [event for event in told if isinstance(event, CallEvent)]
    assert calls == [told[-1]]
    return attrs.asdict(calls[0])


@virtual
async def test_a_call_that_went_well() -> None:
    """A call has events for its one attempt and its end, with durations in seconds."""
    told = await events_of(2, answer())
    assert told[0] == AttemptEvent(endpoint="fake_read", account=COMPONENT, attempt=1, duration=2.0, outcome="ok", call=told[1].call)
    assert one_call(told) == {
        "call": told[0].call,
        "host": "api.weixin.qq.com",
        "waits": {},
        "endpoint": "fake_read",
        "account": COMPONENT,
        "attempts": 1,
        "waited": 0.0,
        "duration": 2.0,
        "request_id": None,
        "outcome": "ok",
        "ambiguous": False,
    }
    assert len(told) == 2


@virtual
async def test_a_call_that_failed() -> None:
    """The end of a failed call carries the error's class and request id.

    It also says whether the call may have acted.
    """
    told = await events_of(answer({"errcode": 48001, "errmsg": "no rid: 5f5f-6a6a"}))
    assert {**one_call(told), "call": 0, "endpoint": 0, "account": 0} == {
        "call": 0,
        "host": "api.weixin.qq.com",
        "waits": {},
        "endpoint": 0,
        "account": 0,
        "attempts": 1,
        "waited": 0.0,
        "duration": 0.0,
        "request_id": "5f5f-6a6a",
        "outcome": "PermissionDeniedError",
        "ambiguous": False,
    }


@virtual
async def test_retries_are_told() -> None:
    """Each repetition has events with the error and the wait.

    There is one before the wait and one after it.
    """
    told = await events_of(NotSentError(reason="connect"), 1, answer(b"", 503), answer())
    assert [type(event) for event in told] == [
        AttemptEvent,
        RetryEvent,
        WaitEvent,
        AttemptEvent,
        RetryEvent,
        WaitEvent,
        AttemptEvent,
        CallEvent,
    ]
    assert [(e.attempt, e.error) for e in told if isinstance(e, RetryEvent)] == [(1, "NotSentError"), (2, "ServerBusyError")]
    assert [e.code for e in told if isinstance(e, (AttemptEvent, RetryEvent))] == [None] * 5
    assert [e.wait for e in told if isinstance(e, RetryEvent)] == pytest.approx([0.05, 0.1])
    assert [e.what for e in told if isinstance(e, WaitEvent)] == ["back-off"] * 2
    assert [e.duration for e in told if isinstance(e, WaitEvent)] == pytest.approx([0.05, 0.1])
    assert [(e.attempt, e.duration, e.outcome) for e in told if isinstance(e, AttemptEvent)] == [
        (1, 0, "NotSentError"),
        (2, 1, "ServerBusyError"),
        (3, 0, "ok"),
    ]
    call = one_call(told)
    assert (call["attempts"], call["waited"], call["duration"]) == (3, pytest.approx(0.15), pytest.approx(1.15))


@virtual
async def test_codes_are_told() -> None:
    """Attempts and repetitions carry the server's code where it gave one."""
    told = await events_of(refusal(-1), refusal(2056))
    assert [e.code for e in told if isinstance(e, AttemptEvent)] == [-1, 2056]
    assert [e.code for e in told if isinstance(e, RetryEvent)] == [-1]


@virtual
async def test_ambiguous_ends() -> None:
    """A write that ends unknown says so; a read's lost answers are not ambiguous."""
    script = [ResponseLostError(reason="reset") for _ in range(3)]
    assert (one_call(await events_of(*script, request=Put()))["outcome"], one_call(await events_of(*script))["outcome"]) == (
        "OutcomeUnknownError",
        "ResponseLostError",
    )
    assert one_call(await events_of(*script, request=Put()))["ambiguous"]


@virtual
async def test_the_gate_is_told() -> None:
    """The event of a refusal names the scope that closed.

    The wait for the turn has an event when it is over, and is in the call's sum.
    """
    told = await events_of(2, refusal(1737), 3, answer(), deadline=100.0)
    assert [type(event) for event in told] == [GateEvent, WaitEvent, AttemptEvent, CallEvent]
    gate, wait, attempt, call = told
    assert (gate.scope, gate.verdict, gate.closed_for) == (f"{COMPONENT}/-/fake_read", "too_fast", 60)
    assert (wait.what, wait.duration) == ("turn", 60)
    assert (attempt.duration, call.waited, call.waits, call.duration) == (65, 60, {"turn": 60}, 65)
    assert len({event.call for event in told}) == 1


@virtual
async def test_every_kind_of_wait_is_told() -> None:
    """Waits for a turn, tokens and a back-off have an event each.

    They are summed by kind when the call ends.
    """
    script = [refusal(1737), refusal(40001), NotSentError(reason="connect"), answer()]
    told = await events_of(*script, tokens=Tokens("fake-token-one", "fake-token-two", delays=[1.0, 2.0, 3.0, 4.0]), deadline=100.0)
    waits = [(event.what, event.duration) for event in told if isinstance(event, WaitEvent)]
    assert waits == [("token", 1), ("turn", 60), ("token", 2), ("token", 3), ("back-off", pytest.approx(0.05)), ("token", 4)]
    call = one_call(told)
    assert call["waits"] == {"token": 10, "turn": 60, "back-off": pytest.approx(0.05)}
    assert call["waited"] == call["duration"] == pytest.approx(70.05)


@virtual
async def test_a_token_that_never_came_is_told() -> None:
    """There is an event for a wait for a token that the deadline ended."""
    told = await events_of(tokens=lambda: asyncio.sleep(60, TOKEN), deadline=5.0)
    assert [(event.what, event.duration) for event in told if isinstance(event, WaitEvent)] == [("token", 5)]
    assert (one_call(told)["outcome"], one_call(told)["waits"]) == ("DeadlineExceededError", {"token": 5})


@virtual
async def test_a_signature_is_waited_for() -> None:
    """What a WeChat Pay call waits for is a signature."""

    class Vault:
        async def sign(self, message: bytes) -> bytes:
            await asyncio.sleep(2)
            return b"fake-signature"

    told: list[Any] = []
    client, _ = paykit.client(paykit.signed(), private_key=Vault(), clock=WallClock(paykit.NOW), on_event=told.append)
    await client.mark_transaction(paykit.ORDER)
    call = one_call(told)
    assert (call["waits"], call["duration"], call["host"]) == ({"signature": 2}, 2, "apihk.mch.weixin.qq.com")


@virtual
async def test_concurrent_calls_are_told_apart() -> None:
    """All events of a call carry its number, and no other call's events do."""
    told: list[Any] = []
    client, _ = ams_client(handler=lambda _: asyncio.sleep(1, answer({"ret": -1})), on_event=told.append, deadline=100.0)
    calls = [client.send(request) for request in (Read(), Put()) for _ in range(5)]
    await asyncio.gather(*calls, return_exceptions=True)
    by_call: dict[Any, list[Any]] = {}
    for event in told:
        by_call.setdefault(event.call, []).append(event)
    assert len(by_call) == 10
    for events in by_call.values():
        assert len({event.endpoint for event in events}) == 1
        assert [event.attempt for event in events if isinstance(event, AttemptEvent)] == [1, 2, 3]
        assert isinstance(events[-1], CallEvent)


@virtual
async def test_calls_nobody_listens_to_have_no_number() -> None:
    """A client without a listener does not number its calls."""
    told: list[Any] = []
    client, _ = ams_client(handler=lambda _: answer(), on_event=told.append)
    await client.send(Read())
    for _ in range(5):
        await client.with_options(on_event=None).send(Read())
    await client.send(Read())
    assert told[-1].call == told[0].call + 1


@virtual
async def test_a_limiter_that_does_not_know() -> None:
    """A user's own limiter need not know how long its gate was closed."""

    class Turn:
        def report(self, verdict: object) -> None: ...

        async def again(self, *, timeout: float) -> None: ...

        def release(self) -> None: ...

    class Limiter:
        async def acquire(self, scope: str, *, timeout: float) -> Turn:
            return Turn()

        async def reopen(self, scope: str) -> None: ...

        async def aclose(self) -> None: ...

    told = await events_of(refusal(1737), answer(), limiter=Limiter())
    assert [event.closed_for for event in told if isinstance(event, GateEvent)] == [None]


@virtual
async def test_a_spent_quota_is_told_and_not_waited_for() -> None:
    """A spent quota tells the gate, and does not count as a wait.

    This holds however slow that answer was.
    """
    told = await events_of(2, refusal(45009), clock=WallClock())
    (gate,) = [event for event in told if isinstance(event, GateEvent)]
    assert gate.verdict == "quota_spent"
    assert gate.closed_for == pytest.approx(600)
    assert not [event for event in told if isinstance(event, WaitEvent)]
    call = one_call(told)
    assert (call["waited"], call["duration"], call["outcome"]) == (0, 2, "QuotaExceededError")


@virtual
async def test_refused_tokens_are_told() -> None:
    """The event of a refused token has its kind and code, never the token."""
    told = await events_of(refusal(42001), answer(), tokens=Tokens("fake-token-one", "fake-token-two"))
    assert [(event.kind, event.code) for event in told if isinstance(event, TokenEvent)] == [("component", 42001)]
    assert_no_leak(*told, secrets=["fake-token-one", "fake-token-two"])


@virtual
async def test_a_foreign_exception_is_told() -> None:
    """An exception of a user's own token function ends the call's event too."""

    async def tokens() -> str:
        raise LookupError("mine")

    assert one_call(await events_of(tokens=tokens))["outcome"] == "LookupError"


@virtual
async def test_a_dismissed_call_is_told() -> None:
    """The event of a call ended by closing has ClientStateError."""
    told: list[Any] = []
    client, _ = ams_client(tokens=Tokens(TOKEN, delays=[9.0]), on_event=told.append)
    call = asyncio.create_task(client.send(Read()))
    await settle()
    await client.aclose()
    with pytest.raises(ClientStateError):
        await call
    assert one_call(told)["outcome"] == "ClientStateError"


@virtual
async def test_one_event_per_call() -> None:
    """Each of many concurrent calls has one CallEvent."""
    told: list[Any] = []
    client, _ = ams_client(handler=lambda _: ratio(), on_event=told.append)
    await asyncio.gather(*(client.get_share_ratio("wx1") for _ in range(10)))
    assert sum(isinstance(event, CallEvent) for event in told) == 10


@virtual
async def test_pages_are_told() -> None:
    """A walk has an event for each page."""
    told: list[Any] = []
    client, _ = ams_client(answer({"ret": 0, "settlement_list": [], "total_num": 0}), on_event=told.append)
    assert await client.iter_agency_settlement("2020-01-01", "2020-01-31").collect() == []
    assert told[-1] == PageEvent(endpoint="get_agency_settled_revenue", account=COMPONENT, page=1, rows=0, fresh=0, total=0)


@virtual
async def test_what_on_event_raises_is_logged_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    """An ``on_event`` that raises harms no call.

    It is a warning once, then a line at DEBUG, without secrets.
    """

    def on_event(event: Event) -> None:
        raise LookupError("broken listener")

    client, _ = ams_client(refusal(1737), answer(), on_event=on_event, deadline=100.0)
    await client.send(Read())
    records = [record for record in caplog.records if record.name == "wxrevenue.events"]
    assert [(record.levelname, record.message) for record in records] == [
        ("WARNING", "on_event raised on GateEvent; further errors of it are logged at DEBUG"),
        *(("DEBUG", f"on_event raised on {kind}") for kind in ("WaitEvent", "AttemptEvent", "CallEvent")),
    ]
    assert all(record.exc_info for record in records)
    assert_no_leak(secrets=[TOKEN], caplog=caplog)


@virtual
async def test_clones_may_tell_someone_else() -> None:
    """``with_options(on_event=…)`` replaces the listener for the clone only.

    ``None`` silences it.
    """
    mine: list[Any] = []
    theirs: list[Any] = []
    client, _ = ams_client(handler=lambda _: answer(), on_event=mine.append)
    await client.with_options(on_event=theirs.append).send(Read())
    await client.with_options(on_event=None).send(Read())
    assert not mine
    assert len(theirs) == 2


@pytest.mark.parametrize("kind", [CallEvent, AttemptEvent, RetryEvent, WaitEvent, GateEvent, TokenEvent, PageEvent])
def test_events_are_frozen_values(kind: Any) -> None:
    """Events are frozen, documented, and compare by value."""
    assert attrs.has(kind)
    assert kind.__doc__
    names = [field.name for field in attrs.fields(kind)]
    event: Any = kind(**dict.fromkeys(names, 1))
    assert event == kind(**dict.fromkeys(names, 1))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.endpoint = "other"
