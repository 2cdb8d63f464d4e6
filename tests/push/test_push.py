"""What a receiver makes of a push.

The query that it needs, the event, and repetitions.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from support.leaks import assert_no_leak
from support.pushkit import (
    APPID,
    KEY,
    NOON,
    REFUSED,
    SECRETS,
    TICKET,
    TOKEN,
    inner,
    on_the_wire,
    push,
    query,
    receiver,
    refused,
    sign,
    ticket_push,
    xml,
)
from support.virtual import HandClock

from wxrevenue import ConfigurationError, Secret, Ticket
from wxrevenue import push as push_package
from wxrevenue.push import AuthorizationPush, TicketReceiver
from wxrevenue.push._component.xml import read_fields

PARAMETERS, BODY = push()
ENCRYPTED = read_fields(BODY, {"Encrypt"})["Encrypt"]
DAY = 24 * 3600

# -- the query -------------------------------------------------------------------------------------


def test_a_ticket_comes_out() -> None:
    """A good push gives the ticket with WeChat's own time.

    It also gives the reply that WeChat expects.
    """
    reply = receiver().handle(PARAMETERS, BODY)
    assert reply.event == Ticket(TICKET, NOON)
    assert on_the_wire(reply) == (200, b"success", "text/plain")
    assert reply.is_success
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        reply.status = 500  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_blanks_around_a_field_do_not_count() -> None:
    """A field may stand between blanks and line ends.

    WeChat's own pages show it: "1413192605 " for a time.
    """
    blank = inner(AppId=f"\n{APPID}\n", CreateTime=f"{NOON} ", InfoType="\tcomponent_verify_ticket", ComponentVerifyTicket=f" {TICKET}\n")
    assert receiver().handle(*push(blank)).event == Ticket(TICKET, NOON)


def test_queries_that_are_taken() -> None:
    """The query may come as ``str`` or bytes.

    It may have parameters of the application's own, and no encrypt_type.
    """
    judge = receiver()
    for parameters in (PARAMETERS, PARAMETERS.encode(), f"tenant=1&tenant=2&{PARAMETERS}&", query(ENCRYPTED, encrypt_type=None)):
        assert judge.handle(parameters, BODY).event == Ticket(TICKET, NOON)


@pytest.mark.parametrize("name", ["timestamp", "nonce", "msg_signature"])
def test_parameters_must_be_there_once(name: str) -> None:
    """A needed parameter that is missing, empty or there twice refuses the push.

    Both copies may be the same.
    """
    value = dict(part.split("=") for part in PARAMETERS.split("&"))[name]
    empty, missing = query(ENCRYPTED, **{name: ""}), query(ENCRYPTED, **{name: None})
    for parameters in (empty, missing, f"{PARAMETERS}&{name}={value}", f"{name}=1&{PARAMETERS}"):
        assert name in refused(receiver().handle, (parameters, BODY))


@pytest.mark.parametrize("kind", ["raw", "", "AES", "aes "])
def test_plain_pushes_are_refused(kind: str) -> None:
    """A push that does not claim to be encrypted is refused.

    This holds even if it is signed as pushes in plain text are.
    """
    assert refused(receiver().handle, (query(ENCRYPTED, encrypt_type=kind), BODY)) == "encrypt_type is not aes"
    assert refused(receiver().handle, (f"{PARAMETERS}&encrypt_type=raw", BODY)) == "encrypt_type is not aes"
    assert refused(receiver().handle, (query(ENCRYPTED, encrypt_type=None, msg_signature=None), inner()))
    assert refused(receiver().handle, (PARAMETERS, inner())) == "nothing is encrypted"


def test_plain_fields_beside_the_encrypted_ones_count_for_nothing() -> None:
    """In "compatible mode" the plain text beside the encrypted one is not read.

    The plain text is not signed.
    """
    forged = {"InfoType": "component_verify_ticket", "ComponentVerifyTicket": "fake-forged-ticket", "CreateTime": NOON + 60}
    assert receiver().handle(PARAMETERS, xml(AppId=APPID, **forged, Encrypt=ENCRYPTED)).event == Ticket(TICKET, NOON)


def test_the_plain_signature_is_no_signature() -> None:
    """``signature``, which covers no content, opens nothing.

    What counts is ``msg_signature``.
    """
    plain = sign(TOKEN, str(NOON), "1372623149")
    assert "signature" in refused(receiver().handle, (query(ENCRYPTED, msg_signature=plain), BODY))
    assert receiver().handle(query(ENCRYPTED, signature="wrong"), BODY).is_success


@pytest.mark.parametrize(
    "parameters",
    [
        "",
        "&&&",
        "timestamp",
        "%ff=%ff",
        "nonce=%ff&" + PARAMETERS,
        b"\xff",
        "é=é",
        "\ud800",
        "a=1&" * 65 + PARAMETERS,
        "a" * 4096 + "&" + PARAMETERS,
    ],
)
def test_queries_that_are_none(parameters: str | bytes) -> None:
    """A query that is broken, or larger than any push's, is refused like all else."""
    refused(receiver().handle, (parameters, BODY))


@pytest.mark.parametrize(("timestamp", "nonce"), [("1e9", "1"), ("-1", "1"), ("1" * 21, "1"), ("1", "a b"), ("1", "é"), ("1", "a" * 64)])
def test_parameters_of_another_shape(timestamp: str, nonce: str) -> None:
    """Timestamps are digits and nonces short; a push with others is refused."""
    refused(receiver().handle, (query(ENCRYPTED, timestamp=timestamp, nonce=nonce), BODY))


@pytest.mark.parametrize("given", [({"timestamp": "1"}, b""), (None, b""), ("", "<xml/>"), ("", None), ("", bytearray())])
def test_other_types_are_the_callers_mistake(given: Any) -> None:
    """A dict for the raw query, or ``str`` for the body's bytes, is an error.

    The programmer gets it, and WeChat does not.
    """
    with pytest.raises(ConfigurationError, match=r"TicketReceiver\.handle: expected the query as it was on the wire") as caught:
        receiver().handle(*given)
    assert_no_leak(caught.value, secrets=SECRETS)


# -- what is said ----------------------------------------------------------------------------------


def changed(**fields: Any) -> Any:
    """Return the event of a push about an authorization."""
    return receiver().handle(*push(inner(ComponentVerifyTicket=None, **fields))).event


def test_authorizations_come_out() -> None:
    """The events of an authorization, its change and its end are complete.

    They have all that WeChat says; codes are secrets.
    """
    codes = {"AuthorizationCode": "fake-auth-code", "AuthorizationCodeExpiredTime": NOON + 3600, "PreAuthCode": "fake-pre-auth-code"}
    for kind in ("authorized", "updateauthorized"):
        event = changed(InfoType=kind, AuthorizerAppid="wx0000000000000009", **codes)
        assert event == AuthorizationPush(
            info_type=kind,
            authorizer_appid="wx0000000000000009",
            created=NOON,
            authorization_code=Secret("fake-auth-code"),
            authorization_code_expired_time=NOON + 3600,
            pre_auth_code=Secret("fake-pre-auth-code"),
        )
        assert_no_leak(event, secrets=["fake-auth-code", "fake-pre-auth-code"])
    ended = changed(InfoType="unauthorized", AuthorizerAppid="wx0000000000000009")
    assert ended == AuthorizationPush(info_type="unauthorized", authorizer_appid="wx0000000000000009", created=NOON)


def test_an_odd_expiry_costs_no_authorization() -> None:
    """A wrong time of expiry is left out; the rest of the authorization is read."""
    event = changed(InfoType="authorized", AuthorizerAppid="wx9", AuthorizationCode="fake-auth-code", AuthorizationCodeExpiredTime="soon")
    assert (event.authorization_code, event.authorization_code_expired_time) == (Secret("fake-auth-code"), None)


def test_other_kinds_are_acknowledged() -> None:
    """A kind of push that is not handled here is acknowledged, without an event.

    So WeChat does not repeat it.
    """
    reply = receiver().handle(*push(inner(InfoType="notify_third_fasteregister", ComponentVerifyTicket=None)))
    assert (reply.is_success, reply.event) == (True, None)
    assert reply.reason == "'notify_third_fasteregister' is not handled here"


@pytest.mark.parametrize(
    "fields",
    [
        {"InfoType": None},
        {"InfoType": ""},
        {"CreateTime": None},
        {"CreateTime": "0"},
        {"CreateTime": "-1"},
        {"CreateTime": "1e9"},
        {"CreateTime": "17000 00000"},
        {"CreateTime": "1" * 13},
        {"ComponentVerifyTicket": None},
        {"ComponentVerifyTicket": ""},
        {"ComponentVerifyTicket": "fake ticket"},
        {"ComponentVerifyTicket": "f" * 2049},
        {"InfoType": "authorized"},
        {"InfoType": "unauthorized", "AuthorizerAppid": ""},
    ],
    ids=str,
)
def test_contents_that_are_refused(fields: dict[str, Any]) -> None:
    """A push is refused if a needed field is missing, empty or of another shape.

    WeChat shall send it again.
    """
    assert "is missing, or no" in refused(receiver().handle, push(inner(**fields)))


def test_the_future_is_refused() -> None:
    """K-18: a ticket from more than a day ahead is refused.

    Once kept, it would stay longer than every true one.
    """
    assert receiver().handle(*ticket_push(created=NOON + DAY)).is_success
    assert "clock" in refused(receiver().handle, ticket_push(created=NOON + DAY + 1))


def test_every_refusal_looks_the_same() -> None:
    """X-11: every refusal is the same, so the sender learns nothing from it.

    The push is broken, unsigned, wrongly sealed, for another appid, or senseless.
    """
    pushes = [
        ("", b""),
        (PARAMETERS, b"x" * 70_000),
        (PARAMETERS, xml(Encrypt="AAAA")),
        (query(ENCRYPTED, nonce="1", msg_signature="0" * 40), BODY),
    ]
    pushes += [
        push(key=KEY[::-1]),
        push(owner="wx2"),
        push(length=7),
        push(b"<!DOCTYPE a><a/>"),
        push(inner(AppId="wx2")),
        push(inner(InfoType="")),
    ]
    replies = [receiver().handle(*pushed) for pushed in pushes]
    assert {on_the_wire(reply) for reply in replies} == {REFUSED}
    assert len({reply.reason for reply in replies}) > 7  # but the log does
    assert_no_leak(*replies, secrets=SECRETS)


# -- what came before ------------------------------------------------------------------------------


async def test_a_repetition_is_acknowledged_once_it_is_done() -> None:
    """X-10: a push that was handled is acknowledged without an event for a day.

    Until then it counts as new.
    """
    clock = HandClock(NOON)
    judge = receiver(clock)
    first = judge.handle(PARAMETERS, BODY)
    assert judge.handle(PARAMETERS, BODY).event == Ticket(TICKET, NOON)  # what was not confirmed may have failed
    judge.confirm(first)
    await clock.advance(DAY - 1)
    again = judge.handle(PARAMETERS, BODY)
    assert (on_the_wire(again), again.event, again.reason) == ((200, b"success", "text/plain"), None, "it came before")
    judge.confirm(again)
    await clock.advance(1)
    assert judge.handle(PARAMETERS, BODY).event == Ticket(TICKET, NOON)  # the store sees that it is old


async def test_old_authorizations_are_dropped() -> None:
    """X-10: a push of an authorization of more than a day ago is dropped.

    It is acknowledged, whether it came before or not.
    """
    clock = HandClock(NOON)
    judge = receiver(clock)
    pushed = push(inner(InfoType="unauthorized", AuthorizerAppid="wx9", ComponentVerifyTicket=None))
    await clock.advance(DAY)
    assert judge.handle(*pushed).event is not None
    await clock.advance(1)
    late = judge.handle(*pushed)
    assert (late.is_success, late.event, late.reason) == (True, None, "it is older than a day")


@pytest.mark.slow("soaks the receiver, memory traced")
def test_memory_is_bounded() -> None:
    """X-16: in a flood of different pushes only the newest 4,096 are remembered."""
    judge = receiver()
    replies = [judge.handle(*ticket_push(n)) for n in range(4_100)]
    for reply in replies:
        judge.confirm(reply)
    assert len(judge._seen._times) == 4_096  # pyright: ignore[reportPrivateUsage]
    assert judge.handle(*ticket_push(4_099)).event is None
    assert judge.handle(*ticket_push(3)).event == Ticket("fake-ticket-3", NOON)


def test_refusals_are_not_remembered() -> None:
    """A refusal that is confirmed by mistake is not remembered."""
    judge = receiver()
    judge.confirm(judge.handle("", b""))
    judge.confirm(judge.refuse("the store is down"))
    assert judge.handle(PARAMETERS, BODY).event == Ticket(TICKET, NOON)
    assert on_the_wire(judge.refuse("the store is down")) == REFUSED


def test_receivers_need_no_event_loop() -> None:
    """A receiver works without an event loop, by the machine's clock."""
    assert TicketReceiver(APPID, TOKEN, KEY).handle(PARAMETERS, BODY).is_success
    assert repr(TicketReceiver(APPID, TOKEN, KEY)) == f"TicketReceiver('{APPID}')"


def test_the_former_name_of_an_authorization() -> None:
    """``push.Authorization`` is still ``AuthorizationPush``.

    It warns with the new name.
    """
    with pytest.warns(DeprecationWarning, match="is called AuthorizationPush now"):
        former = getattr(push_package, "Authorization")  # noqa: B009  (type checkers do not know it)
    assert former is AuthorizationPush
