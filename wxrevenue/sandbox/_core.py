"""Every call comes through here.

What happens to it is decided, the right side answers, the outcome is counted.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

import attrs

from wxrevenue.sandbox._call import Answer, Call, Drop
from wxrevenue.sandbox._trouble import Mishap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wxrevenue.sandbox._ams.service import Ams
    from wxrevenue.sandbox._pay.service import Pay
    from wxrevenue.sandbox._trouble import FaultDraw, Forced, Trouble

_PAGE = b"<!DOCTYPE html><html><head><title>Sandbox</title></head><body>This is not JSON.</body></html>"
_CODES = {Mishap.BUSY: -202, Mishap.SYSTEM: -1}


class _Side(Protocol):
    def answer(self, call: Call, mishap: Mishap | None, trouble: Trouble) -> Answer: ...
    def refuse(self, call: Call, code: int) -> Answer: ...


class Core:
    """The whole server without its input and output."""

    def __init__(self, *, ams: Ams, pay: Pay, fate: FaultDraw, trouble: Trouble) -> None:
        self.ams, self.pay, self.fate, self.trouble = ams, pay, fate, trouble
        self.calls: Counter[tuple[str, str]] = Counter()

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request."""
        call = Call.read(method, target, headers, body)
        answer = self._answer(call, self.fate.next(call, self.trouble))
        self.calls[call.name, answer.outcome] += 1
        return answer if answer.latency else attrs.evolve(answer, latency=self.trouble.latency)

    def _answer(self, call: Call, forced: Forced) -> Answer:
        side: _Side = self.pay if call.is_pay else self.ams
        if isinstance(forced, Answer):
            return forced
        if forced is Mishap.DROP_BEFORE:
            return Answer(0, outcome=Drop.BEFORE.value, drop=Drop.BEFORE)
        code = forced if isinstance(forced, int) else _CODES.get(forced) if forced else None
        if code is not None:
            return side.refuse(call, code)
        mishap = forced if isinstance(forced, Mishap) else None
        return _AFTERWARDS.get(mishap, _unchanged)(side.answer(call, mishap, self.trouble))


def _unchanged(answer: Answer) -> Answer:
    return answer


def _drop(answer: Answer) -> Answer:
    return attrs.evolve(answer, drop=Drop.AFTER, outcome=Drop.AFTER.value)


def _html(answer: Answer) -> Answer:  # noqa: ARG001  (nothing of it is left)
    return Answer(200, {"Content-Type": "text/html"}, _PAGE, outcome=Mishap.HTML.value)


def _cut(answer: Answer) -> Answer:
    return attrs.evolve(answer, body=answer.body[: len(answer.body) // 2], outcome=Mishap.CUT.value)


_AFTERWARDS: dict[Mishap | None, Callable[[Answer], Answer]] = {Mishap.DROP_AFTER: _drop, Mishap.HTML: _html, Mishap.CUT: _cut}
