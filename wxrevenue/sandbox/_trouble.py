"""What goes wrong, how often, and in which order: at seeded rates or by script."""

from __future__ import annotations

import enum
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

import attrs
from attrs.validators import and_, ge, gt, le, optional

from wxrevenue.sandbox._call import Answer
from wxrevenue.sandbox._seeded import digest, fraction

if TYPE_CHECKING:
    from wxrevenue.sandbox._call import Call
    from wxrevenue.sandbox._quota import Quota


class Mishap(enum.Enum):
    """One way for a call to go wrong.

    Each value is the name of its rate in :class:`Trouble`.
    """

    BUSY = "busy"
    """Code -202 (``ret``); HTTP 500 on the Pay side. Nothing was carried out."""
    SYSTEM = "system"
    """Code -1 (``errcode``); HTTP 500 on the Pay side. Nothing was carried out."""
    EXPIRED = "expired"
    """The provider's token runs out before the call is looked at.

    42001, and a new token is in force (AMS only).
    """
    DROP_BEFORE = "drop_before"
    """The connection breaks and nothing was carried out."""
    DROP_AFTER = "drop_after"
    """The connection breaks after the call was carried out."""
    HTML = "html"
    """A web page instead of the answer; the call was carried out."""
    CUT = "cut"
    """Half of the answer; the call was carried out."""
    UNSIGNED = "unsigned"
    """An answer without signature headers (Pay only); the call was carried out."""
    MISSIGNED = "missigned"
    """A signature that does not fit the answer (Pay only); the call was carried out."""
    PROBE = "probe"
    """A deliberately wrong signature, ``WECHATPAY/SIGNTEST/…`` (Pay only).

    The call was carried out.
    """


Forced: TypeAlias = int | Mishap | Answer | None
"""What a script may ask for.

A code (on the Pay side an HTTP status), a mishap, a whole answer, or ``None`` for no trouble.
"""

_PAY_ONLY = frozenset({Mishap.UNSIGNED, Mishap.MISSIGNED, Mishap.PROBE})
_AMS_ONLY = frozenset({Mishap.EXPIRED})

Rate: TypeAlias = float
_SHARE = and_(ge(0.0), le(1.0))


@attrs.frozen(kw_only=True)
class Trouble:
    """How the sandbox misbehaves.

    A rate is the share, 0 to 1, of calls to which that :class:`Mishap` happens.

    Args:
        too_fast: when to answer 1737 (AMS only).
        latency: seconds between a call and its answer.
        page_cap: rows of a settlement page at most, whatever ``page_size`` asks for.
    """

    too_fast: Quota | None = None
    latency: float = attrs.field(default=0.0, validator=ge(0))
    page_cap: int | None = attrs.field(default=None, validator=optional(gt(0)))
    busy: Rate = attrs.field(default=0.0, validator=_SHARE)
    system: Rate = attrs.field(default=0.0, validator=_SHARE)
    expired: Rate = attrs.field(default=0.0, validator=_SHARE)
    drop_before: Rate = attrs.field(default=0.0, validator=_SHARE)
    drop_after: Rate = attrs.field(default=0.0, validator=_SHARE)
    html: Rate = attrs.field(default=0.0, validator=_SHARE)
    cut: Rate = attrs.field(default=0.0, validator=_SHARE)
    unsigned: Rate = attrs.field(default=0.0, validator=_SHARE)
    missigned: Rate = attrs.field(default=0.0, validator=_SHARE)
    probe: Rate = attrs.field(default=0.0, validator=_SHARE)

    def rate(self, mishap: Mishap) -> Rate:
        """Return how often this happens."""
        found: Rate = getattr(self, mishap.value)
        return found


class FaultDraw:
    """Decides what happens to each call.

    A draw depends on the seed, the call's bytes and how often the same call was drawn for; so what
    happens to a call does not depend on what other callers do meanwhile.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._seen: Counter[bytes] = Counter()
        self._script: list[tuple[str | None, Forced]] = []

    def script(self, forced: Forced, action: str | None) -> None:
        """Put one more item at the end of the script."""
        self._script.append((action, forced))

    def next(self, call: Call, trouble: Trouble) -> Forced:
        """Return what happens to this call.

        It is the first item of the script that may happen to it, or else a draw.
        """
        for place, (action, forced) in enumerate(self._script):
            if action in {None, call.name} and _concerns(forced, call):
                del self._script[place]
                return forced
        return self._draw(call, trouble)

    def _draw(self, call: Call, trouble: Trouble) -> Mishap | None:
        rates = [(mishap, rate) for mishap in Mishap if (rate := trouble.rate(mishap)) and _concerns(mishap, call)]
        if not rates:  # nothing is drawn, so no call has to be remembered
            return None
        identity = digest(call.target, call.body, size=16)
        self._seen[identity] += 1
        number = self._seen[identity]
        return next((mishap for mishap, rate in rates if fraction(self._seed, mishap.value, identity, number) < rate), None)


def _concerns(forced: Forced, call: Call) -> bool:
    return not isinstance(forced, Mishap) or forced not in (_AMS_ONLY if call.is_pay else _PAY_ONLY)
