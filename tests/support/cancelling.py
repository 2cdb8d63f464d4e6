"""A client whose events are kept, for calls that are cancelled."""

from __future__ import annotations

from typing import Any

from support.fakes import Tokens, ams_client, answer, refusal
from wxrevenue import (
    NotSentError,
    RetryPolicy,
    RevenueClient,
)

SECRETS = ["fake-token-one", "fake-token-two"]


def eventful() -> tuple[RevenueClient, list[Any]]:
    """Return a client whose next call has every wait, and its events.

    The call waits for tokens, a cool-down, another token and a back-off.
    """
    told: list[Any] = []
    client, _ = ams_client(
        *[0.5, refusal(1737)],
        *[0.5, refusal(40001)],
        *[0.5, NotSentError(reason="connect")],
        *[0.5, answer(b"", 503)],
        *[0.5, answer()],
        tokens=Tokens(*SECRETS, delays=[1.0] * 9),
        deadline=300.0,
        retry=RetryPolicy(jitter=lambda: 1.0),
        on_event=told.append,
    )
    return client, told
