"""What the fuzzer decodes into. Imported by it once imports are instrumented."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import attrs

from wxrevenue import HttpResponse, StaticTokens, WxRevenueError, ams, funds
from wxrevenue._wire.codec import decode, structure_hook
from wxrevenue._wire.model import Count, Model, Name
from wxrevenue._wire.request import PayRequest, Request, result_of
from wxrevenue.ams._service import AmsService
from wxrevenue.funds._service import PayService

if TYPE_CHECKING:
    from wxrevenue._engine.service import BoundCall

__all__ = ["HttpResponse", "WxRevenueError", "decode", "readers", "structure_hook"]


class Level(enum.Enum):
    """A closed enum."""

    LOW = 1


@attrs.define
class Inner(Model):
    """A field of every kind that a model may have."""

    on: bool | None = None
    share: float | None = None
    exact: Decimal | None = None
    count: Count | None = None
    name: Name | None = None
    numbers: list[int] | None = None
    pairs: tuple[int, ...] | None = None
    counts: dict[str, int] | None = None
    day: dt.date | None = None
    level: Level | None = None
    inner: dict[str, Any] | None = None


@attrs.define
class Everything(Model):
    """The same one level down, and in a list."""

    anything: Inner
    more: list[Inner] = attrs.field(factory=list[Inner])


def readers() -> list[tuple[BoundCall, Any]]:
    """Return a call and a result type for every interface that is shipped.

    One of a user's own is returned too.
    """
    ams_service = AmsService("https://host", StaticTokens(component="fake-token-12345"), "wx1")
    absent = cast("Any", None)
    pay_service = PayService("https://host", "1900000109", "AB12", signer=absent, verifier=absent, clock=ams_service.clock)
    advertising = cast("BoundCall", ams_service.begin(ams.GetShareRatio(appid="wx1")))
    advertising.ready()  # takes the token, which an answer may repeat
    pay = cast("BoundCall", pay_service.begin(funds.MarkTransaction("order-1")))
    exported: list[Any] = [getattr(package, name) for package in (ams, funds) for name in package.__all__]
    kinds: list[Any] = [kind for kind in exported if isinstance(kind, type) and issubclass(kind, Request)]
    paid: Any = PayRequest
    shipped = [(pay if issubclass(kind, paid) else advertising, result_of(kind)) for kind in kinds]
    return [*shipped, (advertising, Everything), (pay, Everything)]
