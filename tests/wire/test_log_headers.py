"""Headers that no log can hold reach no error, no event and no log."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
from support.fakes import ams_client, answer
from support.own_read import ReadEverything
from support.paykit import ORDER, client, error
from support.virtual import virtual

from wxrevenue import ApiError, CallEvent


def logged(*things: object) -> bytes:
    """Return what a strict UTF-8 log file holds after these were logged.

    A string that cannot be encoded fails the test.
    """

    class Handler(logging.StreamHandler[io.TextIOWrapper]):
        def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
            pytest.fail("the log could not be written")

    raw = io.BytesIO()
    handler = Handler(io.TextIOWrapper(raw, "utf-8", write_through=True))
    for thing in things:
        handler.handle(logging.makeLogRecord({"msg": "%s %r", "args": (thing, thing)}))
    return raw.getvalue()


@pytest.mark.parametrize("strange", ["\udcff", "a\udc80b", "x\ny", "\x1b[31m", "", "x" * 129, "é"], ids=ascii)
async def test_headers_that_no_log_can_hold(strange: str) -> None:
    """D-08: bytes of a header that are no text come as lone surrogates.

    They reach no error, no event and no log.
    """
    told: list[Any] = []
    funds, _ = client(error(400, "PARAM_ERROR", Request_ID=strange), on_event=told.append)
    with pytest.raises(ApiError) as caught:
        await funds.mark_transaction(ORDER)
    assert caught.value.request_id is None
    assert [event.request_id for event in told if isinstance(event, CallEvent)] == [None]
    assert b"PARAM_ERROR" in logged(caught.value, vars(caught.value), told)


@virtual
async def test_headers_of_good_answers_that_no_log_can_hold() -> None:
    """D-08: the event of a successful call holds no lone surrogate either."""
    told: list[Any] = []
    revenue, _ = ams_client(answer({"ret": 0}, headers={"Request-ID": "\udcff"}), on_event=told.append)
    await revenue.send(ReadEverything())
    assert [event.request_id for event in told if isinstance(event, CallEvent)] == [None]
    logged(told)


async def test_a_usual_request_id() -> None:
    """A ``Request-ID`` in WeChat Pay's form is kept."""
    given = "08E8F5C3C50610F80218B9A1E1F70220E7012893F502-0"
    funds, _ = client(error(400, "PARAM_ERROR", Request_ID=given))
    with pytest.raises(ApiError) as caught:
        await funds.mark_transaction(ORDER)
    assert caught.value.request_id == given
