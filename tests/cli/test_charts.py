"""Bar charts of settlements: lengths, amounts, and terminals that show less."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from rich.console import Console

from wxrevenue import Settlement, SlotRevenue
from wxrevenue.cli._settlements import charts as _charts


def drawn(amounts: list[tuple[str, int]], width: int = 40, *, blocks: bool = True) -> list[str]:
    """Return the lines of a chart."""
    return [line.plain for line in _charts.bars(amounts, width, blocks=blocks)]


def test_bars_are_as_long_as_their_amounts() -> None:
    """Bars are as long as their amounts, to an eighth of a column.

    The largest fills the space. No line is wider than the terminal.
    """
    lines = drawn([("a", 10000), ("bb", 5000), ("c", 1), ("d", 0)])
    assert [line.count("█") for line in lines] == [28, 14, 0, 0]
    assert [line[4:-7].strip("█ ") for line in lines] == ["", "", "▏", ""]
    assert drawn([("a", 16), ("b", 15)], width=22)[1].count("▎") == 1
    assert {len(line) for line in lines} == {39}
    assert [line.split()[-1] for line in lines] == ["100.00", "50.00", "0.01", "0.00"]


def test_bars_of_plain_signs() -> None:
    """Where there are no blocks, bars are made of ``#``.

    Every amount but zero has a visible bar.
    """
    assert [line.count("#") for line in drawn([("a", 10000), ("b", 1), ("c", 0)], blocks=False)] == [29, 1, 0]


def test_money_is_never_cut_off() -> None:
    """On a narrow terminal labels and bars get shorter, but amounts do not.

    Negative and enormous amounts are exact.
    """
    lines = drawn([("长" * 60, 10**17 + 1), ("b", -(10**17) - 1)], width=20)
    assert lines[0].endswith(" 1,000,000,000,000,000.01")
    assert lines[1].endswith(" -1,000,000,000,000,000.01")
    assert lines[1].count("█") == 10
    assert drawn([]) == []


@pytest.mark.parametrize(("encoding", "sign"), [("utf-8", "█"), ("ascii", "#"), ("latin-1", "#"), ("no-such", "#")])
def test_charts_are_plain_where_they_must_be(encoding: str, sign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts are plain where they must be.

    An encoding without blocks gets ``#``. NO_COLOR, and output that is not a terminal, get no
    colours. Server text steers nothing.
    """
    sums = _charts.Sums()
    sums.add(Settlement("202501", 1, 100, slot_revenue=[SlotRevenue("[red]\x1b]0;x\x07", 100)]))
    sums.add(Settlement("202501", 1, -5))
    assert sums.by_slot == Counter({"[red]\x1b]0;x\x07": 100, _charts.NO_SLOT: -5})
    monkeypatch.setattr(Console, "encoding", encoding)
    for environment in ({"NO_COLOR": "1", "TTY_COMPATIBLE": "1"}, {}):
        file = io.StringIO()
        _charts.show(Console(file=file, width=60, _environ=environment), sums)
        text = file.getvalue()
        assert sign in text
        assert "[red]\ufffd]0;x\ufffd" in text
        assert "\x1b[3" not in text
        assert "\x1b]" not in text
        assert "0.95" in text
