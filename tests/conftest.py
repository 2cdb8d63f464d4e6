"""Fixtures of all tests."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def _every_log_record(caplog: pytest.LogCaptureFixture) -> None:
    """Capture every log record of every logger, so that the leak oracle sees what the most talkative setting shows."""
    caplog.set_level(logging.DEBUG)
