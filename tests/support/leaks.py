"""The search for leaks, with the package's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wxrevenue import testing
from wxrevenue.testing import spellings

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

__all__ = ["assert_no_leak", "spellings"]

TESTS = Path(__file__).parent.parent


def assert_no_leak(*things: object, secrets: Iterable[str], caplog: pytest.LogCaptureFixture | None = None) -> None:
    """Fail if a secret shows anywhere in an object.

    The frames of the tests made the secret and may hold it.
    """
    testing.assert_no_leak(*things, secrets=secrets, caplog=caplog, tests=TESTS)
