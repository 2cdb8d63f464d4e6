"""Walks over what has pages.

Each returns a ``Paginator`` at once, with its arguments checked. A method's parameters are what an
editor shows; all of them go on as they are, under their names.
"""

from __future__ import annotations

import functools
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from wxrevenue import ams
from wxrevenue._base import checks
from wxrevenue.clients._base import Client
from wxrevenue.clients._shortcut import named_as_typed
from wxrevenue.errors import ConfigurationError, without_history

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from typing import TypeAlias

    from wxrevenue._wire.request import AmsRequest, TokenKind
    from wxrevenue.pagination._page import Page, Row
    from wxrevenue.pagination._paginator import Paginator
    from wxrevenue.pagination._source import PageSource

    Day: TypeAlias = str | date

R = TypeVar("R", bound="Row")
_BEIJING: Final = timezone(timedelta(hours=8))
_MOST_DAYS: Final = 3660
_OF_PAGINATOR: Final = ("prefetch", "concurrency", "cursor")
_FILLED_IN: Final = ("authorizer_appid", "token")
"""Where ``None`` leaves the choice to the client or the request."""


def _method_of(kind: type) -> str:
    """Return the name of the walk over a paged interface.

    It is that of its request, in small letters.
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__.removeprefix("Get")).lower()
    return f"iter_{words}"


class Walks(Client):
    """The walks of a :class:`RevenueClient`.

    All take ``page_size`` (rows per page; ``count`` where the wire says so), ``prefetch`` (pages
    fetched ahead, 0 to 8) and ``cursor`` (where an earlier walk of the same query stood). Every
    page gets ``page_deadline`` seconds. A wrong argument is a ``ConfigurationError`` at once.
    """

    def iter_agency_settlement(  # noqa: PLR0913  (options, by keyword)
        self,
        start_date: Day,
        end_date: Day,
        page_size: int = 20,
        *,
        prefetch: int = 1,
        concurrency: int = 1,
        cursor: str | None = None,
        verify_totals: bool = False,
    ) -> Paginator[ams.Settlement]:
        """Stream the provider's half-month settlements, each once, last updated first.

        Further pages are fetched meanwhile. Every page gets ``page_deadline`` seconds; the walk
        itself has no limit. All arguments are checked at once.

        Args:
            start_date: first day, see ``GetAgencySettlement``.
            end_date: last day, inclusive.
            page_size: rows per page; the server may cap it.
            prefetch: how many pages to fetch ahead, 0 to 8. While one of them waits for its turn,
                no further one is begun.
            concurrency: how many pieces of the range to fetch at once, 1 to 16. More than one cuts
                it into windows of whole half-months, none longer than ``page_size`` of them;
                windows come newest first, rows within one as the server has them.
            cursor: where an earlier walk with the same account, dates and ``page_size`` stood; see
                :attr:`Paginator.cursor`.
            verify_totals: end the walk with ``DecodeError`` at a page with a row whose slots do not
                add up to its ``settled_revenue``. (The ``_all`` sums of a page are of all time and
                are not compared.)

        Raises:
            ConfigurationError: an argument is not allowed, or the cursor belongs to something else.
        """
        return self._settlements(ams.GetAgencySettlement, locals())

    def iter_settlement(  # noqa: PLR0913  (options, by keyword)
        self,
        start_date: Day,
        end_date: Day,
        page_size: int = 20,
        *,
        authorizer_appid: str | None = None,
        prefetch: int = 1,
        concurrency: int = 1,
        cursor: str | None = None,
        verify_totals: bool = False,
    ) -> Paginator[ams.Settlement]:
        """Stream a Mini Program's half-month settlements, newest first.

        Arguments as ``iter_agency_settlement`` and ``GetSettlement``.
        """
        return self._settlements(ams.GetSettlement, locals())

    def iter_adpos_general(  # noqa: PLR0913  (options, by keyword)
        self,
        start_date: Day | None = None,
        end_date: Day | None = None,
        *,
        days: int | None = None,
        ad_slot: str | None = None,
        authorizer_appid: str | None = None,
        page_size: int = 100,
        prefetch: int = 1,
        cursor: str | None = None,
    ) -> Paginator[ams.AdRow]:
        """Stream a Mini Program's ad data by slot and day, newest day first.

        Arguments as ``GetAdposGeneral``.

        ``days`` in place of the two dates stands for the last so many days that are over in
        Beijing. Yesterday's figures are still revised: read a few days again every day to keep them
        right.
        """
        return self._ad_data(ams.GetAdposGeneral, locals())

    def iter_adpos_detail(  # noqa: PLR0913  (options, by keyword)
        self,
        start_date: Day | None = None,
        end_date: Day | None = None,
        *,
        days: int | None = None,
        ad_slot: str | None = None,
        ad_unit_id: str | None = None,
        authorizer_appid: str | None = None,
        page_size: int = 100,
        prefetch: int = 1,
        cursor: str | None = None,
    ) -> Paginator[ams.AdRow]:
        """Stream a Mini Program's ad data by unit and day.

        Arguments as ``GetAdposDetail``, ``days`` as in ``iter_adpos_general``.
        """
        return self._ad_data(ams.GetAdposDetail, locals())

    def iter_agency_ads_stat(  # noqa: PLR0913  (options, by keyword)
        self,
        start_date: Day | None = None,
        end_date: Day | None = None,
        *,
        days: int | None = None,
        ad_slot: str | None = None,
        token: TokenKind | str | None = None,
        authorizer_appid: str | None = None,
        page_size: int = 100,
        prefetch: int = 1,
        cursor: str | None = None,
    ) -> Paginator[ams.AdRow]:
        """Stream all Mini Programs' ad data by slot.

        Arguments as ``GetAgencyAdsStat``, ``days`` as in ``iter_adpos_general``.
        """
        return self._ad_data(ams.GetAgencyAdsStat, locals())

    def iter_agency_ads_detail(  # noqa: PLR0913  (options, by keyword)
        self,
        start_date: Day | None = None,
        end_date: Day | None = None,
        *,
        days: int | None = None,
        ad_slot: str | None = None,
        token: TokenKind | str | None = None,
        authorizer_appid: str | None = None,
        page_size: int = 100,
        prefetch: int = 1,
        cursor: str | None = None,
    ) -> Paginator[ams.AdRow]:
        """Stream all Mini Programs' ad data by unit.

        Arguments as ``GetAgencyAdsDetail``, ``days`` as in ``iter_adpos_general``.
        """
        return self._ad_data(ams.GetAgencyAdsDetail, locals())

    def iter_adunit_list(
        self,
        *,
        ad_slot: str | None = None,
        authorizer_appid: str | None = None,
        page_size: int = 100,
        prefetch: int = 1,
        cursor: str | None = None,
    ) -> Paginator[ams.Adunit]:
        """Stream a Mini Program's ad units, newest first; arguments as ``GetAdunitList``."""
        return self._list(ams.GetAdunitList, locals())

    def iter_agency_tmpl_id_list(  # noqa: PLR0913  (options, by keyword)
        self,
        ad_slot: str,
        *,
        tmpl_id: str | None = None,
        is_return_tmpl_bind_list: bool | int | None = None,
        authorizer_appid: str | None = None,
        page_size: int = 100,
        prefetch: int = 1,
        cursor: str | None = None,
    ) -> Paginator[ams.Tmpl]:
        """Stream a Mini Program's custom templates of native ads, newest first.

        Arguments as ``GetAgencyTmplIdList``.
        """
        return self._list(ams.GetAgencyTmplIdList, locals())

    def iter_authorizer_list(
        self, *, component_appid: str | None = None, count: int = 100, prefetch: int = 1, cursor: str | None = None
    ) -> Paginator[ams.ListedAuthorizer]:
        """Stream the Mini Programs that authorized the provider.

        Each comes with its refresh token. Arguments as ``GetAuthorizerList``; ``count`` is the size
        of a page, 1 to 500.
        """
        return self._list(ams.GetAuthorizerList, locals())

    def _settlements(self, kind: type[AmsRequest[object]], given: dict[str, Any]) -> Paginator[ams.Settlement]:
        from wxrevenue.clients._paging import SettlementPages

        options = {"concurrency": given["concurrency"], "verify_totals": given.pop("verify_totals")}
        return self._walk(functools.partial(SettlementPages, **options), kind, given)

    def _ad_data(self, kind: type[AmsRequest[object]], given: dict[str, Any]) -> Paginator[ams.AdRow]:
        from wxrevenue.clients._paging import AdDataPages

        start, end = self._range(given.pop("start_date"), given.pop("end_date"), given.pop("days"))
        return self._walk(AdDataPages, kind, {**given, "start_date": start, "end_date": end})

    def _list(self, kind: type[AmsRequest[Page[R]]], given: dict[str, object]) -> Paginator[R]:
        from wxrevenue.clients._paging import AmsPages, OffsetPages

        pages: type[AmsPages[R]] = OffsetPages if "count" in given else AmsPages
        return self._walk(pages, kind, given)

    def _range(self, start: Day | None, end: Day | None, days: int | None) -> tuple[Day, Day]:
        """Return the first and the last day."""
        if days is None:
            if start is None or end is None:
                raise ConfigurationError("start_date, end_date: expected both of them, or days")
            return start, end
        if start is not None or end is not None:
            raise ConfigurationError("days: expected days or dates, got both")
        checks.number("days", days, range(1, _MOST_DAYS + 1))
        today = datetime.fromtimestamp(self._parts.engine.clock.time(), _BEIJING).date()
        return today - timedelta(days=days), today - timedelta(days=1)

    def _walk(
        self, pages: Callable[..., PageSource[R, AmsRequest[Page[R]]]], kind: type[AmsRequest[object]], given: dict[str, Any]
    ) -> Paginator[R]:
        """Return a walk, given a method's arguments as they are."""
        from wxrevenue.pagination._paginator import Paginator  # loaded by then anyway

        options = {name: given.pop(name) for name in _OF_PAGINATOR if name in given}
        named: dict[str, object] = {
            name: value for name, value in given.items() if name != "self" and (value is not None or name not in _FILLED_IN)
        }
        make = cast("Callable[..., AmsRequest[object]]", kind)
        try:
            request = self._completed(make(**self._with_defaults(kind, named)))
        except ConfigurationError as error:
            failure = without_history(named_as_typed(error, kind, _method_of(kind)))
        else:
            return Paginator(pages(self._parts.engine, request), **options)
        raise failure

    def _completed(self, request: AmsRequest[object]) -> AmsRequest[object]:
        """Return a request with what its call does not name, but its client knows."""
        raise NotImplementedError
