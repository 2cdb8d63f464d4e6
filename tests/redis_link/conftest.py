"""A Redis behind a proxy that fails as it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.redis import RedisProxy, admin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def proxy(redis_path: str) -> AsyncIterator[RedisProxy]:
    """Return a proxy in front of the server, which is empty."""
    async with admin(redis_path) as client:
        await client.flushall()
    async with RedisProxy(redis_path) as found:
        yield found
