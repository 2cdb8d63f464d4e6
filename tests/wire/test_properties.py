"""Properties that hold for every answer.

There are only the package's errors, and no value is lost on the way there and back.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import TOKEN, leaves, texts, wide

from wxrevenue import (
    GetAgencySettlement,
    GetShareRatio,
    HttpResponse,
    MarkTransaction,
    PayRequest,
    Safety,
    SettlementPage,
    StaticTokens,
    WxRevenueError,
    ams,
    funds,
)
from wxrevenue._engine.retry import Retries, RetryPolicy, RetryQuota
from wxrevenue._wire.codec import decode
from wxrevenue._wire.codes import CODES
from wxrevenue._wire.request import Request, result_of
from wxrevenue.ams._service import AmsService
from wxrevenue.funds._service import PayService

if TYPE_CHECKING:
    from collections.abc import Callable

AMS = AmsService("https://host", StaticTokens(component=TOKEN), "wx1")
PAY = PayService("https://host", "1900000109", "AB12", signer=cast("Any", None), verifier=cast("Any", None), clock=AMS.clock)


def _requests() -> list[Any]:
    """Return every request class that the two packages export."""
    exported = [getattr(package, name) for package in (ams, funds) for name in package.__all__]
    return [kind for kind in exported if isinstance(kind, type) and issubclass(kind, Request)]


REQUESTS = _requests()
EVERY = pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
KNOWN = [
    "ret",
    "err_msg",
    "errcode",
    "errmsg",
    "base_resp",
    "share_ratio",
    "settlement_list",
    "total_num",
    "revenue_all",
    "penalty_all",
    "body",
    "month",
    "order",
    "date",
    "zone",
    "settled_revenue",
    "sett_status",
    "sett_no",
    "mail_send_cnt",
    "slot_revenue",
    "slot_id",
    "slot_settled_revenue",
    "code",
    "message",
    "detail",
    "_extra",
    "extra",
]
keys = st.one_of(st.sampled_from(KNOWN), st.text(st.characters(exclude_categories=["Cs"]), max_size=5))
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6), max_leaves=20)


Strategy = st.SearchStrategy[Any]


def nearly(value: Strategy) -> Strategy:
    """Return the values a field should have, with a wrong one now and then.

    So examples get far before they fail.
    """
    return st.integers(0, 30).flatmap(lambda dice: value if dice else leaves)


def rightly(value: Strategy) -> Strategy:
    """Return the valid values of a field."""
    return value


def pages_of(field: Callable[[Strategy], Strategy]) -> Strategy:
    """Return pages of settlements as a server sends them.

    ``field`` says how well it keeps to the documents.
    """
    amounts = st.integers(-(2**63), 2**64 - 1)
    slots = st.fixed_dictionaries({"slot_id": field(texts.map(str.strip)), "slot_settled_revenue": field(amounts)})
    optional = {
        "date": field(st.dates().map(str)),
        "zone": field(texts),
        "sett_status": field(st.integers(-1, 9)),
        "sett_no": field(texts),
        "mail_send_cnt": field(st.integers(0, 9).map(str)),
        "slot_revenue": field(st.lists(slots, max_size=2)),
        "new": values,
    }
    months = st.sampled_from(["202003", "202002", "x"])
    required = {"month": field(months), "order": field(st.sampled_from([1, 2, 3])), "settled_revenue": field(amounts)}
    rows = st.lists(st.fixed_dictionaries(required, optional=optional), max_size=3)
    header = {"ret": field(st.just(0)), "share_ratio": field(st.integers(0, 100)), "revenue_all": field(amounts), "new": values}
    return st.fixed_dictionaries({"total_num": field(st.integers(0, 99)), "settlement_list": field(rows)}, optional=header)


pages = pages_of(nearly)
bodies = st.one_of(
    st.binary(max_size=60),
    values.map(orjson.dumps),
    pages.map(orjson.dumps),
    pages_of(rightly).map(orjson.dumps),
    st.tuples(pages.map(orjson.dumps), st.integers(0, 200)).map(lambda cut: cut[0][: cut[1]]),
)
statuses = st.integers(0, 3).flatmap(lambda dice: st.just(200) if dice else st.integers(100, 599))
headers = st.dictionaries(st.sampled_from(["Retry-After", "request-id", "Content-Type"]), st.text(max_size=40), max_size=3)

# -- answers ---------------------------------------------------------------------------------------


def service_of(kind: Any) -> AmsService | PayService:
    """Return the service whose answers a class of requests gets."""
    return PAY if issubclass(kind, PayRequest) else AMS


def read(kind: Any, response: HttpResponse) -> Any:
    """Return what the engine makes of an answer: unwrap, then decode."""
    paid = service_of(kind) is PAY
    call: Any = PAY.begin(MarkTransaction("order-1")) if paid else AMS.begin(GetShareRatio(appid="wx1"))
    call.ready()  # takes the token, which an answer may repeat
    outcome = call.unwrap(response)
    return outcome if isinstance(outcome, WxRevenueError) else decode(result_of(kind), outcome)


@pytest.mark.slow("soaks every call in random answers")
@EVERY
@wide
@given(status=statuses, headers=headers, body=bodies)
def test_every_answer_is_a_result_or_one_of_our_errors(kind: Any, status: int, headers: dict[str, str], body: bytes) -> None:
    """Any bytes under any status become the result or an error.

    The error prints, pickles, differs from others and shows no token.
    """
    response = HttpResponse(status, headers, body)
    found = read(kind, response)
    if isinstance(found, WxRevenueError):
        twin = pickle.loads(pickle.dumps(found))  # noqa: S301
        assert (type(twin), str(twin)) == (type(found), str(found))
        if service_of(kind) is not PAY:  # whose calls send no token
            assert TOKEN not in str(found)
            assert TOKEN not in repr(found.args)
        str(found).encode()
        assert found.__cause__ is found.__context__ is None
    else:
        assert isinstance(found, result_of(kind))
        assert 200 <= status < 300
    again = read(kind, response)
    assert (type(again), str(again)) == (type(found), str(found))


@wide
@given(payload=pages_of(rightly))
def test_what_decodes_is_what_was_sent(payload: dict[str, Any]) -> None:
    """A page that keeps to the documents decodes without changing a fen.

    Its amounts, keys and unknown fields are those of the JSON.
    """
    found = decode(SettlementPage, orjson.loads(orjson.dumps(payload)))
    assert isinstance(found, SettlementPage), found
    assert found.total == payload["total_num"]
    assert found.revenue_all == payload.get("revenue_all")
    assert found.extra == {key: value for key, value in payload.items() if key in {"new", "ret", "share_ratio"}}
    for row, sent in zip(found.rows, payload["settlement_list"], strict=True):
        assert (row.month, row.order, row.settled_revenue) == (sent["month"], sent["order"], sent["settled_revenue"])
        assert type(row.settled_revenue) is int
        assert row.extra == {key: value for key, value in sent.items() if key == "new"}
        slots: list[Any] = sent.get("slot_revenue", [])
        found_slots = [{"slot_id": slot.slot_id, "slot_settled_revenue": slot.slot_settled_revenue} for slot in row.slot_revenue]
        assert found_slots == slots


# -- retries ---------------------------------------------------------------------------------------


@wide
@given(
    body=bodies,
    status=st.one_of(statuses, st.sampled_from([408, 429, 500, 503])),
    code=st.sampled_from(sorted(map(str, CODES))),
    asked=st.one_of(st.none(), st.text(max_size=10), st.integers(-5, 500).map(str), st.sampled_from(["-1", "nan"])),
    safety=st.sampled_from(Safety),
    attempt=st.integers(1, 4),
    remaining=st.floats(0.001, 1_000),
    jitter=st.floats(0, 1),
)
def test_no_answer_makes_a_bad_retry(**drawn: Any) -> None:
    """A call that must not be doubled is not, whatever the answer.

    No wait is negative, endless or beyond the deadline.
    """
    body = drawn["body"] if drawn["status"] % 2 else orjson.dumps({"code": drawn["code"], "ret": drawn["code"]})
    sent = {} if drawn["asked"] is None else {"Retry-After": drawn["asked"]}
    for kind in (GetAgencySettlement, MarkTransaction):
        error = read(kind, HttpResponse(drawn["status"], sent, body))
        if not isinstance(error, WxRevenueError):
            continue
        policy = RetryPolicy(jitter=lambda: cast("float", drawn["jitter"]))
        wait = Retries(policy, RetryQuota(500)).wait(error, drawn["safety"], drawn["attempt"], drawn["remaining"])
        if wait is None:
            continue
        assert 0 <= wait < drawn["remaining"]
        assert error.retryable
        assert drawn["attempt"] < policy.max_attempts
        assert not (error.ambiguous and drawn["safety"] is Safety.UNSAFE)
