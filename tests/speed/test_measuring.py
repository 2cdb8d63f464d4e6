"""Rounds, ratios, and cores: how the benchmarks measure."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from benchmarks import (
    _cores,
    _measure,
)
from benchmarks._books import books
from benchmarks._server import serving


def test_ratios_are_of_one_round() -> None:
    """The median is that of the rounds' own ratios.

    A first run of each side is not counted.
    """
    ours, rival = iter([0.0, 1.0, 4.0, 9.0]), iter([0.0, 1.0, 2.0, 3.0])
    assert _measure.in_turns(lambda: next(ours), lambda: next(rival), rounds=3) == (4.0, 2.0, 2.0, 2.0)


def test_rounds_are_in_random_order_and_fair() -> None:
    """The order of the sides is drawn, and a seed repeats it.

    Each side is first as often as last.
    """
    drawn = _measure.orders("abc", 30)
    assert drawn == _measure.orders("abc", 30)
    assert drawn != _measure.orders("abc", 30, seed=1)
    assert all(sorted(order) == ["a", "b", "c"] for order in drawn)
    assert len(set(map(tuple, drawn))) > 2
    assert all(sum(order[0] == side for order in drawn) == sum(order[-1] == side for order in drawn) for side in "abc")
    two = [order[0] for order in _measure.orders("ab", 20)]
    assert two.count("a") == 10
    assert two != 10 * ["a", "b"]


def test_rounds_run_in_the_order_that_was_drawn() -> None:
    """Every side runs once in each round, in that round's order.

    It runs once before the rounds, too.
    """
    ran: list[str] = []

    def side(name: str) -> float:
        ran.append(name)
        return float(len(ran))

    found = _measure.in_rounds({name: partial(side, name) for name in "abc"}, 4)
    assert ran == ["a", "b", "c", *(name for order in _measure.orders("abc", 4) for name in order)]
    assert sorted(figure for figures in found.values() for figure in figures) == [float(number) for number in range(4, 16)]


@pytest.mark.skipif(len(_cores.allowed()) < 2, reason="one core, or a system that does not pin")
def test_a_server_has_a_core_of_its_own() -> None:
    """While servers run, they share the last core.

    This process keeps off that core until they have ended.
    """
    before = _cores.allowed()
    with serving(b"{}"), serving(b"{}"):
        assert _cores.allowed() == before[:-1]
        servers = [int(pid) for pid in Path("/proc/self/task").joinpath(str(os.getpid()), "children").read_text().split()]
        assert [os.sched_getaffinity(pid) for pid in servers[-2:]] == [{before[-1]}, {before[-1]}]
    assert _cores.allowed() == before
    with books(pinned=False):
        assert _cores.allowed() == before
