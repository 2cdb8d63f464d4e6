"""Fixtures of all tests."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from support import loops
from support.processes import keep_ignoring_interrupts
from support.redis import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the suite be run on another event loop."""
    parser.addoption("--loop", choices=loops.LOOPS, default="asyncio", help="uvloop, or asyncio's with eager tasks")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the event loop; let the processes that tests start be interrupted, whatever started the suite."""
    loops.use(str(config.getoption("--loop")))
    keep_ignoring_interrupts()


@pytest.fixture(autouse=True)
def _every_log_record(caplog: pytest.LogCaptureFixture) -> None:
    """Capture every log record of every logger, so that the leak oracle sees what the most talkative setting shows."""
    caplog.set_level(logging.DEBUG)


@pytest.fixture(scope="session")
def redis_path() -> Iterator[str]:
    """Run one Redis-protocol server for all tests; return the path of its socket."""
    with running_server() as path:
        yield path
