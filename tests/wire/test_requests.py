"""A user's arguments are checked before any I/O.

Messages name the field, the kind of value and what is allowed, never the value.
"""

from __future__ import annotations

import datetime as dt
import inspect
import math
from decimal import Decimal, localcontext
from typing import Any, ClassVar, Generic, TypeVar, cast

import attrs
import orjson
import pytest
from support.refusals import refused

from wxrevenue import (
    AmsRequest,
    Endpoint,
    GetAgencySettlement,
    GetShareRatio,
    MarkTransaction,
    PayRequest,
    Request,
    Safety,
    SetShareRatio,
    SettlementPage,
    ShareRatio,
    TokenKind,
    beijing_date,
)
from wxrevenue._wire.codec import encode
from wxrevenue._wire.request import result_of

T = TypeVar("T")
RANGE = ("2020-03-01", "2020-03-31")


@attrs.frozen
class GetSettlement(AmsRequest[SettlementPage]):
    """A request of a user's own, for an interface that takes an authorizer's token."""

    endpoint: ClassVar[Endpoint] = Endpoint(
        path="/wxa/operationams", action="agency_get_settlement", token=TokenKind.AUTHORIZER, safety=Safety.SAFE
    )
    start_date: str = attrs.field(converter=beijing_date)
    comment: str | None = None


def sent(request: Request[Any]) -> Any:
    """Return the JSON of a request's body."""
    return orjson.loads(cast("bytes", encode(request)))


class Unfinished(AmsRequest[None]):
    """A request without an endpoint."""


def test_a_request_without_an_endpoint() -> None:
    """A class of requests without an endpoint is refused as soon as it is made.

    The error has its name; tools may still inspect it.
    """
    assert refused(attrs.frozen(Unfinished)) == "Unfinished does not say where it goes: give the class endpoint = Endpoint(path=…)"
    assert dict(inspect.getmembers(Unfinished))["endpoint"] is not None


# -- share_ratio -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (0, b"0"),
        (40, b"40"),
        (100, b"100"),
        (Decimal(40), b"40"),
        (Decimal("40.5"), b"40.5"),
        (Decimal("40.50"), b"40.50"),
        (Decimal("0.01"), b"0.01"),
        (Decimal("99.99"), b"99.99"),
        (Decimal("100.00"), b"100.00"),
        (Decimal("1E1"), b"10"),
        (Decimal("1E+2"), b"100"),
        (Decimal("1E-2"), b"0.01"),
        (Decimal("0E+5"), b"0"),
        (Decimal("33.330"), b"33.330"),
    ],
)
def test_ratios_are_sent_exactly(given: int | Decimal, sent: bytes) -> None:
    """Integers and decimals go out digit for digit.

    There are no exponents, and no float on the way.
    """
    assert encode(SetShareRatio(given)) == b'{"share_ratio":%s}' % sent


def test_negative_zero_is_zero() -> None:
    """A decimal zero with a sign is in range.

    A JSON number equal to zero goes out.
    """
    assert sent(SetShareRatio(Decimal("-0"))) == {"share_ratio": 0}


@pytest.mark.parametrize("given", [True, False, 40.0, math.nan, "40", b"40", None, [40], 40j])
def test_ratios_of_other_types_are_refused(given: Any) -> None:
    """A bool, a float or a string is no ratio: the message names the type."""
    meant = ": write Decimal('40.0')" if given == 40.0 and isinstance(given, float) else ""
    assert refused(SetShareRatio, given) == f"SetShareRatio.share_ratio: expected an int or a Decimal, got {type(given).__name__}{meant}"


@pytest.mark.parametrize("given", ["NaN", "-NaN", "NaN123", "sNaN", "Infinity", "-Infinity"])
def test_ratios_must_be_finite(given: str) -> None:
    """Not-a-number, quiet or signalling, and infinity are refused.

    No decimal signal escapes.
    """
    assert refused(SetShareRatio, Decimal(given)) == "SetShareRatio.share_ratio: expected a finite Decimal"


@pytest.mark.parametrize("given", [-1, 101, 10**50, Decimal("-0.01"), Decimal("100.01"), Decimal("1E+999999"), Decimal("-1E-50")])
def test_ratios_must_be_percents(given: int | Decimal) -> None:
    """0 and 100 are the ends of the range.

    A value outside is in the message, if it is short.
    """
    told = "int" if given == 10**50 else given
    assert refused(SetShareRatio, given) == f"SetShareRatio.share_ratio: expected 0 to 100 percent, got {told}"


@pytest.mark.parametrize("given", ["0.001", "99.995", "33.3333", "1E-50", "1E-2000000", "1.00000000000000000000000000000000001"])
def test_ratios_have_two_places_at_most(given: str) -> None:
    """A third place that is not zero is refused, however far behind it stands."""
    assert refused(SetShareRatio, Decimal(given)) == "SetShareRatio.share_ratio: expected at most 2 decimal places"


def test_zero_is_short_however_it_is_written() -> None:
    """A decimal zero of a thousand places does not become a body of a thousand digits."""
    assert len(cast("bytes", encode(SetShareRatio(Decimal("0E-1000"))))) < 40


def test_ratios_do_not_depend_on_the_decimal_context() -> None:
    """A user's own precision neither hides a place nor refuses a good ratio."""
    with localcontext(prec=2):
        assert encode(SetShareRatio(Decimal("40.25"))) == b'{"share_ratio":40.25}'
        refused(SetShareRatio, Decimal("40.251"))


# -- texts -----------------------------------------------------------------------------------------


def sub_merchant(text: str) -> MarkTransaction:
    """Return a mark for that sub-merchant."""
    return MarkTransaction("P20150806125346", sub_mchid=text)


def of_authorizer(text: str) -> GetSettlement:
    """Return a request with that authorizer's token."""
    return GetSettlement("2020-03-01", authorizer_appid=text)


@pytest.mark.parametrize(
    ("make", "field", "low", "high"),
    [
        (GetShareRatio, "appid", 1, 64),
        (MarkTransaction, "out_trade_no", 6, 32),
        (sub_merchant, "sub_mchid", 1, 32),
        (of_authorizer, "authorizer_appid", 1, 64),
    ],
)
def test_texts_have_their_lengths(make: Any, field: str, low: int, high: int) -> None:
    """Both ends of the documented length are allowed.

    One more or less is not, nor are control characters and surrogates.
    """
    for length in (low, high):
        make("x" * length)
    for length in (low - 1, high + 1):
        text = refused(make, "x" * length)
        assert f".{field}: expected {low} to {high} characters, got {length}" in text
    for bad in ("\n", "\x00", "\x7f", "\ud800", "\u2028"):
        text = refused(make, "fake-v" + bad)
        assert f".{field}: control characters and surrogates are not allowed" in text
        assert "fake-v" not in text
    for other in (7, True, b"fake-value", ["fake-value"]):
        text = refused(make, other)
        assert f".{field}: expected a str, got {type(other).__name__}" in text


@pytest.mark.parametrize("make", [GetShareRatio, MarkTransaction])
def test_required_texts_cannot_be_none(make: Any) -> None:
    """``None`` is not a ``str`` where one is required."""
    assert "expected a str, got NoneType" in refused(make, None)


@pytest.mark.parametrize("currency", ["USD", "cny", "", " CNY", None, 156])
def test_only_cny_can_be_distributed(currency: Any) -> None:
    """Another currency is refused before the request; the error names CNY."""
    told = repr(currency) if isinstance(currency, str) else type(currency).__name__
    expected = f"MarkTransaction.currency: only 'CNY' can be distributed, got {told}"
    assert refused(MarkTransaction, "P20150806125346", currency=currency) == expected


def test_a_direct_merchant_sends_no_sub_mchid() -> None:
    """A ``None`` is left out of the body: the API forbids null."""
    assert encode(MarkTransaction("P20150806125346")) == b'{"out_trade_no":"P20150806125346","currency":"CNY"}'


def test_text_goes_out_as_it_is() -> None:
    """UTF-8 is sent as it is, never as escapes."""
    assert encode(GetShareRatio("wx微信")) == '{"appid":"wx微信"}'.encode()


# -- settlement ------------------------------------------------------------------------------------


def test_dates_are_converted_at_once() -> None:
    """A request holds the wire's spelling, whichever way the dates came."""
    request = GetAgencySettlement(dt.date(2020, 3, 1), "2020-03-31")
    assert (request.start_date, request.end_date, request.page, request.page_size) == (*RANGE, 1, 20)


@pytest.mark.parametrize("bad", [dt.datetime(2020, 3, 1, tzinfo=dt.UTC), "2020-3-1", "2020-02-30", b"2020-03-01", 20200301])
def test_dates_that_are_none_are_refused(bad: Any) -> None:
    """P-19: a wrong date at either end is refused, by the argument's name."""
    assert refused(GetAgencySettlement, bad, "2020-12-31").startswith("GetAgencySettlement.start_date: expected ")
    assert refused(GetAgencySettlement, "2020-01-01", bad).startswith("GetAgencySettlement.end_date: expected ")


def test_ranges_run_forward() -> None:
    """P-19: a range may be one day long but not run backwards."""
    assert GetAgencySettlement("2020-03-01", "2020-03-01").end_date == "2020-03-01"
    text = refused(GetAgencySettlement, "2020-03-02", "2020-03-01")
    assert text == "GetAgencySettlement.end_date: expected start_date or a later day: 2020-03-01 comes before 2020-03-02"


@pytest.mark.parametrize("name", ["page", "page_size"])
@pytest.mark.parametrize("value", [True, 1.0, "1", None, Decimal(1)])
def test_page_numbers_are_ints(name: str, value: Any) -> None:
    """A bool, a float or a string is no page number."""
    text = refused(GetAgencySettlement, *RANGE, **{name: value})
    assert text == f"GetAgencySettlement.{name}: expected an int, got {type(value).__name__}"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [("page", 0, "1 or more"), ("page", -1, "1 or more"), ("page_size", 0, "1 to 10000"), ("page_size", 10_001, "1 to 10000")],
)
def test_page_numbers_are_positive(name: str, value: int, allowed: str) -> None:
    """Zero, negative and absurd sizes are refused before any call."""
    assert refused(GetAgencySettlement, *RANGE, **{name: value}) == f"GetAgencySettlement.{name}: expected {allowed}, got {value}"


def test_largest_pages_are_allowed() -> None:
    """The ends of the range of a page size are allowed; a page number has no end."""
    assert GetAgencySettlement(*RANGE, page=10**12, page_size=10_000).page_size == 10_000


def test_checks_run_on_evolve_too() -> None:
    """Turning pages cannot make a request that the constructor would refuse."""
    assert attrs.evolve(GetAgencySettlement(*RANGE), page=2).page == 2
    refused(attrs.evolve, GetAgencySettlement(*RANGE), page=0)
    refused(attrs.evolve, GetAgencySettlement(*RANGE), end_date="2019-01-01")


# -- whose token -----------------------------------------------------------------------------------


def test_authorizers_are_named_where_they_are_needed() -> None:
    """An interface that takes an authorizer's token needs its appid.

    The appid is given by keyword, and not sent.
    """
    request = GetSettlement("2020-03-01", authorizer_appid="wxauthorizer")
    assert request.authorizer_appid == "wxauthorizer"
    assert sent(request) == {"start_date": "2020-03-01"}
    assert sent(attrs.evolve(request, comment="x")) == {"start_date": "2020-03-01", "comment": "x"}
    assert refused(GetSettlement, "2020-03-01") == "GetSettlement takes an authorizer's token: give authorizer_appid='wx…'"
    with pytest.raises(TypeError):
        GetSettlement("2020-03-01", None, "wxauthorizer")  # type: ignore[call-arg]


@pytest.mark.parametrize(("make", "args"), [(GetShareRatio, ("wx1",)), (GetAgencySettlement, RANGE), (SetShareRatio, (40,))])
def test_authorizers_are_refused_where_they_are_not(make: Any, args: tuple[Any, ...]) -> None:
    """The component's interfaces refuse an authorizer, and do not ignore it."""
    text = refused(make, *args, authorizer_appid="wxauthorizer")
    assert text.endswith("takes the component's token: authorizer_appid is not allowed")
    assert "wxauthorizer" not in text


# -- what a request returns ------------------------------------------------------------------------


@attrs.frozen
class Shared(AmsRequest[T], Generic[T]):
    """A user's base class of several requests."""


@attrs.frozen
class Inherited(Shared[ShareRatio]):
    """A request whose base names its result."""


@attrs.frozen
class Grandchild(Inherited):
    """A request that inherits its result."""


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        (GetShareRatio, ShareRatio),
        (GetSettlement, SettlementPage),
        (SetShareRatio, type(None)),
        (MarkTransaction, type(None)),
        (Inherited, ShareRatio),
        (Grandchild, ShareRatio),
    ],
)
def test_results_are_read_from_the_bases(kind: type, result: object) -> None:
    """The brackets of the nearest base name the result."""
    assert result_of(kind) is result


@pytest.mark.parametrize("kind", [Shared, AmsRequest, PayRequest, Request])
def test_a_request_must_say_what_it_returns(kind: type) -> None:
    """A request must say what it returns, in brackets.

    The message says how to write it.
    """
    assert "derive it from AmsRequest[Result] or PayRequest[Result]" in refused(result_of, kind)
