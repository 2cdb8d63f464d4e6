"""Half-month settlements of advertising revenue (结算收入).

Every amount is an ``int`` in fen (分, 1/100 yuan). The English pages print ``Zone`` and
``total_number``; the wire has ``zone`` and ``total_num``.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003  (hints are resolved at run time, too)
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

import attrs

from wxrevenue._base.calendar import HalfMonth, half_month
from wxrevenue._wire.component_request import ComponentRequest
from wxrevenue._wire.model import Count, DisplayCount, DisplayDate, DisplayName, DisplayNumber, DisplayText, Model
from wxrevenue._wire.request import WRONG_PATH, AmsRequest, Endpoint, Safety
from wxrevenue._wire.totals import Totals
from wxrevenue.ams._checks import LARGEST_PAGE_SIZE, as_day, day, day_not_before_start, whole_number
from wxrevenue.ams._endpoints import operation
from wxrevenue.ams._settlement_status import SettlementStatus
from wxrevenue.errors import ConfigurationError, DecodeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    Traits: TypeAlias = tuple[list[int], list[int], list[bytes]]

__all__ = ["GetAgencySettlement", "GetSettlement", "Settlement", "SettlementPage", "SettlementStatus", "SlotRevenue", "yuan"]

RowKey: TypeAlias = tuple[str, int, str]


def yuan(fen: int) -> Decimal:
    """Return an amount in yuan, exactly: ``yuan(12345) == Decimal("123.45")``.

    Raises:
        ConfigurationError: ``fen`` is not an ``int``.
    """
    if type(fen) is not int:
        why = ": money is never a float" if isinstance(fen, float) else ""
        raise ConfigurationError(f"yuan: expected fen (1/100 yuan) as an int, got {type(fen).__name__}{why}")
    sign, digits, _ = Decimal(fen).as_tuple()
    return Decimal((sign, digits, -2))  # shifted by hand: arithmetic would round to the context's precision


@attrs.define
class SlotRevenue(Model):
    """What one advertising slot earned within a half-month."""

    slot_id: DisplayName | None
    """The slot's name, such as ``SLOT_ID_WEAPP_BANNER``; not always there."""
    slot_settled_revenue: int
    """Fen."""


@attrs.define
class Settlement(Model):
    """The settlement of one half-month, as the server spells it.

    ``month``, ``order`` and every amount have to be what the documents say. Fields for display or
    bookkeeping (``date zone sett_no mail_send_cnt``, a slot's ``slot_id``) never cost a row: what
    cannot be read is ``None`` (of a number that stands for a ``sett_no`` or ``slot_id`` it is the
    digits), and as it came it stands in ``extra``.
    """

    month: str
    """``yyyymm``."""
    order: int
    """1: the 1st to the 15th; 2: the 16th to the end of the month."""
    settled_revenue: int
    """Fen."""
    date: DisplayDate | None = None
    """When the data was last updated, by which rows are sorted; not always there."""
    zone: DisplayText | None = None
    """The half-month as a Chinese str, for display; compute with :attr:`period`."""
    sett_status: SettlementStatus | None = None
    sett_no: DisplayNumber | None = None
    """The settlement's number, mostly empty until the row settles.

    The page's own sample, though, has both a number and status 1.
    """
    mail_send_cnt: DisplayCount | None = None
    """How often a copy of the settlement was asked for."""
    slot_revenue: list[SlotRevenue] = attrs.field(factory=list[SlotRevenue])

    @property
    def period(self) -> tuple[dt.date, dt.date]:
        """First and last day of the half-month, Beijing calendar.

        Raises:
            DecodeError: the server's ``month`` or ``order`` names no half-month.
        """
        try:
            return half_month(self.month, self.order)
        except ValueError:
            pass
        raise DecodeError("month and order name no half-month", path="$.month")

    @property
    def key(self) -> RowKey:
        """``(month, order, sett_no or "")``.

        Rows of a half-month that have no number yet share a key: store half-months as a whole.
        """
        return (self.month, self.order, self.sett_no or "")

    @property
    def supersedes(self) -> RowKey | None:
        """The key this row had before it got its ``sett_no``; ``None`` while it has none."""
        return (self.month, self.order, "") if self.sett_no else None

    def fingerprint(self) -> bytes:
        """Return bytes that change with anything in the row, the same in every process."""
        return _traits([self])[2][0]

    @property
    def half_month(self) -> HalfMonth:
        """The half-month. Raises what :attr:`period` raises."""
        return HalfMonth.of(self.period[0])

    @property
    def adds_up(self) -> bool:
        """``settled_revenue`` is the sum of the slots, or there are none."""
        return not self.slot_revenue or self.settled_revenue == sum(slot.slot_settled_revenue for slot in self.slot_revenue)

    @property
    def is_settled(self) -> bool:
        """The amount is final (status 2 to 5)."""
        return self.sett_status is not None and SettlementStatus.SETTLED <= self.sett_status <= SettlementStatus.PAID

    @property
    def is_paid(self) -> bool:
        """The money was paid (status 5)."""
        return self.sett_status == SettlementStatus.PAID


_NUMBER_BITS: Final = (1 << 60) - 1


def _traits(rows: Sequence[Settlement]) -> Traits:
    """Return what tells the rows; asked one by one, they would cost twice as much."""
    from orjson import OPT_SORT_KEYS, dumps  # who only names a row does not load it

    bits, sorted_keys = _NUMBER_BITS, OPT_SORT_KEYS  # locals are found faster
    groups: list[int] = []
    numbers: list[str] = []
    contents: list[bytes] = []
    for row in rows:
        month, order, number, status = row.month, row.order, row.sett_no, row.sett_status
        groups.append(hash((month, order + order + 1)) & bits)  # odd: -1 and -2 have one hash
        numbers.append(number or "")  # whose hash is 0
        slots: list[object] = []
        for slot in row.slot_revenue:
            unknown = slot._extra  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  (where .extra is a call)
            slots.append((slot.slot_id, slot.slot_settled_revenue, unknown))
        unknown = row._extra  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  (as above)
        display = (row.date, row.zone, row.mail_send_cnt, unknown)
        known = None if status is None else +status  # the bare number
        try:
            content = dumps((month, order, row.settled_revenue, known, number, slots, display), None, sorted_keys)
        except TypeError:  # not JSON: a number of more than 64 bits
            content = repr((month, order, row.settled_revenue, status, number, slots, display)).encode("utf-8", "surrogatepass")
        contents.append(content)
    return groups, [*map(abs, map(hash, numbers))], contents


@attrs.define
class SettlementPage(Model):
    """One page of settlements.

    The ``_all`` sums are all-time, not of the range asked for; fen.
    """

    at_least_one: ClassVar[tuple[str, ...]] = ("settlement_list", "total_num")

    revenue_all: int | None = None
    """Everything earned, fen."""
    penalty_all: int | None = None
    """Everything deducted, fen."""
    settled_revenue_all: int | None = None
    """Everything settled, fen."""
    settlement_list: list[Settlement] = attrs.field(factory=list[Settlement])
    """The rows, the last updated first; empty where the server left the list out."""
    total_num: Count | None = None
    """Rows of the whole range; live answers are sometimes wrong."""
    body: DisplayText | None = None
    """The company that settles."""

    @property
    def rows(self) -> list[Settlement]:
        """The rows, as every paged answer calls them."""
        return self.settlement_list

    @property
    def total(self) -> int | None:
        """How many rows the whole range has, as every paged answer calls it."""
        return self.total_num

    def traits(self) -> Traits:
        """Return what tells the rows in this process, for walks.

        For each row: a number for its half-month, a number for its ``sett_no`` (0: none), and its
        ``fingerprint()``.
        """
        return _traits(self.settlement_list)

    @property
    def totals(self) -> Totals:
        """The sums of the header, and the company that settles."""
        return Totals(self.revenue_all, self.penalty_all, self.settled_revenue_all, self.body)

    def check_totals(self) -> None:
        """Raise ``DecodeError`` if a row's slots do not add up to its ``settled_revenue``."""
        for number, row in enumerate(self.settlement_list):
            if not row.adds_up:
                path = f"$.settlement_list[{number}].settled_revenue"
                raise DecodeError("expected the sum of the row's slot_revenue", path=path)


@attrs.frozen
class GetAgencySettlement(ComponentRequest[SettlementPage]):
    """Fetch one page of the provider's half-month settlements.

    Every half-month that overlaps the range and has ended some days ago is returned: one that is
    still running has no row, and its income shows in ``revenue_all`` alone. Rows come by the day of
    their last update, the latest first, **not by period**: a half-month that was updated late
    stands above newer ones. What they are worth is the provider's share, not the Mini Programs'.

    The interface has two documented paths. If one answers that it is or may be wrong (1736, 48001,
    61014, 61015, 45010), the client repeats the call on the other, and remembers which works.

    WeChat page: settlement/GetAgencySettlement (获取服务商结算收入数据).

    Args:
        start_date: first day in Beijing: a ``datetime.date`` or a zero-padded ``'yyyy-mm-dd'``.
        end_date: last day, inclusive.
        page: page number, from 1.
        page_size: rows per page; no maximum is documented, and the server may cap it.

    Returns:
        :class:`SettlementPage`, amounts in fen.

    Raises:
        ConfigurationError: a date or a number is not allowed; nothing was sent.
        DecodeError: the answer is not what the page says.
        ApiError: the server refused. Documented are -202 (``ServerBusyError``), 1700 and 1701
            (``InvalidParameterError``), 1737 (``TooFastError``), and 2056 (``AccountNotOpenError``:
            no account in the monetization zone).
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        path="/wxa/operationams",
        action="get_agency_settled_revenue",
        safety=Safety.SAFE,
        alternate="/wxa/getdefaultamsinfo",
        alternate_on=WRONG_PATH,
    )

    start_date: str = attrs.field(converter=as_day, validator=day)
    end_date: str = attrs.field(converter=as_day, validator=day_not_before_start)
    page: int = attrs.field(default=1, validator=whole_number())
    page_size: int = attrs.field(default=20, validator=whole_number(most=LARGEST_PAGE_SIZE))


@attrs.frozen
class GetSettlement(AmsRequest[SettlementPage]):
    """Fetch one page of the half-month settlements of one Mini Program.

    They show its own share, not the provider's. All that overlap the range come, newest first.

    WeChat page: settlement/GetSettlement (获取小程序结算收入数据).

    Args:
        start_date: first day in Beijing: a ``datetime.date`` or a zero-padded ``'yyyy-mm-dd'``.
        end_date: last day, inclusive.
        page: page number, from 1.
        page_size: rows per page; no maximum is documented, and the server may cap it.
        authorizer_appid: the Mini Program.

    Returns:
        :class:`SettlementPage`, amounts in fen.

    Raises:
        ConfigurationError: an argument is not allowed; nothing was sent.
        DecodeError: the answer is not what the page says.
        AgreementUnsignedError: the merchant has not signed (1735).
        AccountNotOpenError: the Mini Program is not a publisher (1807, 2009), or the provider has
            no account (2056).
        ApiError: the server refused otherwise: -202, 1700, 1701, 1737.
    """

    endpoint: ClassVar[Endpoint] = operation("agency_get_settlement", Safety.SAFE)

    page: int = attrs.field(default=1, validator=whole_number(), kw_only=True)
    page_size: int = attrs.field(default=20, validator=whole_number(most=LARGEST_PAGE_SIZE), kw_only=True)
    start_date: str = attrs.field(converter=as_day, validator=day)
    end_date: str = attrs.field(converter=as_day, validator=day_not_before_start)
