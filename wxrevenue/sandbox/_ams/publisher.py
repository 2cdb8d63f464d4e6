"""Opening publisher accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue.sandbox._ams.accounts import THRESHOLD
from wxrevenue.sandbox._ams.visit import OPERATION_PATH, of_authorizer
from wxrevenue.sandbox._call import RefusedError

if TYPE_CHECKING:
    from wxrevenue.sandbox._ams.accounts import Accounts
    from wxrevenue.sandbox._ams.visit import Actions, Visit
    from wxrevenue.sandbox._call import Answer

_BELOW_THRESHOLD, _ALREADY_OPEN = 2013, 2021


class Publishers:
    """Answers the calls that open accounts; one that is opened works after an hour."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self.actions: Actions = {
            (OPERATION_PATH, "agency_check_can_open_publisher"): of_authorizer(self._check),
            (OPERATION_PATH, "agency_create_publisher"): of_authorizer(self._create),
        }

    def _check(self, visit: Visit) -> Answer:
        account = self._accounts.of(visit.who, visit.program)
        return visit.says({"status": int(account.opened is None and account.visitors >= THRESHOLD)})

    def _create(self, visit: Visit) -> Answer:
        account = self._accounts.of(visit.who, visit.program)
        if account.opened is not None:
            raise RefusedError(_ALREADY_OPEN)
        if account.visitors < THRESHOLD:
            raise RefusedError(_BELOW_THRESHOLD)
        account.opened = self._accounts.now()
        return visit.says()
