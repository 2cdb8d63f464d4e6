"""The programs that ship run as printed, against a sandbox over real HTTP."""

from __future__ import annotations

import ast
import asyncio
import importlib
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession
from support.serving import serve_aiohttp, serve_asgi
from typer.testing import CliRunner

from wxrevenue import Sandbox, examples, open_ledger
from wxrevenue.cli._app import app
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

PATIENCE = 60


async def ran(path: Path, *arguments: str, env: dict[str, str]) -> tuple[int | None, str, str]:
    """Run a program as a user does; return its exit status and what it wrote."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(path),
        *arguments,
        env={**os.environ, **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, out.decode(), err.decode()


def saved(name: str, folder: Path) -> Path:
    """Write an example to a file, as ``wxrevenue example NAME > FILE`` does."""
    path = folder / f"{name}.py"
    path.write_text(examples.source(name), "utf-8")
    return path


@asynccontextmanager
async def served(sandbox: Sandbox) -> AsyncGenerator[dict[str, str]]:
    """Serve a sandbox; yield the variables that lead to it."""
    component = sandbox.components[0]
    async with sandbox.serve() as url:
        yield {
            "WXREVENUE_COMPONENT_APPID": component,
            "WXREVENUE_COMPONENT_TOKEN": sandbox.component_token(component),
            "WXREVENUE_BASE_URL": url,
        }


@pytest.mark.parametrize("name", examples.EXAMPLES)
def test_each_says_how_to_run_it(name: str) -> None:
    """The first lines of an example name the command that runs it."""
    documentation = ast.get_docstring(ast.parse(examples.source(name))) or ""
    assert f"{name}.py" in documentation or f"{name}:app" in documentation


def test_the_list_is_complete() -> None:
    """Every program of the folder is listed, and every listed one is there."""
    (folder,) = examples.__path__
    assert {name[:-3] for name in os.listdir(folder) if name.endswith(".py")} - {"__init__"} == set(examples.EXAMPLES)  # noqa: PTH208


def test_names_as_they_are_typed() -> None:
    """Hyphens and the ending do not matter in a name.

    A wrong name is answered with the right ones.
    """
    assert examples.source("first-call") == examples.source("first_call.py") == examples.source("first_call")
    with pytest.raises(ConfigurationError, match=r"'forst_call'.*first_call, nightly_sync"):
        examples.source("forst_call")


async def test_first_call(tmp_path: Path) -> None:
    """It prints the split.

    Without an appid it says what it needs. A refusal is one line.
    """
    sandbox, program = Sandbox(), saved("first_call", tmp_path)
    async with served(sandbox) as env:
        appid = sandbox.programs(sandbox.components[0])[0]
        assert await ran(program, appid, env=env) == (0, "provider 50 %, Mini Program 50 %\n", "")
        assert (await ran(program, env=env))[::2] == (1, "usage: python first_call.py APPID\n")
        status, _, problem = await ran(program, appid, env={**env, "WXREVENUE_COMPONENT_TOKEN": "another"})
        assert status == 1
        assert "40001" in problem
        assert "Traceback" not in problem


async def test_nightly_sync(tmp_path: Path) -> None:
    """It records everything; a second run finds no change in what was settled."""
    sandbox, program, ledger = Sandbox(), saved("nightly_sync", tmp_path), str(tmp_path / "revenue.db")
    async with served(sandbox) as env:
        status, out, err = await ran(program, ledger, "2025-01-01", env=env)
        assert (status, err) == (0, "")
        *changes, last = out.splitlines()
        assert all(" new " in line for line in changes)
        assert last.endswith("0 failed")
        again = await ran(program, ledger, "2025-01-01", env=env)
        assert again[0] == 0
        assert len(again[1].splitlines()) == 1
    async with open_ledger(ledger) as found:
        assert len([row async for row in found.settlements()]) == len(changes) > 0


async def test_fastapi_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers the split.

    An appid that WeChat does not know, or that none can have, is 400. A pause is 503, with the
    seconds to wait. No text shows the token.
    """
    sandbox = Sandbox()
    async with served(sandbox) as env, ClientSession() as session:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        module = importlib.import_module("wxrevenue.examples.fastapi_app")
        appid = sandbox.programs(sandbox.components[0])[0]
        async with serve_asgi(module.app, "/ratio/") as url:
            async with session.get(f"{url}{appid}") as answer:
                assert await answer.json() == {"share_ratio": "50"}
            async with session.get(f"{url}{'wx' * 100}") as answer:
                assert answer.status == 400
            async with session.get(f"{url}wx0000000000000000") as answer:
                assert answer.status == 400
                assert env["WXREVENUE_COMPONENT_TOKEN"] not in await answer.text()
            sandbox.next(1737)
            async with session.get(f"{url}{appid}") as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
                assert "Wait one minute" in await answer.text()


async def test_push_receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ticket that the sandbox pushes is stored in the file that ``from_env`` reads."""
    sandbox = Sandbox()
    component, file = sandbox.components[0], tmp_path / "ticket"
    keys = sandbox.push_keys(component)
    monkeypatch.setenv("WXREVENUE_COMPONENT_APPID", component)
    monkeypatch.setenv("WXREVENUE_TICKET_FILE", str(file))
    monkeypatch.setenv("PUSH_TOKEN", keys.token)
    monkeypatch.setenv("PUSH_AES_KEY", keys.aes_key)
    module = importlib.import_module("wxrevenue.examples.push_receiver")
    async with serve_aiohttp(module.application(), "/wechat/push") as url:
        await sandbox.ticket_push(component).post(url)
    assert file.exists()


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"PUSH_TOKEN": ""}, "set the environment variable PUSH_TOKEN\n"),
        ({"PUSH_AES_KEY": "short"}, "TicketReceiver.aes_key: expected the platform's EncodingAESKey"),
    ],
)
async def test_push_receiver_without_a_setting(missing: dict[str, str], said: str, tmp_path: Path) -> None:
    """What is missing or wrong is one line, without a traceback."""
    sandbox = Sandbox()
    keys = sandbox.push_keys(sandbox.components[0])
    env = {"WXREVENUE_COMPONENT_APPID": sandbox.components[0], "PUSH_TOKEN": keys.token, "PUSH_AES_KEY": keys.aes_key}
    status, _, err = await ran(saved("push_receiver", tmp_path), env={**env, "WXREVENUE_TICKET_FILE": str(tmp_path / "t"), **missing})
    assert (status, err.startswith(said), "Traceback" in err) == (1, True, False)


async def test_own_code(tmp_path: Path) -> None:
    """Its tests pass with pytest and pytest-asyncio, and nothing else set up."""
    program = saved("test_own_code", tmp_path)
    status, out, _ = await ran(Path(pytest.__file__).parent, "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(program), env={})
    assert status == 0, out
    assert "3 passed" in out


async def test_worker(tmp_path: Path) -> None:
    """Two processes answer in the order of the tasks.

    They end by themselves without a warning.
    """
    sandbox, program = Sandbox(), saved("worker", tmp_path)
    async with served(sandbox) as env:
        appids = sandbox.programs(sandbox.components[0])[:5]
        status, out, err = await ran(program, *appids, env={**env, "PYTHONWARNINGS": "default"})
    assert (status, err) == (0, "")
    assert out == "".join(f"{appid}: 50 %\n" for appid in appids)


async def test_kms_signer(tmp_path: Path) -> None:
    """The sandbox accepts the signature; nothing has to be set before."""
    assert await ran(saved("kms_signer", tmp_path), env={}) == (0, "marked P20150806125346\n", "")


def test_names_are_completed() -> None:
    """A shell completes the name of an example."""
    words = {"_WXREVENUE_COMPLETE": "complete_bash", "COMP_WORDS": "wxrevenue example f", "COMP_CWORD": "2"}
    result = CliRunner().invoke(app, env=words, prog_name="wxrevenue")
    assert result.stdout.split() == ["first_call", "fastapi_app"]


def test_the_command_prints_one(capsys: pytest.CaptureFixture[str]) -> None:
    """``wxrevenue example NAME`` prints the program and nothing else.

    Without a name it lists all, and a wrong name exits 2.
    """
    typed = ["example", "kms-signer"], ["example"], ["example", "kms"]
    statuses = [app(arguments, standalone_mode=False) or 0 for arguments in typed]
    out, err = capsys.readouterr()
    listed = "".join(f"{name:<16} {shows}\n" for name, shows in examples.EXAMPLES.items())
    assert out == examples.source("kms_signer") + listed
    assert "no example is called 'kms'" in err
    assert statuses == [0, 0, 2]
