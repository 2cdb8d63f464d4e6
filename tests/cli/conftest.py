"""What the tests of the command line share."""

from __future__ import annotations

import pytest
from support.settlements_cli import TODAY

from wxrevenue import Sandbox
from wxrevenue.cli import _client


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return the sandbox that ``--sandbox`` will use."""
    found = Sandbox(today=TODAY, years=3)
    monkeypatch.setattr(_client, "Sandbox", lambda: found)
    return found
