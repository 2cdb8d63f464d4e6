"""The sandbox pushes as WeChat does, and posts to a user's server.

Pushes are signed and sealed tickets and authorizations.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import pytest
from support.virtual import HandClock

from wxrevenue import Ticket
from wxrevenue.push import AuthorizationPush, TicketReceiver
from wxrevenue.sandbox import Push, Sandbox
from wxrevenue.testing import FaultServer, Peer

NOON = 1_700_000_000


@pytest.fixture
def clock() -> HandClock:
    """Return a clock that shows noon."""
    return HandClock(NOON)


@pytest.fixture
def sandbox(clock: HandClock) -> Sandbox:
    """Return a sandbox with this clock."""
    return Sandbox(seed=1, now=clock.time)


def receiver(sandbox: Sandbox, appid: str, clock: HandClock) -> TicketReceiver:
    """Return the receiver of the pushes to one provider."""
    keys = sandbox.push_keys(appid)
    return TicketReceiver(appid, keys.token, keys.aes_key, clock=clock)


async def test_tickets_are_pushed(sandbox: Sandbox, clock: HandClock) -> None:
    """Every push has a new ticket with the sandbox's time.

    It opens with the keys of its provider alone.
    """
    first, second, *_ = sandbox.components
    ours, theirs = receiver(sandbox, first, clock), receiver(sandbox, second, clock)
    pushes = [sandbox.ticket_push(first)]
    await clock.advance(600)
    pushes.append(sandbox.ticket_push(first))
    events = [ours.handle(push.query, push.body).event for push in pushes]
    assert events == [Ticket(f"sandbox-ticket-{first}-1", NOON), Ticket(f"sandbox-ticket-{first}-2", NOON + 600)]
    assert not any(theirs.handle(push.query, push.body).is_success for push in pushes)


def test_a_push_has_the_documented_form(sandbox: Sandbox) -> None:
    """The query of a push has the five documented parameters.

    The body has the appid in plain text, and nothing of the ticket.
    """
    appid = sandbox.components[0]
    push = sandbox.ticket_push(appid)
    assert {name: len(values) for name, values in parse_qs(push.query).items()} == dict.fromkeys(
        ["signature", "timestamp", "nonce", "encrypt_type", "msg_signature"], 1
    )
    assert re.fullmatch(
        rb"<xml>\n<AppId><!\[CDATA\[%b\]\]></AppId>\n<Encrypt><!\[CDATA\[[A-Za-z0-9+/=]+\]\]></Encrypt>\n</xml>" % appid.encode(), push.body
    )
    assert repr(push) == f"<Push body={len(push.body)} B>"
    assert len(sandbox.push_keys(appid).aes_key) == 43


def test_the_same_seed_pushes_the_same(sandbox: Sandbox, clock: HandClock) -> None:
    """Pushes depend on the seed, the provider, the order and the time alone."""
    appid = sandbox.components[0]
    twin, other = Sandbox(seed=1, now=clock.time), Sandbox(seed=2, now=clock.time)
    assert sandbox.ticket_push(appid) == twin.ticket_push(appid) != twin.ticket_push(appid)
    assert sandbox.push_keys(appid).aes_key != other.push_keys(appid).aes_key


def test_authorizations_are_pushed(sandbox: Sandbox, clock: HandClock) -> None:
    """A Mini Program's authorization, its change and its end are pushed.

    They have what the documents name.
    """
    appid = sandbox.components[0]
    program = sandbox.programs(appid)[0]
    judge = receiver(sandbox, appid, clock)
    for info_type in ("authorized", "updateauthorized", "unauthorized"):
        push = sandbox.authorization_push(appid, program, info_type)
        event = judge.handle(push.query, push.body).event
        assert isinstance(event, AuthorizationPush)
        assert (event.info_type, event.authorizer_appid, event.created) == (info_type, program, NOON)
        assert (event.authorization_code is None) == (event.pre_auth_code is None) == (info_type == "unauthorized")
        assert event.authorization_code_expired_time == (None if info_type == "unauthorized" else NOON + 3600)


async def test_tickets_are_known_and_lapse(sandbox: Sandbox, clock: HandClock) -> None:
    """The sandbox knows its tickets.

    A ticket of another provider, or an unknown one, is invalid (61006); one of 12 hours has expired
    (61005).
    """
    first, second, *_ = sandbox.components
    pushes = sandbox._pushes  # pyright: ignore[reportPrivateUsage]
    sandbox.ticket_push(first)
    good = f"sandbox-ticket-{first}-1"
    assert pushes.refusal(first, good) is None
    wrong = [
        (second, good),
        (first, f"sandbox-ticket-{first}-2"),
        (first, f"sandbox-ticket-{first}-0"),
        (first, f"{good[:-1]}٢"),
        (first, ""),
    ]
    assert [pushes.refusal(*pair) for pair in wrong] == [61006] * 5
    await clock.advance(12 * 3600 - 1)
    assert pushes.refusal(first, good) is None
    await clock.advance(1)
    assert pushes.refusal(first, good) == 61005


async def test_a_push_is_posted() -> None:
    """Posting sends the push as it is, and returns the server's answer.

    A query that the URL already has stays.
    """

    async def answer(peer: Peer) -> None:
        await peer.request()
        await peer.reply(b"refused", status="403 Forbidden")

    push = Push("a=1", b"<xml/>")
    async with FaultServer(answer) as server:
        assert await push.post(f"{server.url}/wechat") == (403, "refused")
        assert await push.post(f"{server.url}/wechat?tenant=1") == (403, "refused")
    assert [(got.method, got.target, got.body) for got in server.requests] == [
        ("POST", "/wechat?a=1", b"<xml/>"),
        ("POST", "/wechat?tenant=1&a=1", b"<xml/>"),
    ]


def test_only_providers_are_pushed_to(sandbox: Sandbox) -> None:
    """A push for an appid that is no provider's cannot be made."""
    with pytest.raises(KeyError):
        sandbox.ticket_push("wx-nobody")
