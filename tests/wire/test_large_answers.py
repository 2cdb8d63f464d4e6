"""Answers that are too large, or that are no answers, whatever brings them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import TOKEN, answer
from support.own_read import ReadEverything
from support.virtual import virtual

from wxrevenue import HttpResponse, MemoryTransport, OutcomeUnknownError, ResponseLostError, RevenueClient, WxRevenueError
from wxrevenue._wire.http import LARGEST_BODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue import HttpRequest, Transport


class Bringer:
    """A third party's transport without a cap of its own."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.sent = 0

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Return the body as the answer, whatever its size."""
        self.sent += 1
        return HttpResponse(200, {}, self._body)

    async def aclose(self) -> None:
        """Do nothing."""


def padded(size: int) -> bytes:
    """Return a valid answer of so many bytes."""
    head, tail = b'{"fen":1', b"}"
    return head + b" " * (size - len(head) - len(tail)) + tail


def from_memory(body: bytes) -> Transport:
    """Return the package's transport for tests, which has no cap either."""
    return MemoryTransport(lambda _: answer(body))


@pytest.mark.parametrize("transport", [from_memory, Bringer])
@virtual
async def test_answers_above_16_mib_are_not_parsed(transport: Callable[[bytes], Transport]) -> None:
    """D-07: an answer one byte above the cap is refused before parsing.

    It is not asked for again. This holds for every transport.
    """
    assert (await bringing(transport(padded(LARGEST_BODY))).send(ReadEverything())).fen == 1
    with pytest.raises(ResponseLostError) as caught:
        await bringing(transport(padded(LARGEST_BODY + 1))).send(ReadEverything())
    found = caught.value
    assert (found.reason, found.retryable, found.ambiguous, found.attempts) == ("too_large", False, True, 1)


@virtual
async def test_a_write_with_too_large_an_answer() -> None:
    """D-07: a write with too large an answer has an unknown outcome.

    The answer is not read.
    """
    transport = Bringer(padded(LARGEST_BODY + 1))
    with pytest.raises(OutcomeUnknownError) as caught:
        await bringing(transport).set_share_ratio(40)
    assert isinstance(caught.value.last, ResponseLostError)
    assert transport.sent == 1


def bringing(transport: Transport) -> RevenueClient:
    """Return a client with that transport."""
    return RevenueClient(TOKEN, "wx0", transport=transport)


@pytest.mark.parametrize("given", [None, b"{}", {"status": 200}, 5], ids=repr)
@virtual
async def test_transports_that_bring_something_else(given: Any) -> None:
    """A transport that answers with no ``HttpResponse`` is an error of the package.

    It is not a stray exception.
    """

    class Odd(Bringer):
        async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
            return given  # type: ignore[no-any-return]

    with pytest.raises(WxRevenueError, match="the transport raised AttributeError"):
        await bringing(Odd(b"")).send(ReadEverything())
