"""What a merchant's authorization does to the tokens of a component.

It comes, is redeemed, and is taken back.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeVar

from wxrevenue._base import checks as _checks
from wxrevenue._base.asynchronous import Asynchronous
from wxrevenue._base.secret import Secret, as_secret, require_secret
from wxrevenue._engine.clock import within
from wxrevenue._wire.request import TokenKind
from wxrevenue._wire.stored import StoredToken
from wxrevenue.errors import ConfigurationError
from wxrevenue.tokens._codes import KeptCode
from wxrevenue.tokens.stores._writing import LEASE

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from wxrevenue._engine.lifetime import Lifetime
    from wxrevenue.ams._authorization import Authorization
    from wxrevenue.ports import Clock
    from wxrevenue.push._reply import AuthorizationPush
    from wxrevenue.tokens._authorizations import Authorizations
    from wxrevenue.tokens._authorizers import Authorizers
    from wxrevenue.tokens._caches import CachedTokens
    from wxrevenue.tokens._locked import LockedRecords

T = TypeVar("T")
NAME: Final = "ComponentTokens"
_LONGEST_APPID: Final = 64


def checked_appid(where: str, value: object) -> str:
    """Return an appid that the calls take.

    Names of records in a store can be told apart by it.
    """
    found = _checks.credential(where, value)
    if len(found) > _LONGEST_APPID or "/" in found:
        raise ConfigurationError(f"{where}: expected at most {_LONGEST_APPID} characters without a slash")
    return found


class MerchantMethods(Asynchronous):
    """What a :class:`ComponentTokens` does when a merchant grants or takes back."""

    _clock: Clock
    _deadline: float
    _lifetime: Lifetime
    _cached: CachedTokens
    _records: LockedRecords
    _authorizers: Authorizers
    _authorizations: Authorizations

    async def add_authorizer(self, appid: str, refresh_token: str | Secret) -> None:
        """Store the refresh token of a Mini Program that authorized the component.

        It authorized it now or anew. Later ones, which WeChat hands out with the Mini Program's
        tokens, are stored by themselves. With a store that outlives the process do not call this at
        every start: it replaces what is stored, which may be newer. Waits while some process
        refreshes that Mini Program's token.

        Args:
            appid: the Mini Program's appid.
            refresh_token: its ``authorizer_refresh_token``.

        Raises:
            ConfigurationError: one of these is not allowed.
            ClientStateError: as for :meth:`get`.
            TokenUnavailableError: the store did not take it.
            DeadlineExceededError: it took ten seconds longer than ``deadline``.

        After the last two (or an error of your own store, or a cancellation) the refresh token is
        kept in this process. It is used for the next refresh, and stored as soon as that works.
        """
        refresh_token = as_secret(refresh_token)
        record = StoredToken(refresh=require_secret(f"{NAME}.add_authorizer: refresh_token", refresh_token))
        self._lifetime.check_usable()
        cached = self._cached.of(TokenKind.AUTHORIZER, checked_appid(f"{NAME}.add_authorizer: appid", appid))
        await self._in_time(self._records.put(cached.key.record, record))
        self._authorizations.added(appid)
        cached.forget()

    async def authorize(self, code: str | Secret) -> Authorization:
        """Redeem an authorization code, and keep the Mini Program's tokens.

        They replace those of an earlier authorization. The code is kept in the store first, and
        redeemed later if it cannot be now, by the next process if need be. The same code, from the
        redirect, from a push, in another process, is redeemed once, and brings the same for an
        hour.

        Args:
            code: ``auth_code`` of the redirect, or ``AuthorizationCode`` of a push.

        Raises:
            ConfigurationError: the code is not allowed.
            ClientStateError: as for :meth:`get`.
            ApiError: WeChat refused: 61009 or 61010 (the code is used or too old, and its Mini
                Program gave no authorization within the hour). Where an earlier answer was lost,
                the refresh tokens that the store lacks were asked for then.
            OutcomeUnknownError: answers stayed lost; the code is tried again.
            TokenUnavailableError: the component's token is missing, or the store did not take the
                code or the tokens.
            DeadlineExceededError: it took too long, and goes on.
        """
        code = require_secret(f"{NAME}.authorize: code", as_secret(code))
        self._lifetime.check_usable()
        await self._in_time(self._authorizations.keep(KeptCode(code=code, at=self._clock.time())))
        return await within(2 * self._deadline + LEASE, self._authorizations.redeem(code), "the authorization")

    async def remove_authorizer(self, appid: str) -> None:
        """Forget a Mini Program that took its authorization back.

        That is its refresh token, its token, and codes that it gave. Raises: as
        :meth:`add_authorizer`.
        """
        self._lifetime.check_usable()
        await self._in_time(self._authorizations.withdraw(checked_appid(f"{NAME}.remove_authorizer: appid", appid), math.inf))

    async def restore_authorizers(self) -> int:
        """Store the refresh tokens that are missing here; return how many were stored.

        They are taken from WeChat's list of authorizers. For a new store, or one that lost its
        data. What is stored is not replaced, so that it may be called at every start. Mini Programs
        that authorize or withdraw meanwhile may be passed over: call it again.

        Raises: as :meth:`authorize`, what the store raises, and ``PageDriftError`` where WeChat's
        list repeats itself before its end. What was stored until then stays.
        """
        self._lifetime.check_usable()
        await self._authorizations.redeem_kept()
        return await self._authorizers.restore()

    async def take_push(self, push: AuthorizationPush) -> None:
        """Keep the code of a push, or forget the Mini Program.

        :func:`wxrevenue.push.receive` calls it.
        """
        self._lifetime.check_usable()
        if push.info_type == "unauthorized":
            await self._authorizations.withdraw(push.authorizer_appid, push.created)
        elif push.authorization_code is not None:
            code, appid = push.authorization_code, push.authorizer_appid
            await self._authorizations.keep(KeptCode(code=code, at=self._clock.time(), appid=appid, created=push.created))

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        """Await what takes a lock: a holder of it that was killed must not make that fail."""
        return await within(self._deadline + LEASE, work, "the token store")
