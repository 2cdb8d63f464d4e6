"""Answers of AMS and WeChat Pay, without their envelopes.

It also has statuses that are no success.
"""

from __future__ import annotations

from typing import Any, cast

import orjson

from wxrevenue import (
    GetShareRatio,
    HttpResponse,
    MarkTransaction,
    StaticTokens,
)
from wxrevenue.ams._service import AmsCall, AmsService
from wxrevenue.funds._service import PayCall, PayService

TOKEN = "fake-token-/+=&%é"
NOW = 1_774_000_000.0


class Clock:
    """A clock that stands still."""

    def monotonic(self) -> float:
        """Return zero."""
        return 0.0

    def time(self) -> float:
        """Return a fixed Unix time."""
        return NOW

    async def sleep(self, seconds: float) -> None:
        """Do not wait."""


AMS = AmsService("https://host", StaticTokens(component=TOKEN), "wx1", clock=Clock())
PAY = PayService("https://host", "1900000109", "AB12", signer=cast("Any", None), verifier=cast("Any", None), clock=Clock())


def ams(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    """Return the result of AMS's answer; a body that is no bytes is sent as JSON."""
    call = cast("AmsCall", AMS.begin(GetShareRatio(appid="wx1")))
    call.ready()  # takes the token, which an answer may repeat
    return call.unwrap(HttpResponse(status, headers or {}, body if isinstance(body, bytes) else orjson.dumps(body)))


def pay(body: Any, status: int, headers: dict[str, str] | None = None) -> Any:
    """Return the result of WeChat Pay's answer."""
    call = cast("PayCall", PAY.begin(MarkTransaction(out_trade_no="order-1")))
    return call.unwrap(HttpResponse(status, headers or {}, body if isinstance(body, bytes) else orjson.dumps(body)))


BUSY = (408, 429, 500, 502, 503, 504)
FINAL = (300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 407, 410, 412, 418, 501, 505, 511)
