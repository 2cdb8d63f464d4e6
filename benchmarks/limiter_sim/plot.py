"""Draws how the policies get through the headline scenario.

Two hundred callers make a thousand calls, of which a hundred are allowed per minute.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from benchmarks.limiter_sim.cases import Case, run
from benchmarks.limiter_sim.policies import OURS, RIVALS

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVERS: Final = {"fixed": "a fixed window", "extend": "a block that every call extends"}
MINUTES: Final = 15.0
"""What the time axis shows."""


def plot(path: str, seed: int, policies: Sequence[str] = (*OURS, *RIVALS)) -> None:
    """Simulate the headline scenario and write a PNG.

    It shows admitted and refused calls over time, on two servers.

    Args:
        path: where to write it.
        seed: of the simulation.
        policies: whose lines to draw.

    Raises:
        SystemExit: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        sys.exit("a plot needs matplotlib: pip install matplotlib")
    figure: Any = Figure(figsize=(12, 8), layout="constrained")
    figure.suptitle("1,000 calls by 200 callers; 100 calls a minute are allowed; 20 ms latency")
    panels = figure.subplots(2, len(SERVERS), sharex=True)
    for (kind, words), admitted, refused in zip(SERVERS.items(), panels[0], panels[1], strict=True):
        for policy in policies:
            result = run(Case(kind, 100, seed=seed), policy)
            name = f"ours, {policy}" if policy in OURS else policy
            _line(admitted, name if result.ended else f"{name} (never ends)", result.admitted)
            _line(refused, name, result.refused)
        admitted.set(title=f"{words}: admitted calls", xlim=(0.0, MINUTES))
        admitted.legend(loc="center right")
        refused.set(title=f"{words}: refused calls", xlabel="minutes", yscale="symlog")
        refused.set_ylim(bottom=0.0)
    figure.savefig(path, format="png", dpi=110)


def _line(panel: Any, policy: str, moments: Sequence[float]) -> None:
    """Draw how many calls there had been by each moment, to the end of the axis."""
    minutes = [moment / 60.0 for moment in moments if moment <= MINUTES * 60.0]
    counts = [*range(len(minutes) + 1), len(minutes)]
    panel.step([0.0, *minutes, MINUTES], counts, where="post", label=policy)
