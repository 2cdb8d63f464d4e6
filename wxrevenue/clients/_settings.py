"""What a client is made of, as its constructor was given it.

It is by type, and not checked yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue._base.secret import NotASecret
    from wxrevenue._engine.retry import RetryPolicy
    from wxrevenue._wire.request import AmsRequest
    from wxrevenue.events import Event
    from wxrevenue.ports import Clock, RateLimiter, Transport, Verifier


class Common(NamedTuple):
    """What every client can be given; ``None`` stands for the default."""

    base_url: str
    transport: Transport | None
    retry: RetryPolicy | None
    clock: Clock | None
    timeout: float
    deadline: float
    on_event: Callable[[Event], object] | None


class AmsSettings(NamedTuple):
    """What else a client of the advertising interfaces can be given."""

    component_appid: str | None
    limiter: RateLimiter | None
    scope: Callable[[AmsRequest[object], str], str] | None
    settlement_path: str | None
    page_deadline: float


class PaySettings(NamedTuple):
    """What else a client of WeChat Pay is given.

    Of what may be a key in the wrong place, only its kind is kept.
    """

    mchid: str | NotASecret
    serial_no: str | NotASecret
    verifier: Verifier | NotASecret
    accept_language: str
