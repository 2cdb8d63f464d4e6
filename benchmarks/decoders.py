"""R3: bytes to typed rows, ours against what others decode with.

Every side gets the same bytes and makes the same rows: a date, an enum's member, a number that the
server writes as a string, a list of slots. Each is used as its documentation says, with the classes
that it asks for. Ours also checks every type and keeps unknown fields; the others drop them.
"""
# Annotations are real here: several of the libraries read those of classes made in a function.

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from math import inf
from operator import attrgetter
from typing import Any, Final

import attrs
import orjson

from benchmarks import decode
from benchmarks._answers import settlement_page
from benchmarks._measure import NotInstalled, Row, compared, in_rounds, microseconds, module
from wxrevenue import SettlementStatus

Decode = Callable[[bytes], Any]
ROWS: Final = 100
_SLOT: Final = attrgetter("slot_id", "slot_settled_revenue")
_ROW: Final = attrgetter("month", "order", "settled_revenue", "date", "zone", "sett_status", "sett_no", "mail_send_cnt")
_PAGE: Final = attrgetter("revenue_all", "penalty_all", "settled_revenue_all", "total_num", "body")


def contents(page: Any) -> tuple[Any, ...]:
    """Return what a page holds, whatever classes it is made of."""
    return (*_PAGE(page), [(*_ROW(row), [_SLOT(slot) for slot in row.slot_revenue]) for row in page.settlement_list])


def with_cattrs() -> Decode:
    """Return the decoder of cattrs as it comes, over orjson."""
    structure = cattrs_structure()
    return lambda body: structure(orjson.loads(body))


def cattrs_structure() -> Callable[[Any], Any]:
    """Return what makes a page of parsed JSON, with cattrs as it comes."""
    from cattrs.preconf.orjson import make_converter

    @attrs.define
    class Slot:
        slot_id: str
        slot_settled_revenue: int

    @attrs.define
    class Settled:
        month: str
        order: int
        settled_revenue: int
        date: date
        zone: str
        sett_status: SettlementStatus
        sett_no: str
        mail_send_cnt: int
        slot_revenue: list[Slot]

    @attrs.define
    class Page:
        revenue_all: int
        penalty_all: int
        settled_revenue_all: int
        settlement_list: list[Settled]
        total_num: int
        body: str

    converter = make_converter()
    return lambda payload: converter.structure(payload, Page)


def with_pydantic() -> Decode:
    """Return the decoder of pydantic: it reads JSON itself."""
    from pydantic import BaseModel

    class Slot(BaseModel):
        slot_id: str
        slot_settled_revenue: int

    class Settled(BaseModel):
        month: str
        order: int
        settled_revenue: int
        date: date
        zone: str
        sett_status: SettlementStatus
        sett_no: str
        mail_send_cnt: int
        slot_revenue: list[Slot]

    class Page(BaseModel):
        revenue_all: int
        penalty_all: int
        settled_revenue_all: int
        settlement_list: list[Settled]
        total_num: int
        body: str

    return Page.model_validate_json


def with_mashumaro() -> Decode:
    """Return the decoder of mashumaro, over orjson."""
    from mashumaro.mixins.orjson import DataClassORJSONMixin

    @dataclasses.dataclass(slots=True)
    class Slot(DataClassORJSONMixin):
        slot_id: str
        slot_settled_revenue: int

    @dataclasses.dataclass(slots=True)
    class Settled(DataClassORJSONMixin):
        month: str
        order: int
        settled_revenue: int
        date: date
        zone: str
        sett_status: SettlementStatus
        sett_no: str
        mail_send_cnt: int
        slot_revenue: list[Slot]

    @dataclasses.dataclass(slots=True)
    class Page(DataClassORJSONMixin):
        revenue_all: int
        penalty_all: int
        settled_revenue_all: int
        settlement_list: list[Settled]
        total_num: int
        body: str

    return Page.from_json


def with_msgspec() -> Decode:
    """Return the decoder of msgspec: it reads JSON itself, in C."""
    from msgspec import Struct
    from msgspec.json import Decoder

    class Slot(Struct):
        slot_id: str
        slot_settled_revenue: int

    class Settled(Struct):
        month: str
        order: int
        settled_revenue: int
        date: date
        zone: str
        sett_status: SettlementStatus
        sett_no: str
        mail_send_cnt: int
        slot_revenue: list[Slot]

    class Page(Struct):
        revenue_all: int
        penalty_all: int
        settled_revenue_all: int
        settlement_list: list[Settled]
        total_num: int
        body: str

    return Decoder(Page, strict=False).decode


RIVALS: Final[Mapping[str, Callable[[], Decode]]] = {
    "cattrs": with_cattrs,
    "pydantic": with_pydantic,
    "mashumaro": with_mashumaro,
    "msgspec": with_msgspec,
}
"""The rivals, by their module's name."""


def installed() -> dict[str, Decode]:
    """Return the decoders of the rivals that are there."""
    return {name: make() for name, make in RIVALS.items() if module(name) is not None}


def run(*, quick: bool = False) -> list[Row]:
    """Measure."""
    body = settlement_page(ROWS)
    rivals, count = installed(), max(1, 400_000 // len(body))
    sides = {"ours": decode.ours, **rivals}
    expected = contents(decode.ours(body))
    for name, decoder in rivals.items():
        assert contents(decoder(body)) == expected, name
    found = in_rounds({name: _timed(decoder, body, count) for name, decoder in sides.items()}, 7 if quick else 41)
    what = f"decode {ROWS} rows"
    return [_row(what, name, found) for name in RIVALS]


def _timed(decoder: Decode, body: bytes, count: int) -> Callable[[], float]:
    return lambda: microseconds(lambda: decoder(body), count)


def _row(what: str, name: str, found: Mapping[str, Iterable[float]]) -> Row:
    if name not in found:
        return NotInstalled("R3", f"{what} / {name}", name)
    return compared(list(zip(found["ours"], found[name], strict=True))).outcome("R3", f"{what} / {name}", "µs", inf)
