"""What the script answers, and what other processes' scripts push."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from wxrevenue._base.secret import Secret


@attrs.frozen
class Answer:
    """How things stand for this process.

    Durations are seconds from :attr:`now`, which is Redis' time.

    Args:
        gen: the generation of this process's permits: another one voids all that it had.
        granted: how many permits were granted to it, in all.
        void: of these, how many belong to earlier epochs.
        epoch: how often the gate closed.
        now: when this was said.
        width: how many of its calls may fly at once.
        gather: seconds for which reports may be gathered.
        come: seconds after which to ask again; 0: not waiting.
        closed: whether the gate is closed.
        opens: seconds until it opens.
        quota: seconds until the day's quota is back; 0 if it is not spent.
        earliest: seconds before which nobody goes.
        budget: calls a span, as far as is known; 0 if it is not.
        span: seconds that a call counts.
        members: how many processes were here within a span.
        probe: whether this process holds the probe's permit.
        want: how many more permits it is known to wait for.
        used: calls that count.
        alone: whether the group is of one scope.
        kind: how the server seems to count.
    """

    gen: str
    granted: int
    void: int
    epoch: int
    now: float
    width: int
    gather: float
    come: float
    closed: bool
    opens: float
    quota: float
    earliest: float
    budget: int
    span: float
    members: int
    probe: bool
    want: int
    used: int
    alone: bool
    kind: str

    @classmethod
    def read(cls, text: str) -> Answer:
        """Return what the script's words say."""
        _, gen, *words = text.split()
        kind = words.pop()
        numbers = [float(word) for word in words]
        granted, void, epoch, now, width, gather, come, closed, opens, quota, earliest, budget, span, members, probe, want, used, alone = (
            numbers
        )
        return cls(
            gen, int(granted), int(void), int(epoch), now, int(width), gather, come, bool(closed), opens, quota, earliest,
            int(budget), span, int(members), bool(probe), int(want), int(used), bool(alone), kind,
        )  # fmt: skip


@attrs.frozen
class LessonTask:
    """A lesson that this process is to draw.

    It has everything that is known, and the fence under which it may be written.
    """

    fence: int
    state: dict[str, str]
    log: list[str]
    past: list[str]

    @classmethod
    def read(cls, answer: list[object]) -> LessonTask:
        """Return what stands behind an answer."""
        _, fence, state, log, past = answer
        words = _texts(state)
        return cls(int(text_of(fence)), dict(zip(words[::2], words[1::2], strict=True)), _texts(log), _texts(past))


def text_of(value: object) -> str:
    """Return a str of the script's, which comes boxed."""
    boxed: Secret = value  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    return boxed.reveal()


def _texts(values: object) -> list[str]:
    found: list[object] = values  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    return [text_of(value) for value in found]
