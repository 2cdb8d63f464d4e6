"""Authorizations of merchants: codes are kept first, then redeemed once.

What a merchant takes back is taken out. A code is kept in the token store before anything else, so
that it survives the process. A process that redeems one holds a lock that all processes share, and
looks first whether another has done so.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import attrs

from wxrevenue._base.tasks import end, is_cancelled, start, whole
from wxrevenue._wire.stored import StoredToken
from wxrevenue.ams._authorization import Authorization, FuncInfo, FuncscopeCategory
from wxrevenue.ams.authorization import QueryAuth
from wxrevenue.errors import (
    ApiError,
    ClientStateError,
    DecodeError,
    InvalidParameterError,
    TokenUnavailableError,
    WxRevenueError,
    without_history,
)
from wxrevenue.tokens._codes import HOUR, KeptCode, RedeemedCode, code_hash
from wxrevenue.tokens._key import TokenKey
from wxrevenue.tokens._locked import WITHDRAWN
from wxrevenue.tokens._renewal import intact, intact_refresh_token
from wxrevenue.tokens._requests import clamped

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue._base.secret import Secret
    from wxrevenue.tokens._authorizers import Authorizers
    from wxrevenue.tokens._codes import CodeBook
    from wxrevenue.tokens._locked import LockedRecords
    from wxrevenue.tokens._requests import TokenRequests

_log = logging.getLogger("wxrevenue.tokens")

_USED: Final = frozenset({61009, 61010})
"""WeChat's codes for an authorization code that was used, or is too old."""
_ANEW: Final = "call restore_authorizers(), which asks WeChat for refresh tokens that are missing, or have it authorize again"
_PAUSES: Final = (1.0, 60.0)
"""Seconds before codes are tried again: the first pause, and the longest."""


@attrs.define(eq=False, repr=False)
class Authorizations:
    """Keeps codes and redeems them.

    Args:
        records: where refresh tokens are kept.
        book: where codes are kept.
        requests: ask WeChat.
        authorizers: the Mini Programs that authorized the component.
        on_change: is told the appid of a Mini Program whose refresh token was replaced or removed.
    """

    records: LockedRecords
    book: CodeBook
    requests: TokenRequests
    authorizers: Authorizers
    on_change: Callable[[str], object]
    _redeeming: dict[Secret, asyncio.Task[Authorization | WxRevenueError]] = attrs.field(factory=dict["Secret", "Any"], init=False)
    """The codes that are being redeemed here."""
    _untried: set[Secret] = attrs.field(factory=set["Secret"], init=False)
    """The codes that were kept here and not sent yet."""
    _started: bool = attrs.field(default=False, init=False)
    """Whether this process has looked for codes that were kept before."""
    _going_on: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    """Redeems what is kept, again and again until nothing is."""
    _unsettled: bool = attrs.field(default=False, init=False)
    """Whether the book keeps a code that was redeemed here."""
    _closed: bool = attrs.field(default=False, init=False)

    async def keep(self, code: KeptCode) -> None:
        """Keep a code; from then on it is redeemed sooner or later.

        Raises:
            TokenUnavailableError: it is not kept.
        """
        async with self.book.changed() as codes:
            codes.add(code)
            is_new = codes.of_code(code.code) is None
        if is_new:
            self._untried.add(code.code)
        if is_new and code.appid is not None:
            self.on_change(code.appid)
        self._go_on()

    def added(self, appid: str) -> None:
        """Take notice that a refresh token was handed in, whatever its code was."""
        self.book.remember(RedeemedCode(code=f"of {appid}", appid=appid, at=self.records.clock.time(), created=0.0, permissions=()))

    async def redeem(self, code: Secret) -> Authorization:
        """Return what a kept code brings, however many callers and processes ask for it."""
        outcome: Authorization | WxRevenueError
        try:
            outcome = await asyncio.shield(self._task_for(code))
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            outcome = ClientStateError("the token source was closed while a code was redeemed")
        if isinstance(outcome, WxRevenueError):
            raise copy.copy(outcome)
        return outcome

    async def before_refresh(self, key: TokenKey) -> list[asyncio.Task[object]]:
        """Return what has to end first: the redeeming of what the Mini Program has given.

        Whatever else an earlier process has left is redeemed in the background.
        """
        mine: list[asyncio.Task[object]] = []
        if key.authorizer is None:
            if not self._started:
                self._go_on()
            return mine
        with suppress(Exception):  # a token may be had all the same
            kept = (await self.book.read()).kept
            self._started = True
            mine += [self._task_for(one.code) for one in kept if one.appid in {None, key.authorizer}]
            if len(mine) < len(kept):
                self._go_on()
        return mine

    async def withdraw(self, appid: str, created: float) -> None:
        """Take a refresh token out, unless its Mini Program authorized since ``created``."""
        async with self.book.changed() as codes:
            is_last = codes.withdraw(appid, created)
        if is_last:
            self.book.forget(appid)
            await self.records.put(self._key(appid).record, WITHDRAWN)
            self.on_change(appid)

    async def aclose(self) -> None:
        """End what goes on; an exchange on the wire is awaited, and its answer stored."""
        self._closed = True
        tasks = [*self._redeeming.values()]
        await end(tasks if self._going_on is None else [*tasks, self._going_on])

    # ------------------------------------------------------------------ one code

    def _task_for(self, code: Secret) -> asyncio.Task[Authorization | WxRevenueError]:
        task = self._redeeming.get(code)
        if task is None or task.done():
            task = self._redeeming[code] = start(self._redeemed(code))
        return task

    async def _redeemed(self, code: Secret) -> Authorization | WxRevenueError:
        try:
            async with self.records.locked(f"{self.book.name}/redeeming"):
                codes = await self.book.read()
                done = codes.of_code(code)
                if done is not None:
                    return await self._remembered(done)
                kept = next((one for one in codes.kept if one.code == code), KeptCode(code=code, at=self.records.clock.time()))
                earlier = codes.of_program(kept.appid)
                if kept.appid is None:
                    return await whole(self._exchange(kept, earlier, None))
                async with self.records.locked(self._key(kept.appid).record) as fence:  # no refresh may come in between
                    return await whole(self._exchange(kept, earlier, fence))
        except WxRevenueError as error:
            failure = error
        except (asyncio.CancelledError, Exception) as error:
            if is_cancelled():
                raise
            failure = TokenUnavailableError(f"an authorization code could not be redeemed: {type(error).__name__}")
        finally:
            self._redeeming.pop(code, None)
            self._untried.discard(code)
        without_history(failure)
        return failure

    async def _exchange(self, kept: KeptCode, earlier: RedeemedCode | None, fence: int | None) -> Authorization | WxRevenueError:
        """Redeem a code, and store what it brings.

        Args:
            kept: the code.
            earlier: the last code that its Mini Program gave.
            fence: that of the lock of the Mini Program's record, where that is known.
        """
        since = self.records.clock.monotonic()
        answer: Authorization | WxRevenueError = await self.requests.call(QueryAuth(kept.code, component_appid=self._appid))
        if isinstance(answer, Authorization) and intact_refresh_token(answer.authorizer_refresh_token) is None:
            kept, answer = attrs.evolve(kept, appid=answer.authorizer_appid), DecodeError("expected a refresh token that can be read")
        is_used = isinstance(answer, ApiError) and answer.code in _USED
        if isinstance(answer, ApiError) and is_used and kept.appid is None and (answer.ambiguous or kept.code not in self._untried):
            return await self._in_doubt(kept, answer)
        if is_used or isinstance(answer, DecodeError):
            known = await self.authorizers.ask(kept.appid)
            if isinstance(known, WxRevenueError) and known.retryable:
                return known  # the code stays until that is known
            answer = known if isinstance(known, Authorization) else answer
        if isinstance(answer, Authorization):
            await self._store(kept, answer, since, fence)
        elif is_used and earlier is not None:
            await self._settle(kept.code, attrs.evolve(earlier, code=code_hash(kept.code), created=max(earlier.created, kept.created)))
            return await self._remembered(earlier)
        elif self._is_hopeless(kept, answer):
            _log.error("an authorization code of %s cannot be redeemed (%s): %s", kept.appid or "a Mini Program", answer.explained(), _ANEW)
            await self._settle(kept.code, None)
        return answer

    async def _in_doubt(self, kept: KeptCode, refusal: ApiError) -> WxRevenueError:
        """Ask for the refresh tokens that the store lacks: a lost answer may have had one."""
        failure: WxRevenueError | None = None
        try:
            await self.authorizers.restore()
        except WxRevenueError as error:
            failure = without_history(error)
        if failure is not None and not self._is_hopeless(kept, failure):
            return failure  # the code stays until that is known
        await self._settle(kept.code, None)
        return refusal

    def _is_hopeless(self, kept: KeptCode, error: WxRevenueError) -> bool:
        """Return whether WeChat does not know the code, or it is older than codes live."""
        return isinstance(error, InvalidParameterError) or self.records.clock.time() - kept.at > 2 * HOUR

    async def _store(self, kept: KeptCode, found: Authorization, since: float, fence: int | None) -> None:
        token, now = intact(found.authorizer_access_token), self.records.clock.time()
        left = 0.0 if token is None or found.expires_in is None else clamped(found.expires_in) - (self.records.clock.monotonic() - since)
        record = StoredToken(token=token if left > 0 else None, left=max(0.0, left), refresh=found.authorizer_refresh_token)
        permissions = tuple(sorted(found.permissions))
        done = RedeemedCode(code=code_hash(kept.code), appid=found.authorizer_appid, at=now, created=kept.created, permissions=permissions)
        self.book.remember(done)
        self._unsettled = True  # until the book says so
        try:
            held = fence if kept.appid == found.authorizer_appid else None
            await self.records.put(self._key(found.authorizer_appid).record, record, fence=held)
        finally:
            self.on_change(found.authorizer_appid)
        await self._settle(kept.code, done)

    async def _settle(self, code: Secret, done: RedeemedCode | None) -> None:
        if done is not None:
            self.book.remember(done)
        self._unsettled = True
        with suppress(Exception):  # it is tried again
            async with self.book.changed() as codes:
                codes.settle(code, done)
            self._unsettled = False

    async def _remembered(self, done: RedeemedCode) -> Authorization:
        """Return what a code brought that was redeemed before."""
        record = await self.records.read(self._key(done.appid).record) or StoredToken()
        return Authorization(
            authorizer_appid=done.appid,
            authorizer_access_token=record.token,
            expires_in=int(record.left) if record.token else None,
            authorizer_refresh_token=record.refresh,
            func_info=[FuncInfo(FuncscopeCategory(number)) for number in done.permissions],
        )

    # ------------------------------------------------------------------ all of them

    def _go_on(self) -> None:
        if self._going_on is None or self._going_on.done():
            self._going_on = start(self._redeem_until_done())

    async def _redeem_until_done(self) -> None:
        pause, most = _PAUSES
        while not self._closed:  # a store may swallow that this is cancelled (redis-py does)
            try:
                if not await self.redeem_kept():
                    return
            except Exception:  # noqa: BLE001  (a user's own store may raise anything)
                if not self._unsettled:  # the next refresh looks again
                    self._started = False
                    return
            await self.records.clock.sleep(pause)
            pause = min(most, 2 * pause)

    async def redeem_kept(self) -> bool:
        """Redeem what is kept; return whether something is left."""
        kept = (await self.book.read()).kept
        self._started = True
        for one in kept:
            with suppress(WxRevenueError):  # the next may be had; this one is tried again
                await self.redeem(one.code)
        if self._unsettled:
            async with self.book.changed():
                pass  # what this process knows is written
            self._unsettled = False
        return bool(kept) and bool((await self.book.read()).kept)

    @property
    def _appid(self) -> str:
        return self.book.component

    def _key(self, appid: str) -> TokenKey:
        return TokenKey(self._appid, appid)
