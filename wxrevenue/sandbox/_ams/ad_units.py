"""Ad units, and the templates of native ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue.sandbox._ams.visit import NOT_ALLOWED, OPERATION_PATH, of_authorizer, one_of, optional_one_of, optional_text, text
from wxrevenue.sandbox._call import RefusedError

if TYPE_CHECKING:
    from wxrevenue.sandbox._ams.accounts import Account, Accounts, Unit
    from wxrevenue.sandbox._ams.visit import Actions, Payload, Visit
    from wxrevenue.sandbox._call import Answer

TEMPLATE = "SLOT_ID_WEAPP_TEMPLATE"

_SAME_NAME = 1803
_STATUSES = ("AD_UNIT_STATUS_ON", "AD_UNIT_STATUS_OFF")
_OPEN_TEMPLATES = (6, 7, 12, 13, 2, 3, 4, 11, 9, 10, 20, 100001, 100003)
_DURATIONS = {"video_duration_min": (6,), "video_duration_max": (15, 30, 60, 86400), "unlock_reward_duration": (15, 30)}
_KINDS = {"SLOT_ID_WEAPP_REWARD_VIDEO": "AD_UNIT_TYPE_REWARED_VIDEO", TEMPLATE: "AD_UNIT_TYPE_TEMPLATE_CUSTOM"}
_TEMPLATES = 2


class AdUnits:
    """Answers the calls about ad units. Every account has two custom templates."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self.actions: Actions = {
            (OPERATION_PATH, "agency_create_adunit"): of_authorizer(self._create),
            (OPERATION_PATH, "agency_update_adunit"): of_authorizer(self._update),
            (OPERATION_PATH, "agency_get_adunit_list"): of_authorizer(self._list),
            (OPERATION_PATH, "agency_get_adunit_code"): of_authorizer(self._code),
            (OPERATION_PATH, "agency_get_tmpl_type"): of_authorizer(self._template_type),
            (OPERATION_PATH, "get_agency_ad_unit_list"): of_authorizer(self._templates),
        }

    def _create(self, visit: Visit) -> Answer:
        account, payload = self._accounts.publisher(visit), visit.payload
        slot = text(payload, "type")
        if not slot.startswith("SLOT_ID_"):
            raise RefusedError(NOT_ALLOWED)
        unit = {"type": slot, "on": True, **_settings(payload)}
        if slot == TEMPLATE and not {"tmpl_type", "tmpl_id"} & unit.keys():
            raise RefusedError(NOT_ALLOWED)
        unit["name"] = _free_name(account, payload)
        unit["ad_unit_id"] = self._accounts.unit_id(account.appid, len(account.units))
        account.units.append(unit)
        return visit.says({"ad_unit_id": unit["ad_unit_id"]})

    def _update(self, visit: Visit) -> Answer:
        account, payload = self._accounts.publisher(visit), visit.payload
        unit = _unit(account, payload)
        on = one_of(payload, "status", _STATUSES) == _STATUSES[0]
        unit |= {"name": _free_name(account, payload, unit), "on": on, **_settings(payload)}
        return visit.says()

    def _list(self, visit: Visit) -> Answer:
        account, payload = self._accounts.publisher(visit), visit.payload
        slot, unit_id = optional_text(payload, "ad_slot"), optional_text(payload, "ad_unit_id")
        units = [one for one in reversed(account.units) if slot in {None, one["type"]} and unit_id in {None, one["ad_unit_id"]}]
        shown = [_spelled(account, unit) for unit in visit.shown(units)]
        return visit.says({**({"ad_unit": shown} if shown else {}), "total_num": len(units)}, "ok")

    def _code(self, visit: Visit) -> Answer:
        unit = _unit(self._accounts.publisher(visit), visit.payload)
        return visit.says({"code": f'<ad unit-id="{unit["ad_unit_id"]}"></ad>'})

    def _template_type(self, visit: Visit) -> Answer:
        # The documents have a number and an empty text.
        return visit.says({"tmpl_type": _unit(self._accounts.publisher(visit), visit.payload).get("tmpl_type", "")})

    def _templates(self, visit: Visit) -> Answer:
        account, payload = self._accounts.publisher(visit), visit.payload
        text(payload, "ad_slot")
        wanted, with_units = optional_text(payload, "tmpl_id"), payload.get("is_return_tmpl_bind_list") == 1
        ids = [self._accounts.unit_id(account.appid, "template", number) for number in range(_TEMPLATES)]
        found = [one for one in ids if wanted in {None, one}]
        shown = [_template(account, one, with_units=with_units) for one in visit.shown(found)]
        # The table says that the total is a string, the sample that it is a number.
        return visit.says({**({"ad_unit_list": shown} if shown else {}), "total_num": str(len(found))})


def _settings(payload: Payload) -> Unit:
    """Return what is set of durations and template."""
    found: Unit = {key: optional_one_of(payload, key, allowed) for key, allowed in _DURATIONS.items()}
    found |= {"tmpl_type": optional_one_of(payload, "tmpl_type", _OPEN_TEMPLATES), "tmpl_id": optional_text(payload, "tmpl_id")}
    if None not in {found["tmpl_type"], found["tmpl_id"]}:
        raise RefusedError(NOT_ALLOWED)
    return {key: value for key, value in found.items() if value is not None}


def _free_name(account: Account, payload: Payload, own: Unit | None = None) -> str:
    name = text(payload, "name")
    if any(one["name"] == name for one in account.units if one is not own):
        raise RefusedError(_SAME_NAME)
    return name


def _unit(account: Account, payload: Payload) -> Unit:
    wanted = text(payload, "ad_unit_id")
    found = next((one for one in account.units if one["ad_unit_id"] == wanted), None)
    if found is None:
        raise RefusedError(NOT_ALLOWED)
    return found


def _spelled(account: Account, unit: Unit) -> dict[str, object]:
    """Return a unit as lists have it."""
    return {
        "ad_slot": unit["type"],
        "ad_unit_id": unit["ad_unit_id"],
        "ad_unit_name": unit["name"],
        "ad_unit_size": [{"height": 166, "width": 582}],
        "ad_unit_status": 1 if unit["on"] else 2,
        "ad_unit_type": _KINDS.get(unit["type"], "AD_UNIT_TYPE_OTHER"),
        "appid": account.appid,
        "video_duration_max": unit.get("video_duration_max", 0),
        "video_duration_min": unit.get("video_duration_min", 0),
    }


def _template(account: Account, template: str, *, with_units: bool) -> dict[str, object]:
    bound = [_spelled(account, one) for one in account.units if one.get("tmpl_id") == template]
    listed = {"tmpl_bind_list": bound} if with_units else {}
    return {"tmpl_id": template, "ad_unit_name": "sandbox template", "slot_id": TEMPLATE, **listed, "tmpl_bind_total_num": len(bound)}
