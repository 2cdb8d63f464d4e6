"""The advertising interfaces: the gateway in front of them, the quota, and the three actions."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from wxrevenue.sandbox._ams.envelopes import OPERATION_PATH, refusal, success
from wxrevenue.sandbox._ams.platform import PREFIX
from wxrevenue.sandbox._ams.tokens import COMPONENT
from wxrevenue.sandbox._call import Answer, RefusedError
from wxrevenue.sandbox._quota import Meters
from wxrevenue.sandbox._seeded import digest
from wxrevenue.sandbox._trouble import Mishap

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.sandbox._ams.books import Books, Provider
    from wxrevenue.sandbox._ams.platform import Platform
    from wxrevenue.sandbox._call import Call
    from wxrevenue.sandbox._trouble import Trouble

SettlementPath: TypeAlias = Literal["/wxa/operationams", "/wxa/getdefaultamsinfo"]

_SET_PATH, _GET_PATH = "/wxa/setdefaultamsinfo", "/wxa/getdefaultamsinfo"
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FIRST_RATIO = 50
_MISSING, _NOT_ALLOWED = 1700, 1701
_NOT_FOUND = Answer(404, {"Content-Type": "text/html"}, b"<html><body>404 Not Found</body></html>", outcome="404")

Payload: TypeAlias = dict[str, Any]


@attrs.frozen
class _Visit:
    """A call that the gateway let through."""

    call: Call
    who: Provider
    payload: Payload
    trouble: Trouble


@attrs.define
class Ratios:
    """A provider's default ratio, and the ratio in force for each Mini Program; both are the provider's share in percent."""

    default: float = _FIRST_RATIO
    in_force: defaultdict[str, float] = attrs.field(factory=lambda: defaultdict(lambda: _FIRST_RATIO))


class Ams:
    """Answers the calls to ``api.weixin.qq.com``."""

    def __init__(
        self,
        *,
        seed: int,
        books: Books,
        platform: Platform,
        now: Callable[[], float],
        settlement_path: SettlementPath | None,
    ) -> None:
        self.platform, self.tokens = platform, platform.tokens
        self.ratios: defaultdict[str, Ratios] = defaultdict(Ratios)
        self._seed, self._books, self._providers, self._now, self._settlement_path = seed, books, platform.providers, now, settlement_path
        self._meters = Meters()
        self._refusals = 0
        self._actions: dict[tuple[str, str], Callable[[_Visit], Answer]] = {
            (_SET_PATH, "set_share_ratio"): self._set_share_ratio,
            (_GET_PATH, "get_share_ratio"): self._get_share_ratio,
            (_GET_PATH, "get_agency_settled_revenue"): self._get_settlement,
            (OPERATION_PATH, "get_agency_settled_revenue"): self._get_settlement,
        }

    def answer(self, call: Call, mishap: Mishap | None, trouble: Trouble) -> Answer:
        """Carry a call out and return its answer."""
        try:
            if call.path.startswith(PREFIX):
                return self.platform.answer(call) or _NOT_FOUND
            if call.path not in {_SET_PATH, _GET_PATH, OPERATION_PATH}:
                return _NOT_FOUND
            who = self._admit(call, mishap)
            return self._act(_Visit(call, who, call.payload(), trouble))
        except RefusedError as refused:
            return self.refuse(call, refused.code)

    def refuse(self, call: Call, code: int) -> Answer:
        """Return a refusal with this code."""
        self._refusals += 1
        groups = digest(self._seed, "rid", self._refusals).hex()
        rid = f"{int(self._now()):08x}-{groups[:8]}-{groups[8:]}"
        who = self._caller(call)
        return refusal(code, path=call.path, style=_style(who) if who else 0, rid=rid)

    def confirm(self, component: str, program: str | None = None) -> None:
        """Put the provider's default ratio in force, as the merchants' consent (or one merchant's) does."""
        ratios, programs = self.ratios[component], self._providers[component].programs
        for appid in programs if program is None else (programs[programs.index(program)],):
            ratios.in_force[appid] = ratios.default

    def _admit(self, call: Call, mishap: Mishap | None) -> Provider:
        """Return who calls, or refuse as the gateway does."""
        who = self._caller(call)
        # A token that is old already is not renewed once more: calls made side by side see one expiry.
        if mishap is Mishap.EXPIRED and who is not None and self.tokens.component(who.appid) == call.token:
            self.tokens.expire(COMPONENT, who.appid)
        if call.method != "POST":
            raise RefusedError(43002)
        code = self.tokens.refusal(call.token, 48001)
        if code is not None:
            raise RefusedError(code)
        if who is None:
            raise RefusedError(40001)
        return who

    def _act(self, visit: _Visit) -> Answer:
        call, who = visit.call, visit.who
        action = self._actions.get((call.path, call.query.get("action", "")))
        if action is None:
            raise RefusedError(45010)
        if not self._meters.admit(visit.trouble.too_fast, who.appid, call.name, self._now()):
            raise RefusedError(1737)
        if not who.has_account:
            raise RefusedError(2056)
        return action(visit)

    def _set_share_ratio(self, visit: _Visit) -> Answer:
        who, ratio = visit.who, visit.payload.get("share_ratio")
        if not isinstance(ratio, (int, float)) or isinstance(ratio, bool):
            raise RefusedError(_MISSING)
        if not 0 <= ratio <= 100:  # noqa: PLR2004  (per cent)
            raise RefusedError(_NOT_ALLOWED)
        self.ratios[who.appid].default = ratio
        return success(_style(who), "", {})

    def _get_share_ratio(self, visit: _Visit) -> Answer:
        who, appid = visit.who, _text(visit.payload, "appid")
        ratios = self.ratios[who.appid]
        if appid == who.unsigned_program:
            raise RefusedError(1735)
        if appid not in {who.appid, *who.programs}:
            raise RefusedError(_NOT_ALLOWED)
        ratio = ratios.default if appid == who.appid else ratios.in_force[appid]
        return success(_style(who), "", {"share_ratio": ratio})

    def _get_settlement(self, visit: _Visit) -> Answer:
        who, payload = visit.who, visit.payload
        if self._settlement_path not in {None, visit.call.path}:
            raise RefusedError(1736)
        page, size = _count(payload, "page"), _count(payload, "page_size")
        start, end = _day(payload, "start_date"), _day(payload, "end_date")
        if start > end:
            raise RefusedError(_NOT_ALLOWED)
        rows = self._books.rows(who, start, end)
        size = min(size, visit.trouble.page_cap or size)
        shown = rows[(page - 1) * size : page * size]
        # Where there is nothing to show, the list is not empty: it is not there.
        listed = {"settlement_list": shown} if shown else {}
        return success(_style(who), "OK", {**self._books.header(who), **listed, "total_num": len(rows)})

    def _caller(self, call: Call) -> Provider | None:
        return self._providers.get(self.tokens.owner(call.token or "") or "")


def _style(who: Provider) -> int:
    """Return which of the three envelopes this provider is answered in."""
    return who.index % 3


def _count(payload: Payload, key: str) -> int:
    value = payload.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedError(_MISSING)
    if value < 1:
        raise RefusedError(_NOT_ALLOWED)
    return value


def _text(payload: Payload, key: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str) or not value:
        raise RefusedError(_MISSING)
    return value


def _day(payload: Payload, key: str) -> date:
    text = _text(payload, key)
    if not _DAY.fullmatch(text):
        raise RefusedError(_NOT_ALLOWED)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RefusedError(_NOT_ALLOWED) from None
