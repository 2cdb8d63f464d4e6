"""How few functions a call enters."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from wxrevenue import HttpRequest, HttpResponse, MemoryTransport, RevenueClient

if TYPE_CHECKING:
    from types import FrameType

MOST: Final = 32
ANSWER: Final = HttpResponse(200, {}, b'{"ret":0,"err_msg":"ok","share_ratio":40}')


def answered(_request: HttpRequest) -> HttpResponse:
    """Answer."""
    return ANSWER


async def test_frames_of_a_call() -> None:
    """A ``get_share_ratio`` without a wait enters at most 32 Python functions.

    Its answer from memory is among them.
    """
    client = RevenueClient("fake-token", "wx-frames", transport=MemoryTransport(answered))
    for _ in range(200):  # from then on the limiter counts most answers without asking the clock
        await client.get_share_ratio("wx1")
    entered: list[list[str]] = []

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            entered[-1].append(f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}")

    for _ in range(3):
        entered.append([])
        sys.setprofile(note)
        try:
            await client.get_share_ratio("wx1")
        finally:
            sys.setprofile(None)
    shortest = min(entered, key=len)
    assert 20 < len(shortest) <= MOST, "\n".join(shortest)
    await client.aclose()
