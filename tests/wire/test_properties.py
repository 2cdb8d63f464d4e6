"""Properties that hold for every input.

There are only the package's errors, and no value is lost on the way there and back.
"""

from __future__ import annotations

import calendar
import datetime as dt
import pickle
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxrevenue import (
    ConfigurationError,
    DecodeError,
    GetAgencySettlement,
    GetShareRatio,
    HttpResponse,
    MarkTransaction,
    PayRequest,
    Safety,
    Secret,
    SetShareRatio,
    Settlement,
    SettlementPage,
    ShareRatio,
    StaticTokens,
    WxRevenueError,
    ams,
    beijing_date,
    funds,
    yuan,
)
from wxrevenue._base.calendar import half_month, seconds_to_midnight
from wxrevenue._base.secret import scrub
from wxrevenue._engine.retry import Retries, RetryPolicy, RetryQuota
from wxrevenue._wire.codec import decode, encode, parse
from wxrevenue._wire.codes import CODES
from wxrevenue._wire.model import digits
from wxrevenue._wire.request import Request, result_of
from wxrevenue.ams._service import AmsService
from wxrevenue.funds._service import PayService

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "fake-token-12345"
small = settings(derandomize=True, max_examples=60)
wide = settings(derandomize=True, max_examples=200)

AMS = AmsService("https://host", StaticTokens(component=TOKEN), "wx1")
PAY = PayService("https://host", "1900000109", "AB12", signer=cast("Any", None), verifier=cast("Any", None), clock=AMS.clock)


def _requests() -> list[Any]:
    """Return every request class that the two packages export."""
    exported = [getattr(package, name) for package in (ams, funds) for name in package.__all__]
    return [kind for kind in exported if isinstance(kind, type) and issubclass(kind, Request)]


REQUESTS = _requests()
EVERY = pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)

# -- inputs ----------------------------------------------------------------------------------------

numbers = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([0, -1, -202, 1, 5, 6, 1736, 1737, 40001, 45009, 2**53 + 1, 2**64 - 1]),
    st.floats(allow_nan=False, allow_infinity=False),
)
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["0", "-1", "1737", "2020-03-25", "202003", "XXX", TOKEN]),
)
leaves = st.one_of(st.none(), st.booleans(), numbers, texts)
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


@small
@given(cents=st.integers(0, 10_000))
def test_ratios_survive_the_wire(cents: int) -> None:
    """A ratio that is sent is read back unchanged, to the second place."""
    ratio = Decimal(cents).scaleb(-2)
    found = decode(ShareRatio, parse(encode(SetShareRatio(ratio))))  # type: ignore[arg-type]
    assert found.share_ratio == ratio
    assert found.merchant_ratio == 100 - ratio


@wide
@given(
    ratio=st.one_of(
        st.integers(-200, 200), st.decimals(allow_nan=True, allow_infinity=True), st.floats(), st.text(), st.none(), st.booleans()
    )
)
def test_ratios_are_sent_exactly_or_refused(ratio: Any) -> None:
    """Any value is sent as the number it is, two places at most, or refused.

    It is refused before any I/O.
    """
    try:
        request = SetShareRatio(ratio)
    except ConfigurationError:
        return
    assert type(ratio) in {int, Decimal}
    sent = cast("bytes", encode(request)).removeprefix(b'{"share_ratio":').removesuffix(b"}").decode()
    assert Decimal(sent) == ratio
    assert 0 <= ratio <= 100
    assert len(sent.partition(".")[2].rstrip("0")) <= 2


@small
@given(appid=st.text(max_size=70))
def test_texts_are_sent_as_they_are_or_refused(appid: str) -> None:
    """An appid of any characters arrives unchanged or is refused.

    The message can be printed.
    """
    try:
        request = GetShareRatio(appid)
    except ConfigurationError as error:
        str(error).encode()
        return
    assert orjson.loads(cast("bytes", encode(request))) == {"appid": appid}


@small
@given(number=st.text(max_size=40), sub=st.one_of(st.none(), st.text(max_size=40)))
def test_marks_are_sent_as_they_are_or_refused(number: str, sub: str | None) -> None:
    """An order number and a sub-merchant arrive unchanged or are refused.

    The sub-merchant is left out when there is none.
    """
    try:
        request = MarkTransaction(number, sub_mchid=sub)
    except ConfigurationError:
        return
    expected = {"out_trade_no": number, "currency": "CNY"} | ({} if sub is None else {"sub_mchid": sub})
    assert orjson.loads(cast("bytes", encode(request))) == expected


@small
@given(first=st.dates(), last=st.dates(), page=st.integers(-3, 10**6), size=st.integers(-3, 20_000))
def test_settlement_requests_are_sent_as_they_are_or_refused(first: dt.date, last: dt.date, page: int, size: int) -> None:
    """Any two days and any two numbers are sent exactly or refused.

    There are four reasons.
    """
    allowed = first <= last and page >= 1 and 1 <= size <= 10_000
    try:
        request = GetAgencySettlement(first, last, page=page, page_size=size)
    except ConfigurationError:
        assert not allowed
        return
    assert allowed
    expected = {"start_date": str(first), "end_date": str(last), "page": page, "page_size": size}
    assert orjson.loads(cast("bytes", encode(request))) == expected


# -- dates and money -------------------------------------------------------------------------------


@small
@given(day=st.dates())
def test_days_are_spelled_one_way(day: dt.date) -> None:
    """Days and their strings correspond, and sort alike."""
    text = beijing_date(day)
    assert beijing_date(text) == text
    assert dt.date.fromisoformat(text) == day
    assert len(text) == 10


@wide
@given(text=st.one_of(st.text(max_size=12), st.from_regex(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", fullmatch=True)))
def test_any_text_is_a_day_or_refused(text: str) -> None:
    """Any string is its own day or a ``ConfigurationError``."""
    try:
        assert beijing_date(text) == text
    except ConfigurationError:
        return
    assert str(dt.date(*map(int, text.split("-")))) == text


@small
@given(year=st.integers(1, 9999), month=st.integers(1, 12))
def test_two_half_months_make_a_month(year: int, month: int) -> None:
    """Two half-months cover every day of their month once, and no other."""
    name = f"{year:04}{month:02}"
    (first, middle), (after, last) = half_month(name, 1), half_month(name, 2)
    assert (first.day, middle.day, after.day) == (1, 15, 16)
    assert last.day == calendar.monthrange(year, month)[1]
    assert {(day.year, day.month) for day in (first, middle, after, last)} == {(year, month)}


@wide
@given(month=st.one_of(st.text(max_size=8), st.integers(0, 10**7).map(str)), order=st.integers(-1, 3))
def test_any_month_is_a_half_month_or_a_decode_error(month: str, order: int) -> None:
    """A row's ``period`` is two days in order, or a ``DecodeError``.

    The days are in the month that the row names.
    """
    row = Settlement(month=month, order=order, settled_revenue=0)
    try:
        first, last = row.period
    except DecodeError:
        return
    assert first < last
    assert (f"{first:%Y%m}" if first.year > 999 else f"{first.year:04}{first:%m}") == month
    assert order in {1, 2}


@small
@given(now=st.floats(0, 4e9))
def test_midnight_is_within_a_day(now: float) -> None:
    """The next midnight is at most a day away, and is one in Beijing."""
    wait = seconds_to_midnight(now)
    assert 0 < wait <= 86_400
    assert (now + wait + 8 * 3_600) % 86_400 == pytest.approx(0, abs=1e-3) or (now + wait + 8 * 3_600) % 86_400 > 86_399.999


@wide
@given(fen=st.integers(-(2**70), 2**70))
def test_yuan_is_fen_with_a_point(fen: int) -> None:
    """Yuan keeps every fen of an amount of any size."""
    found = yuan(fen)
    assert found * 100 == fen
    assert found.as_tuple().exponent == -2


@wide
@given(value=st.one_of(leaves, st.text(max_size=30), st.integers().map(str)))
def test_digits_are_the_number_they_spell(value: Any) -> None:
    """A code is the number that the digits spell, or none."""
    found = digits(value)
    assert found is None or (type(found) is int and found == int(value) and not isinstance(value, bool))


# -- secrets ---------------------------------------------------------------------------------------


@wide
@given(secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=30), around=st.text(max_size=20))
def test_no_secret_survives_scrubbing(secret: str, around: str) -> None:
    """A secret, raw or percent-encoded, is removed wherever it stands."""
    for spelled in (secret, quote(secret), quote(secret, safe="")):
        assert spelled not in scrub(f"{around}<{spelled}>{around}", Secret(secret).encoded()).replace(around, "")


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
