"""Calls that fail several times, and their waits."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from support.fakes import Read, ams_client
from support.virtual import now
from wxrevenue import (
    NotSentError,
    ResponseLostError,
    RetryEvent,
    RetryPolicy,
    Safety,
    ServerBusyError,
    WxRevenueError,
)
from wxrevenue._wire.codes import api_error

SAFE, REPEATABLE, UNSAFE = Safety.SAFE, Safety.REPEATABLE, Safety.UNSAFE
FULL = RetryPolicy(jitter=lambda: 1.0)


def lost() -> ResponseLostError:
    """Return a lost answer."""
    return ResponseLostError("gone", reason="reset")


def not_sent() -> NotSentError:
    """Return the error of a request that was not sent."""
    return NotSentError("refused", reason="connect")


async def waits(*script: Any, policy: RetryPolicy = FULL, request: Any = None, **options: Any) -> list[float]:
    """Return the back-offs of one call.

    Those that ``on_event`` got are those that really passed.
    """
    told: list[Any] = []
    client, transport = ams_client(*script, retry=policy, on_event=told.append, **options)
    started = now()
    with contextlib.suppress(WxRevenueError):
        await client.send(request or Read())
    waited = [event.wait for event in told if isinstance(event, RetryEvent)]
    assert now() - started == pytest.approx(sum(waited))
    assert len(transport.requests) == len(waited) + 1
    return waited


def busy() -> ServerBusyError:
    """Return an HTTP 500 as an error."""
    error = api_error("", code=None, status=500)
    assert isinstance(error, ServerBusyError)
    return error
