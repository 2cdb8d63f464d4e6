"""Jobs that were postponed: the probe, the others, and their order."""

from __future__ import annotations

import attrs

from wxrevenue.sweeps._postponed import MOST_POSTPONED, PostponedJobs


@attrs.frozen
class Job:
    """A job with its age, and the end of its patience."""

    number: int
    patience_ends: float | None = None


def taken(cooling: PostponedJobs[Job], now: float) -> list[int]:
    """Return all jobs that may go on now."""
    found: list[int] = []
    while (job := cooling.take_due(now)) is not None:
        found.append(job.number)
    return found


def put_off(*numbers: int, opens: float = 60.0) -> PostponedJobs[Job]:
    """Return jobs that wait for one scope."""
    cooling = PostponedJobs[Job]()
    for number in numbers:
        cooling.postpone(Job(number), "a", opens)
    return cooling


def test_one_goes_ahead_and_the_others_follow() -> None:
    """When the scope opens its oldest job goes.

    Once it is through, all go, the oldest first.
    """
    cooling = put_off(3, 1, 2)
    assert taken(cooling, 59) == []
    assert taken(cooling, 60) == [1]
    assert taken(cooling, 70) == []
    cooling.got_through(Job(1), "a", 71)
    assert taken(cooling, 71) == [2, 3]
    assert len(cooling) == 0
    assert cooling.next_change() is None


def test_a_scout_that_is_refused() -> None:
    """If the probe is refused all jobs wait again.

    Then one goes ahead again.
    """
    cooling = put_off(1, 2, 3)
    assert taken(cooling, 60) == [1]
    cooling.postpone(Job(1), "a", 130)
    assert taken(cooling, 129) == []
    assert taken(cooling, 130) == [1]


def test_a_refusal_closes_a_scope_that_had_opened() -> None:
    """A refusal after the scope had opened stops every job that did not go yet.

    They wait until one has gone ahead again.
    """
    cooling = put_off(1, 2, 3, 4)
    assert taken(cooling, 60) == [1]
    cooling.got_through(Job(1), "a", 61)
    assert cooling.take_due(61) == Job(2)
    cooling.postpone(Job(2), "a", 130)
    assert taken(cooling, 129) == []
    assert taken(cooling, 130) == [2]


def test_who_got_through_before_the_scope_opened_proves_nothing() -> None:
    """An answer that was under way when the scope closed proves nothing.

    It does not let all jobs go when the scope opens.
    """
    cooling = put_off(1, 2)
    cooling.got_through(Job(0), "a", 30)
    assert taken(cooling, 60) == [1]


def test_a_scout_that_ends_otherwise() -> None:
    """If the probe says nothing of the scope the next job goes ahead.

    The end of an unrelated job changes nothing.
    """
    cooling = put_off(1, 2, 3)
    assert taken(cooling, 60) == [1]
    cooling.probe_ended(Job(9))
    assert taken(cooling, 60) == []
    cooling.probe_ended(Job(1))
    assert taken(cooling, 60) == [2]


def test_scopes_go_by_their_opening() -> None:
    """The scope that opened first comes first, whatever the ages.

    Scopes do not wait for each other.
    """
    cooling = PostponedJobs[Job]()
    cooling.postpone(Job(1), "late", 70)
    cooling.postpone(Job(5), "early", 60)
    cooling.postpone(Job(2), "late", 65)  # never shortened
    assert cooling.next_change() == 60
    assert taken(cooling, 69) == [5]
    assert cooling.next_change() == 70
    cooling.postpone(Job(9), "latest", 75)
    assert taken(cooling, 80) == [1, 9]


def test_only_one_job() -> None:
    """A slot that is kept for one job takes that job, in its turn, and no other.

    Other jobs do not wake it.
    """
    cooling = put_off(1, 2)
    cooling.postpone(Job(3, patience_ends=50.0), "b", 90)
    assert cooling.next_change(only=3) == 50
    assert cooling.take_due(60, only=3) is None
    assert cooling.take_out_of_patience(60, only=2) is None
    assert cooling.take_due(60, only=2) == Job(2)
    assert (1 in cooling, 2 in cooling, 3 in cooling) == (True, False, True)
    assert cooling.take_out_of_patience(50, only=3) == Job(3, 50.0)


def test_only_one_jobs_patience() -> None:
    """A slot that is kept for one job is not woken when another's patience ends."""
    cooling = put_off(1)
    cooling.postpone(Job(2, patience_ends=30.0), "a", 60)
    cooling.postpone(Job(3, patience_ends=50.0), "a", 60)
    assert cooling.next_change(only=3) == 50
    assert cooling.next_change() == 30


def test_patience_ends() -> None:
    """A job that gives up is told so at its time, and no sooner."""
    cooling = put_off(1)
    cooling.postpone(Job(2, patience_ends=30.0), "a", 60)
    assert cooling.next_change() == 30
    assert cooling.take_out_of_patience(29) is None
    assert cooling.take_out_of_patience(30) == Job(2, 30.0)
    assert cooling.take_out_of_patience(30) is None


def test_how_many() -> None:
    """The queue is full with a thousand jobs, of all scopes together."""
    cooling = PostponedJobs[Job]()
    for number in range(MOST_POSTPONED):
        assert not cooling.full
        cooling.postpone(Job(number), f"scope {number % 7}", 60)
    assert cooling.full
    cooling.take_due(60)
    assert not cooling.full
