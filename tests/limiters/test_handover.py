"""What a learner or a gate knows is handed over whole.

The next process gives the same answers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wxrevenue.limiters._quota.phase as phases
from wxrevenue.limiters._local.gate import Gate, GateState
from wxrevenue.limiters._quota.inference import Kind, QuotaEstimate
from wxrevenue.limiters._quota.learner import QuotaLearner
from wxrevenue.limiters._quota.phase import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW = 60.0
TRIP = 0.02
Step = tuple[str, int]


class Driver:
    """Drives a learner through events, and notes what it answers.

    Args:
        learner: the learner.
        now: the time.
    """

    def __init__(self, learner: QuotaLearner, now: float = 1_000.0) -> None:
        self.learner = learner
        self.now = now
        self.answers: list[object] = []
        self.changes: set[tuple[Phase, Phase]] = set()

    def drive(self, steps: list[Step]) -> None:
        """Apply the events, and ask for every answer after each."""
        for name, size in steps:
            getattr(self, name)(size)
            learner = self.learner
            self.answers += [learner.earliest(ahead, self.now) for ahead in (0, 3, 40)] + [learner.after(25, self.now)]
            self.answers += [learner.cap(), learner.limit, learner.deferred, learner.longer_window, learner.useless(self.now)]

    def note(self, before: Phase) -> None:
        """Note a change of the phase."""
        if before is not self.learner.phase:
            self.changes.add((before, self.learner.phase))

    def told(self, event: Callable[[], object]) -> None:
        """Tell the learner of an event."""
        before = self.learner.phase
        event()
        self.note(before)

    def when(self) -> float:
        """Ask when the next call may leave."""
        before = self.learner.phase
        at = self.learner.when(self.now)
        self.note(before)
        self.answers.append(at)
        return at

    # ------------------------------------------------------------------ the steps

    def call(self, size: int) -> None:
        """Make calls as soon as they may leave, one after the other; each is accepted."""
        for _ in range(size):
            self.send(1)
            self.ok(1)

    def send(self, size: int) -> None:
        """Send calls as soon as they may leave."""
        for _ in range(size):
            if self.learner.phase is Phase.REFUSED:
                self.reopen(1)
            self.now = max(self.now, min(self.when(), self.now + 3 * WINDOW))
            self.told(lambda: self.learner.on_sent(self.now))

    def ok(self, size: int) -> None:
        """Let calls in flight be accepted."""
        for _ in range(min(size, self.learner.in_flight)):
            self.now += TRIP
            self.told(lambda: self.learner.on_answered(self.now, accepted=True))

    def lost(self, size: int) -> None:
        """Let calls end without an answer."""
        for _ in range(min(size, self.learner.in_flight)):
            self.now += TRIP
            self.told(lambda: self.learner.on_answered(self.now, accepted=False))

    def refused(self, size: int) -> None:
        """Let calls be refused; make one call first if there is none."""
        if not self.learner.in_flight:
            self.send(1)
        for _ in range(min(size, self.learner.in_flight)):
            self.now += TRIP
            self.told(lambda: self.learner.on_refused(self.now))

    def reopen(self, size: int) -> None:
        """Let a pause end."""
        self.now += size * WINDOW
        self.told(lambda: self.learner.on_reopened(self.now))

    def unused(self, _size: int) -> None:
        """Give a permission back."""
        self.told(self.learner.on_unused)

    def wait(self, size: int) -> None:
        """Let time pass: seconds, minutes or a day."""
        self.now += {0: 0.5, 1: 5.0, 2: 31.0}.get(size % 7, size * 700.0)
        self.when()

    def fast(self, size: int) -> None:
        """Open the fast path, and have calls take it."""
        self.told(lambda: self.learner.allow_fast_path(self.now))
        for _ in range(size):
            if self.learner.in_flight < self.learner.limit and self.learner.deferred:
                self.learner.deferred -= 1


def begun(*steps: Step, estimate: QuotaEstimate | None = None) -> Driver:
    """Return a driver after some events."""
    driver = Driver(QuotaLearner(WINDOW, estimate))
    driver.drive(list(steps))
    return driver


STARTS: dict[str, Callable[[], Driver]] = {
    "new": begun,
    "never refused": lambda: begun(("call", 200), ("fast", 2)),
    "releasing": lambda: begun(("refused", 1), ("reopen", 1), ("call", 3)),
    "refused": lambda: begun(("call", 30), ("send", 3), ("refused", 1)),
    "keeping": lambda: begun(("call", 30), ("refused", 1), ("reopen", 1), ("call", 10)),
    "testing": lambda: begun(("call", 120), ("refused", 1), ("reopen", 1), ("wait", 1), ("call", 120), ("wait", 1), ("send", 1)),
    "measuring": lambda: begun(("call", 120), ("refused", 1), ("reopen", 1), ("wait", 1), ("call", 160)),
    "window": lambda: begun(("call", 5), estimate=QuotaEstimate(WINDOW, 20, Kind.WINDOW, interval=4.0, before=12)),
    "doubted": lambda: begun(("call", 5), estimate=QuotaEstimate(WINDOW, 20, Kind.WINDOW, doubts=1, stretched=1)),
    "bucket": lambda: begun(("call", 5), estimate=QuotaEstimate(6.0, 12, Kind.BUCKET, interval=4.0)),
}
"""The events at the beginning; the names that are phases end there."""
SIZED = st.tuples(
    st.sampled_from(["call", "call", "call", "send", "ok", "lost", "refused", "reopen", "unused", "wait", "fast"]),
    st.sampled_from([1, 1, 2, 3, 12, 40]),
)
STEPS = st.lists(SIZED, max_size=12)


def carried(data: dict[str, Any]) -> dict[str, Any]:
    """Return plain data as another process reads it."""
    return dict(json.loads(json.dumps(data, allow_nan=False)))


@pytest.mark.parametrize("phase", list(Phase))
def test_the_starts_reach_every_phase(phase: Phase) -> None:
    """The beginnings of the properties below reach every phase."""
    assert phase in {start().learner.phase for start in STARTS.values()}


@pytest.mark.parametrize("name", STARTS)
@settings(max_examples=60)
@given(before=STEPS, after=STEPS)
def test_a_learner_goes_on_in_another_process(name: str, before: list[Step], after: list[Step]) -> None:
    """R-37: a learner loaded from plain data gives the same answers from then on.

    This holds at any moment, and whatever happens.
    """
    old = STARTS[name]()
    old.drive(before)
    new = Driver(QuotaLearner.load(WINDOW, carried(old.learner.dump())), old.now)
    assert new.learner.dump() == old.learner.dump()
    old.answers.clear()
    for step in after:
        old.drive([step])
        new.drive([step])
        assert new.answers == old.answers
        assert new.learner.dump() == old.learner.dump()


@pytest.mark.parametrize("name", STARTS)
@settings(max_examples=30)
@given(steps=STEPS)
def test_phases_follow_one_another_as_the_table_says(name: str, steps: list[Step]) -> None:
    """Phases follow one another only as the table at the top of the module says."""
    driver = STARTS[name]()
    driver.drive(steps)
    rows = [line.split() for line in (phases.__doc__ or "").splitlines() if line.split()[:1] and line.split()[0].isupper()]
    allowed = {(Phase[row[0]], Phase[row[-1]]) for row in rows if row[-1].isupper()}
    after_a_pause = {(phase, end) for phase in Phase for end in (Phase.KEEPING, Phase.RELEASING)}
    assert driver.changes <= allowed | after_a_pause


@settings(max_examples=40)
@given(steps=STEPS, shift=st.floats(-1e6, 2e9))
def test_times_are_moved_to_another_clock(steps: list[Step], shift: float) -> None:
    """A learner whose times were moved to another clock asks for the same waits."""
    old = STARTS["keeping"]()
    old.drive(steps)
    new = QuotaLearner.load(WINDOW, carried(old.learner.dump(shift)), 0.0)
    back = QuotaLearner.load(WINDOW, carried(new.dump()), -shift)
    assert back.when(old.now) - old.now == pytest.approx(old.learner.when(old.now) - old.now, abs=1e-5)


GATE_STEPS = st.lists(
    st.tuples(st.sampled_from(["refuse", "probe refused", "probe", "accept", "quota", "open", "wait"]), st.integers(0, 800)), max_size=15
)
"""Quarters of a second pass before each step.

Floats hold these exactly on either clock.
"""
UNIX = 1_700_000_000.0


def drive_gate(gate: Gate, steps: list[Step], now: float) -> tuple[list[object], float]:
    """Apply the steps to a gate; return its answer after each, and the time then."""
    answers: list[object] = []
    for name, quarters in steps:
        now += quarters / 4
        gate.follow_calendar(now, UNIX + now)
        if name in {"refuse", "probe refused"}:
            gate.close_for_cooldown(now, probe=name == "probe refused" and gate.closed)
        elif name == "probe" and gate.closed:
            answers.append(gate.send_probe(object()))
        elif name == "accept":
            gate.probe_accepted(now)
        elif name == "quota":
            gate.close_for_quota(now, UNIX + now)
        elif name == "open":
            gate.open(now)
        gate.probe = None
        answers += [gate.when(now), gate.closed_for(now), gate.dump(now, UNIX)]
    return answers, now


@settings(max_examples=300)
@given(before=GATE_STEPS, after=GATE_STEPS, pause=st.sampled_from([WINDOW, 90.0]))
def test_a_gate_goes_on_in_another_process(before: list[Step], after: list[Step], pause: float) -> None:
    """R-37: a gate loaded from plain data behaves as the old one would have.

    It opens, probes and widens its pauses alike.
    """
    old = Gate(WINDOW, lambda: 0.5)
    old.pause = pause
    _, now = drive_gate(old, before, 1_000.0)
    new = Gate(WINDOW, lambda: 0.5)
    new.take(GateState(**carried(old.dump(now, UNIX))), now, UNIX + now)
    assert drive_gate(new, after, now) == drive_gate(old, after, now)
