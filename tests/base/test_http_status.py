"""Which HTTP status a web application answers with."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from wxrevenue import errors as e
from wxrevenue import http_status

ARGUMENTS: dict[type[Any], dict[str, Any]] = {
    e.NotSentError: {"reason": "dns"},
    e.ResponseLostError: {"reason": "reset"},
    e.OutcomeUnknownError: {"last": e.TooFastError(code=1737)},
}
STATUSES = {
    e.WxRevenueError: 500,
    e.ConfigurationError: 400,
    e.ClientStateError: 503,
    e.TransportError: 502,
    e.NotSentError: 502,
    e.ResponseLostError: 502,
    e.OutcomeUnknownError: 504,
    e.DecodeError: 502,
    e.ApiError: 502,
    e.TooFastError: 503,
    e.QuotaExceededError: 503,
    e.ServerBusyError: 503,
    e.InvalidParameterError: 400,
    e.AgreementUnsignedError: 409,
    e.AccountNotOpenError: 409,
    e.TokenError: 502,
    e.PermissionDeniedError: 403,
    e.TokenUnavailableError: 503,
    e.SignatureError: 502,
    e.PageDriftError: 503,
    e.LedgerError: 503,
    e.DeadlineExceededError: 504,
}


def test_every_class_has_a_row() -> None:
    """The table above names every public class of error."""
    public = {kind for kind in vars(e).values() if inspect.isclass(kind) and issubclass(kind, e.WxRevenueError)}
    assert {kind for kind in public if not kind.__name__.startswith("_")} == STATUSES.keys()


@pytest.mark.parametrize("kind", STATUSES, ids=lambda kind: kind.__name__)
def test_status_of_each_class(kind: type[e.WxRevenueError]) -> None:
    """Each class has the status that the documents say."""
    assert http_status(kind("what happened", **ARGUMENTS.get(kind, {}))) == STATUSES[kind]


@pytest.mark.parametrize("kind", [e.NotSentError, e.ResponseLostError])
def test_timeouts_are_gateway_timeouts(kind: type[Any]) -> None:
    """An exchange that ran out of time is 504."""
    assert http_status(kind("no answer in time", reason="timeout")) == 504


def test_other_exceptions_are_internal_errors() -> None:
    """An exception from outside of this package is the application's own."""
    assert {http_status(error) for error in (KeyError("x"), asyncio.CancelledError(), ValueError())} == {500}
