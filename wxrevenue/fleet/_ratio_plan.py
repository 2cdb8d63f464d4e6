"""What the ratios of a fleet are, and what has to be set.

Then they become what they should be. Nothing here calls a server.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from wxrevenue._base import checks
from wxrevenue._base.printable import Printable
from wxrevenue.ams._ratio_status import RatioStatus
from wxrevenue.ams.percentage import checked_percent
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


__all__ = ["RatioChange", "RatioPlan", "plan_ratios"]

_DEFAULT: Final = "default"
K = TypeVar("K", bound=str | None)


@attrs.frozen
class RatioChange(Printable):
    """A ratio to set."""

    appid: str | None
    """The Mini Program; ``None`` stands for the provider's default."""
    before: Decimal | None
    """The custom ratio that is set, ``None`` if none is.

    Or the default, ``None`` if unknown.
    """
    after: Decimal
    """The provider's share to set, in percent."""

    def __str__(self) -> str:
        before = "none" if self.before is None else f"{self.before} %"
        return f"{self.appid or _DEFAULT}  {before} -> {self.after} %"


@attrs.frozen
class RatioPlan(Printable):
    """What has to be set. ``str()`` shows it as a diff."""

    changes: tuple[RatioChange, ...]
    """The default, if it changes, comes first."""
    unchanged: int
    """How many of the ratios that are wanted are set already."""

    def __str__(self) -> str:
        last = f"{len(self.changes)} to set, {self.unchanged} unchanged"
        return "\n".join([*map(str, self.changes), last])


def plan_ratios(wanted: Mapping[K, int | Decimal], found: Iterable[RatioStatus], *, allow_fractions: bool = False) -> RatioPlan:
    """Return what has to be set so that the ratios become what is wanted.

    A Mini Program gets a custom ratio also where the default is the same, so that it keeps it when
    the default changes. A ratio that could not be read is set.

    Args:
        wanted: the provider's share in percent by Mini Program, 0 to 100, an ``int`` or a
            ``Decimal`` with at most 2 places; under the key ``None`` the default.
        found: what :func:`ratio_status` says, of these Mini Programs at least.
        allow_fractions: let a ratio be other than whole. Whether WeChat takes fractions is not
            documented.

    Raises:
        ConfigurationError: a ratio is not allowed, or a Mini Program is not among ``found``.
    """
    checks.flag("plan_ratios.allow_fractions", allow_fractions)
    if not isinstance(wanted, Mapping):
        raise ConfigurationError(f"plan_ratios.wanted: expected a mapping of ratios by appid, got {type(wanted).__name__}")
    known = {status.appid: status for status in checks.instances("plan_ratios.found", found, RatioStatus)}
    changes = [*_changes(wanted, known, allow_fractions=allow_fractions)]
    needed = [one for one in changes if one.before != one.after]
    needed.sort(key=lambda change: change.appid is not None)  # the default first, the others as given
    return RatioPlan(tuple(needed), len(changes) - len(needed))


def _changes(wanted: Mapping[K, int | Decimal], known: Mapping[str, RatioStatus], *, allow_fractions: bool) -> Iterator[RatioChange]:
    default = next((status.default for status in known.values() if status.default is not None), None)
    for appid, ratio in wanted.items():
        where = f"plan_ratios.wanted[{appid!r}]"
        after = percent(where, ratio, allow_fractions=allow_fractions)
        if appid is not None and appid not in known:
            raise ConfigurationError(f"{where}: expected a Mini Program that is among those found")
        yield RatioChange(appid, default if appid is None else known[appid].custom, after)


def percent(where: str, ratio: object, *, allow_fractions: bool) -> Decimal:
    """Return a ratio that may be set.

    Raises:
        ConfigurationError: it may not.
    """
    checked = Decimal(checked_percent(where, ratio))
    if not allow_fractions and checked != checked.to_integral_value():
        raise ConfigurationError(f"{where}: expected a whole number from 0 to 100, got {checked}; allow_fractions=True lets it pass")
    return checked
