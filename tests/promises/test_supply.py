"""What leaks by other ways than errors, and what the package depends on.

The ways are debug logs, warnings, reprs and recordings.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from support import paykit
from support.fakes import TOKEN, Read, ams_client, answer
from support.faultserver import FaultServer, Peer, silence, works
from support.leaks import assert_no_leak, spellings
from support.virtual import settle, virtual

from wxrevenue import ConfigurationError, HttpRequest, HttpResponse, RetryPolicy, RevenueClient, Secret, WxRevenueError

ROOT = Path(__file__).parent.parent.parent
CONSTRAINTS = ROOT / ".ci" / "constraints.txt"

# -- reprs, logs, warnings -------------------------------------------------------------------------


def test_requests_and_answers_print_no_values() -> None:
    """L-03: requests and answers print no value, no body and no secret.

    They print method or status, plain URL, header names and sizes.
    """
    request = HttpRequest("POST", "https://h/p?access_token=", {"Authorization": "fake-header"}, b"fake-private-body", Secret(TOKEN))
    response = HttpResponse(200, {"Set-Cookie": "fake-header"}, b"fake-private-body")
    assert_no_leak(repr(request), str(request), f"{request}", secrets=[TOKEN, "fake-header", "fake-private-body"])
    assert_no_leak(repr(response), str(response), f"{response}", secrets=["fake-header", "fake-private-body"])
    assert repr(request) == "<HttpRequest POST https://h/p?access_token= headers=['Authorization'] body=17 B>"


@pytest.mark.parametrize("fault", ["none", "refused", "silent"])
async def test_debug_logs_show_nothing(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    """L-05: no log line shows the token, the URL or a body.

    Every logger is at DEBUG, and the event loop is in debug mode.
    """

    async def refuse(peer: Peer) -> None:
        await peer.request()
        await peer.reply(b'{"ret":1700,"err_msg":"fake-said"}')

    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0  # every step is "slow" and logged with its task's repr
    script = {"none": works, "refused": refuse, "silent": silence}[fault]
    options: Any = {"timeout": 0.1 if fault == "silent" else 5.0, "retry": RetryPolicy(max_attempts=1)}
    async with FaultServer(script) as server, RevenueClient(TOKEN, base_url=server.url, **options) as client:
        try:
            await client.get_share_ratio("wx1")
        except WxRevenueError as error:
            assert_no_leak(error, secrets=[TOKEN])
            assert fault != "none"
    loop.set_debug(False)
    assert any("took" in record.getMessage() for record in caplog.records if record.name == "asyncio")
    assert_no_leak(secrets=[TOKEN, "access_token", "fake-said"], caplog=caplog)


@virtual
async def test_tasks_and_their_stacks_print_no_secret() -> None:
    """L-06: the repr and the printed stack of a task that is in a call show no token."""
    client, _ = ams_client(60, answer())
    call = asyncio.create_task(client.send(Read()), name="call")
    await settle()
    frames: list[Any] = [(frame.f_code.co_name, frame.f_locals) for frame in call.get_stack()]
    inner: Any = call.get_coro()
    while inner is not None and getattr(inner, "cr_frame", None) is not None:
        if "/wxrevenue/" in inner.cr_code.co_filename:
            frames.append((inner.cr_code.co_name, dict(inner.cr_frame.f_locals)))
        inner = inner.cr_await
    assert "_exchange" in [name for name, _ in frames]
    text = repr(call) + repr(client) + repr(frames)
    assert not [form for form in spellings([TOKEN]) if form in text]
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


# -- where requests go -----------------------------------------------------------------------------


def test_only_who_says_so_talks_to_another_host() -> None:
    """L-11: without ``base_url`` requests go to WeChat over TLS.

    No environment variable changes that by itself.
    """
    client, transport = ams_client(answer({"ret": 0, "share_ratio": 40}))
    asyncio.run(client.get_share_ratio("wx1"))
    assert transport.requests[0].url.startswith("https://api.weixin.qq.com/")
    funds, wire = paykit.client(paykit.signed())
    asyncio.run(funds.mark_transaction(paykit.ORDER))
    assert wire.requests[0].url.startswith("https://apihk.mch.weixin.qq.com/")


@pytest.mark.parametrize(
    "url",
    ["ftp://h", "file:///etc/passwd", "https://user:fake-pw@h", "https://h#@169.254.169.254", "https://h?x=", "https://h\\@i", "//h", "h"],
)
def test_base_urls_that_are_refused(url: str) -> None:
    """L-11: a ``base_url`` is http or https to one plain host.

    A URL in which two parsers could see two hosts is refused.
    """
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        RevenueClient("fake-token-1", base_url=url)
    assert "fake-pw" not in str(caught.value)


def test_gateways_and_proxies_are_documented() -> None:
    """L-09: the chapter on transports says which of a user's servers see tokens."""
    text = (ROOT / "wxrevenue" / "transports" / "README.md").read_text()
    assert "only tunnels TLS" in text
    assert "keep them out of its access log" in " ".join(text.split())


# -- what is kept in the repository ----------------------------------------------------------------

SHAPES = re.compile(r"\b[0-9]{2,3}_[A-Za-z0-9_-]{60,}|(?:refreshtoken|ticket|preauthcode)@@@[A-Za-z0-9_-]{20,}")


def test_no_recording_holds_a_token() -> None:
    """L-10: nothing in the repository looks like a token, ticket or key of WeChat's."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S607
    files = [ROOT / name for name in listed.stdout.split("\0") if name] or [*ROOT.glob("wxrevenue/**/*.py"), *ROOT.glob("tests/**/*.py")]
    assert len(files) > 50
    assert [str(path) for path in files if path.is_file() and SHAPES.search(path.read_text("utf-8", "replace"))] == []


def test_the_shapes_are_those_of_tokens() -> None:
    """L-10: the search finds strings in the form of WeChat's tokens, tickets and keys."""
    for shape in ("57_" + "aB3-_x" * 20, "refreshtoken@@@" + "k7Q" * 12, "ticket@@@" + "k7Q" * 12, "preauthcode@@@" + "k7Q" * 12):
        assert SHAPES.search(f'{{"x":"{shape}"}}')


# -- dependencies ----------------------------------------------------------------------------------


def requirements() -> list[Requirement]:
    """Return the package's requirements, extras included."""
    return [Requirement(line) for line in importlib.metadata.requires("wxrevenue") or []]


@pytest.mark.parametrize("version", ["5.2.0", "5.3.1", "6.4.0", "7.1.1", "8.1.0"])
def test_redis_beside_others(version: str) -> None:
    """L-12: the extra for Redis permits an older redis-py, for other packages.

    arq needs one below 6; saq and limits need one below 8.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (redis,) = [Requirement(line) for line in project["optional-dependencies"]["redis"]]
    assert version in redis.specifier
    assert "9.0.0" not in redis.specifier


def test_dependencies_are_few_and_bounded() -> None:
    """L-12: six packages are installed for every user.

    Each has a lower and an upper bound; so have those of extras.
    """
    core = {requirement.name for requirement in requirements() if requirement.marker is None}
    assert core == {"aiohttp", "attrs", "backoff", "cattrs", "cryptography", "orjson"}
    for requirement in requirements():
        operators = {specifier.operator for specifier in requirement.specifier}
        assert requirement.name == "wxrevenue" or (">=" in operators and "<" in operators), requirement


@pytest.mark.skipif(not CONSTRAINTS.exists(), reason="a source distribution has no CI")
def test_ci_pins_every_package() -> None:
    """L-12: CI installs exact versions of all that the package and its tests need.

    Its list holds names and versions alone.
    """
    lines = [line for line in CONSTRAINTS.read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line) for line in lines)
    pinned = {re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in lines}
    asked = {requirement.name.lower() for requirement in requirements()} - {"wxrevenue"}
    assert asked <= pinned


def test_never_beside_python_backoff() -> None:
    """L-13: no dependency brings ``python-backoff``, which overwrites ``backoff``.

    This holds for the package, its extras and its tests.
    """
    owners = importlib.metadata.packages_distributions().get("backoff", [])
    assert owners == ["backoff"]
    assert "python-backoff" not in {requirement.name.lower() for requirement in requirements()}
    if CONSTRAINTS.exists():
        assert "python-backoff" not in CONSTRAINTS.read_text().lower().replace("_", "-")
