"""What this machine lacks for a first call is named, before a byte is sent.

Both transports do so alike. Each test starts an interpreter of its own: what is loaded on first use
is loaded once in a process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from support.faultserver import FaultServer, ask

from wxrevenue import AiohttpTransport, HttpResponse, HttpxTransport, MemoryTransport, RevenueClient
from wxrevenue.errors import NotSentError, OutcomeUnknownError
from wxrevenue.testing import tls_contexts

if TYPE_CHECKING:
    from pathlib import Path

BOTH = pytest.mark.parametrize("kind", ["AiohttpTransport", "HttpxTransport"])
WRITE = """
import asyncio, json, os, sys
import wxrevenue

BEFORE

async def main():
    async with wxrevenue.RevenueClient("fake-token", base_url="https://127.0.0.1:9", transport=wxrevenue.KIND(), deadline=5) as client:
        DURING
        try:
            await client.set_share_ratio(40)
        except Exception as error:
            told = {"class": type(error).__name__, "text": str(error), "attempts": getattr(error, "attempts", None)}
            print(json.dumps(told | {"ambiguous": getattr(error, "ambiguous", None), "reason": getattr(error, "reason", None)}))

asyncio.run(main())
"""
NO_DESCRIPTORS = """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
"""


def told(kind: str, before: str = "", during: str = "") -> dict[str, Any]:
    """Return the end of a first call that changes something.

    It runs in an interpreter of its own.
    """
    program = WRITE.replace("KIND", kind).replace("BEFORE", before).replace("DURING", during)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@BOTH
def test_key_log(kind: str, tmp_path: Path) -> None:
    """C-17: a file of ``SSLKEYLOGFILE`` cannot be opened: nothing was sent.

    Nothing is tried again.
    """
    for name in (tmp_path / "none" / "keys.log", tmp_path):
        error = told(kind, f"os.environ['SSLKEYLOGFILE'] = {str(name)!r}")
        assert (error["class"], error["reason"], error["attempts"], error["ambiguous"]) == ("NotSentError", "tls", 1, False)
        assert "SSLKEYLOGFILE" in error["text"]


@pytest.mark.parametrize(
    ("kind", "module"),
    [("AiohttpTransport", "aiohttp"), ("AiohttpTransport", "multidict"), ("HttpxTransport", "httpcore2"), ("HttpxTransport", "anyio")],
)
def test_broken_module(kind: str, module: str) -> None:
    """C-17: a module cannot be imported: nothing was sent.

    Nothing is tried again.
    """
    error = told(kind, f"sys.modules[{module!r}] = None")
    assert (error["class"], error["reason"], error["attempts"], error["ambiguous"]) == ("NotSentError", "protocol", 1, False)
    assert f"({module})" in error["text"]


@BOTH
@pytest.mark.parametrize("raised", ["OSError(5, 'no')", "RuntimeError('no')", "SyntaxError('no')", "MemoryError()"])
def test_failing_module(kind: str, raised: str) -> None:
    """C-17: a module fails while it is imported: nothing was sent.

    The error has the exception's class.
    """
    finder = f"""
class Failing:
    def find_spec(self, name, *_):
        if name in ("aiohttp", "httpcore2"):
            raise {raised}
sys.meta_path.insert(0, Failing())
"""
    error = told(kind, finder)
    assert (error["class"], error["reason"], error["attempts"], error["ambiguous"]) == ("NotSentError", "protocol", 1, False)
    assert raised.partition("(")[0] in error["text"]


@BOTH
def test_no_descriptors(kind: str) -> None:
    """C-17, T-56: a first call without a free descriptor was not sent.

    It does not matter what had to be loaded for it.
    """
    error = told(kind, during=NO_DESCRIPTORS)
    assert (error["class"], error["reason"], error["ambiguous"]) == ("NotSentError", "connect", False)
    assert "EMFILE" in error["text"]


@BOTH
def test_no_descriptors_for_the_repetition(kind: str) -> None:
    """C-17: a repetition or an event has what it needs, or the error is the package's.

    It is never a raw ``OSError``.
    """
    listening = WRITE.replace("deadline=5)", "deadline=5, on_event=lambda event: None)")
    program = listening.replace("KIND", kind).replace("BEFORE", "").replace("DURING", f"client.set_share_ratio{NO_DESCRIPTORS}")
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
    assert json.loads(ended.stdout)["class"] == "NotSentError"


async def test_imports_of_others() -> None:
    """A failed import in the caller's own token source reaches the caller unchanged."""

    async def token() -> str:
        return str(import_module("no_such_module_at_all"))

    async with RevenueClient(token, transport=MemoryTransport(lambda _: HttpResponse(200, {}, b"{}"))) as client:
        with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
            await client.get_share_ratio("wx1")


async def test_an_import_fails_after_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """C-17: an import of the package's that fails under an answer leaves doubt.

    The outcome of a write is unknown then.
    """
    ours: dict[str, Any] = {"__name__": "wxrevenue.ams.broken"}
    exec("def unwrap(*_): import no_such_module_at_all", ours)  # noqa: S102  (a function of the package that imports)
    async with RevenueClient("fake-token", transport=MemoryTransport(lambda _: HttpResponse(200, {}, b'{"ret":0}'))) as client:
        monkeypatch.setattr("wxrevenue.ams._service.AmsCall.unwrap", ours["unwrap"])
        with pytest.raises(OutcomeUnknownError, match="no_such_module_at_all"):
            await client.set_share_ratio(40)


@pytest.mark.parametrize("kind", [AiohttpTransport, HttpxTransport], ids=["aiohttp", "httpx2"])
async def test_what_tls_refuses_has_no_number(kind: type[AiohttpTransport | HttpxTransport]) -> None:
    """The numbers of TLS errors are not those of the operating system.

    They are not reported as such.
    """
    async with FaultServer(ssl=tls_contexts()[0]) as server:
        transport = kind()
        with pytest.raises(NotSentError) as caught:
            await transport.send(ask(server.url), timeout=5.0)
        await transport.aclose()
    assert caught.value.reason == "tls"
    assert " E" not in str(caught.value)
