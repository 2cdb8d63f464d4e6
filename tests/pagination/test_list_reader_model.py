"""A model of a list that changes between any two answers, and of walks over it that are killed and resumed."""

from __future__ import annotations

import pytest
from support import walkmodel

pytestmark = pytest.mark.slow("simulates thousands of walks over lists that change")


def test_walks_over_a_list_that_changes() -> None:
    """P-01 to P-03, P-05, P-07: what was there all the time is yielded, once by each walk, or the walk says that it drifted."""
    walkmodel.run(100)
