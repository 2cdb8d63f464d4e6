"""The README is true: every block of code in it runs, top to bottom, and the application it shows answers."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from support.serving import serve_aiohttp, serve_asgi
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

if TYPE_CHECKING:
    import pytest
    from sybil.example import Example

    from wxrevenue.sandbox import Sandbox

README = Path(__file__).parent.parent.parent / "README.md"
FIRST = "First call"


def sections() -> dict[str, list[Example]]:
    """Return the blocks of each section, in order."""
    document = Sybil(parsers=[PythonCodeBlockParser()]).parse(README)
    headings = [(match.start(), match[1]) for match in re.finditer(r"^## (.+)$", document.text, re.MULTILINE)]
    found: dict[str, list[Example]] = {}
    for example in document.examples():
        found.setdefault(max(heading for heading in headings if heading[0] < example.start)[1], []).append(example)
    return found


async def run(example: Example, names: dict[str, Any]) -> None:
    """Run one block as printed, its top-level awaits included; a failure points at the README's line."""
    source = "\n" * (example.line + example.parsed.line_offset) + example.parsed
    result = eval(compile(source, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True), names)  # noqa: S307  (our own text)
    if inspect.isawaitable(result):
        await result


async def after(*titles: str) -> dict[str, Any]:
    """Run the blocks of some sections, one after the other, and the first section's program; return their names."""
    names: dict[str, Any] = {"__name__": "readme"}
    for title in (FIRST, *titles):
        for example in sections()[title]:
            await run(example, names)
    return names


async def test_every_block_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever runs the README's blocks one after the other gets no error, and the first one's program prints the split."""
    names = await after(*(title for title in sections() if title != FIRST))
    await names["main"]()
    assert capsys.readouterr().out.endswith("provider 40 %, Mini Program 60 %\n")
    await names["client"].aclose()


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


async def test_the_application_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The FastAPI application reads the split through one client from the environment, and says 503 when it is told to wait."""
    names = await after("Errors and what to do", "In FastAPI")
    sandbox: Sandbox = names["sandbox"]
    await names["main"]()
    async with sandbox.serve() as base_url:
        monkeypatch.setenv("WXREVENUE_COMPONENT_TOKEN", sandbox.component_token(names["appid"]))
        monkeypatch.setenv("WXREVENUE_BASE_URL", base_url)
        app = names["app"]
        async with app.router.lifespan_context(app):
            assert await get(app, f"/ratio/{sandbox.programs(names['appid'])[0]}") == (200, {"provider": "40", "merchant": "60"})
            sandbox.next(1737)
            assert await get(app, "/ratio/wx-anyone") == (503, {"detail": "busy"})


async def test_the_push_handlers_answer() -> None:
    """Both applications that take pushes take the sandbox's, over real connections, and refuse what it did not send."""
    names = await after("Pagination", "Fetch everything, concurrently, safely", "Out to files", "Tokens and tickets")
    sandbox: Sandbox = names["sandbox"]
    for serve, app in ((serve_aiohttp, names["site"]), (serve_asgi, names["pushed"])):
        async with serve(app, "/wechat/push") as url:
            push = sandbox.ticket_push(names["appid"])
            assert await push.post(url) == (200, "success")
            assert (await sandbox.ticket_push(sandbox.components[1]).post(url))[0] == 403
    await names["client"].aclose()
