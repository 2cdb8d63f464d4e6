"""Whose a Mini Program is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue.sandbox._ams.programs import MADE_UP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue.sandbox._ams.books import Provider


class Owners:
    """Whose a Mini Program is."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = [*providers.values()]
        self._own: dict[str, Provider] = {}

    def of(self, program: str) -> Provider | None:
        """Return the provider of a Mini Program."""
        found = MADE_UP.fullmatch(program)
        if found is None:
            return self._own.get(program)
        number = int(found[2] if found[1] == "a" else found[2] + found[3], 16)
        who = self._providers[number] if number < len(self._providers) else None
        return who if who is not None and (program in who.programs or program == who.unsigned_program) else self._own.get(program)

    def add(self, program: str, who: Provider | None = None) -> None:
        """Let a provider, the first one by default, have one more Mini Program."""
        self._own[program] = who = who or self._providers[0]
        who.programs.add(program)
