"""What the chapter on synchronous code says holds.

It is tested in forked processes, in threads, and for each error.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.pages import PACKAGE, table, text_of

from wxrevenue import errors as e
from wxrevenue import http_status
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

PAGE = PACKAGE / "clients" / "README.md"
ARGUMENTS: dict[type[Any], dict[str, Any]] = {
    e.NotSentError: {"reason": "dns"},
    e.ResponseLostError: {"reason": "reset"},
    e.OutcomeUnknownError: {"last": e.ApiError()},
}
PREFORK = """
import multiprocessing, os
from multiprocessing.util import Finalize
import revenue

def start():
    Finalize(None, revenue.close, exitpriority=1)

def task(appid):
    return f"{os.getpid()} {revenue.share_ratio(appid)}"

with multiprocessing.get_context("fork").Pool(2, start) as pool:
    said = pool.map(task, APPIDS * 6, chunksize=1)
    pool.close()
    pool.join()
print(len({line.split()[0] for line in said}), {line.split()[1] for line in said})
revenue.close()
"""


def test_every_error_has_its_status_in_the_table() -> None:
    """The table names each class of error once.

    It stands in the row of what ``http_status`` returns for it.
    """
    rows = {name: int(status) for status, names, _ in table("Web applications", PAGE) for name in re.findall(r"`(\w+)`", names)}
    public = {
        name: kind
        for name, kind in vars(e).items()
        if inspect.isclass(kind) and issubclass(kind, e.WxRevenueError) and not name.startswith("_")
    }
    for name, kind in public.items():
        if name not in {"WxRevenueError", "TransportError"}:
            assert http_status(kind("x", **ARGUMENTS.get(kind, {}))) == rows.pop(name), name
    assert rows == {}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
async def test_a_forking_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module of the chapter, as printed, serves tasks in two forked processes.

    Each process closes without a warning.
    """
    code = text_of(PAGE).partition("```python\n")[2].partition("```")[0]
    (tmp_path / "revenue.py").write_text(code, encoding="utf-8")
    sandbox = Sandbox()
    component = sandbox.components[0]
    program = tmp_path / "pool.py"
    program.write_text(f"APPIDS = {list(sandbox.programs(component))!r}\n{PREFORK}", encoding="utf-8")
    monkeypatch.setenv("WXREVENUE_COMPONENT_APPID", component)
    monkeypatch.setenv("WXREVENUE_COMPONENT_TOKEN", sandbox.component_token(component))
    async with sandbox.serve() as url:
        monkeypatch.setenv("WXREVENUE_BASE_URL", url)
        command = [sys.executable, "-W", "error::ResourceWarning", str(program)]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out.decode().strip(), err.decode()) == (0, "2 {'50'}", "")
