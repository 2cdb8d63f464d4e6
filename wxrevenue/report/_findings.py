"""What a reconciliation finds.

Differences, what could not be compared, and what each may mean.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, TypeAlias

import attrs

from wxrevenue._base.printable import Printable
from wxrevenue.report._words import checked_lang

if TYPE_CHECKING:
    from wxrevenue._base.calendar import HalfMonth
    from wxrevenue.ams._ad_row import AdRow
    from wxrevenue.ams.settlement import Settlement
    from wxrevenue.funds._bill import BillRow
    from wxrevenue.funds._order import DistributionResult
    from wxrevenue.report._words import Lang

    Behind: TypeAlias = tuple[str, Settlement | AdRow | BillRow | DistributionResult]

__all__ = ["CheckKind", "Difference", "Reconciliation", "Unchecked"]

Said: TypeAlias = tuple[str, str]
"""A sentence in Chinese and in English."""


class CheckKind(enum.StrEnum):
    """What is compared with what. A str, such as ``"slots"``."""

    SLOTS = "slots"
    """The slots of a settlement with its amount."""
    INCOME = "income"
    """The daily income of a Mini Program, or the provider's, with what was settled.

    WeChat may have deducted something.
    """
    RATIO = "ratio"
    """The provider's part of a Mini Program's daily income with the ratio in force."""
    SHARE = "share"
    """The provider's settlement with what the ratios in force make of the others.

    The others are the Mini Programs' settlements.
    """
    HEADER = "header"
    """``settled_revenue_all`` of an owner's newest header with its settlements' sum.

    The sum is of its settled settlements of all times.
    """
    BALANCE = "balance"
    """``revenue_all`` less ``penalty_all`` with ``settled_revenue_all``.

    None of them may be more than was earned.
    """

    BILL = "bill"
    """A receiver's share of a distribution with WeChat Pay's bill.

    See :func:`reconcile_bill`.
    """


@attrs.frozen
class Difference(Printable):
    """Two amounts that should be equal, and are not."""

    what: CheckKind
    expected: int
    """Fen."""
    found: int
    """Fen."""
    rows: tuple[Behind, ...]
    """Owners and the rows behind it, settlements first, then ad data.

    There are 1,000 at most, and 100,000 of all differences together; those beyond have their
    settlements alone.
    """
    owner: str = ""
    """Whose amounts they are."""
    said: Said = attrs.field(default=("", ""), repr=False)

    def meaning(self, lang: Lang = "zh") -> str:
        """Return what it may mean, in a sentence.

        Raises:
            ConfigurationError: ``lang`` is neither ``"zh"`` nor ``"en"``.
        """
        return self.said[checked_lang("Difference.meaning.lang", lang) == "en"]


@attrs.frozen
class Unchecked(Printable):
    """What could not be compared, because something is not in the ledger."""

    what: CheckKind
    owners: tuple[str, ...]
    """The owners, the first 100; none, if it does not belong to one owner."""
    count: int
    """How many they are."""
    said: Said = attrs.field(repr=False)

    def reason(self, lang: Lang = "zh") -> str:
        """Return what is missing, in a sentence.

        Raises:
            ConfigurationError: ``lang`` is neither ``"zh"`` nor ``"en"``.
        """
        return self.said[checked_lang("Unchecked.reason.lang", lang) == "en"]


@attrs.frozen
class Reconciliation(Printable):
    """What reconciling a half-month found."""

    half_month: HalfMonth
    differences: tuple[Difference, ...]
    unchecked: tuple[Unchecked, ...] = ()
    """What could not be compared. It is neither right nor wrong."""
    compared: int = 0
    """How many pairs of amounts were compared."""

    @property
    def ok(self) -> bool:
        """Whether everything was compared, and agrees.

        That is no difference, and nothing unchecked.
        """
        return not self.differences and not self.unchecked
