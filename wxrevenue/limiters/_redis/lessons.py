"""Lessons drawn for all processes.

The learner of :mod:`wxrevenue.limiters._quota` draws them from the books inside Redis. Only what a
refusal or a passed test says is worked out here, which is rare. The plan is written under the fence
that came with the books: whoever was slow writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wxrevenue.limiters._quota.learner import QuotaLearner
from wxrevenue.limiters._quota.refill import Refill
from wxrevenue.limiters._quota.state import LearnerState

if TYPE_CHECKING:
    from wxrevenue.limiters._quota.state import Plain
    from wxrevenue.limiters._redis.answer import LessonTask

_NUMBERS: Final = (
    "budget", "before", "doubts", "stretched", "proven", "counted", "extra", "step",
)  # fmt: skip
_TIMES: Final = (
    "span", "lasted", "interval", "sent_at", "answered_at", "since", "test_at", "tested_at", "settled_at", "spent_at",
)  # fmt: skip
_KEPT: Final = (
    "budget", "span", "kind", "lasted", "interval", "before", "doubts", "stretched", "phase", "proven",
    "since", "counted", "test_at", "tested_at", "settled_at", "spent_at", "extra", "step",
)  # fmt: skip
"""What a plan says; what else a learner knows is kept by the script itself."""


def draw(task: LessonTask, window: float, now: float) -> str:
    """Return the plan that a lesson leads to, as the script reads it.

    ``now`` is Redis' time.
    """
    learner = _learner(task, window)
    if task.state.get("lesson") == "passed":
        learner.conclude_test(now)
    else:
        learner.on_refused(_number(task.state, "refused_at") or now)
        learner.note_others(int(_number(task.state, "others") or 0))
        for _ in range(int(_number(task.state, "late") or 0)):
            learner.on_answered(now, accepted=True)
        learner.on_reopened(max(now, _number(task.state, "opens") or now))  # drawn in the pause: nothing more can come
    return _plan(task.fence, learner)


def _learner(task: LessonTask, window: float) -> QuotaLearner:
    """Return the learner as it was before the event that is to be learned from."""
    state = task.state
    passed = state.get("lesson") == "passed"
    known: Plain = {name: int(number) for name in _NUMBERS if (number := _number(state, name)) is not None}
    known |= {name: number for name in _TIMES if (number := _number(state, name)) is not None}
    rows = [[float(word) for word in row.split()] for row in task.log]
    record = LearnerState(
        **known,
        kind=state.get("kind", "unknown"),
        small=state.get("small") == "1",
        phase=state["phase"] if passed else state.get("was", "new"),
        in_flight=0 if passed else 1,
        recent=[[end, calls] for _, end, calls, _ in rows],
        recent_more=[[start, doubted] for start, _, _, doubted in rows],
        past=[[end, calls, start, doubted] for start, end, calls, doubted in (map(float, row.split()) for row in task.past)],
        refill=_refill(state),
    )
    return QuotaLearner.of(window, record)


def _refill(state: dict[str, str]) -> Refill | None:
    gap = _number(state, "gap")
    if gap is None:
        return None
    filled = int(_number(state, "filled") or 0)
    return Refill(gap, _number(state, "filled_since"), filled, _number(state, "filled_last"), _number(state, "first_gap") or gap)


def _number(state: dict[str, str], name: str) -> float | None:
    return float(state[name]) if name in state else None


def _plan(fence: int, learner: QuotaLearner) -> str:
    record = learner.dump()
    words = {name: _word(record[name]) for name in _KEPT} | {"small": "1" if record["small"] else "-"}
    refill: Plain = record["refill"] or {}
    names = {"gap": "gap", "first_gap": "first_gap", "since": "filled_since", "answered": "filled", "last": "filled_last"}
    words |= {kept: _word(refill.get(name)) for name, kept in names.items()}
    if not learner.log.count:
        words["clear"] = "1"
    return " ".join([str(fence), *(f"{name}={word}" for name, word in words.items())])


def _word(value: object) -> str:
    if value is None:
        return "-"
    return repr(value) if isinstance(value, (int, float)) else str(value)
