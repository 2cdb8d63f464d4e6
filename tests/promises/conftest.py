"""What tests of several files take."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["in process", "over HTTP"])
def over_http(request: pytest.FixtureRequest) -> bool:
    """Run a test in process and over HTTP."""
    return bool(request.param == "over HTTP")
