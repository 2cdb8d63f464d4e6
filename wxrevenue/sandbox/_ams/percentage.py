"""How the revenue is split.

The default ratio, custom ratios, and those that the merchants agreed to.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

from wxrevenue.sandbox._ams.visit import GET_PATH, MISSING, NOT_ALLOWED, SET_PATH, of_component, text
from wxrevenue.sandbox._call import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.sandbox._ams.books import Provider
    from wxrevenue.sandbox._ams.visit import Actions, Payload, Visit
    from wxrevenue.sandbox._call import Answer

_FIRST_RATIO = 50
_UNSIGNED, _NO_CUSTOM_RATIO = 1735, 2061


@attrs.define
class Ratios:
    """A provider's ratios, all of them the provider's share in percent.

    Custom ones and those in force by Mini Program.
    """

    default: float = _FIRST_RATIO
    custom: dict[str, float] = attrs.field(factory=dict[str, float])
    in_force: dict[str, float] = attrs.field(factory=dict[str, float])
    set_at: dict[str, float] = attrs.field(factory=dict[str, float])
    """When each custom ratio was set last, and under an empty text the default."""


class Percentage:
    """Answers the calls about ratios.

    Args:
        now: the time in Unix seconds.
        confirm_after: how many seconds after a ratio was set its merchants confirm it.
    """

    def __init__(self, now: Callable[[], float], confirm_after: float | None) -> None:
        self._now, self._confirm_after = now, confirm_after
        self._ratios: defaultdict[str, Ratios] = defaultdict(Ratios)
        self.actions: Actions = {
            (SET_PATH, "set_share_ratio"): of_component(self._set_default),
            (GET_PATH, "get_share_ratio"): of_component(self._get),
            (SET_PATH, "agency_set_custom_share_ratio"): of_component(self._set_custom),
            (GET_PATH, "agency_get_custom_share_ratio"): of_component(self._get_custom),
        }

    def confirm(self, who: Provider, program: str | None = None) -> None:
        """Put the ratios that are set in force.

        The merchants' consent (or one merchant's) does that. A custom one, else the default.
        """
        ratios = self._ratios[who.appid]
        if program is not None and program not in who.programs:
            raise ValueError(f"{program}: not in tuple programs({who.appid!r})")
        for appid in who.programs if program is None else (program,):
            ratios.in_force[appid] = ratios.custom.get(appid, ratios.default)

    def _confirm_late(self, ratios: Ratios, program: str) -> None:
        """Put what counts for a Mini Program in force, if its merchant has had the time."""
        set_at = ratios.set_at.get(program, ratios.set_at.get(""))
        if self._confirm_after is not None and set_at is not None and self._now() >= set_at + self._confirm_after:
            ratios.in_force[program] = ratios.custom.get(program, ratios.default)

    def _set_default(self, visit: Visit) -> Answer:
        ratios = self._ratios[visit.who.appid]
        ratios.default, ratios.set_at[""] = _ratio(visit.payload), self._now()
        return visit.says()

    def _get(self, visit: Visit) -> Answer:
        who, appid = visit.who, text(visit.payload, "appid")
        ratios = self._ratios[who.appid]
        if appid == who.unsigned_program:
            raise RefusedError(_UNSIGNED)
        if appid != who.appid and appid not in who.programs:
            raise RefusedError(NOT_ALLOWED)
        self._confirm_late(ratios, appid)
        return visit.says({"share_ratio": ratios.default if appid == who.appid else ratios.in_force.get(appid, _FIRST_RATIO)})

    def _set_custom(self, visit: Visit) -> Answer:
        appid, ratio = text(visit.payload, "appid"), _ratio(visit.payload)
        if appid != visit.who.unsigned_program and appid not in visit.who.programs:
            raise RefusedError(NOT_ALLOWED)
        ratios = self._ratios[visit.who.appid]
        self._confirm_late(ratios, appid)
        ratios.custom[appid], ratios.set_at[appid] = ratio, self._now()
        return visit.says()

    def _get_custom(self, visit: Visit) -> Answer:
        who, appid = visit.who, text(visit.payload, "appid")
        if appid == who.unsigned_program:
            raise RefusedError(_UNSIGNED)
        if appid not in who.programs:
            raise RefusedError(NOT_ALLOWED)
        ratio = self._ratios[who.appid].custom.get(appid)
        if ratio is None:
            raise RefusedError(_NO_CUSTOM_RATIO)
        return visit.says({"share_ratio": ratio})


def _ratio(payload: Payload) -> float:
    ratio = payload.get("share_ratio")
    if not isinstance(ratio, (int, float)) or isinstance(ratio, bool):
        raise RefusedError(MISSING)
    if not 0 <= ratio <= 100:  # noqa: PLR2004  (per cent)
        raise RefusedError(NOT_ALLOWED)
    return ratio
