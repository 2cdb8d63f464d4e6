"""What was worked out once."""

from __future__ import annotations

import pytest

from wxrevenue._base.remembered import Remembered


def test_a_value_is_worked_out_once() -> None:
    """Asked for again, it is the same object."""
    asked: list[str] = []

    def length(text: str) -> list[int]:
        asked.append(text)
        return [len(text)]

    lengths = Remembered(length, most=3)
    assert lengths["four"] is lengths["four"]
    assert lengths["one"] == [3]
    assert asked == ["four", "one"]


def test_no_more_are_kept_than_allowed() -> None:
    """All are forgotten before there would be one more."""
    squares: Remembered[int, int] = Remembered(lambda number: number * number, most=3)
    sizes = [squares[number] and len(squares) for number in range(1, 8)]
    assert sizes == [1, 2, 3, 1, 2, 3, 1]
    assert squares[2] == 4


def test_what_fails_is_not_kept() -> None:
    """It fails again, and what is not hashable cannot be asked for."""
    numbers: Remembered[str, int] = Remembered(int, most=3)
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            numbers["x"]
    assert not numbers
    with pytest.raises(TypeError):
        numbers[[]]  # type: ignore[index]
