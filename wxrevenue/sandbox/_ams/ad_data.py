"""Ad data by slot and by unit, of one Mini Program and of all of a provider's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wxrevenue.sandbox._ams.ad_books import SLOTS, spelled, summed
from wxrevenue.sandbox._ams.tokens import AUTHORIZER, COMPONENT
from wxrevenue.sandbox._ams.visit import GET_PATH, NOT_ALLOWED, OPERATION_PATH, Action, count, days, of_authorizer, optional_text
from wxrevenue.sandbox._call import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from wxrevenue.sandbox._ams.accounts import Account, Accounts, Unit
    from wxrevenue.sandbox._ams.ad_books import AdBooks, Figures
    from wxrevenue.sandbox._ams.visit import Actions, Visit
    from wxrevenue.sandbox._call import Answer

_BOTH_PARTS = {"income": "income", "publisher_income": "publisher_income", "agency_income": "agency_income"}
_OWN_PART = ({"publisher_income": "publisher_income"}, {"income": "publisher_income"}, {"publisher_income": "publisher_income"})
"""What the three kinds of providers call a Mini Program's part where it is asked for alone."""
_LARGEST_DETAIL_PAGE = 200


class AdData:
    """Answers the calls about ad data.

    Providers differ: to the first one the Mini Program's income is ``publisher_income``, and
    figures of units are an object; the second one has ``income``, and an array of one; the third
    one has ``publisher_income``, counts such as 1.0, and rows that stand for a whole account where
    no slot is asked for.

    Args:
        books: the figures.
        accounts: whose they are.
        takes: whose token the provider's two calls take: the documents do not agree.
    """

    def __init__(self, books: AdBooks, accounts: Accounts, takes: tuple[str, ...] = (COMPONENT,)) -> None:
        self._books, self._accounts = books, accounts
        self.actions: Actions = {
            (OPERATION_PATH, "agency_get_adpos_genenral"): of_authorizer(self._by_slot),
            (OPERATION_PATH, "agency_get_adunit_general"): of_authorizer(self._by_unit),
            (GET_PATH, "get_agency_ads_stat"): Action(self._all_by_slot, takes),
            (GET_PATH, "get_agency_ads_detail"): Action(self._all_by_unit, takes),
        }

    def _by_slot(self, visit: Visit) -> Answer:
        account = self._accounts.publisher(visit)
        return self._slots(visit, [account], _OWN_PART[visit.style], "")

    def _all_by_slot(self, visit: Visit) -> Answer:
        return self._slots(visit, self._accounts.publishers(visit.who), _BOTH_PARTS, "publisher_appid")

    def _slots(self, visit: Visit, accounts: Sequence[Account], money: Mapping[str, str], whose: str) -> Answer:
        wanted = optional_text(visit.payload, "ad_slot")
        whole = visit.style == 2 and wanted is None  # noqa: PLR2004  (the third of three kinds)
        slots = [""] if whole else [slot for slot in SLOTS if wanted in {None, slot}]
        places = [(day, slot, account) for day in self._books.days(*days(visit.payload)) for slot in slots for account in accounts]
        floats = visit.style == 2  # noqa: PLR2004
        rows: list[dict[str, Any]] = []
        for day, slot, account in visit.shown(places):
            figures = spelled(self._of_slot(account, slot, day), money=money, as_fractions=floats)
            named = {"slot_id": SLOTS[slot], "ad_slot": slot} if slot else {}
            rows.append({**named, "date": day.isoformat(), **({whose: account.appid} if whose else {}), **figures})
        total = summed([self._of_slot(account, slot, day) for day, slot, account in places])
        summary = spelled(total, money=money, as_fractions=floats)
        return visit.says({**({"list": rows} if rows else {}), "summary": summary, "total_num": len(places)}, "ok")

    def _of_slot(self, account: Account, slot: str, day: date) -> Figures:
        if slot:
            return self._books.figures(day, account.appid, slot)
        return summed([self._books.figures(day, account.appid, one) for one in SLOTS])

    def _by_unit(self, visit: Visit) -> Answer:
        account, wanted = self._accounts.publisher(visit), optional_text(visit.payload, "ad_unit_id")
        units = [(account, unit) for unit in account.units if wanted in {None, unit["ad_unit_id"]}]
        return self._units(visit, units, _OWN_PART[visit.style], with_appid=False)

    def _all_by_unit(self, visit: Visit) -> Answer:
        if count(visit.payload, "page_size") > _LARGEST_DETAIL_PAGE:
            raise RefusedError(NOT_ALLOWED)
        units = [(account, unit) for account in self._accounts.publishers(visit.who) for unit in account.units]
        return self._units(visit, units, _BOTH_PARTS, with_appid=True)

    def _units(self, visit: Visit, units: list[tuple[Account, Unit]], money: Mapping[str, str], *, with_appid: bool) -> Answer:
        slot = optional_text(visit.payload, "ad_slot")
        units = [(account, unit) for account, unit in units if slot in {None, unit["type"]}]
        places = [(day, account, unit) for day in self._books.days(*days(visit.payload)) for account, unit in units]
        rows: list[dict[str, Any]] = []
        for day, account, unit in visit.shown(places):
            figures = self._books.figures(day, account.appid, unit["ad_unit_id"])
            item = {
                "ad_slot": unit["type"],
                "date": day.isoformat(),
                **spelled(figures, money=money, as_fractions=visit.style == 2),  # noqa: PLR2004
            }
            named = {"ad_unit_id": unit["ad_unit_id"], "ad_unit_name": unit["name"], "stat_item": [item] if visit.style == 1 else item}
            rows.append({**({"appid": account.appid} if with_appid else {}), **named})
        return visit.says({**({"list": rows} if rows else {}), "total_num": len(places)}, "ok")


TAKES = {None: (COMPONENT, AUTHORIZER), "component": (COMPONENT,), "authorizer": (AUTHORIZER,)}
"""Whose token the provider's two calls may take."""
