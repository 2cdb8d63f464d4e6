"""A Mini Program's own settlements: the sample, and what is refused.

A request is refused before it is sent.
"""

from __future__ import annotations

import datetime  # noqa: ICN001  (as in settlement.py)
from typing import Any

import pytest
from support.chapters import ONE, answered, body, refused
from support.virtual import virtual

from wxrevenue import (
    AccountNotOpenError,
    AgreementUnsignedError,
    ApiError,
    GetAgencySettlement,
    GetSettlement,
    SettlementStatus,
    SlotRevenue,
    TokenKind,
)

REQUEST = GetSettlement("2020-03-01", "2020-03-16", page_size=8, authorizer_appid=ONE)
SAMPLE = """{"ret":0,"err_msg":"OK","body":"深圳市腾讯计算机系统有限公司","penalty_all":0,"revenue_all":5178368698,
"settled_revenue_all":2613696765,"settlement_list":[{"date":"2020-03-25","zone":"2020年3月1日至15日","month":"202003","order":1,
"sett_status":1,"settled_revenue":718926045,"sett_no":"000","mail_send_cnt":"0","slot_revenue":[
{"slot_id":"SLOT_ID_WEAPP_BANNER","slot_settled_revenue":34139443},
{"slot_id":"SLOT_ID_WEAPP_REWARD_VIDEO","slot_settled_revenue":684786602}]}],"total_num":1}"""


def test_sample_body() -> None:
    """The sample's bytes."""
    assert body(REQUEST) == '{"page":1,"page_size":8,"start_date":"2020-03-01","end_date":"2020-03-16"}'
    assert REQUEST.endpoint.token is TokenKind.AUTHORIZER


@virtual
async def test_the_sample() -> None:
    """Every field of the sample arrives, and the slots add up.

    The sample's number leaves letters out; they are zeros here.
    """
    page = await answered(REQUEST, SAMPLE)
    (row,) = page.rows
    assert (page.body, page.revenue_all, page.penalty_all, page.settled_revenue_all) == (
        "深圳市腾讯计算机系统有限公司",
        5178368698,
        0,
        2613696765,
    )
    assert (row.date, row.zone, row.month, row.order) == (datetime.date(2020, 3, 25), "2020年3月1日至15日", "202003", 1)
    assert (row.sett_status, row.settled_revenue, row.sett_no, row.mail_send_cnt) == (SettlementStatus.SETTLING, 718926045, "000", 0)
    assert row.slot_revenue == [SlotRevenue("SLOT_ID_WEAPP_BANNER", 34139443), SlotRevenue("SLOT_ID_WEAPP_REWARD_VIDEO", 684786602)]
    assert (row.adds_up, page.total, page.extra, row.extra) == (True, 1, {}, {})


@pytest.mark.parametrize(
    ("code", "kind"),
    [(1807, AccountNotOpenError), (2009, AccountNotOpenError), (2056, AccountNotOpenError), (1735, AgreementUnsignedError)],
)
@virtual
async def test_refusals_of_one_mini_program(code: int, kind: type[ApiError]) -> None:
    """A Mini Program that is not a publisher, or has not signed, has its own error.

    This holds in all three envelopes.
    """
    for said in ({"ret": code, "err_msg": "x"}, {"base_resp": {"ret": code, "err_msg": "x"}}, {"errcode": code, "errmsg": " rid: 1-2-3"}):
        with pytest.raises(kind) as caught:
            await answered(REQUEST, said)
        assert caught.value.code == code


def test_limits() -> None:
    """Days and pages are checked by name, for the provider's settlements, too."""
    wrong: list[tuple[dict[str, Any], str]] = [
        (
            {"start_date": "2020-3-1"},
            "start_date: expected zero-padded 'yyyy-mm-dd', a day that exists in the calendar; got '2020-3-1'; write 2020-03-01",
        ),
        ({"end_date": "2020-02-29"}, "end_date: expected start_date or a later day: 2020-02-29 comes before 2020-03-01"),
        ({"end_date": None}, "end_date: expected a datetime.date or a 'yyyy-mm-dd' str, got NoneType"),
        ({"page": 0}, "page: expected 1 or more, got 0"),
        ({"page_size": True}, "page_size: expected an int, got bool"),
        ({"page_size": 10_001}, "page_size: expected 1 to 10000, got 10001"),
    ]
    for changes, message in wrong:
        given: dict[str, Any] = {"start_date": "2020-03-01", "end_date": datetime.date(2020, 3, 16), **changes}
        refused(GetSettlement, f"GetSettlement.{message}", **given, authorizer_appid=ONE)
        refused(GetAgencySettlement, f"GetAgencySettlement.{message}", **given)
    refused(lambda: GetSettlement("2020-03-01", "2020-03-16"), "GetSettlement takes an authorizer's token: give authorizer_appid='wx…'")
    refused(
        lambda: GetSettlement("2020-03-01", "2020-03-16", authorizer_appid=""),
        "GetSettlement.authorizer_appid: expected 1 to 64 characters, got 0",
    )
