"""The shared limiter passes the conformance suite on a real server too."""

from __future__ import annotations

from functools import partial

import pytest
from support.shared_limiter import OnARealServer

from wxrevenue.testing import LimiterCase, limiter_cases

pytestmark = pytest.mark.slow("a real server is waited for whenever virtual time could pass")

CROWDED = {"a thousand waiters", "a storm", "a server that extends its block", "a hot tenant", "cancelled in the moment of its turn"}
"""Cases that take long with sockets; the model of Redis plays them."""


@pytest.mark.parametrize("case", [case for case in limiter_cases() if case.name not in CROWDED], ids=str)
def test_conforms_on_a_real_server(redis_path: str, case: LimiterCase) -> None:
    """A real server passes what the model of Redis passes.

    The script and the cases are the same, in virtual time.
    """
    case.run(partial(OnARealServer, redis_path))
