"""Settlements, of a provider and of a Mini Program.

Two separate statements for the two parts of the money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from wxrevenue.sandbox._ams.visit import GET_PATH, OPERATION_PATH, days, of_authorizer, of_component
from wxrevenue.sandbox._call import RefusedError

if TYPE_CHECKING:
    from wxrevenue.sandbox._ams.accounts import Accounts
    from wxrevenue.sandbox._ams.books import Books, Provider
    from wxrevenue.sandbox._ams.visit import Actions, Visit
    from wxrevenue.sandbox._call import Answer

SettlementPath: TypeAlias = Literal["/wxa/operationams", "/wxa/getdefaultamsinfo"]

_WRONG_PATH = 1736


class Settlements:
    """Answers the calls about settlements."""

    def __init__(self, books: Books, accounts: Accounts, path: SettlementPath | None) -> None:
        self._books, self._accounts, self._path = books, accounts, path
        self.actions: Actions = {
            (GET_PATH, "get_agency_settled_revenue"): of_component(self._of_provider),
            (OPERATION_PATH, "get_agency_settled_revenue"): of_component(self._of_provider),
            (OPERATION_PATH, "agency_get_settlement"): of_authorizer(self._of_program),
        }

    def _of_provider(self, visit: Visit) -> Answer:
        if self._path not in {None, visit.call.path}:
            raise RefusedError(_WRONG_PATH)
        return self._page(visit, visit.who)

    def _of_program(self, visit: Visit) -> Answer:
        self._accounts.check_publisher(visit)
        return self._page(visit, program_books(visit.who, visit.program))

    def _page(self, visit: Visit, whose: Provider) -> Answer:
        rows = self._books.rows(whose, *days(visit.payload))
        shown = visit.shown(rows)
        # Where there is nothing to show, the list is not empty: it is not there.
        listed = {"settlement_list": [*shown]} if shown else {}
        return visit.says({**self._books.header(whose), **listed, "total_num": len(rows)}, "OK")


def program_books(who: Provider, program: str) -> Provider:
    """Return under which name the books know a Mini Program.

    Each of its half-months has one row.
    """
    return attrs.evolve(who, appid=program, statements=1)
