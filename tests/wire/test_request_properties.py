"""What is sent is exactly what was given, or refused: for every input."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import orjson
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import small, wide

from wxrevenue import ConfigurationError, GetAgencySettlement, GetShareRatio, MarkTransaction, SetShareRatio, ShareRatio
from wxrevenue._wire.codec import decode, encode, parse

if TYPE_CHECKING:
    import datetime as dt


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
