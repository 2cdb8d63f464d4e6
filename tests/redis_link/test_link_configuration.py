"""What the stores in Redis are made with, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from support.leaks import assert_no_leak
from support.redis_records import PASSWORD, SECRETS, TOKEN

import wxrevenue._redis.link
from wxrevenue import ConfigurationError, RedisTicketStore, RedisTokenStore


def configured(redis: Any = "redis://localhost", **options: Any) -> RedisTokenStore:
    """Return a store with one setting, which may be wrong."""
    return RedisTokenStore(redis, **options)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"redis": f"http://{PASSWORD}@host"}, r"RedisTokenStore\.redis: expected redis://host, rediss://host or unix:///path"),
        ({"redis": f"redis://:{PASSWORD}@"}, r"RedisTokenStore\.redis: expected redis://host"),
        ({"redis": f"redis://:{PASSWORD}@host:99999999"}, r"RedisTokenStore\.redis: expected redis://host"),
        ({"redis": f"redis://:{PASSWORD}@host?socket_timeout={TOKEN}"}, "redis-py does not accept the value of an option"),
        ({"redis": PASSWORD}, r"RedisTokenStore\.redis: expected redis://host"),
        ({"redis": PASSWORD.encode()}, r"RedisTokenStore\.redis: expected a URL or a client of redis\.asyncio"),
        ({"redis": None}, r"RedisTokenStore\.redis: expected a URL or a client of redis\.asyncio"),
        ({"timeout": 0}, r"RedisTokenStore\.timeout: expected a positive"),
        ({"keep": "1"}, r"RedisTokenStore\.keep: expected seconds as a number, got str"),
        ({"prefix": "a{b}"}, r"RedisTokenStore\.prefix: expected no braces"),
        ({"prefix": ""}, r"RedisTokenStore\.prefix: expected printable characters"),
        ({"keys": TOKEN.encode()}, r"RedisTokenStore\.keys: expected keys of 32 bytes, got one of 19"),
        ({"keys": TOKEN}, r"RedisTokenStore\.keys: expected keys as bytes, got str"),
        ({"keys": [bytes(32), 5]}, r"RedisTokenStore\.keys: expected keys as bytes, got int"),
    ],
)
def test_bad_configuration(arguments: dict[str, Any], said: str) -> None:
    """A forbidden value is refused before any I/O, by the name of the field.

    The value is not shown.
    """
    with pytest.raises(ConfigurationError, match=said) as caught:
        configured(**arguments)
    assert_no_leak(caught.value, secrets=SECRETS)


def test_bad_tickets() -> None:
    """A ticket store's error names the store."""
    wrong: Any = 5
    with pytest.raises(ConfigurationError, match=r"RedisTicketStore\.component_appid: expected a str, got int"):
        RedisTicketStore("redis://localhost", wrong)
    with pytest.raises(ConfigurationError, match=r"RedisTicketStore\.redis: expected"):
        RedisTicketStore(PASSWORD, "wx1")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without redis-py the error names the extra, before any I/O."""

    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr(wxrevenue._redis.link, "find_spec", nothing)
    with pytest.raises(ConfigurationError, match=r"RedisTokenStore needs redis-py: pip install 'wxrevenue\[redis\]'"):
        RedisTokenStore("redis://localhost")
    with pytest.raises(ConfigurationError, match=r"RedisTicketStore needs redis-py: pip install 'wxrevenue\[redis\]'"):
        RedisTicketStore("redis://localhost", "wx1")
