"""A refresh token that WeChat handed out is never lost while the process lives: whatever the store does, and whatever ends the refresh."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import COMPONENT, answer
from support.leaks import assert_no_leak
from support.platform import (
    FIRST,
    PATIENCE,
    PROGRAM,
    SECRET,
    SECRETS,
    TICKET,
    Rotating,
    Tickets,
    authorizers,
    component_tokens,
    nothing,
    replaced,
)
from support.virtual import WallClock, now, settle, virtual

from wxrevenue import (
    ClientStateError,
    ComponentTokens,
    ConfigurationError,
    DeadlineExceededError,
    MemoryTokenStore,
    MemoryTransport,
    Secret,
    StoredToken,
    Ticket,
    TokenKind,
    TokenUnavailableError,
)
from wxrevenue.tokens.stores._writing import LEASE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wxrevenue import HttpRequest, HttpResponse, TokenStore

NAME = f"{COMPONENT}/{PROGRAM}"


class Failing(MemoryTokenStore):
    """A store some of whose methods fail, or hang, for a while."""

    def __init__(self, *methods: str, error: BaseException | None = None) -> None:
        super().__init__()
        self.methods = methods or ("read", "lock", "write", "renew", "unlock")
        self.error = error
        """What is raised; ``None``: it hangs."""
        self.away = False
        self.tries = 0

    async def _up(self, method: str) -> None:
        self.tries += self.away
        if self.away and method in self.methods:
            if self.error is not None:
                raise self.error
            await asyncio.sleep(1e6)

    async def read(self, name: str) -> StoredToken | None:
        """Return the record."""
        await self._up("read")
        return await super().read(name)

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the lock."""
        await self._up("lock")
        return await super().lock(name, lease=lease)

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        """Keep the lock."""
        await self._up("renew")
        return await super().renew(name, fence=fence, lease=lease)

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Replace the record."""
        await self._up("write")
        return await super().write(name, record, fence=fence)

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back."""
        await self._up("unlock")
        await super().unlock(name, fence=fence)

    async def goes_away(self) -> None:
        """Fail from now on."""
        self.away = True

    def comes_back(self) -> None:
        """Work again."""
        self.away = False


async def stored(store: MemoryTokenStore) -> str | None:
    """Return the refresh token that is in the store itself."""
    record = await MemoryTokenStore.read(store, NAME)
    return record.refresh.reveal() if record and record.refresh else None


def errors() -> list[Any]:
    """Return what a store that is away, full, read-only or slow raises."""
    return [TokenUnavailableError("OOM"), OSError("READONLY"), TimeoutError(), None]


# -- the store -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [1.5, 600.0])
@pytest.mark.parametrize("methods", [(), ("write",)], ids=["all", "write"])
@pytest.mark.parametrize("error", errors(), ids=["ours", "the system's", "too late", "hangs"])
@virtual
async def test_a_store_that_is_away_when_it_is_handed_out(error: Any, methods: tuple[str, ...], seconds: float) -> None:
    """K-25: it is stored as soon as the store works, without another refresh, and a process that starts then has it."""
    platform, store = Rotating(), Failing(*methods, error=error)
    platform.on_rotation = store.goes_away
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token-1"
        await asyncio.sleep(seconds)
        assert await stored(store) == FIRST
        store.away, platform.on_rotation = False, nothing
        await asyncio.sleep(61.0)
        assert await stored(store) == platform.newest == "fake-refresh-token-1"
    async with component_tokens(platform, store=store) as later:
        assert (await replaced(later, await authorizers(later))).reveal() == "fake-authorizer-token-2"


@virtual
async def test_refreshes_while_nothing_can_be_written(caplog: pytest.LogCaptureFixture) -> None:
    """K-25: while the store reads and locks but takes nothing, each refresh uses the newest refresh token; the log says so."""
    platform, store = Rotating(), Failing("write", error=OSError("fake-refresh-token"))
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        await store.goes_away()
        token = await authorizers(tokens)
        for _ in range(4):
            await asyncio.sleep(400.0)
            token = await replaced(tokens, token)
        assert token.reveal() == "fake-authorizer-token-5"
        await asyncio.sleep(10.0)
        store.away = False
    assert await stored(store) == platform.newest
    assert f"the token {NAME} could not be stored (OSError): it is kept in this process" in caplog.text
    assert f"the token {NAME} is stored now" in caplog.text
    assert_no_leak(secrets=SECRETS, caplog=caplog)


@virtual
async def test_closing_stores_what_was_not_stored() -> None:
    """K-25: a store that is back when the source is closed, or within seconds, gets what it had not taken."""
    platform, store = Rotating(), Failing(error=OSError())
    platform.on_rotation = store.goes_away
    tokens = component_tokens(platform, store=store)
    await tokens.add_authorizer(PROGRAM, FIRST)
    await authorizers(tokens)
    asyncio.get_running_loop().call_later(3.0, store.comes_back)
    await tokens.aclose()
    assert await stored(store) == platform.newest
    assert now() < LEASE
    assert await store.lock(NAME, lease=1.0) is not None, "the lock was not given back"
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_a_lock_that_could_not_be_given_back() -> None:
    """K-07: a source whose lock the store did not take back does not wait for its own lease at the next refresh."""
    platform, store = Rotating(), Failing("unlock", error=OSError())
    platform.on_rotation = store.goes_away
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        token = await authorizers(tokens)
        store.comes_back()
        begun = now()
        await replaced(tokens, token)
        assert now() - begun == platform.delay


@virtual
async def test_a_store_that_stays_away_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """K-25: closing ends in seconds; the log names what is not stored; the next source of this process has it all the same."""
    platform, store = Rotating(), Failing(error=OSError())
    platform.on_rotation = store.goes_away
    tokens = component_tokens(platform, store=store)
    await tokens.add_authorizer(PROGRAM, FIRST)
    await authorizers(tokens)
    begun = now()
    await tokens.aclose()
    assert now() - begun <= 10.0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert f"the tokens of {NAME} are not stored" in caplog.text
    store.away, platform.on_rotation = False, nothing
    async with component_tokens(platform, store=store) as later:
        await later.get(TokenKind.COMPONENT, None, timeout=PATIENCE)  # of whatever name
        await asyncio.sleep(1.0)
        assert await stored(store) == "fake-refresh-token-1"
        assert (await authorizers(later)).reveal() == "fake-authorizer-token-1"
        assert (await replaced(later, await authorizers(later))).reveal() == "fake-authorizer-token-2"


@pytest.mark.parametrize("lost", ["gone", "older"])
@virtual
async def test_a_store_that_loses_what_it_had(lost: str) -> None:
    """K-27: after a fail-over to a replica that lags behind, or a restart without persistence, the next refresh uses the newest."""
    platform, store = Rotating(), MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        older = dict(store._records)  # pyright: ignore[reportPrivateUsage]
        token = await authorizers(tokens)
        store._records = older if lost == "older" else {}  # pyright: ignore[reportPrivateUsage]
        assert (await replaced(tokens, token)).reveal() == "fake-authorizer-token-2"
        assert await stored(store) == platform.newest


@virtual
async def test_a_store_that_counts_anew() -> None:
    """K-05, K-27: a store that lost its counter with its records is not given an old record over one that was written since."""
    platform, store = Rotating(), MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        token = await authorizers(tokens)
        token = await replaced(tokens, token)
        store._records, store._locks = {}, {}  # pyright: ignore[reportPrivateUsage]
        await asyncio.sleep(100.0)
        await store.write(NAME, StoredToken(refresh=Secret(FIRST)), fence=1)
        platform.newest = FIRST
        await asyncio.sleep(100.0)
        assert (await replaced(tokens, token)).reveal() == "fake-authorizer-token-3"


@virtual
async def test_two_components_with_one_store() -> None:
    """K-23, K-25: when one of two sources closes, what the other has to write is still written as soon as that works."""
    platform, store = Rotating(), Failing("write", error=OSError())
    tokens = component_tokens(platform, store=store)
    tickets = Tickets(Ticket(TICKET, 1_700_000_000.0))
    other = ComponentTokens("wx3333333333333333", SECRET, tickets=tickets, store=store, transport=MemoryTransport(platform))
    await tokens.add_authorizer(PROGRAM, FIRST)
    platform.on_rotation = store.goes_away
    await authorizers(tokens)
    await other.aclose()
    assert await stored(store) == FIRST
    store.comes_back()
    await asyncio.sleep(10.0)
    assert await stored(store) == platform.newest
    await tokens.aclose()


class Unhashable(Failing):
    """A store that is compared by what is in it, as a plain dataclass is."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unhashable) and self.away == other.away

    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


class Slotted:
    """A store that cannot be referred to weakly."""

    __slots__ = ("behind",)

    def __init__(self, behind: MemoryTokenStore) -> None:
        self.behind = behind

    async def read(self, name: str) -> StoredToken | None:
        """Return the record."""
        return await self.behind.read(name)

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the lock."""
        return await self.behind.lock(name, lease=lease)

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Replace the record."""
        return await self.behind.write(name, record, fence=fence)

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back."""
        await self.behind.unlock(name, fence=fence)


@pytest.mark.parametrize("make", [Unhashable, Failing], ids=["unhashable", "slots"])
@virtual
async def test_a_store_of_any_make(make: Callable[..., Failing]) -> None:
    """K-25: what a closed source could not write is known to the next one, also if the store cannot be hashed, or referred to weakly."""
    platform, behind = Rotating(), make(error=OSError())
    store: TokenStore = behind if make is Unhashable else Slotted(behind)
    platform.on_rotation = behind.goes_away
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        token = await authorizers(tokens)
    assert await stored(behind) == FIRST
    behind.away, platform.on_rotation = False, nothing
    async with component_tokens(platform, store=store) as later:
        assert await authorizers(later) == token
        await asyncio.sleep(10.0)
        assert await stored(behind) == platform.newest


@virtual
async def test_another_source_goes_on() -> None:
    """K-25: what a source has not written when it closes is written by another source in front of the same store, which is in use."""
    platform, store = Rotating(), Failing(error=OSError())
    tokens, other = component_tokens(platform, store=store), component_tokens(platform, store=store)
    await tokens.add_authorizer(PROGRAM, FIRST)
    await other.get(TokenKind.COMPONENT, None, timeout=PATIENCE)
    platform.on_rotation = store.goes_away
    await authorizers(tokens)
    await tokens.aclose()
    assert await stored(store) == FIRST
    store.comes_back()
    await asyncio.sleep(10.0)
    assert await stored(store) == platform.newest
    await other.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_an_older_record_that_another_process_puts_back() -> None:
    """K-27: what a process that knows less puts back into a store that lost all of it does not pass for newer."""
    platform, shared = Rotating(), MemoryTokenStore()
    one, other = component_tokens(platform, store=Slotted(shared)), component_tokens(platform, store=Slotted(shared))
    await one.add_authorizer(PROGRAM, FIRST)
    await other._store.read(NAME)  # pyright: ignore[reportPrivateUsage]
    await asyncio.sleep(100.0)
    token = await authorizers(one)
    await asyncio.sleep(100.0)
    shared._records = {}  # pyright: ignore[reportPrivateUsage]
    await other._store.read(NAME)  # pyright: ignore[reportPrivateUsage]
    assert await stored(shared) == FIRST
    assert (await replaced(one, token)).reveal() == "fake-authorizer-token-2"
    assert await stored(shared) == platform.newest
    await one.aclose()
    await other.aclose()


@virtual
async def test_a_read_that_hangs_after_a_write_came_too_late() -> None:
    """K-05, K-26: a refresh that WeChat was asked in, and that others overtook, ends with its own token, and so does closing."""

    class Overtaken(Failing):
        async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
            if name == NAME and record.token is not None:
                await super().write(name, StoredToken(token=Secret("later"), left=9e3, refresh=Secret("later")), fence=fence + 1)
            return await super().write(name, record, fence=fence)

        async def read(self, name: str) -> StoredToken | None:
            found = await super().read(name)
            self.away = found is not None and found.refresh == Secret("later")
            return found

    platform, store = Rotating(), Overtaken("read")
    async with component_tokens(platform, store=store, deadline=50.0) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token-1"
    assert now() < LEASE
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("closes", [True, False])
@virtual
async def test_a_write_that_hangs_for_good(closes: bool) -> None:  # noqa: FBT001
    """K-25: one write that never comes back keeps neither the next one from being made, nor what was handed out from being stored."""
    platform, store = Rotating(), Failing("write")
    tokens = component_tokens(platform, store=store)
    await tokens.add_authorizer(PROGRAM, FIRST)
    platform.on_rotation = store.goes_away
    waiting = asyncio.create_task(authorizers(tokens))
    await asyncio.sleep(3.0)
    assert store.tries
    store.comes_back()
    await (tokens.aclose() if closes else asyncio.sleep(5.0))
    assert await stored(store) == platform.newest == "fake-refresh-token-1"
    await asyncio.gather(waiting, return_exceptions=True)
    await tokens.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_a_store_that_cancels() -> None:
    """K-25: a store that raises ``CancelledError`` by itself is tried again like any other."""

    class Cancelling(MemoryTokenStore):
        left = 2

        async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
            if record.token is not None and name == NAME and self.left:
                self.left -= 1
                raise asyncio.CancelledError
            return await super().write(name, record, fence=fence)

    platform, store = Rotating(), Cancelling()
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token-1"
        await asyncio.sleep(5.0)
        assert await stored(store) == platform.newest


@pytest.mark.parametrize("method", ["read", "lock"])
@virtual
async def test_a_store_that_cancels_before_anybody_is_asked(method: str) -> None:
    """K-03: a ``CancelledError`` of the store's own is told as the store's, not as the closing of the source."""
    platform, store = Rotating(), Failing(method, error=OSError())
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        store.away, store.error = True, asyncio.CancelledError()
        with pytest.raises(TokenUnavailableError, match="getting one raised CancelledError"):
            await authorizers(tokens)
        store.comes_back()
        await asyncio.sleep(10.0)
        await authorizers(tokens)


@virtual
async def test_a_lock_without_a_number() -> None:
    """K-21: a store whose locks have no number is refused before WeChat is asked: no record could be told from an older one."""

    class Textual(MemoryTokenStore):
        async def lock(self, name: str, *, lease: float) -> Any:
            return str(await super().lock(name, lease=lease))

    platform = Rotating()
    async with component_tokens(platform, store=Textual()) as tokens:
        with pytest.raises(ConfigurationError, match=r"lock\(\) must return an int or None, got str"):
            await authorizers(tokens)
    assert platform.newest == FIRST


@virtual
async def test_a_record_that_was_erased_stays_erased() -> None:
    """K-27: a record that was emptied under a later lock is not brought back."""
    platform, store = Rotating(), MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        token = await authorizers(tokens)
        fence = await store.lock(NAME, lease=1.0)
        assert fence is not None
        await store.write(NAME, StoredToken(), fence=fence)
        await store.unlock(NAME, fence=fence)
        with pytest.raises(TokenUnavailableError, match="no refresh token is known"):
            await replaced(tokens, token)
        assert await stored(store) is None


@virtual
async def test_a_later_process_is_not_overwritten() -> None:
    """K-05, K-25: what could not be written yet gives way to what another process wrote under a later lock."""
    platform, shared = Rotating(), MemoryTokenStore()

    class Front(Failing):
        def __init__(self) -> None:
            super().__init__(error=OSError())
            self._records, self._locks = shared._records, shared._locks  # pyright: ignore[reportPrivateUsage]

    cut_off = Front()
    one, other = component_tokens(platform, store=cut_off), component_tokens(platform, store=shared)
    await one.add_authorizer(PROGRAM, FIRST)
    platform.on_rotation = cut_off.goes_away
    token = await authorizers(one)
    await asyncio.sleep(20.0)
    platform.on_rotation = nothing
    await other.add_authorizer(PROGRAM, platform.newest)  # it authorized anew, say
    await authorizers(other)
    cut_off.away = False
    await asyncio.sleep(10.0)
    assert await stored(shared) == platform.newest == "fake-refresh-token-2"
    assert (await replaced(one, token)).reveal() == "fake-authorizer-token-2"
    await one.aclose()
    await other.aclose()


@virtual
async def test_a_holder_that_asks_after_it_was_overtaken() -> None:
    """K-06, K-25: a process that was stopped before it asked has the newest refresh token, whatever its lock's number."""
    platform, store = Rotating(), MemoryTokenStore()
    one, other = component_tokens(platform, store=store), component_tokens(platform, store=store)
    await one.add_authorizer(PROGRAM, FIRST)
    await one.get(TokenKind.COMPONENT, None, timeout=PATIENCE)
    slow, quick = await store.lock(NAME, lease=0.0), await store.lock(NAME, lease=1.0)
    assert slow is not None
    assert quick is not None
    await store.write(NAME, StoredToken(refresh=Secret("fake-refresh-token-of-the-quick")), fence=quick)
    await asyncio.sleep(5.0)
    front = one._store  # pyright: ignore[reportPrivateUsage]
    assert await front.put(NAME, StoredToken(refresh=Secret("fake-refresh-token-of-the-slow")), fence=slow, since=front_time() - 1.0)
    assert await stored(store) == "fake-refresh-token-of-the-slow"
    await one.aclose()
    await other.aclose()


def front_time() -> float:
    """Return the time that a source counts by."""
    return asyncio.get_running_loop().time()


# -- what ends a refresh -------------------------------------------------------------------------------------------


async def closed(tokens: ComponentTokens) -> None:
    """Close it."""
    await tokens.aclose()


async def closed_and_cancelled(tokens: ComponentTokens) -> None:
    """Close it, lose patience, and close it again."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(tokens.aclose(), 0.1)
    await tokens.aclose()


async def left_by_a_cancelled_task(tokens: ComponentTokens) -> None:
    """Leave ``async with`` because the program was told to stop."""

    async def program() -> None:
        async with tokens:
            await asyncio.sleep(1e6)

    task = asyncio.create_task(program())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


async def out_of_time(_tokens: ComponentTokens) -> None:
    """Let its deadline pass."""
    await asyncio.sleep(20.0)


@pytest.mark.parametrize("end", [closed, closed_and_cancelled, left_by_a_cancelled_task, out_of_time])
@virtual
async def test_an_answer_on_its_way(end: Callable[[ComponentTokens], Awaitable[None]]) -> None:
    """K-26: an exchange that has begun gets its whole ``timeout``, and its answer is stored."""
    platform, store = Rotating(delay=8.0), MemoryTokenStore()
    tokens = component_tokens(platform, store=store, timeout=10.0, deadline=5.0)
    await tokens.add_authorizer(PROGRAM, FIRST)
    waiting = asyncio.create_task(authorizers(tokens))
    await asyncio.sleep(1.0)
    await end(tokens)
    await asyncio.gather(waiting, return_exceptions=True)
    assert await stored(store) == platform.newest == "fake-refresh-token-1"
    await tokens.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_those_who_wait_need_not_wait_for_closing() -> None:
    """C-10: who waits for a token when the source is closed hears so at once, although the answer is awaited."""
    platform = Rotating(delay=8.0)
    tokens = component_tokens(platform)
    await tokens.add_authorizer(PROGRAM, FIRST)
    waiting = asyncio.create_task(authorizers(tokens))
    await asyncio.sleep(1.0)
    closing = asyncio.create_task(tokens.aclose())
    with pytest.raises(ClientStateError, match="was closed while the call waited"):
        await waiting
    assert now() == 1.0
    await closing
    assert now() == 8.0


@virtual
async def test_callers_who_leave() -> None:
    """K-26: the deadline of whoever started the refresh does not count for it."""
    platform, store = Rotating(delay=8.0), MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        with pytest.raises(DeadlineExceededError):
            await authorizers(tokens, timeout=1.0)
        await asyncio.sleep(8.0)
        assert await stored(store) == platform.newest == "fake-refresh-token-1"


@virtual
async def test_a_transport_that_keeps_no_timeout() -> None:
    """K-26: a transport that hangs for good is given up; the refresh token that is stored stays in use."""

    class Hanging(Rotating):
        async def send(self, request: Any, *, timeout: float) -> Any:
            return await (asyncio.sleep(1e6) if "authorizer" in request.url and not self.asked else self(request))

        async def aclose(self) -> None:
            """Do nothing."""

    tickets = Tickets(Ticket(TICKET, 1_700_000_000.0))
    async with ComponentTokens(COMPONENT, SECRET, tickets=tickets, transport=Hanging(), clock=WallClock(), timeout=5.0) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        with pytest.raises(TokenUnavailableError, match="no answer in time"):
            await authorizers(tokens)


@pytest.mark.parametrize(
    "said",
    [
        {"authorizer_access_token": ""},
        {"authorizer_access_token": None},
        {"authorizer_access_token": "fake-authorizer-token", "expires_in": None},
        {"authorizer_access_token": "fake-authorizer-token", "expires_in": "soon"},
        {"authorizer_access_token": "fake-authorizer-token", "expires_in": -1},
    ],
)
@virtual
async def test_an_answer_without_a_token(said: dict[str, Any]) -> None:
    """K-11, K-25: a refresh token that comes without an access token that can be used is stored all the same."""

    async def platform(request: HttpRequest) -> HttpResponse:
        if "api_component_token" in request.url:
            return answer({"component_access_token": "fake-component-token", "expires_in": 7200})
        return answer({"expires_in": 7200, "authorizer_refresh_token": "fake-refresh-token-1", **said})

    store = MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        with pytest.raises(TokenUnavailableError, match="WeChat answered without a token"):
            await authorizers(tokens)
        assert await stored(store) == "fake-refresh-token-1"


def test_a_loop_that_ends() -> None:
    """K-26: when ``asyncio.run`` ends all tasks, what is being written is written before they go."""
    platform, store = Rotating(delay=0.0), Failing("write")

    async def main() -> None:
        tokens = component_tokens(platform, store=store)
        await tokens.add_authorizer(PROGRAM, FIRST)
        platform.on_rotation = store.goes_away
        waiting = asyncio.create_task(authorizers(tokens))
        await settle()
        assert store.tries
        store.away = False
        waiting.cancel()

    asyncio.run(main())
    assert asyncio.run(stored(store)) == platform.newest == "fake-refresh-token-1"


# -- authorizations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", errors(), ids=["ours", "the system's", "too late", "hangs"])
@virtual
async def test_an_authorization_while_the_store_is_away(error: Any) -> None:
    """K-25: it raises, so that nobody takes it for stored; but it is kept, and stored as soon as that works."""
    platform, store = Rotating(), Failing(error=error)
    async with component_tokens(platform, store=store) as tokens:
        await store.goes_away()
        with pytest.raises((TokenUnavailableError, OSError, DeadlineExceededError)):
            await tokens.add_authorizer(PROGRAM, FIRST)
        store.away = False
        await asyncio.sleep(61.0)
        assert await stored(store) == FIRST
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token-1"


@virtual
async def test_an_authorization_that_cannot_be_written() -> None:
    """K-25: an authorization that the store locked for but did not take is told as not stored, and is used at once."""
    platform, store = Rotating(), Failing("write", error=OSError())
    async with component_tokens(platform, store=store) as tokens:
        await store.goes_away()
        with pytest.raises(TokenUnavailableError, match=f"the refresh token of {NAME} could not be stored: it is kept"):
            await tokens.add_authorizer(PROGRAM, FIRST)
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token-1"
        store.away = False
    assert await stored(store) == platform.newest


@virtual
async def test_a_cancelled_authorization() -> None:
    """C-02, K-25: whoever hands in a refresh token and is cancelled has handed it in."""
    platform, store = Rotating(), MemoryTokenStore()
    async with component_tokens(platform, store=store) as tokens:
        await store.lock(NAME, lease=5.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(tokens.add_authorizer(PROGRAM, FIRST), 1.0)
        await asyncio.sleep(20.0)
        assert await stored(store) == FIRST


# -- killed holders ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cancelled", "away"])
@virtual
async def test_an_authorization_while_an_answer_is_on_its_way(how: str) -> None:
    """K-25, K-26: one that could not wait for a refresh to end is not replaced by what that refresh brings."""
    platform, store = Rotating(delay=5.0), Failing("lock", error=OSError())
    async with component_tokens(platform, store=store) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        await tokens.get(TokenKind.COMPONENT, None, timeout=PATIENCE)
        refresh = asyncio.create_task(authorizers(tokens))
        await asyncio.sleep(1.0)
        store.away = how == "away"
        with pytest.raises((TimeoutError, OSError)):
            await asyncio.wait_for(tokens.add_authorizer(PROGRAM, "fake-refresh-token-anew"), 1.0)
        token = await refresh
        store.comes_back()
        await asyncio.sleep(20.0)
        assert await stored(store) == "fake-refresh-token-anew"
        platform.newest = "fake-refresh-token-anew"
        assert (await replaced(tokens, token)).reveal() == "fake-authorizer-token-2"
        assert await stored(store) == platform.newest


@pytest.mark.parametrize("deadline", [3.0, 10.0, 30.0])
@virtual
async def test_a_killed_holder_costs_one_lease(deadline: float) -> None:
    """K-07: when the process that refreshes is killed, the others get a token when its lease ends, and no error."""
    platform, store = Rotating(delay=0.0), MemoryTokenStore()
    async with component_tokens(platform, store=store, deadline=deadline) as tokens:
        await tokens.get(TokenKind.COMPONENT, None, timeout=PATIENCE)
        await tokens.add_authorizer(PROGRAM, FIRST)
        lease = min(LEASE, deadline)
        assert await store.lock(NAME, lease=lease)
        begun = now()
        found = await asyncio.gather(*(authorizers(tokens, timeout=30.0) for _ in range(20)))
        assert {token.reveal() for token in found} == {"fake-authorizer-token-1"}
        assert now() - begun <= lease + 0.2


@virtual
async def test_an_authorization_while_the_holder_is_dead() -> None:
    """K-07: a refresh token is stored although whoever holds the lock was killed, even with a lock as long as the deadline."""
    store = MemoryTokenStore()
    async with component_tokens(Rotating(), store=store, deadline=30.0) as tokens:
        await store.lock(NAME, lease=30.0)
        await tokens.add_authorizer(PROGRAM, FIRST)
        assert await stored(store) == FIRST
        assert now() <= 30.2


@virtual
async def test_a_lock_is_kept_while_its_holder_works() -> None:
    """K-06, K-07: the lock is taken for seconds, renewed as long as the answer is awaited, and given back then."""
    platform, store = Rotating(delay=45.0), MemoryTokenStore()
    async with component_tokens(platform, store=store, timeout=60.0) as tokens:
        await tokens.get(TokenKind.COMPONENT, None, timeout=PATIENCE)
        await tokens.add_authorizer(PROGRAM, FIRST)
        waiting = asyncio.create_task(authorizers(tokens))
        for _ in range(44):
            await asyncio.sleep(1.0)
            assert await store.lock(NAME, lease=1.0) is None
            assert store._locks[NAME][1] - front_time() <= LEASE  # pyright: ignore[reportPrivateUsage]
        await waiting
        assert await store.lock(NAME, lease=1.0) is not None


@virtual
async def test_a_store_that_cannot_renew() -> None:
    """K-07: in a store without ``renew`` a lock is taken for the refresh's whole deadline."""

    class Plain:
        """Has the four methods that every store has."""

        def __init__(self) -> None:
            behind = MemoryTokenStore()
            self.read, self.write, self.unlock = behind.read, behind.write, behind.unlock
            self._lock = behind.lock
            self.leases: list[float] = []

        async def lock(self, name: str, *, lease: float) -> int | None:
            self.leases.append(lease)
            return await self._lock(name, lease=lease)

    platform, store = Rotating(), Plain()
    async with component_tokens(platform, store=store, deadline=25.0) as tokens:
        await tokens.add_authorizer(PROGRAM, FIRST)
        assert (await authorizers(tokens)).reveal() == "fake-authorizer-token-1"
    assert set(store.leases) == {25.0}
