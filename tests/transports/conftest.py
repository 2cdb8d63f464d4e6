"""A transport that has to be clean in the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from support.connections import held
from support.faultserver import inside

from wxrevenue.transports._aiohttp.transport import AiohttpTransport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@pytest.fixture
async def transport() -> AsyncGenerator[AiohttpTransport, None]:
    """Make a transport, and check what it has in the end.

    The transport has no connection in use, no timer and no task.
    """
    before = asyncio.all_tasks()
    made = AiohttpTransport()
    yield made
    assert held(made) == 0
    assert not inside(made)._watch._running
    await made.aclose()
    assert inside(made)._watch._timer is None
    assert not asyncio.all_tasks() - before - {asyncio.current_task()}
