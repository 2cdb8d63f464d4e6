"""The pytest plugin: its fixtures in a user's test file.

pytest finds the plugin.
"""

from __future__ import annotations

import tomllib
from importlib import import_module

import pytest
from support.pages import PACKAGE, ROOT, text_of

pytest_plugins = ["pytester"]
FILES = {
    "documented": text_of(PACKAGE / "testing" / "README.md")
    .partition("## Fixtures for pytest")[2]
    .partition("```python\n")[2]
    .partition("```")[0],
    "own_books": """
import pytest
from wxrevenue.sandbox import Sandbox

@pytest.fixture
def wx_sandbox(wx_clock):
    return Sandbox(books={"wxmine": [{"month": "202306", "order": 1, "settled_revenue": 500}]}, now=wx_clock.time, sleep=wx_clock.sleep)

async def test_settlements(wx_client):
    rows = await wx_client.iter_settlement("2023-06-01", "2023-06-30", authorizer_appid="wxmine").collect()
    assert [row.settled_revenue for row in rows] == [500]
""",
    "time": """
import asyncio
import time

async def test_waits_pass_in_order(wx_clock):
    ended, began = [], time.monotonic()
    async def wait(seconds):
        await wx_clock.sleep(seconds)
        ended.append((seconds, wx_clock.waited))
    await asyncio.gather(wait(3600), wait(60), wait(0))
    assert ended == [(0, 0.0), (60, 60.0), (3600, 3600.0)]

async def test_an_hour_passes(wx_clock):
    waiting = asyncio.create_task(wx_clock.sleep(3599))
    await asyncio.sleep(0)
    wx_clock.advance(3600)
    await asyncio.wait_for(waiting, 10)
    assert (wx_clock.waited, wx_clock.time()) == (3600.0, 1_700_003_600.0)

async def test_a_deadline_comes_first(wx_client, wx_sandbox, wx_clock):
    import pytest
    from wxrevenue import TooFastError
    program = wx_sandbox.programs(wx_client.component_appid)[0]
    wx_sandbox.next(1737)
    with pytest.raises(TooFastError):
        await wx_client.get_share_ratio(program)
    assert wx_clock.waited < 30
    wx_clock.advance(60)
    assert (await wx_client.get_share_ratio(program)).merchant_ratio > 0
""",
}


@pytest.mark.parametrize("name", FILES)
def test_fixtures(name: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that the documentation shows passes as it is.

    Fixtures may be replaced; time is the clock's.
    """
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(FILES[name])
    pytester.makeini("[pytest]\nasyncio_mode = auto\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n")
    options = [] if is_installed() else ["-p", "wxrevenue.pytest_plugin"]
    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", *options)
    passed = FILES[name].count("def test_")
    result.assert_outcomes(passed=passed)
    assert passed > 0


def is_installed() -> bool:
    """Return whether this environment's installation has the entry point already."""
    from importlib.metadata import entry_points

    return any(one.value == "wxrevenue.pytest_plugin" for one in entry_points(group="pytest11"))


def test_pytest_finds_it() -> None:
    """The package's entry point names a module that has the four documented fixtures."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    plugin = import_module(project["entry-points"]["pytest11"]["wxrevenue"])
    assert {name for name in vars(plugin) if name.startswith("wx_")} == {"wx_sandbox", "wx_client", "wx_funds", "wx_clock"}


def test_it_loads_nothing(pytester: pytest.Pytester) -> None:
    """A test run without its fixtures does not import the package."""
    pytester.makepyfile(
        "import sys\ndef test_it():\n    assert not [one for one in sys.modules if one in ('aiohttp', 'attrs', 'wxrevenue.sandbox')]\n"
    )
    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", *([] if is_installed() else ["-p", "wxrevenue.pytest_plugin"]))
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("seconds", [-1, float("inf"), "5", True])
def test_time_goes_forward(seconds: float) -> None:
    """A clock is not set back."""
    from wxrevenue import ConfigurationError
    from wxrevenue.testing import SkippingClock

    with pytest.raises(ConfigurationError, match=r"SkippingClock\.advance"):
        SkippingClock().advance(seconds)
