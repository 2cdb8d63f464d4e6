"""The sandbox's token calls.

Which caller gets a token, how long it works, and what is refused.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from wxrevenue import ConfigurationError
from wxrevenue.sandbox import Mishap, Sandbox

COMPONENT_TOKEN, AUTHORIZER_TOKEN, START_PUSH = (
    f"/cgi-bin/component/{name}" for name in ("api_component_token", "api_authorizer_token", "api_start_push_ticket")
)
START = 1_774_000_000.0


class World:
    """A sandbox whose clock is moved by hand, and its first provider."""

    def __init__(self, **options: Any) -> None:
        self.now = START
        self.sandbox = Sandbox(now=lambda: self.now, **options)
        self.component = self.sandbox.components[0]
        self.program = self.sandbox.programs(self.component)[0]

    def ask(self, path: str, payload: object, token: str | None = None, method: str = "POST") -> Any:
        """Return an answer's JSON."""
        target = path if token is None else f"{path}?access_token={token}"
        body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        return orjson.loads(self.sandbox.handle(method, target, {}, body).body)

    def component_token(self, **changes: Any) -> Any:
        """Ask for the component's token; ``None`` leaves a field out."""
        fields: dict[str, Any] = {
            "component_appid": self.component,
            "component_appsecret": self.sandbox.component_secret(self.component),
            **changes,
        }
        if "component_verify_ticket" not in changes:
            fields["component_verify_ticket"] = self.sandbox.ticket(self.component).value.reveal()
        return self.ask(COMPONENT_TOKEN, {key: value for key, value in fields.items() if value is not None})

    def authorizer_token(self, token: str | None = None, **changes: Any) -> Any:
        """Ask for the first Mini Program's token."""
        fields = {
            "component_appid": self.component,
            "authorizer_appid": self.program,
            "authorizer_refresh_token": self.sandbox.refresh_token(self.program),
            **changes,
        }
        return self.ask(AUTHORIZER_TOKEN, fields, self.sandbox.component_token(self.component) if token is None else token)

    def works(self, token: str) -> bool | int:
        """Return whether a call with the token is answered, or the code of its refusal."""
        target = f"/wxa/getdefaultamsinfo?action=get_share_ratio&access_token={token}"
        answer = orjson.loads(self.sandbox.handle("POST", target, {}, orjson.dumps({"appid": self.component})).body)
        code: int = answer.get("errcode", 0)
        return code or True


# -- the component's token -------------------------------------------------------------------------


def test_a_component_token() -> None:
    """Secret and ticket give a token for two hours, without an errcode.

    It is the one in force.
    """
    world = World()
    found = world.component_token()
    assert found == {"component_access_token": world.sandbox.component_token(world.component), "expires_in": 7200}
    assert world.works(found["component_access_token"]) is True
    assert world.sandbox.calls["api_component_token", "ok"] == 1


def test_a_token_runs_out() -> None:
    """A token works until its time is up, then answers 42001.

    The first, made-up one has no end.
    """
    world = World(token_lifetime=600)
    first = world.sandbox.component_token(world.component)
    world.now += 10_000
    assert world.works(first) is True
    token = world.component_token()["component_access_token"]
    world.now += 599
    assert world.works(token) is True
    world.now += 1
    assert world.works(token) == 42001


def test_five_minutes_of_both() -> None:
    """After a new token was handed out the old one works for five more minutes.

    Then it is not the latest (40001).
    """
    world = World()
    old = world.component_token()["component_access_token"]
    new = world.component_token()["component_access_token"]
    world.now += 299
    assert world.works(old) is world.works(new) is True
    world.now += 1
    assert (world.works(old), world.works(new)) == (40001, True)


def test_two_in_a_row() -> None:
    """Only the token right before the newest goes on working.

    Refreshing often ends the older ones at once.
    """
    world = World()
    tokens = [world.component_token()["component_access_token"] for _ in range(3)]
    assert [world.works(token) for token in tokens] == [40001, True, True]


def test_the_overlap_does_not_lengthen_a_life() -> None:
    """A token that would end within the five minutes ends then."""
    world = World(token_lifetime=600)
    old = world.component_token()["component_access_token"]
    world.now += 500
    world.component_token()
    world.now += 100
    assert world.works(old) == 40001


def test_expiring_by_hand() -> None:
    """A token that is made to expire answers 42001 at once.

    So do all before it. A call then gives one that works.
    """
    world = World()
    older = world.component_token()["component_access_token"]
    old = world.component_token()["component_access_token"]
    world.sandbox.expire_token(world.component)
    assert (world.works(older), world.works(old)) == (42001, 42001)
    assert world.works(world.component_token()["component_access_token"]) is True


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"component_appid": None}, 40013),
        ({"component_appid": "wx-of-nobody"}, 40013),
        ({"component_appsecret": None}, 41004),
        ({"component_appsecret": "sandbox-secret-of-nobody"}, 40125),
        ({"component_verify_ticket": None}, 61006),
        ({"component_verify_ticket": "sandbox-ticket-of-nobody-1"}, 61006),
    ],
)
def test_what_gives_no_component_token(changes: dict[str, Any], code: int) -> None:
    """A wrong appid, secret or ticket has its code.

    It leaves the token in force alone.
    """
    world = World()
    before = world.sandbox.component_token(world.component)
    answer = world.component_token(**changes)
    assert answer["errcode"] == code
    assert " rid: " in answer["errmsg"]
    assert world.works(before) is True
    assert world.sandbox.component_token(world.component) == before


def test_tickets_last_twelve_hours() -> None:
    """Each of the last twelve hours' tickets is good.

    An older one answers 61005, another provider's 61006.
    """
    world = World()
    old = world.sandbox.ticket(world.component).value.reveal()
    world.now += 12 * 3600 - 1
    world.sandbox.ticket(world.component)
    assert "component_access_token" in world.component_token(component_verify_ticket=old)
    world.now += 1
    assert world.component_token(component_verify_ticket=old)["errcode"] == 61005
    other = world.sandbox.ticket(world.sandbox.components[1]).value.reveal()
    assert world.component_token(component_verify_ticket=other)["errcode"] == 61006


@pytest.mark.parametrize("path", [COMPONENT_TOKEN, AUTHORIZER_TOKEN, START_PUSH])
@pytest.mark.parametrize(("method", "body", "code"), [("GET", b"{}", 43002), ("POST", b"", 44002), ("POST", b"[", 47001)])
def test_what_is_no_request(path: str, method: str, body: bytes, code: int) -> None:
    """A token call is POST with a JSON object; another request is refused."""
    assert World().ask(path, body, method=method)["errcode"] == code


def test_there_is_no_such_call() -> None:
    """An unknown path of the platform is not found."""
    assert World().sandbox.handle("POST", "/cgi-bin/component/api_of_nobody", {}, b"{}").status == 404


# -- an authorizer's token -------------------------------------------------------------------------


def test_an_authorizer_token() -> None:
    """The component's token and a refresh token give the Mini Program's token.

    They give the same refresh token again.
    """
    world = World()
    found = world.authorizer_token()
    assert found == {
        "authorizer_access_token": world.sandbox.authorizer_token(world.program),
        "expires_in": 7200,
        "authorizer_refresh_token": world.sandbox.refresh_token(world.program),
    }
    assert world.works(found["authorizer_access_token"]) == 48001


def test_an_authorizer_token_runs_out() -> None:
    """Mini Programs' tokens end, overlap and expire as providers' do.

    While they work, the only error is that their kind is wrong.
    """
    world = World(token_lifetime=600)
    old = world.authorizer_token()["authorizer_access_token"]
    new = world.authorizer_token()["authorizer_access_token"]
    assert (world.works(old), world.works(new)) == (48001, 48001)
    world.now += 300
    assert (world.works(old), world.works(new)) == (40001, 48001)
    world.now += 300
    assert world.works(new) == 42001
    newest = world.authorizer_token()["authorizer_access_token"]
    world.sandbox.expire_token(world.program)
    assert world.works(newest) == 42001


def test_authorizing_anew() -> None:
    """After a new authorization the old refresh token works for five minutes.

    It gives the new one.
    """
    world = World()
    old = world.sandbox.refresh_token(world.program)
    new = world.sandbox.authorize(world.program)
    assert new != old
    assert world.authorizer_token(authorizer_refresh_token=old)["authorizer_refresh_token"] == new
    world.now += 300
    assert world.authorizer_token(authorizer_refresh_token=old)["errcode"] == 61023
    assert world.authorizer_token(authorizer_refresh_token=new)["authorizer_refresh_token"] == new


def test_what_gives_no_authorizer_token() -> None:
    """A wrong token, provider, Mini Program or refresh token has its code."""
    world = World()
    other = world.sandbox.components[1]
    assert world.authorizer_token(token="")["errcode"] == 41001
    assert world.authorizer_token(token="fake-token-of-nobody")["errcode"] == 40001
    assert world.authorizer_token(token=world.sandbox.authorizer_token(world.program))["errcode"] == 61014
    assert world.authorizer_token(component_appid=other)["errcode"] == 40013
    assert world.authorizer_token(authorizer_appid=world.sandbox.programs(other)[0])["errcode"] == 61003
    assert world.authorizer_token(authorizer_refresh_token="sandbox-refresh-of-nobody-1")["errcode"] == 61023
    assert world.authorizer_token(authorizer_refresh_token=["x"])["errcode"] == 61023
    world.sandbox.expire_token(world.component)
    expired = world.sandbox.component_token(world.component).rpartition("-")[0] + "-1"
    assert world.authorizer_token(token=expired)["errcode"] == 42001


# -- the push, and trouble -------------------------------------------------------------------------


def test_starting_the_push() -> None:
    """Starting the push answers "ok" the first time; a wrong secret starts nothing."""
    world = World()
    fields = {"component_appid": world.component, "component_secret": world.sandbox.component_secret(world.component)}
    assert world.ask(START_PUSH, {**fields, "component_secret": "sandbox-secret-of-nobody"})["errcode"] == 40125
    assert not world.sandbox.is_pushing(world.component)
    assert world.ask(START_PUSH, fields) == {"errcode": 0, "errmsg": "ok"}
    assert world.ask(START_PUSH, fields) == {"errcode": 0, "errmsg": "in a normal state"}
    assert world.sandbox.is_pushing(world.component)


def test_trouble_with_tokens() -> None:
    """Token calls have scripted trouble like any call.

    The trouble is a code, or an answer that is lost after the token was made.
    """
    world = World()
    world.sandbox.next(61004, Mishap.DROP_AFTER, action="api_component_token")
    assert world.component_token()["errcode"] == 61004
    before = world.sandbox.component_token(world.component)
    fields = {
        "component_appid": world.component,
        "component_appsecret": world.sandbox.component_secret(world.component),
        "component_verify_ticket": world.sandbox.ticket(world.component).value.reveal(),
    }
    assert world.sandbox.handle("POST", COMPONENT_TOKEN, {}, orjson.dumps(fields)).drop is not None
    assert world.sandbox.component_token(world.component) != before


def test_a_life_of_nothing() -> None:
    """A lifetime below a second is refused."""
    with pytest.raises(ConfigurationError, match=r"Sandbox\.token_lifetime"):
        Sandbox(token_lifetime=0)
