"""The conformance suite itself.

A transport that does wrong does not pass, and the error says what is wrong.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from wxrevenue import AiohttpTransport, HttpRequest, HttpResponse, NotSentError, ResponseLostError
from wxrevenue.errors import without_history
from wxrevenue.testing import TransportCase, transport_cases
from wxrevenue.transports._streams import Steps
from wxrevenue.transports._timer import DeadlineTimer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CASES = {str(case): case for case in transport_cases()}


def wrong(fault: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> Callable[..., Any]:
    """Return a maker of transports that have a fault at their first request."""

    class Wrong(AiohttpTransport):
        did = False

        async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
            first, self.did = not self.did, True
            return await (fault(request) if first else super().send(request, timeout=5.0))

    return Wrong


async def hang(_request: HttpRequest) -> HttpResponse:
    """Wait longer than the timeout."""
    await asyncio.sleep(60)
    raise AssertionError


async def bare(_request: HttpRequest) -> HttpResponse:
    """Raise an error that is not one of the package's."""
    raise TimeoutError


async def foreign(_request: HttpRequest) -> HttpResponse:
    """Raise the exception of the library below."""
    raise OSError("broken")


async def chained(_request: HttpRequest) -> HttpResponse:
    """Raise an error with a context."""
    raise NotSentError("no", reason="connect") from OSError("broken")


async def leaky(request: HttpRequest) -> HttpResponse:
    """Raise an error with the whole URL."""
    raise without_history(NotSentError(f"no {request.wire_url()}", reason="dns"))


async def pessimist(_request: HttpRequest) -> HttpResponse:
    """Report that bytes were sent, when none were."""
    raise ResponseLostError("lost", reason="reset")


async def guesser(_request: HttpRequest) -> HttpResponse:
    """Report a wrong reason."""
    raise NotSentError("no", reason="proxy")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (hang, "outlived its timeout"),
        (bare, "bare TimeoutError"),
        (foreign, "got OSError"),
        (chained, "hang from another"),
        (leaky, "a secret shows"),
        (pessimist, "no byte can have arrived"),
        (guesser, "as the reason"),
    ],
)
async def test_wrong_transport(fault: Callable[[HttpRequest], Awaitable[HttpResponse]], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transport that does wrong fails the case; the error says why."""
    if fault is hang:
        monkeypatch.setattr("wxrevenue.testing._transport_suite.scene.GRACE", -1.95)  # or it would hang for two seconds and a half
    with pytest.raises(AssertionError, match=said):
        await CASES["T-02 unknown host"].run(wrong(fault))


async def test_connection_left_open() -> None:
    """A transport that does not close its connections fails."""
    kept: list[AiohttpTransport] = []

    class Careless(AiohttpTransport):
        async def aclose(self) -> None:
            kept.append(self)

    with pytest.raises(AssertionError, match="still open"):
        await CASES["connections are kept"].run(Careless)
    await AiohttpTransport.aclose(kept[0])


async def test_task_left_behind() -> None:
    """A transport that leaves a task behind fails."""
    tasks: list[asyncio.Task[None]] = []

    class Careless(AiohttpTransport):
        async def aclose(self) -> None:
            tasks.append(asyncio.create_task(asyncio.sleep(60)))
            await super().aclose()

    with pytest.raises(AssertionError, match="left behind"):
        await CASES["connections are kept"].run(Careless)
    for task in tasks:
        task.cancel()


def test_case_shows_itself() -> None:
    """A case's name and rows are its text."""
    case = CASES["T-01 refused"]
    assert isinstance(case, TransportCase)
    assert (repr(case), case.ids) == ("<TransportCase T-01 refused>", ("T-01",))


async def test_cancellation_has_no_history() -> None:
    """A cancellation leaves a step as the same instance, without a context."""
    cancelled = asyncio.CancelledError()
    histories: list[BaseException | None] = [ValueError("something with a secret")]
    cancelled.__context__ = histories[0]

    async def step() -> None:
        raise cancelled

    steps = Steps(DeadlineTimer(), lambda error, _exchange, _url: error, "http://x", 5.0)
    with pytest.raises(asyncio.CancelledError) as caught:
        await steps.run(step)
    assert caught.value is cancelled
    histories[:] = [caught.value.__context__, caught.value.__cause__]
    assert histories == [None, None]
