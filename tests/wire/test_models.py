"""What answers become.

Percent is decimal, money is whole fen, and half-months know their days and their key.
"""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
import orjson
import pytest
from support.decoded import ROW, made, page, refused, row

from wxrevenue import Settlement, SettlementPage, SettlementStatus, SlotRevenue, yuan
from wxrevenue._wire.codec import parse

if TYPE_CHECKING:
    from collections.abc import Callable

# The sample of WeChat's page with its form repaired; its values are untouched.
SAMPLE = """
{"ret": 0, "err_msg": "OK", "body": "深圳市腾讯计算机系统有限公司", "penalty_all": 0, "revenue_all": 5178368698,
 "settled_revenue_all": 2613696765,
 "settlement_list": [
  {"date": "2020-03-25", "zone": "2020年3月1日至15日", "month": "202003", "order": 1, "sett_status": 1,
   "settled_revenue": 718926045, "sett_no": "XXX", "mail_send_cnt": "0", "slot_revenue": [
    {"slot_id": "SLOT_ID_WEAPP_BANNER", "slot_settled_revenue": 34139443},
    {"slot_id": "SLOT_ID_WEAPP_REWARD_VIDEO", "slot_settled_revenue": 684786602}]}],
 "total_num": 1}
""".encode()


# -- the documented sample -------------------------------------------------------------------------


def test_sample_decodes_to_the_documented_values() -> None:
    """Every value of the page's sample arrives with its name and its type."""
    found = made(SettlementPage, parse(SAMPLE))
    assert (found.revenue_all, found.penalty_all, found.settled_revenue_all) == (5_178_368_698, 0, 2_613_696_765)
    assert (found.total_num, found.body) == (1, "深圳市腾讯计算机系统有限公司")
    assert (found.total, found.rows) == (1, found.settlement_list)
    assert found.extra == {"ret": 0, "err_msg": "OK"}  # the envelope, which an answer loses before it is decoded
    assert found.settlement_list == [
        Settlement(
            month="202003",
            order=1,
            settled_revenue=718_926_045,
            date=dt.date(2020, 3, 25),
            zone="2020年3月1日至15日",
            sett_status=SettlementStatus.SETTLING,
            sett_no="XXX",
            mail_send_cnt=0,
            slot_revenue=[SlotRevenue("SLOT_ID_WEAPP_BANNER", 34_139_443), SlotRevenue("SLOT_ID_WEAPP_REWARD_VIDEO", 684_786_602)],
        )
    ]


def test_sample_reconciles() -> None:
    """The slots of the sample's row add up to its revenue, to the fen."""
    (only,) = made(SettlementPage, parse(SAMPLE)).rows
    assert sum(slot.slot_settled_revenue for slot in only.slot_revenue) == only.settled_revenue
    assert yuan(only.settled_revenue) == Decimal("7189260.45")


def test_rows_need_their_key_and_their_money_only() -> None:
    """Fields that live answers leave out may be missing.

    They are ``None``, and the slots an empty list. Only key and money are required.
    """
    found = row()
    missing = {field.name for field in attrs.fields(Settlement) if field.name not in {*ROW, "slot_revenue", "_extra"}}
    assert missing == {"date", "zone", "sett_status", "sett_no", "mail_send_cnt"}
    assert all(getattr(found, name) is None for name in missing)
    assert found.slot_revenue == []
    assert (found.key, found.is_settled, found.is_paid) == (("202003", 1, ""), False, False)


@pytest.mark.parametrize("name", ["month", "order", "settled_revenue"])
def test_rows_without_key_or_money_are_refused(name: str) -> None:
    """A row that lacks its key or its amount is named by its place on the page."""
    broken = {key: value for key, value in ROW.items() if key != name}
    assert refused(SettlementPage, {"settlement_list": [ROW, broken]}) == f"missing @ $.settlement_list[1].{name}"


def test_slots_without_money_are_refused() -> None:
    """A slot without money is refused, with its path two levels down."""
    payload = {"settlement_list": [{**ROW, "slot_revenue": [{"slot_id": "S"}]}]}
    assert refused(SettlementPage, payload) == "missing @ $.settlement_list[0].slot_revenue[0].slot_settled_revenue"


ODD: dict[str, list[Any]] = {
    "date": ["", "2020-03-25 00:00:00", "2020/03/25", "20200325", "2020-02-30", 20200325, True, ["2020-03-25"], {}],
    "zone": [202003, 1.5, False, ["z"], {}],
    "mail_send_cnt": ["", "-1", "one", -1, 1.0, True, [1]],
    "sett_no": [1.5, True, -1, ["n"], {}],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in ODD.items() for value in values])
def test_odd_fields_cost_no_money(name: str, value: Any) -> None:
    """P-27: a field for display or bookkeeping that cannot be read is ``None``.

    ``extra`` has it as it came; the money is read.
    """
    found = page(settlement_list=[ROW, {**ROW, name: value, "new": 1}]).rows[1]
    assert (getattr(found, name), found.settled_revenue) == (None, ROW["settled_revenue"])
    assert found.extra == {name: value, "new": 1}


@pytest.mark.parametrize("number", [0, 2031070911223344557, 2**64 - 1])
def test_numbers_that_should_be_text(number: int) -> None:
    """P-27: a ``sett_no`` or ``slot_id`` that comes as a number is its digits.

    ``extra`` has the number as it came.
    """
    slot = {"slot_id": number, "slot_settled_revenue": 5}
    found = row(sett_no=number, slot_revenue=[slot])
    assert (found.sett_no, found.extra, found.key[2]) == (str(number), {"sett_no": number}, str(number))
    assert (found.slot_revenue[0].slot_id, found.slot_revenue[0].extra) == (str(number), {"slot_id": number})


@pytest.mark.parametrize("slot", [{}, {"slot_id": None}, {"slot_id": ["S"]}, {"slot_id": True}])
def test_slots_without_a_name(slot: dict[str, Any]) -> None:
    """P-27: a slot with a missing or invalid name keeps its money."""
    (found,) = row(slot_revenue=[{**slot, "slot_settled_revenue": 5}]).slot_revenue
    assert (found.slot_id, found.slot_settled_revenue) == (None, 5)
    assert found.extra == {name: value for name, value in slot.items() if value is not None}


def test_an_odd_company_costs_no_page() -> None:
    """P-27: a ``body`` that is no text is kept in ``extra``."""
    found = page(settlement_list=[ROW], body=7)
    assert (found.body, found.extra, len(found.rows)) == (None, {"body": 7}, 1)


# -- pages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [{"total_num": 0}, {"total_num": 0, "settlement_list": None}, {"settlement_list": []}])
def test_a_page_may_have_no_list(payload: dict[str, Any]) -> None:
    """P-20: an absent or null list is empty: no half-month was settled."""
    found = made(SettlementPage, payload)
    assert found.rows == []
    assert found.total == payload.get("total_num")


@pytest.mark.parametrize("payload", [{}, {"settlement_list": None}, {"total_num": None}, {"revenue_all": 5, "body": "x"}])
def test_a_page_has_a_list_or_a_total(payload: dict[str, Any]) -> None:
    """P-20: an answer without a list and a total is malformed, and no empty page."""
    assert refused(SettlementPage, payload) == "missing: settlement_list and total_num"


@pytest.mark.parametrize(("given", "total"), [(0, 0), (12, 12), ("12", 12), ("0", 0), (10**12, 10**12), (None, None)], ids=repr)
def test_totals(given: object, total: int | None) -> None:
    """P-04: a total is an int or a string of digits; null is unknown, which is not 0."""
    assert page(settlement_list=[], total_num=given).total == total


@pytest.mark.parametrize("given", [-1, "-1", 1.0, "1.0", "", " 1", True, [], "many"], ids=repr)
def test_totals_that_are_none(given: object) -> None:
    """P-04: a negative total, a fraction or a word is a malformed answer."""
    assert refused(SettlementPage, {"settlement_list": [], "total_num": given}).endswith("@ $.total_num")


@pytest.mark.parametrize("given", [{}, {"0": ROW}, "[]", 0, True])
def test_lists_are_lists(given: object) -> None:
    """P-20: an object in place of the list is refused, by path."""
    assert refused(SettlementPage, {"total_num": 1, "settlement_list": given}).endswith("@ $.settlement_list")


def test_rows_are_objects() -> None:
    """P-20: a list of other values than objects is refused, by path."""
    assert refused(SettlementPage, {"settlement_list": [ROW, 5]}) == "expected an object, got an integer @ $.settlement_list[1]"


@pytest.mark.parametrize("name", ["revenue_all", "penalty_all", "settled_revenue_all"])
@pytest.mark.parametrize("given", ["5", 5.0, 1e23, True, []], ids=repr)
def test_money_of_a_page_is_an_int(name: str, given: object) -> None:
    """D-11: a string, a fraction or a bool is no amount of a page."""
    assert refused(SettlementPage, {"total_num": 1, name: given}).endswith(f"@ $.{name}")


@pytest.mark.parametrize("given", ["5", 5.0, 5.5, 1e23, True, None, []], ids=repr)
def test_money_of_a_row_is_an_int(given: object) -> None:
    """D-11: a string, a fraction, a bool or null is no amount of a row or a slot."""
    assert refused(Settlement, {**ROW, "settled_revenue": given}).endswith("@ $.settled_revenue")
    slot = {"slot_id": "S", "slot_settled_revenue": given}
    assert refused(Settlement, {**ROW, "slot_revenue": [slot]}).endswith("@ $.slot_revenue[0].slot_settled_revenue")


@pytest.mark.parametrize("given", [0, -5, 10**15, 2**63 - 1, -(2**63)])
def test_any_whole_amount_is_taken(given: int) -> None:
    """D-18: negative and huge amounts stay exact."""
    assert row(settled_revenue=given).settled_revenue == given
    body = orjson.dumps({"total_num": 1, "revenue_all": given})
    assert made(SettlementPage, parse(body)).revenue_all == given


@pytest.mark.parametrize("given", [b"18446744073709551616", b"-9223372036854775809", b"9" * 30])
def test_amounts_beyond_64_bits_are_refused(given: bytes) -> None:
    """D-06: a number that the parser had to round is no amount."""
    assert (
        refused(SettlementPage, parse(b'{"total_num":1,"revenue_all":%s}' % given)) == "expected an integer, got a fraction @ $.revenue_all"
    )


def test_slot_names_lose_their_blanks() -> None:
    """Some pages print slot names with a blank behind them.

    Two spellings of one slot are one slot.
    """
    found = row(slot_revenue=[{"slot_id": "SLOT_ID_WEAPP_REWARD_VIDEO ", "slot_settled_revenue": 1}])
    assert found.slot_revenue[0].slot_id == "SLOT_ID_WEAPP_REWARD_VIDEO"


def test_unknown_fields_are_kept_where_they_stood() -> None:
    """P-22: page, row and slot each keep their unknown fields."""
    slot = {"slot_id": "S", "slot_settled_revenue": 1, "c": 3}
    found = page(settlement_list=[{**ROW, "slot_revenue": [slot], "b": 2}], a=1)
    assert (found.extra, found.rows[0].extra, found.rows[0].slot_revenue[0].extra) == ({"a": 1}, {"b": 2}, {"c": 3})


def pickled(value: Any) -> Any:
    """Return a value as it arrives in another process."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301


TWINS: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, pickled]


@pytest.mark.parametrize("twin", TWINS)
def test_models_can_be_copied_and_pickled(twin: Callable[[Any], Any]) -> None:
    """A page travels between processes whole.

    Unknown status and unknown fields are included.
    """
    found = page(settlement_list=[{**ROW, "sett_status": 9, "date": "2020-03-25", "new": [1]}], new=2)
    assert twin(found) == found
    assert twin(found).rows[0].extra == {"new": [1]}
    assert twin(found).rows[0].sett_status.name == "UNKNOWN_9"


def test_models_have_slots() -> None:
    """A million rows have no dict each; a misspelt attribute is an error."""
    with pytest.raises(AttributeError):
        row().settled_revenu = 5  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
