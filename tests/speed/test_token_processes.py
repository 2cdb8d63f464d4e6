"""Processes that share a component token."""

from __future__ import annotations

import pytest

from benchmarks import (
    token_processes,
)


@pytest.mark.slow("waits for other processes")
async def test_token_processes() -> None:
    """Two processes with one Redis make one refresh each time that one is needed.

    They make at most one early, and no other.
    """
    phases = await token_processes.measure(processes=2, callers=3, slow=0.05, seconds=0.5, timeout=5.0)
    first, quiet, early, refused = (phase.refreshes for phase in phases)
    assert (first, quiet, refused) == (1, 0, 1)
    assert early <= 1
    assert [phase.failures for phase in phases] == [0, 0, 0, 0]


def test_token_processes_as_a_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of token processes has a line for each phase."""

    async def measured(**_settings: object) -> list[token_processes.Phase]:
        return [token_processes.Phase("quiet", 0, 7, 0, 0.001, 0.0123)]

    monkeypatch.setattr(token_processes, "measure", measured)
    token_processes.main(["--processes", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 processes of 16 callers; a refresh takes 2 s"
    assert lines[-1].split() == ["quiet", "0", "7", "0", "1.0", "ms", "12.3", "ms"]
