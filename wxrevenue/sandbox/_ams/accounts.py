"""The publisher accounts of Mini Programs, made when one is first looked at."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from wxrevenue.sandbox._call import RefusedError
from wxrevenue.sandbox._seeded import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.sandbox._ams.books import Provider
    from wxrevenue.sandbox._ams.visit import Visit

Unit: TypeAlias = dict[str, Any]

THRESHOLD = 1000
"""Unique visitors that a Mini Program needs."""
NEW_FOR = 3600.0
"""Seconds for which an account that was opened does not work yet."""
_FIRST_UNITS = ("BANNER", "REWARD_VIDEO", "INTERSTITIAL")
_NO_PUBLISHER, _NEW_PUBLISHER = 1807, 2068


@attrs.define
class Account:
    """What a Mini Program's publisher account holds.

    ``opened`` and ``switched`` are Unix seconds.
    """

    appid: str
    opened: float | None
    units: list[Unit]
    """Oldest first."""
    visitors: int = 5 * THRESHOLD
    cover: int = 4
    switched: float = -math.inf
    scenes: str | None = None
    blocked: dict[int, list[str]] = attrs.field(factory=lambda: {kind: [] for kind in range(1, 5)})
    categories: str = ""


class Accounts:
    """All accounts. The last Mini Program of every provider has none at first.

    The others have one with three ad units.
    """

    def __init__(self, seed: int, now: Callable[[], float]) -> None:
        self.now = now
        self._seed = seed
        self._accounts: dict[str, Account] = {}

    def of(self, who: Provider, program: str) -> Account:
        """Return the account of one of a provider's Mini Programs.

        It may not have been opened.
        """
        found = self._accounts.get(program)
        if found is None:
            is_open = self._is_open_at_first(who, program)
            units = [self._first_unit(program, slot) for slot in _FIRST_UNITS] if is_open else []
            found = self._accounts[program] = Account(program, opened=-math.inf if is_open else None, units=units)
        return found

    def publisher(self, visit: Visit) -> Account:
        """Return the account that a call is about.

        Raises:
            RefusedError: it was never opened (1807), or less than an hour ago (2068).
        """
        account = self.of(visit.who, visit.program)
        self._check_open(account.opened)
        return account

    def open(self, who: Provider, program: str) -> None:
        """Let a Mini Program have an account that works, if it has none."""
        if not self._is_open_at_first(who, program):
            account = self.of(who, program)
            account.opened = -math.inf if account.opened is None else account.opened

    def check_publisher(self, visit: Visit) -> None:
        """See that the account that a call is about works, without making it.

        Raises:
            RefusedError: as in :meth:`publisher`.
        """
        account = self._accounts.get(visit.program)
        is_open = self._is_open_at_first(visit.who, visit.program)
        self._check_open((-math.inf if is_open else None) if account is None else account.opened)

    def _check_open(self, opened: float | None) -> None:
        if opened is None:
            raise RefusedError(_NO_PUBLISHER)
        if self.now() < opened + NEW_FOR:
            raise RefusedError(_NEW_PUBLISHER)

    def _is_open_at_first(self, who: Provider, program: str) -> bool:
        return program in who.programs and program != who.programs.without_account

    def publishers(self, who: Provider) -> list[Account]:
        """Return the accounts of a provider that work."""
        accounts = [self.of(who, program) for program in who.programs]
        return [one for one in accounts if one.opened is not None and self.now() >= one.opened + NEW_FOR]

    def unit_id(self, *parts: object) -> str:
        """Return a made-up id of an ad unit."""
        return f"adunit-{digest(self._seed, 'adunit', *parts).hex()}"

    def _first_unit(self, program: str, slot: str) -> Unit:
        return {"ad_unit_id": self.unit_id(program, slot), "name": f"sandbox {slot.lower()}", "type": f"SLOT_ID_WEAPP_{slot}", "on": True}
