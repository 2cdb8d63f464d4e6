"""A model of a list that changes between any two answers.

Walks over it are killed and resumed.
"""

from __future__ import annotations

import pytest
from support import walkmodel

pytestmark = pytest.mark.slow("simulates thousands of walks over lists that change")


def test_walks_over_a_list_that_changes() -> None:
    """P-01 to P-03, P-05, P-07: each walk yields once what was there all the time.

    Otherwise the walk says that the list drifted.
    """
    walkmodel.run(100)
