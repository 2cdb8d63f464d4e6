"""The README is true: every block of code in it runs, top to bottom, and the application it shows answers."""

from __future__ import annotations

import ast
import inspect
import re
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from wxrevenue import RevenueClient, TooFastError
from wxrevenue.sandbox import Sandbox, Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import pytest
    from sybil.example import Example

README = Path(__file__).parent.parent / "README.md"
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


@asynccontextmanager
async def after_first_call() -> AsyncGenerator[dict[str, Any]]:
    """Run the first section; go on with a client like its own, which is what the README tells its reader to have."""
    names: dict[str, Any] = {"__name__": "readme"}
    for example in sections()[FIRST]:
        await run(example, names)
    sandbox: Sandbox = names["sandbox"]
    async with AsyncExitStack() as stack:
        url = names["base_url"] = await stack.enter_async_context(sandbox.serve())
        appid = names["appid"]
        names["client"] = await stack.enter_async_context(RevenueClient(sandbox.tokens(appid), component_appid=appid, base_url=url))
        yield names


async def test_every_block_runs() -> None:
    """Whoever pastes the README's blocks one after the other gets no error."""
    async with after_first_call() as names:
        for title, examples in sections().items():
            names["sandbox"].trouble = Trouble()
            for example in examples if title != FIRST else ():
                await run(example, names)


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
    async with after_first_call() as names:
        sandbox: Sandbox = names["sandbox"]
        monkeypatch.setenv("WXREVENUE_COMPONENT_TOKEN", sandbox.component_token(names["appid"]))
        monkeypatch.setenv("WXREVENUE_BASE_URL", names["base_url"])
        names["TooFastError"] = TooFastError  # imported in a section above
        for example in sections()["In FastAPI"]:
            await run(example, names)
        app = names["app"]
        async with app.router.lifespan_context(app):
            assert await get(app, f"/ratio/{sandbox.programs(names['appid'])[0]}") == (200, {"provider": "40", "merchant": "60"})
            sandbox.next(1737)
            assert await get(app, "/ratio/wx-anyone") == (503, {"detail": "busy"})
