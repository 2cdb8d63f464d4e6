"""The code in the README files runs.

Each section runs alone, as pasted, or as a story from top to bottom.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import codeop
import inspect
import itertools
import re
import subprocess
import sys
import types
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from support.pages import CHINESE, PACKAGE, PAGES, README, ROOT, STORIES, name_of, text_of
from support.serving import serve_aiohttp, serve_asgi
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from sybil.example import Example


def blocks(page: Path) -> dict[str, list[Example]]:
    """Return the code of each section, in order."""
    document = Sybil(parsers=[PythonCodeBlockParser()]).parse(page)
    headings = [(match.start(), match[1]) for match in re.finditer(r"^## (.+)$", document.text, re.MULTILINE)]
    found: dict[str, list[Example]] = {}
    for example in document.examples():
        found.setdefault(max(heading for heading in headings if heading[0] < example.start)[1], []).append(example)
    return found


SECTIONS = [(page, title) for page in PAGES if page not in {*STORIES, CHINESE} for title in blocks(page)]


async def paste(example: Example, names: dict[str, Any]) -> None:
    """Run code as ``python -m asyncio`` does when it is pasted.

    A blank line ends an indented block; an ``await`` runs at once.
    """
    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    first = example.line + example.parsed.line_offset
    waiting: list[str] = []
    for number, line in enumerate([*example.parsed.splitlines(), ""], first + 1):
        waiting.append(line)
        source = "\n".join(waiting)
        code = compiler("\n" * (number - len(waiting)) + source, example.path, "exec" if not source.strip() else "single")
        if code is None:
            continue
        waiting.clear()
        result = types.FunctionType(code, names)()
        if inspect.isawaitable(result):
            await result
    assert not waiting, f"{example.path}:{first}: the last block is not closed"


def is_program(example: Example) -> bool:
    """Return whether code starts an event loop itself.

    Then it is a file, and cannot be pasted into a running loop.
    """
    return re.search(r"\basyncio\.(run|Runner)\(", example.parsed) is not None


async def run(page: Path, title: str) -> dict[str, Any]:
    """Run one section of a page by itself; return its names."""
    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    for example in blocks(page)[title]:
        if is_program(example):
            code = compile(example.parsed, example.path, "exec", dont_inherit=True)
            await asyncio.to_thread(exec, code, names)
        else:
            await paste(example, names)
    return names


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return a sandbox whose first provider is in the environment."""
    sandbox = Sandbox()
    monkeypatch.setenv("WXREVENUE_COMPONENT_APPID", sandbox.components[0])
    monkeypatch.setenv("WXREVENUE_COMPONENT_TOKEN", sandbox.component_token(sandbox.components[0]))
    return sandbox


# -- code ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "title"), SECTIONS, ids=name_of)
async def test_every_section_runs_alone(
    page: Path, title: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each section runs without those before it.

    It is pasted into ``python -m asyncio`` or, if it starts a loop, run as a file.
    """
    async with sandbox.serve() as base_url:
        monkeypatch.setenv("WXREVENUE_BASE_URL", base_url)
        await run(page, title)
    out = capsys.readouterr().out
    if title == "First call":
        assert out == "provider 50 %, Mini Program 50 %\n"
    if title == "Many Mini Programs, and restarts":
        assert [line.split()[1:] for line in out.splitlines()] == [["set"]] * 4


def test_all_code_is_run() -> None:
    """No block of Python is overlooked for an unknown page or fence.

    Only stories say that they are one.
    """
    assert [page for page in PAGES if "The blocks run one after the other" in text_of(page)] == STORIES
    found = {path for path in ROOT.glob("**/README*.md") if "site-packages" not in path.parts}
    tracked = {path for path in found if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)}
    assert tracked == set(PAGES)
    for page in PAGES:
        assert sum(map(len, blocks(page).values())) == len(re.findall(r"^```(?:python|py)\b", text_of(page), re.MULTILINE)), page


@pytest.mark.parametrize("page", STORIES, ids=name_of)
async def test_the_stories_run(page: Path) -> None:
    """The blocks of a story run one after the other, as pasted, to the last."""
    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    for example in itertools.chain(*blocks(page).values()):
        await paste(example, names)


async def get(app: Any, path: str) -> tuple[int, dict[str, str]]:
    """Ask an ASGI application, as its server would."""
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
    await app({**scope, "http_version": "1.1", "scheme": "http", "headers": [], "app": app}, receive, send)
    return said[0]["status"], orjson.loads(said[1]["body"])


async def test_the_application_answers(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The FastAPI application reads the split through one client.

    Its settings come from the environment; an error becomes its HTTP status.
    """
    app = (await run(README, "In FastAPI"))["app"]
    async with sandbox.serve() as base_url:
        monkeypatch.setenv("WXREVENUE_BASE_URL", base_url)
        async with app.router.lifespan_context(app):
            split = (200, {"share_ratio": "50"})
            assert await get(app, f"/ratio/{sandbox.programs(sandbox.components[0])[0]}") == split
            sandbox.next(1737)
            status, body = await get(app, "/ratio/wx-anyone")
            assert (status, body["error"].partition(".")[0]) == (503, "Wait one minute before the next call")


@pytest.mark.parametrize(
    ("page", "title", "app"),
    [
        (README, "Tokens and tickets", "site"),
        (PACKAGE / "push" / "README.md", "Behind FastAPI and other ASGI servers", "pushed"),
    ],
    ids=["aiohttp", "FastAPI"],
)
async def test_the_push_handlers_answer(page: Path, title: str, app: str) -> None:
    """Both applications take the sandbox's pushes over real connections.

    They refuse what the sandbox did not send.
    """
    names = await run(page, title)
    sandbox: Sandbox = names["sandbox"]
    serve: Any = serve_aiohttp if app == "site" else serve_asgi
    async with serve(names[app], "/wechat/push") as url:
        assert await sandbox.ticket_push(names["appid"]).post(url) == (200, "success")
        assert (await sandbox.ticket_push(sandbox.components[1]).post(url))[0] == 403


FORKING = """
import multiprocessing

with multiprocessing.get_context("fork").Pool(2) as pool:
    print(*pool.map(share_ratio, ["wxa000000000000000"] * 4))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
async def test_the_worker_in_forked_processes(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The worker's function makes a loop and a client in each forked process.

    It calls with them again and again.
    """
    [example] = blocks(README)["In a worker"]
    program = tmp_path / "worker.py"
    program.write_text(example.parsed.partition("\nprint(")[0] + FORKING, encoding="utf-8")
    async with sandbox.serve() as base_url:
        monkeypatch.setenv("WXREVENUE_BASE_URL", base_url)
        process = await asyncio.create_subprocess_exec(sys.executable, str(program), stdout=subprocess.PIPE)
        out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out.split()) == (0, [b"50"] * 4)
