"""Fixtures of all tests."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from support import loops
from support.processes import keep_ignoring_interrupts
from support.redis import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator


collect_ignore = [] if find_spec("aiolimiter") else ["speed"]
"""The benchmarks' tests need the rivals, from the extra ``bench``.

``dev`` has that extra, and ``test`` has not.
"""


settings.register_profile("wxrevenue", deadline=None)  # by default an example of 200 ms fails, on a busy machine too
settings.load_profile("wxrevenue")


def pytest_report_header() -> str:
    """Say what is left out."""
    return "tests/speed is left out: it needs pip install -e '.[bench]'" if collect_ignore else ""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the suite be run on another event loop."""
    parser.addoption("--loop", choices=loops.LOOPS, default="asyncio", help="uvloop, or asyncio's with eager tasks")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the event loop, and let the tests' processes be interrupted.

    The second is done whatever started the suite.
    """
    loops.use(str(config.getoption("--loop")))
    keep_ignoring_interrupts()


@pytest.fixture(autouse=True)
def _every_log_record(caplog: pytest.LogCaptureFixture) -> None:
    """Capture every log record of every logger.

    So the leak oracle sees what the most talkative setting shows.
    """
    caplog.set_level(logging.DEBUG)


@pytest.fixture(scope="session")
def redis_path() -> Iterator[str]:
    """Run one Redis-protocol server for all tests; return the path of its socket."""
    with running_server() as path:
        yield path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Run one PostgreSQL server for all tests; return its URL."""
    from support.postgres import running_postgres  # here: the Redis tests also run where the extra `postgres` is missing

    with running_postgres() as url:
        yield url
