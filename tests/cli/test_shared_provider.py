"""The provider's client of a worker.

Tokens and tickets lie in one Redis, sealed with one key.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import attrs
from support.leaks import assert_no_leak
from support.redis import admin

from wxrevenue import RedisRateLimiter, RedisTicketStore, Sandbox, Secret
from wxrevenue.cli._ledger.provider import limiter_for, sharing_provider

if TYPE_CHECKING:
    import pytest

KEY = bytes(range(32))


@attrs.frozen
class Options:
    """What was asked for."""

    base_url: str | None
    sandbox: bool = False


async def test_machines_share_tokens(redis_path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Of two workers one fetches the component's token, and the other uses it.

    The ticket comes from Redis, and no token lies there in the clear.
    """
    sandbox = Sandbox(seed=11)
    appid = sandbox.components[0]
    program = sandbox.programs(appid)[0]
    for name, value in (
        ("COMPONENT_APPID", appid),
        ("COMPONENT_SECRET", sandbox.component_secret(appid)),
        ("STORE_KEY", base64.b64encode(KEY).decode()),
    ):
        monkeypatch.setenv(f"WXREVENUE_{name}", value)
    for name in ("COMPONENT_TOKEN", "TICKET_FILE", "BASE_URL"):
        monkeypatch.delenv(f"WXREVENUE_{name}", raising=False)
    redis = Secret(f"unix://{redis_path}")
    async with sandbox.serve() as url, RedisTicketStore(redis, appid, keys=KEY) as tickets, admin(redis_path) as client:
        await tickets.put(sandbox.ticket(appid))
        options = Options(url)
        async with (
            sharing_provider(redis, options) as (one, queue),
            sharing_provider(redis, options) as (other, same),
        ):
            assert queue.name == same.name
            assert isinstance(limiter_for(redis, None), RedisRateLimiter)
            assert await one.get_share_ratio(program) == await other.get_share_ratio(program)
        written = [await client.dump(key) async for key in client.scan_iter()]
    assert sandbox.calls["api_component_token", "ok"] == 1
    secrets = [sandbox.component_token(appid), sandbox.component_secret(appid)]
    assert not [secret for secret in secrets if any(secret.encode() in one for one in written if one is not None)]
    assert_no_leak(secrets=secrets, caplog=caplog)
