"""The Mini Programs that authorized a component, as WeChat lists them.

Their refresh tokens can be asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from wxrevenue._wire.stored import StoredToken
from wxrevenue.ams.authorization import LARGEST_AUTHORIZER_PAGE, GetAuthorizerInfo, GetAuthorizerList
from wxrevenue.errors import PageDriftError, WxRevenueError
from wxrevenue.tokens._key import TokenKey
from wxrevenue.tokens._renewal import intact_refresh_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue._base.secret import Secret
    from wxrevenue.ams._authorization import Authorization, AuthorizerList
    from wxrevenue.tokens._locked import LockedRecords
    from wxrevenue.tokens._requests import TokenRequests


@attrs.frozen(repr=False)
class Authorizers:
    """Asks WeChat which Mini Programs authorized a component.

    Args:
        component: the component's appid.
        records: where refresh tokens are kept.
        requests: ask WeChat.
        on_change: is told the appid of a Mini Program whose refresh token was stored.
    """

    component: str
    records: LockedRecords
    requests: TokenRequests
    on_change: Callable[[str], object]

    async def ask(self, appid: str | None) -> Authorization | WxRevenueError | None:
        """Return what a Mini Program granted, or what went wrong.

        It counts if WeChat has a refresh token of it that can be read.
        """
        if appid is None:
            return None
        info = await self.requests.call(GetAuthorizerInfo(appid, component_appid=self.component))
        if isinstance(info, WxRevenueError):
            return info
        found = info.authorization_info
        return found if intact_refresh_token(found.authorizer_refresh_token) else None

    async def restore(self) -> int:
        """Store the refresh tokens of WeChat's list that are missing here.

        Return how many.

        Raises:
            PageDriftError: the list repeats itself before its end.
        """
        count = offset = largest = 0
        seen: set[str] = set()
        while True:
            page = await self._page(offset)
            fresh = [row for row in page.rows if row.authorizer_appid not in seen]
            seen.update(row.authorizer_appid for row in fresh)
            for row in fresh:
                count += await self._restored(row.authorizer_appid, intact_refresh_token(row.refresh_token))
            offset += len(page.rows)
            if not fresh and 0 < largest <= len(page.rows) and len(seen) < (page.total or 0):  # the server ignores the offset
                raise PageDriftError(f"the list of authorizers repeats itself after {len(seen)} of {page.total}", got=len(seen))
            if not fresh or _is_last(page, offset, largest):
                return count
            largest = max(largest, len(page.rows))

    async def _page(self, offset: int) -> AuthorizerList:
        answer = await self.requests.call(GetAuthorizerList(offset, count=LARGEST_AUTHORIZER_PAGE, component_appid=self.component))
        if isinstance(answer, WxRevenueError):
            raise answer
        return answer

    async def _restored(self, appid: str, refresh: Secret | None) -> bool:
        """Store a refresh token unless there is one."""
        name = TokenKey(self.component, appid).record
        if refresh is None or await self._has_refresh_token(name):
            return False
        async with self.records.locked(name) as fence:
            if await self._has_refresh_token(name):
                return False
            await self.records.put(name, StoredToken(refresh=refresh), fence=fence)
        self.on_change(appid)
        return True

    async def _has_refresh_token(self, name: str) -> bool:
        found = await self.records.read(name)
        return found is not None and found.refresh is not None


def _is_last(page: AuthorizerList, offset: int, largest: int) -> bool:
    """Return whether a page ends the list.

    Args:
        page: the page.
        offset: how many rows there are up to its end.
        largest: how many rows the largest page before it has, 0 if it is the first. A server may
            cap pages: the first one is the last only if it is exactly as long as the total says.
    """
    if not largest:
        return len(page.rows) < LARGEST_AUTHORIZER_PAGE and offset == page.total
    return len(page.rows) < largest and offset >= (page.total or 0)
