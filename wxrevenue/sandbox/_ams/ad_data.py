"""Ad data by slot and by unit, of one Mini Program and of all of a provider's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

import attrs

from wxrevenue.sandbox._ams.ad_books import SLOTS, read, spelled, summed
from wxrevenue.sandbox._ams.own_figures import day_of, is_of_unit, without_program
from wxrevenue.sandbox._ams.tokens import AUTHORIZER, COMPONENT
from wxrevenue.sandbox._ams.visit import GET_PATH, NOT_ALLOWED, OPERATION_PATH, Action, count, days, of_authorizer, optional_text
from wxrevenue.sandbox._call import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from wxrevenue.sandbox._ams.accounts import Account, Accounts, Unit
    from wxrevenue.sandbox._ams.ad_books import AdBooks, Figures
    from wxrevenue.sandbox._ams.visit import Actions, Visit
    from wxrevenue.sandbox._call import Answer

_BOTH_PARTS = {"income": "income", "publisher_income": "publisher_income", "agency_income": "agency_income"}
_OWN_PART = ({"publisher_income": "publisher_income"}, {"income": "publisher_income"}, {"publisher_income": "publisher_income"})
"""What the three kinds of providers call a Mini Program's part.

It is called so where it is asked for alone.
"""
_LARGEST_DETAIL_PAGE = 200


@attrs.frozen
class _Slot:
    """A slot of an account; an empty string stands for all of them."""

    account: Account
    slot: str


@attrs.frozen
class _Unit:
    """An ad unit of an account."""

    account: Account
    unit: Unit


Entry: TypeAlias = "tuple[date, Account, Any]"
"""A day's figures of an account.

They are a slot's or a unit's that has made-up ones, or a row of a test's own.
"""


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
        return self._slots(visit, self._all(visit), _BOTH_PARTS, "publisher_appid")

    def _all(self, visit: Visit) -> Sequence[Account]:
        """Return the provider's accounts.

        If a test gave the provider's figures, return those that have figures of a test's own.
        """
        accounts, own = self._accounts.publishers(visit.who), self._books.own
        return [one for one in accounts if own.of(one.appid).ads] if own.of(visit.who.appid).alone else accounts

    def _slots(self, visit: Visit, accounts: Sequence[Account], money: Mapping[str, str], whose: str) -> Answer:
        wanted = optional_text(visit.payload, "ad_slot")
        whole = visit.style == 2 and wanted is None  # noqa: PLR2004  (the third of three kinds)
        slots = [""] if whole else [slot for slot in SLOTS if wanted in {None, slot}]
        places = [_Slot(account, slot) for slot in slots for account in accounts]
        entries = self._entries(visit, accounts, places, lambda row: not is_of_unit(row) and wanted in {None, row.get("ad_slot")})
        floats = visit.style == 2  # noqa: PLR2004
        rows: list[dict[str, object]] = []
        for day, account, place in visit.shown(entries):
            named = {whose: account.appid} if whose else {}
            if isinstance(place, dict):
                rows.append({**without_program(cast("Figures", place)), **named})
                continue
            figures = spelled(self._of_slot(account, place.slot, day), money=money, as_fractions=floats)
            slot = {"slot_id": SLOTS[place.slot], "ad_slot": place.slot} if place.slot else {}
            rows.append({**slot, "date": day.isoformat(), **named, **figures})
        total = summed(
            [
                read(cast("Figures", place)) if isinstance(place, dict) else self._of_slot(one, place.slot, day)
                for day, one, place in entries
            ]
        )
        summary = spelled(total, money=money, as_fractions=floats)
        return visit.says({**({"list": rows} if rows else {}), "summary": summary, "total_num": len(entries)}, "ok")

    def _entries(
        self, visit: Visit, accounts: Sequence[Account], places: Sequence[_Slot] | Sequence[_Unit], wanted: Callable[[Figures], bool]
    ) -> list[Entry]:
        """Return what a range has, the newest day first.

        It has places with made-up figures, and rows of a test's own.
        """
        start, end = days(visit.payload)
        given = {one.appid: self._books.own.of(one.appid) for one in accounts}
        by_unit = any(isinstance(place, _Unit) for place in places)
        told = {appid: own.days(by_unit=by_unit) for appid, own in given.items() if own.ads}
        made_up = [place for place in places if not given[place.account.appid].alone]
        found: list[Entry] = [
            (day, place.account, place)
            for day in self._books.days(start, end)
            for place in made_up
            if day not in told.get(place.account.appid, ())
        ]
        own = [(day_of(row), account, row) for account in accounts for row in given[account.appid].ads if wanted(row)]
        found += (entry for entry in own if start <= entry[0] <= end)
        return sorted(found, key=lambda entry: entry[0], reverse=True) if own else found

    def _of_slot(self, account: Account, slot: str, day: date) -> Figures:
        if slot:
            return self._books.figures(day, account.appid, slot)
        return summed([self._books.figures(day, account.appid, one) for one in SLOTS])

    def _by_unit(self, visit: Visit) -> Answer:
        account = self._accounts.publisher(visit)
        return self._units(visit, [account], _OWN_PART[visit.style], with_appid=False)

    def _all_by_unit(self, visit: Visit) -> Answer:
        if count(visit.payload, "page_size") > _LARGEST_DETAIL_PAGE:
            raise RefusedError(NOT_ALLOWED)
        return self._units(visit, self._all(visit), _BOTH_PARTS, with_appid=True)

    def _units(self, visit: Visit, accounts: Sequence[Account], money: Mapping[str, str], *, with_appid: bool) -> Answer:
        slot = optional_text(visit.payload, "ad_slot")
        unit_id = None if with_appid else optional_text(visit.payload, "ad_unit_id")
        places = [
            _Unit(account, unit)
            for account in accounts
            for unit in account.units
            if slot in {None, unit["type"]} and unit_id in {None, unit["ad_unit_id"]}
        ]

        def wanted(row: Figures) -> bool:
            return is_of_unit(row) and slot in {None, row.get("ad_slot")} and unit_id in {None, row["ad_unit_id"]}

        entries = self._entries(visit, accounts, places, wanted)
        rows: list[dict[str, object]] = []
        for day, account, place in visit.shown(entries):
            if isinstance(place, dict):
                item = without_program(cast("Figures", place))
                named: dict[str, object] = {name: item.pop(name) for name in ("ad_unit_id", "ad_unit_name") if name in item}
            else:
                unit, figures = place.unit, self._books.figures(day, account.appid, place.unit["ad_unit_id"])
                shares = spelled(figures, money=money, as_fractions=visit.style == 2)  # noqa: PLR2004
                item = {"ad_slot": unit["type"], "date": day.isoformat(), **shares}
                named = {"ad_unit_id": unit["ad_unit_id"], "ad_unit_name": unit["name"]}
            whose: dict[str, object] = {"appid": account.appid} if with_appid else {}
            rows.append({**whose, **named, "stat_item": [item] if visit.style == 1 else item})
        return visit.says({**({"list": rows} if rows else {}), "total_num": len(entries)}, "ok")


TAKES = {None: (COMPONENT, AUTHORIZER), "component": (COMPONENT,), "authorizer": (AUTHORIZER,)}
"""Whose token the provider's two calls may take."""
