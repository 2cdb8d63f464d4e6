"""Blocked advertisers and industries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from wxrevenue.sandbox._ams.visit import MISSING, NOT_ALLOWED, OPERATION_PATH, of_authorizer, one_of, text
from wxrevenue.sandbox._call import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wxrevenue._base.json_types import JsonObject, JsonValue
    from wxrevenue.sandbox._ams.accounts import Accounts
    from wxrevenue.sandbox._ams.visit import Actions, Visit
    from wxrevenue.sandbox._call import Answer

_TOO_MANY = 2035
_ADD, _REMOVE = 1, 2
_MOST = {1: 20, 2: 10, 3: 10, 4: 20}
_KEYS = {1: "blacklist_biz", 4: "blacklist_weapp", 2: "blacklist_ios", 3: "blacklist_android"}
_ALL = (
    "CHESS|ADULT_SUPPLIES|MEDICAL_HEALTH|INSURANCE|SECURITES|LOAN|LIVING_SERVICES_BEAUTY|LIVING_SERVICES_ENTERTAINMENT|"
    "LIVING_SERVICES_OTHERS|FOOD_INDUSTRY|RETAIL_AND_GENERAL_MERCHANDISE|FOOD_AND_DRINK|TECHNICAL_SERVICE"
)
_CATEGORIES = frozenset(_ALL.split("|"))


class BlockLists:
    """Answers the calls about what is blocked."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self.actions: Actions = {
            (OPERATION_PATH, "agency_set_black_list"): of_authorizer(self._set_advertisers),
            (OPERATION_PATH, "agency_get_black_list"): of_authorizer(self._advertisers),
            (OPERATION_PATH, "agency_set_mp_amscategory_blacklist"): of_authorizer(self._set_categories),
            (OPERATION_PATH, "agency_get_mp_amscategory_blacklist"): of_authorizer(self._categories),
        }

    def _set_advertisers(self, visit: Visit) -> Answer:
        account, op = self._accounts.publisher(visit), one_of(visit.payload, "op", (_ADD, _REMOVE))
        blocked = {kind: [*ids] for kind, ids in account.blocked.items()}
        for kind, advertiser in _read(text(visit.payload, "list")):
            known = advertiser in blocked[kind]
            if op == _ADD and not known:
                blocked[kind].append(advertiser)
            elif op == _REMOVE and known:
                blocked[kind].remove(advertiser)
        if any(len(ids) > _MOST[kind] for kind, ids in blocked.items()):
            raise RefusedError(_TOO_MANY)
        account.blocked = blocked
        return visit.says()

    def _advertisers(self, visit: Visit) -> Answer:
        blocked = self._accounts.publisher(visit).blocked
        shown = {
            key: [{"id": one, "name": f"name of {one}", "icon": f"https://example.com/{one}.png"} for one in blocked[kind]]
            for kind, key in _KEYS.items()
        }
        return visit.says({key: rows for key, rows in shown.items() if rows or visit.style == 0})

    def _set_categories(self, visit: Visit) -> Answer:
        account, wanted = self._accounts.publisher(visit), visit.payload.get("ams_category")
        if not isinstance(wanted, str):
            raise RefusedError(MISSING)
        if not set(wanted.split("|") if wanted else ()) <= _CATEGORIES:
            raise RefusedError(NOT_ALLOWED)
        account.categories = wanted
        return visit.says()

    def _categories(self, visit: Visit) -> Answer:
        return visit.says({"ams_category": self._accounts.publisher(visit).categories})


def _read(listed: str) -> Iterator[tuple[int, str]]:
    """Yield kind and id of every advertiser of a JSON text."""
    for row in _rows(listed):
        kind, advertiser = row.get("type"), row.get("id")
        if isinstance(kind, bool) or not isinstance(kind, int) or kind not in _MOST or not isinstance(advertiser, str) or not advertiser:
            raise RefusedError(NOT_ALLOWED)
        yield kind, advertiser


def _rows(listed: str) -> list[JsonObject]:
    try:
        found: JsonValue = orjson.loads(listed)
    except orjson.JSONDecodeError:
        raise RefusedError(NOT_ALLOWED) from None
    rows = found if isinstance(found, list) else [None]
    objects = [row for row in rows if isinstance(row, dict)]
    if len(objects) < len(rows):
        raise RefusedError(NOT_ALLOWED)
    return objects
