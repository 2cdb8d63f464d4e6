"""The advertising interfaces: gateway, quota, and the actions of every chapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._base import checks
from wxrevenue.errors import ConfigurationError
from wxrevenue.sandbox._ams.accounts import Accounts
from wxrevenue.sandbox._ams.ad_books import AdBooks
from wxrevenue.sandbox._ams.ad_data import TAKES, AdData
from wxrevenue.sandbox._ams.ad_units import AdUnits
from wxrevenue.sandbox._ams.block_lists import BlockLists
from wxrevenue.sandbox._ams.cover_ads import CoverAds
from wxrevenue.sandbox._ams.envelopes import refusal
from wxrevenue.sandbox._ams.own_figures import as_row, is_settlement, program_of
from wxrevenue.sandbox._ams.owners import Owners
from wxrevenue.sandbox._ams.percentage import Percentage
from wxrevenue.sandbox._ams.platform import PREFIX
from wxrevenue.sandbox._ams.publisher import Publishers
from wxrevenue.sandbox._ams.settlement import Settlements, program_books
from wxrevenue.sandbox._ams.tokens import AUTHORIZER, COMPONENT
from wxrevenue.sandbox._ams.visit import GET_PATH, OPERATION_PATH, SET_PATH, Visit, style_of
from wxrevenue.sandbox._call import Answer, RefusedError
from wxrevenue.sandbox._quota import Meters
from wxrevenue.sandbox._seeded import digest
from wxrevenue.sandbox._trouble import Mishap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wxrevenue.sandbox._ams.books import Books, Provider
    from wxrevenue.sandbox._ams.platform import Platform
    from wxrevenue.sandbox._ams.settlement import SettlementPath
    from wxrevenue.sandbox._ams.visit import Actions
    from wxrevenue.sandbox._call import Call
    from wxrevenue.sandbox._trouble import Trouble

_UNSIGNED, _WRONG_PROVIDER, _NO_ACCOUNT = 1735, 1736, 2056
_NOT_FOUND = Answer(404, {"Content-Type": "text/html"}, b"<html><body>404 Not Found</body></html>", outcome="404")


class Ams:
    """Answers the calls to ``api.weixin.qq.com``."""

    def __init__(  # noqa: PLR0913  (settings, by keyword)
        self,
        *,
        seed: int,
        books: Books,
        platform: Platform,
        now: Callable[[], float],
        settlement_path: SettlementPath | None,
        ads_token: str | None,
        confirm_after: float | None,
    ) -> None:
        self.platform, self.tokens = platform, platform.tokens
        self.accounts, self.percentage = Accounts(seed, now), Percentage(now, confirm_after)
        self._seed, self._books, self._providers, self._now = seed, books, platform.providers, now
        self.owners = Owners(self._providers)
        self._meters = Meters()
        self._refusals = 0
        self._actions: Actions = {
            **self.percentage.actions,
            **Settlements(books, self.accounts, settlement_path).actions,
            **Publishers(self.accounts).actions,
            **AdUnits(self.accounts).actions,
            **CoverAds(self.accounts).actions,
            **BlockLists(self.accounts).actions,
            **AdData(AdBooks(seed, books), self.accounts, TAKES[ads_token]).actions,
        }

    def answer(self, call: Call, mishap: Mishap | None, trouble: Trouble) -> Answer:
        """Carry a call out and return its answer."""
        try:
            if call.path.startswith(PREFIX):
                return self.platform.answer(call) or _NOT_FOUND
            if call.path not in {SET_PATH, GET_PATH, OPERATION_PATH}:
                return _NOT_FOUND
            kind, appid, who = self._admit(call, mishap)
            return self._act(Visit(call, who, appid if kind == AUTHORIZER else "", call.payload(), trouble), kind)
        except RefusedError as refused:
            return self.refuse(call, refused.code)

    def refuse(self, call: Call, code: int) -> Answer:
        """Return a refusal with this code."""
        self._refusals += 1
        groups = digest(self._seed, "rid", self._refusals).hex()
        rid = f"{int(self._now()):08x}-{groups[:8]}-{groups[8:]}"
        who = self._provider(*self.tokens.holder(call.token or ""))
        return refusal(code, path=call.path, style=style_of(who) if who else 0, rid=rid)

    def paths(self) -> list[str]:
        """Return what is served, as ``method path?action=…``."""
        return [*self.platform.paths(), *(f"POST {path}?action={name}" for path, name in self._actions)]

    def confirm(self, component: str, program: str | None = None) -> None:
        """Put the ratios that a provider set in force.

        This stands for the consent of the merchants, or of one merchant.
        """
        self.percentage.confirm(self._providers[component], program)

    def put(self, where: str, appid: str, value: object, *, replacing: bool = True) -> None:
        """Take in a row of a test's own.

        Raises:
            ConfigurationError: it is no row, or does not say whose ad data it has.
        """
        row, who = as_row(where, value), self._providers.get(checks.credential(f"{where}.appid", appid))
        if who is not None and not is_settlement(row):
            appid = program_of(row) or ""
            if not appid:
                raise ConfigurationError(f"{where}: expected publisher_appid or appid in a provider's ad data")
        self.own(appid, who)
        self._books.own.put(appid, row, replacing=replacing)

    def put_all(self, where: str, books: Mapping[str, Iterable[object]]) -> None:
        """Take in all that certain accounts have, in place of what is made up."""
        for appid, rows in books.items():
            self.own(checks.credential(where, appid))
            self._books.own.begin(appid)
            for row in checks.instances(f"{where}[{appid!r}]", rows, object):
                self.put(f"{where}[{appid!r}]", appid, row, replacing=False)

    def own(self, appid: str, who: Provider | None = None) -> None:
        """Let there be an account of a test's own.

        Where the appid is unknown, it is a Mini Program (of that provider).
        """
        if appid in self._providers:
            return
        if self.owners.of(appid) is None:
            self.owners.add(appid, who)
            self._books.own.begin(appid)
        found = self.owners.of(appid)
        if found is not None and appid != found.unsigned_program:
            self.accounts.open(found, appid)

    def whose_books(self, appid: str) -> Provider:
        """Return under which name the books know a provider or a Mini Program.

        Raises:
            KeyError: there is neither.
        """
        if appid in self._providers:
            return self._providers[appid]
        who = self.owners.of(appid)
        if who is None:
            raise KeyError(appid)
        return program_books(who, appid)

    def _admit(self, call: Call, mishap: Mishap | None) -> tuple[str, str, Provider]:
        """Return the kind of the token, whose it is, and their provider.

        Or refuse the call as the gateway does.
        """
        kind, appid = self.tokens.holder(call.token or "")
        who = self._provider(kind, appid)
        # A token that is old already is not renewed once more: calls made side by side see one
        # expiry.
        if mishap is Mishap.EXPIRED and who is not None and call.token == self.tokens.current(kind, appid):
            self.tokens.expire(kind, appid)
        if call.method != "POST":
            raise RefusedError(43002)
        code = self.tokens.refusal(call.token)
        if code is not None:
            raise RefusedError(code)
        if who is None:
            # A Mini Program of no provider may call nothing here; an unknown provider has no token.
            raise RefusedError(48001 if kind == AUTHORIZER else 40001)
        return kind, appid, who

    def _act(self, visit: Visit, kind: str) -> Answer:
        call, who = visit.call, visit.who
        action = self._actions.get((call.path, call.query.get("action", "")))
        if action is None:
            raise RefusedError(45010)
        if kind not in action.takes:
            raise RefusedError(_WRONG_PROVIDER if (kind, call.path) == (COMPONENT, OPERATION_PATH) else 48001)
        if not self._meters.admit(visit.trouble.too_fast, who.appid, call.name, self._now()):
            raise RefusedError(1737)
        if not who.has_account:
            raise RefusedError(_NO_ACCOUNT)
        if visit.program == who.unsigned_program:
            raise RefusedError(_UNSIGNED)
        return action.answer(visit)

    def _provider(self, kind: str, appid: str) -> Provider | None:
        return self._providers.get(appid) if kind == COMPONENT else self.owners.of(appid)
