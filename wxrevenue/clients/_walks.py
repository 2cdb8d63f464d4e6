"""Walks over what has pages: each returns a ``Paginator`` at once, with its arguments checked."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, cast

from wxrevenue import ams
from wxrevenue._base import checks
from wxrevenue.clients._base import Client
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import date

    from wxrevenue._wire.request import TokenKind
    from wxrevenue.pagination._paginator import Paginator

_BEIJING: Final = timezone(timedelta(hours=8))
_MOST_DAYS: Final = 3660


class Walks(Client):
    """The walks of a :class:`RevenueClient`, but for the one over the provider's settlements.

    All take ``page_size`` (rows per page), ``prefetch`` (pages fetched ahead, 0 to 8) and
    ``cursor`` (where an earlier walk of the same query stood). Every page gets ``page_deadline``
    seconds. A wrong argument is a ``ConfigurationError`` at once.
    """

    def iter_settlement(  # noqa: PLR0913  (options, by keyword)
        self,
        start_date: str | date,
        end_date: str | date,
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
        given = {"start_date": start_date, "end_date": end_date, "page_size": page_size, "authorizer_appid": authorizer_appid}
        return self._walk(ams.GetSettlement, given, prefetch, cursor, concurrency=concurrency, verify_totals=verify_totals)

    def iter_adpos_general(  # noqa: PLR0913  (options, by keyword)
        self,
        start_date: str | date | None = None,
        end_date: str | date | None = None,
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
        Beijing: yesterday's figures are still revised, so that reading a few days again every day
        keeps them right.
        """
        given = {"ad_slot": ad_slot, "authorizer_appid": authorizer_appid, "page_size": page_size}
        return self._walk(ams.GetAdposGeneral, {**self._range(start_date, end_date, days), **given}, prefetch, cursor)

    def iter_adpos_detail(  # noqa: PLR0913  (options, by keyword)
        self,
        start_date: str | date | None = None,
        end_date: str | date | None = None,
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
        given = {"ad_slot": ad_slot, "ad_unit_id": ad_unit_id, "authorizer_appid": authorizer_appid, "page_size": page_size}
        return self._walk(ams.GetAdposDetail, {**self._range(start_date, end_date, days), **given}, prefetch, cursor)

    def iter_agency_ads_stat(  # noqa: PLR0913  (options, by keyword)
        self,
        start_date: str | date | None = None,
        end_date: str | date | None = None,
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
        given = {"ad_slot": ad_slot, "token": token, "authorizer_appid": authorizer_appid, "page_size": page_size}
        return self._walk(ams.GetAgencyAdsStat, {**self._range(start_date, end_date, days), **given}, prefetch, cursor)

    def iter_agency_ads_detail(  # noqa: PLR0913  (options, by keyword)
        self,
        start_date: str | date | None = None,
        end_date: str | date | None = None,
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
        given = {"ad_slot": ad_slot, "token": token, "authorizer_appid": authorizer_appid, "page_size": page_size}
        return self._walk(ams.GetAgencyAdsDetail, {**self._range(start_date, end_date, days), **given}, prefetch, cursor)

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
        given = {"ad_slot": ad_slot, "authorizer_appid": authorizer_appid, "page_size": page_size}
        return self._walk(ams.GetAdunitList, given, prefetch, cursor)

    def _range(self, start: str | date | None, end: str | date | None, days: int | None) -> dict[str, Any]:
        """Return the first and the last day."""
        if days is None:
            if start is None or end is None:
                raise ConfigurationError("start_date, end_date: expected both of them, or days")
            return {"start_date": start, "end_date": end}
        if start is not None or end is not None:
            raise ConfigurationError("days: expected days or dates, got both")
        checks.number("days", days, range(1, _MOST_DAYS + 1))
        today = datetime.fromtimestamp(self._parts.engine.clock.time(), _BEIJING).date()
        return {"start_date": today - timedelta(days=days), "end_date": today - timedelta(days=1)}

    def _walk(self, kind: Any, given: dict[str, Any], prefetch: int, cursor: str | None, **options: Any) -> Paginator[Any]:
        from wxrevenue.clients._paging import walk

        request = kind(**self._with_defaults(kind, {name: value for name, value in given.items() if value is not None}))
        options = {"verify_totals": False, "concurrency": 1, **options, "prefetch": prefetch, "cursor": cursor}
        return cast("Paginator[Any]", walk(self._parts.engine, request, **options))
