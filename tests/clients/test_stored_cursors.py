"""Cursors that earlier versions stored are still read.

Their walks continue without repeating a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from support.fakes import Tokens, ams_client, answer
from support.ledger import RANGE, Ledger, numbers, settlement
from support.virtual import virtual

from wxrevenue import Settlement
from wxrevenue._wire.codec import decode

if TYPE_CHECKING:
    from wxrevenue import HttpRequest, HttpResponse, Paginator

SETTLEMENTS = {
    "iter_agency_settlement": "wxr2.f3642ebf.49516280.0.0.8.1.49.7.120.0.ec55b305202a753b.5fd8856b5cd5910e.b6b6d620",
    "iter_agency_settlement in windows": "wxr2.f3642ebf.49516280.8.6.1.2.0.6.6.0.0000000000000000.104ef70e030abc47.11fbb6e0",
    "iter_settlement": "wxr2.f3642ebf.5b0843a5.0.0.8.1.49.7.120.0.ec55b305202a753b.5fd8856b5cd5910e.7642bc29",
}
AD_DATA = {
    "iter_adpos_general": "wxr2.f3642ebf.188789ed.0.0.2.10.100.100.140.0.7f63acb41b9a41b1.f8b5aa6097ebc52e.8ac1ade3",
    "iter_agency_ads_stat": "wxr2.f3642ebf.91a4b19b.0.0.2.10.100.100.140.0.18c24e799190b241.95338400e918616d.dbcb3bb9",
}
DAYS = ("2026-01-01", "2026-05-28")
"""More days than one request asks for today.

The cursors are of walks that asked for all of them in one request.
"""


@pytest.mark.parametrize("name", SETTLEMENTS)
@virtual
async def test_settlements(name: str) -> None:
    """A walk continues after fifty rows of 120, with pages of seven.

    It is in one list or in windows of six half-months.
    """
    method, _, windows = name.partition(" ")
    own: dict[str, Any] = {"authorizer_appid": "wx-program"} if method == "iter_settlement" else {}
    client, _ = ams_client(handler=Ledger([settlement(number) for number in range(120)]), tokens=Tokens("fake-token"))
    walk: Paginator[Any] = getattr(client, method)(*RANGE, 7, cursor=SETTLEMENTS[name], concurrency=4 if windows else 1, **own)
    assert numbers(await walk.collect()) == [f"no{number}" for number in range(50, 120)]


def ad_data(request: HttpRequest) -> HttpResponse:
    """Answer with a page of 140 rows, the newest day first."""
    query = orjson.loads(request.body)
    days = [f"2026-{1 + number // 28:02}-{1 + number % 28:02}" for number in reversed(range(140))]
    slot = {"ad_slot": "SLOT_ID_WEAPP_BANNER"}
    rows = [{"date": day, **slot, "slot_id": 140 - number, "publisher_income": 139 - number} for number, day in enumerate(days)]
    size = query["page_size"]
    return answer({"list": rows[(query["page"] - 1) * size : query["page"] * size], "total_num": 140})


@pytest.mark.parametrize("name", AD_DATA)
@virtual
async def test_ad_data(name: str) -> None:
    """A walk continues after 110 rows of 140, in one list.

    A new walk would cut its range.
    """
    own: dict[str, Any] = {"authorizer_appid": "wx-program"} if name == "iter_adpos_general" else {}
    client, _ = ams_client(handler=ad_data, tokens=Tokens("fake-token"))
    walk: Paginator[Any] = getattr(client, name)(*DAYS, cursor=AD_DATA[name], **own)
    assert [row.slot_id for row in await walk.collect()] == list(range(30, 0, -1))


ROW = {
    "date": "2024-03-16",
    "zone": "z",
    "month": "202403",
    "order": 1,
    "sett_status": 5,
    "settled_revenue": 100,
    "sett_no": "n1",
    "mail_send_cnt": "2",
    "slot_revenue": [{"slot_id": "S", "slot_settled_revenue": 100, "b": 1, "a": 2}],
    "new": 7,
}


@pytest.mark.parametrize(
    ("change", "content"),
    [
        ({}, b'["202403",1,100,5,"n1",[["S",100,{"a":2,"b":1}]],["2024-03-16","z",2,{"new":7}]]'),
        ({"slot_revenue": [], "date": None}, b'["202403",1,100,5,"n1",[],[null,"z",2,{"new":7}]]'),
        (
            {"new": 2**70},
            (
                b"('202403', 1, 100, <SettlementStatus.PAID: 5>, 'n1', [('S', 100, {'b': 1, 'a': 2})],"
                b" (datetime.date(2024, 3, 16), 'z', 2, {'new': 1180591620717411303424}))"
            ),
        ),
    ],
)
def test_content_of_a_settlement(change: dict[str, Any], content: bytes) -> None:
    """A cursor's digest is of these bytes: with others, stored walks would begin anew."""
    found = decode(Settlement, {**ROW, **change})
    assert isinstance(found, Settlement)
    assert found.fingerprint() == content
