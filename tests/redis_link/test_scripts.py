"""Scripts in the form that the proxies of managed servers want.

None takes an outage for an empty store.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.redis import ScriptServer, admin, running_server

import wxrevenue
from wxrevenue import RedisTicketStore, RedisTokenStore, TokenUnavailableError
from wxrevenue._redis.script import Script

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENT = 5.0


def scripts() -> Iterator[tuple[str, Script]]:
    """Yield every script of the package, wherever it is, with its name."""
    root = Path(wxrevenue.__file__).parent
    for path in root.rglob("*.py"):
        if re.search(r"redis\.p?call", path.read_text(encoding="utf-8")):
            name = ".".join(path.relative_to(root.parent).with_suffix("").parts)
            yield from ((f"{name}.{key}", value) for key, value in vars(import_module(name)).items() if isinstance(value, Script))


def test_keys_are_literal() -> None:
    """Q-18: within every script each command with a key has it as ``KEYS[n]``.

    Proxies of managed servers insist on it.
    """
    found = dict(scripts())
    assert len({script.text for script in found.values()}) >= 6
    command = re.compile(r"redis\.p?call\('([A-Z]+)'(?:, (KEYS\[[1-9]\d*\]))?[,)]")
    for name, script in found.items():
        calls = command.findall(script.text)
        assert len(calls) == len(re.findall(r"redis\.\w*call\b", script.text)), name
        assert [called for called, key in calls if not key and called not in {"TIME", "PUBLISH"}] == [], name  # neither has a key


@pytest.mark.parametrize(
    "said",
    [
        "NOSCRIPT No matching script. Please use EVAL.",
        "ERR NOSCRIPT no such script",
        "ERR unknown command 'EVALSHA'",
        "ERR unknown command `evalsha`, with args beginning with: `abc`, ",
    ],
)
async def test_scripts_that_are_not_known_by_hash(said: str) -> None:
    """Q-07, Q-18: a script whose hash a server does not know is sent as it is.

    So it is to a proxy, and where no script is known.
    """
    async with (
        ScriptServer(b"$2\r\n42\r\n", by_hash=f"-{said}\r\n".encode()) as server,
        RedisTokenStore(server.url, timeout=PATIENT) as store,
    ):
        assert await store.lock("wx1/", lease=9.0) == 42


async def test_answers_of_no_shape() -> None:
    """Q-18: a proxy's empty answer means that nothing is stored."""
    async with (
        ScriptServer(b"*-1\r\n") as server,
        RedisTokenStore(server.url, timeout=PATIENT) as store,
        RedisTicketStore(server.url, "wx1", timeout=PATIENT) as tickets,
    ):
        assert await store.read("wx1/") is None
        assert await tickets.get() is None


@pytest.mark.parametrize(
    "commands",
    [
        ["CONFIG SET replica-serve-stale-data no", "REPLICAOF 127.0.0.1 1"],
        ["ACL SETUSER default -hget"],
    ],
    ids=["a replica without its primary", "no right to a command"],
)
async def test_an_outage_is_no_empty_store(commands: list[str]) -> None:
    """Q-16: a server that may not read what is stored does not look like an empty one.

    Neither tokens nor tickets seem to be missing.
    """
    with running_server() as path:
        url = f"unix://{path}"
        async with (
            admin(path) as client,
            RedisTokenStore(url, timeout=PATIENT) as store,
            RedisTicketStore(url, "wx1", timeout=PATIENT) as tickets,
        ):
            for command in commands:
                await client.execute_command(*command.split())
            for call in (store.read("wx1/"), tickets.get()):
                with pytest.raises(TokenUnavailableError, match="did not serve the Redis"):
                    await call
