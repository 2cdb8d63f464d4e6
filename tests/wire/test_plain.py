"""Values as plain data: dicts and JSON under the wire's names.

They are for pydantic and FastAPI, too.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import orjson
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from support.leaks import assert_no_leak

import wxrevenue
from wxrevenue import (
    AdRow,
    Authorization,
    ChangeKind,
    ConfigurationError,
    HalfMonth,
    HttpResponse,
    NotSentError,
    RatioState,
    RatioStatus,
    Secret,
    Settlement,
    SettlementPage,
    ShareRatio,
    TooFastError,
    WaitEvent,
    to_json,
)
from wxrevenue._wire.codec import decode
from wxrevenue._wire.model import Model

ROW: dict[str, Any] = {
    "month": "202003",
    "order": 1,
    "settled_revenue": 2**60,
    "date": "2020-03-25",
    "zone": "2020年3月1日至15日",
    "sett_status": 77,
    "sett_no": "0123456789012345678",
    "mail_send_cnt": 2,
    "slot_revenue": [{"slot_id": "SLOT_ID_WEAPP_BANNER", "slot_settled_revenue": 5, "new_here": True}],
    "odd": {"x": [1, None]},
}
"""A full row, with an unknown status and two unknown fields.

It has everything that a row can have.
"""


def test_a_dict_is_what_the_wire_had() -> None:
    """Wire names and values come back as they came, and decode to an equal row.

    So do big numbers and unknown fields.
    """
    row = decode(Settlement, ROW)
    assert row.to_dict() == ROW
    assert type(row.to_dict()["sett_status"]) is int
    assert decode(Settlement, json.loads(to_json(row))) == row


def test_missing_values_are_null() -> None:
    """Every documented field has its key.

    So tables have the same columns for every row.
    """
    found = SettlementPage().to_dict()
    assert found == {
        "revenue_all": None,
        "penalty_all": None,
        "settled_revenue_all": None,
        "settlement_list": [],
        "total_num": None,
        "body": None,
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (ShareRatio(Decimal("40.50")), {"share_ratio": "40.50"}),
        (Decimal("1E+3"), "1000"),
        (dt.date(2024, 1, 31), "2024-01-31"),
        (dt.datetime(2024, 1, 31, 8, tzinfo=dt.UTC), "2024-01-31T08:00:00+00:00"),
        (HalfMonth(2024, 1, 2), "2024-01-2"),
        (frozenset({ChangeKind.STATUS, ChangeKind.AMOUNT}), ["amount", "status"]),
        (MappingProxyType({"one": (1, 2)}), {"one": [1, 2]}),
        ({dt.date(2024, 1, 1): None}, {"2024-01-01": None}),
        ([True, 1.5, "x"], [True, 1.5, "x"]),
        (
            RatioStatus("wx1", Decimal(1), None, None, RatioState.FAILED, None),
            {"appid": "wx1", "default": "1", "custom": None, "in_force": None, "state": "failed", "error": None},
        ),
        (
            WaitEvent(endpoint="x", account="a", what="turn", duration=0.5),
            {"endpoint": "x", "account": "a", "call": None, "what": "turn", "duration": 0.5},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_forms(value: Any, written: Any) -> None:
    """Decimals are strings of the same digits, days ISO, enums their values.

    Sets are sorted lists.
    """
    assert orjson.loads(to_json(value)) == written


def test_what_the_faster_writer_cannot_hold() -> None:
    """A number beyond 64 bits and half a surrogate pair are written too.

    A server may send them.
    """
    found = to_json({"big": 2**70, "half": "\ud800", "text": "中文"})
    assert json.loads(found) == {"big": 2**70, "half": "\ud800", "text": "中文"}


def test_errors_are_told() -> None:
    """An error as plain data is its class, its text and its facts."""
    found = orjson.loads(to_json([TooFastError("x", code=1737, retry_after=5.0), NotSentError("gone", reason="dns")]))
    assert (found[0]["error"], found[0]["code"], found[0]["retry_after"]) == ("TooFastError", 1737, 5.0)
    assert found[1]["solution"].startswith("Check the host's name")


@pytest.mark.parametrize("value", [Secret("fake-secret"), [{"x": Secret("fake-secret")}], Authorization("wx1", Secret("fake-secret"))])
def test_secrets_are_refused(value: Any) -> None:
    """A token is not written, and stars are not either.

    A caller that wants to store it must reveal it. The error says where it stood.
    """
    with pytest.raises(ConfigurationError, match="expected no secret") as caught:
        to_json(value)
    assert_no_leak(caught.value, secrets=["fake-secret"])


@pytest.mark.parametrize("value", [b"x", object(), float("nan"), Decimal("NaN"), [float("inf")], Settlement])
def test_what_json_has_not_is_refused(value: object) -> None:
    """A value that JSON cannot hold is refused."""
    with pytest.raises(ConfigurationError, match="expected something that JSON can hold"):
        to_json(value)


def test_every_answer_can_be_written() -> None:
    """All public models have ``to_dict``, which refuses only a secret."""
    models = [kind for name in dir(wxrevenue) if isinstance(kind := getattr(wxrevenue, name), type) and issubclass(kind, Model)]
    assert len(models) > 30
    assert all(TypeAdapter(kind).json_schema()["title"] == kind.__name__ for kind in models)


def test_an_answer_of_json() -> None:
    """``HttpResponse.of_json`` sends plain data and values as a server does.

    Decimals are numbers.
    """
    response = HttpResponse.of_json(ShareRatio(Decimal("40.50")), 201, {"X-One": "1"})
    assert (response.status, response.body) == (201, b'{"share_ratio":40.50}')
    assert (response.header("content-type"), response.header("x-one")) == ("application/json", "1")
    assert HttpResponse.of_json({"ret": 0}).body == b'{"ret":0}'


# -- pydantic --------------------------------------------------------------------------------------


class Report(BaseModel):
    """A response model of a user's."""

    row: Settlement
    ratio: ShareRatio
    ads: list[AdRow]


def test_a_pydantic_model_takes_values_and_dicts() -> None:
    """Instances pass as they are, and dicts are decoded by the same rules.

    What was written is read again.
    """
    row = decode(Settlement, ROW)
    ads = decode(list[AdRow], [{"date": "2024-01-01", "exposure_rate": 0.125, "slot_id": 5}])
    report = Report(row=row, ratio=ShareRatio(Decimal("40.5")), ads=ads)
    assert report.row is row
    assert json.loads(report.model_dump_json())["row"] == ROW
    assert report.model_dump()["ads"][0]["exposure_rate"] == "0.125"
    assert Report.model_validate_json(report.model_dump_json()) == report
    assert Report.model_validate({"row": ROW, "ratio": {"share_ratio": 40}, "ads": []}).ratio.merchant_ratio == 60


@pytest.mark.parametrize("ratio", [{"share_ratio": "x"}, {}, 5, {"share_ratio": "1" * 60}])
def test_a_pydantic_model_refuses_what_the_decoder_refuses(ratio: Any) -> None:
    """The error is pydantic's own, and names the path of what is inside."""
    with pytest.raises(ValidationError, match=r"expected an object|\$"):
        TypeAdapter(ShareRatio).validate_python(ratio)


def test_the_schema_says_what_is_written() -> None:
    """A web application's documentation has each field with its type.

    Enums are their numbers.
    """
    schema = TypeAdapter(Settlement).json_schema()
    assert schema["properties"]["settled_revenue"] == {"type": "integer"}
    assert schema["properties"]["date"] == {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
    assert schema["properties"]["slot_revenue"]["items"]["properties"]["slot_settled_revenue"] == {"type": "integer"}
    assert set(schema["required"]) == set(schema["properties"])
