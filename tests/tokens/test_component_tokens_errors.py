"""Why a token could not be fetched: each error says what to do."""

from __future__ import annotations

import asyncio
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from support.leaks import assert_no_leak
from support.platform import PATIENCE, PROGRAM, REFRESH, SECRETS, TICKET, Platform, Tickets, component_tokens, reject, shown, token
from support.virtual import virtual

from wxrevenue import (
    ApiError,
    ConfigurationError,
    Event,
    FileTicketStore,
    MemoryTokenStore,
    NotSentError,
    OutcomeUnknownError,
    QuotaExceededError,
    ResponseLostError,
    ServerBusyError,
    StoredToken,
    Ticket,
    TokenEvent,
    TokenKind,
    TokenUnavailableError,
    WxRevenueError,
)

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_700_000_000.0
COMPONENT_CODES = {
    -1: "Try again",
    40001: "check the component's secret",
    40013: "check the component's appid",
    40125: "check the component's secret",
    40164: "whitelist",
    41002: "appid",
    41004: "check the component's secret",
    45009: "find out who refreshes so often",
    45011: "let one process refresh",
    47001: "changed the request",
    48001: "third-party platform's",
    61004: "whitelist",
    61005: "call start_push_ticket()",
    61006: "call start_push_ticket()",
    61011: "check the component's appid",
}
AUTHORIZER_CODES = {
    61003: "authorize the component again",
    61007: "permission set",
    61023: "add_authorizer()",
    40013: "appid",
    45009: "find out who refreshes so often",
    61004: "whitelist",
}


@pytest.mark.parametrize("code", sorted(COMPONENT_CODES))
@virtual
async def test_every_code_of_the_components_token(code: int, caplog: pytest.LogCaptureFixture) -> None:
    """For any answer of WeChat the error has its code and says what to do.

    It keeps WeChat's words, without what they repeat.
    """
    platform = Platform(code, code, code)
    async with component_tokens(platform) as tokens:
        with pytest.raises(TokenUnavailableError) as caught:
            await token(tokens)
    error = caught.value
    assert isinstance(error.last, ApiError)
    assert error.last.code == code
    assert f"WeChat answered {code}" in str(error)
    assert "what to do: " in str(error)
    assert COMPONENT_CODES[code] in str(error)
    assert error.retryable is (code == -1)
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own)
    assert (str(copied), copied.last.code) == (str(error), code)
    assert_no_leak(error, copied, secrets=SECRETS, caplog=caplog)


@pytest.mark.parametrize("code", sorted(AUTHORIZER_CODES))
@virtual
async def test_every_code_of_an_authorizers_token(code: int) -> None:
    """For any refusal of an authorizer's token the error says what to do."""
    platform = Platform(None, code)
    async with component_tokens(platform) as tokens:
        await tokens.add_authorizer(PROGRAM, REFRESH)
        with pytest.raises(TokenUnavailableError, match=f"the token of authorizer {PROGRAM}") as caught:
            await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
    assert getattr(caught.value.last, "code", None) == code
    assert AUTHORIZER_CODES[code] in str(caught.value)
    assert_no_leak(caught.value, secrets=SECRETS)


@virtual
async def test_a_component_token_refused_twice() -> None:
    """40001 in the call for an authorizer's token is about the component's token.

    That token was sent. The error does not blame the secret.
    """
    platform = Platform(None, 40001, None, 40001)
    async with component_tokens(platform) as tokens:
        await tokens.add_authorizer(PROGRAM, REFRESH)
        with pytest.raises(TokenUnavailableError, match="WeChat answered 40001") as caught:
            await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
    assert "secret" not in str(caught.value)
    assert "one process alone refreshes it" in str(caught.value)


@virtual
async def test_a_code_that_nobody_knows() -> None:
    """An unknown code is reported unchanged, with where to look it up."""
    async with component_tokens(Platform(61999)) as tokens:
        with pytest.raises(TokenUnavailableError, match="WeChat answered 61999") as caught:
            await token(tokens)
    assert "Look the code up" in str(caught.value)


@virtual
async def test_no_ticket_yet() -> None:
    """K-16, X-19: before the first ticket there is no request.

    The error says where tickets come from. The first one is used soon.
    """
    platform, tickets = Platform(), Tickets()
    async with component_tokens(platform, tickets=tickets) as tokens:
        with pytest.raises(TokenUnavailableError, match="there is no component_verify_ticket yet") as caught:
            await token(tokens)
        assert "every ten minutes" in str(caught.value)
        assert "start_push_ticket()" in str(caught.value)
        assert "a slash at its end included" in str(caught.value)
        assert caught.value.last is None
        assert not platform.calls
        await tickets.put(Ticket(TICKET, NOW))
        await asyncio.sleep(2)
        assert await shown(tokens) == "fake-component-token-1"


@pytest.mark.parametrize(("minutes", "warned"), [(29.9, False), (30.1, True), (12.1 * 60, True), (50.0 * 60, True)])
@virtual
async def test_an_old_ticket_is_used(minutes: float, warned: bool, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001
    """K-17: an old ticket is used all the same, even past its 12 hours.

    Clocks differ. The log has a warning, and there is an event.
    """
    told: list[Event] = []
    async with component_tokens(Platform(), ticket=Ticket(TICKET, NOW - minutes * 60), on_event=told.append) as tokens:
        await token(tokens)
    said = [event.warning for event in told if isinstance(event, TokenEvent) and event.warning]
    assert len(said) == warned
    assert all("pushes have stopped" in warning and "start_push_ticket()" in warning and warning in caplog.text for warning in said)
    assert ("pushes have stopped" in caplog.text) is warned
    assert_no_leak(*told, secrets=SECRETS, caplog=caplog)


@virtual
async def test_an_old_ticket_is_warned_of_once() -> None:
    """K-17: a ticket has one warning when it is overdue and one when it expired.

    The number of refreshes does not matter. The next ticket has its own warnings.
    """
    told: list[Event] = []
    tickets = Tickets(Ticket(TICKET, NOW - 3600))
    async with component_tokens(Platform(), tickets=tickets, on_event=told.append) as tokens:

        async def warnings(refreshes: int) -> list[str | None]:
            told.clear()
            for _ in range(refreshes):
                await reject(tokens, await token(tokens))
                await asyncio.sleep(600)
            return [event.warning for event in told if isinstance(event, TokenEvent) and event.warning]

        first = await warnings(9)
        assert [warning and "in 11.0 hours" in warning for warning in first] == [True]
        assert await warnings(9) == []
        await asyncio.sleep(12 * 3600)
        expired = await warnings(9)
        assert [warning and "in 0.0 hours" in warning for warning in expired] == [True]
        tickets.ticket = Ticket("fake-component-ticket-2", NOW + 16 * 3600)
        assert len(await warnings(9)) == 1


@virtual
async def test_a_refused_ticket_is_told_with_its_age() -> None:
    """K-17: when WeChat refuses the ticket, the error has its age."""
    async with component_tokens(Platform(61005), ticket=Ticket(TICKET, NOW - 13 * 3600)) as tokens:
        with pytest.raises(TokenUnavailableError, match=r"the ticket is 13\.0 hours old"):
            await token(tokens)


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        ([NotSentError("down", reason="dns")] * 3, NotSentError),
        ([ResponseLostError("gone", reason="reset")] * 3, OutcomeUnknownError),
        ([{"errcode": -1, "errmsg": "busy"}] * 3, ServerBusyError),
        ([{"errcode": 45009, "errmsg": "quota"}], QuotaExceededError),
    ],
    ids=["not sent", "lost", "busy", "quota"],
)
@virtual
async def test_what_kept_a_token_from_being_had(trouble: list[Any], kind: type[WxRevenueError]) -> None:
    """``last`` is the engine's own error, and says whether another try may help."""
    async with component_tokens(Platform(*trouble)) as tokens:
        with pytest.raises(TokenUnavailableError) as caught:
            await token(tokens)
    assert isinstance(caught.value.last, kind)
    assert caught.value.retryable is caught.value.last.retryable
    assert_no_leak(caught.value, secrets=SECRETS)


@virtual
async def test_a_lost_refresh_token_is_not_lost() -> None:
    """K-20: when the answer with a new refresh token is lost, the old one is kept.

    It is used again.
    """
    platform = Platform(None, *[ResponseLostError("gone", reason="reset")] * 3)
    store = MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, REFRESH)
        with pytest.raises(TokenUnavailableError) as caught:
            await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
        assert isinstance(caught.value.last, OutcomeUnknownError)
        await asyncio.sleep(3)
        await tokens.get(TokenKind.AUTHORIZER, PROGRAM, timeout=PATIENCE)
    assert platform.bodies[-1]["authorizer_refresh_token"] == REFRESH


class Broken(MemoryTokenStore):
    """A store that raises in one method."""

    def __init__(self, *broken: str) -> None:
        super().__init__()
        self.broken = set(broken)

    def _may(self, name: str) -> None:
        if name in self.broken:
            raise OSError(f"fake-component-token in a foreign text, {name}")

    async def read(self, name: str) -> StoredToken | None:
        """Read, or raise."""
        self._may("read")
        return await super().read(name)

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Lock, or raise."""
        self._may("lock")
        return await super().lock(name, lease=lease)

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Write, or raise."""
        self._may("write")
        return await super().write(name, record, fence=fence)

    async def unlock(self, name: str, *, fence: int) -> None:
        """Unlock, or raise."""
        self._may("unlock")
        await super().unlock(name, fence=fence)


@pytest.mark.parametrize("where", ["read", "lock"])
@virtual
async def test_a_store_that_raises(where: str) -> None:
    """An exception of a user's store is reported by its class alone.

    A token that lives is served meanwhile.
    """
    platform, store = Platform(), Broken(where)
    async with component_tokens(platform, store=store) as tokens:
        with pytest.raises(TokenUnavailableError, match="raised OSError") as caught:
            await token(tokens)
        store.broken.clear()
        await asyncio.sleep(2)
        await token(tokens)
        store.broken.add(where)
        await asyncio.sleep(7200 - 100)
        assert await shown(tokens) == "fake-component-token-1"
    assert_no_leak(caught.value, secrets=SECRETS)


@virtual
async def test_a_store_that_cannot_keep_a_token(caplog: pytest.LogCaptureFixture) -> None:
    """A token that cannot be stored is served all the same.

    There are some tries, and an error in the log.
    """
    platform, store = Platform(), Broken("write", "unlock")
    async with component_tokens(platform, store=store) as tokens:
        assert await shown(tokens) == "fake-component-token-1"
    assert "could not be stored (OSError)" in caplog.text
    assert_no_leak(secrets=SECRETS, caplog=caplog)


@virtual
async def test_a_store_that_fails_for_a_moment(caplog: pytest.LogCaptureFixture) -> None:
    """A token that could not be stored at first is stored later.

    The store is back within a second or so.
    """
    platform, store = Platform(), Broken("write")
    async with component_tokens(platform, store=store) as tokens:
        asyncio.get_running_loop().call_later(2.0, store.broken.clear)
        assert await shown(tokens) == "fake-component-token-1"
        await asyncio.sleep(2.0)
        record = await store.read(f"{tokens.component_appid}/")
    assert record is not None
    assert record.token is not None
    assert "could not be stored" not in caplog.text


@virtual
async def test_a_ticket_file_that_is_refused(tmp_path: Path) -> None:
    """An error of the package from a ticket store reaches the caller unchanged.

    Each caller gets an instance of its own.
    """
    path = tmp_path / "ticket"
    path.write_text("{}")
    path.chmod(0o644)
    async with component_tokens(Platform(), tickets=FileTicketStore(path)) as tokens:
        errors = await asyncio.gather(token(tokens), token(tokens), return_exceptions=True)
    assert all(isinstance(error, ConfigurationError) and "the next push replaces it" in str(error) for error in errors)
    assert errors[0] is not errors[1]


@virtual
async def test_tickets_that_raise() -> None:
    """An exception of a user's ticket store is reported by its class alone."""

    class Raising(Tickets):
        async def get(self) -> Ticket | None:
            raise OSError("fake-component-ticket in a foreign text")

    async with component_tokens(Platform(), tickets=Raising()) as tokens:
        with pytest.raises(TokenUnavailableError, match="raised OSError") as caught:
            await token(tokens)
    assert_no_leak(caught.value, secrets=SECRETS)


@pytest.mark.parametrize("given", [TICKET, {"ticket": TICKET}, TICKET.encode()], ids=lambda given: type(given).__name__)
@virtual
async def test_tickets_that_are_none(given: Any) -> None:
    """A user's ticket store that returns no ticket gets an error that says so.

    The returned value shows nowhere.
    """

    class Wrong(Tickets):
        async def get(self) -> Any:
            return given

    async with component_tokens(Platform(), tickets=Wrong()) as tokens:
        with pytest.raises(ConfigurationError, match=f"must return a Ticket or None, got {type(given).__name__}") as caught:
            await token(tokens)
    assert_no_leak(caught.value, secrets=SECRETS)
