"""URLs of Redis: one that leads nowhere for certain is refused before any look-up.

No piece of a password shows.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from support.leaks import assert_no_leak

from wxrevenue import ConfigurationError, RedisTicketStore, RedisTokenStore

if TYPE_CHECKING:
    from collections.abc import Callable

STORES: dict[str, Callable[[str], Any]] = {
    "tokens": RedisTokenStore,
    "tickets": lambda url: RedisTicketStore(url, "wx1"),
}
PIECES = ["fake-piece-1", "fake-piece-2", "57-fake-piece-3"]

PASSWORDS = [
    "redis://default:57-fake-piece-3#fake-piece-2@127.0.0.1:1/0",
    "redis://default:57#fake-piece-2@127.0.0.1:1/0",
    "redis://:fake-piece-1@fake/fake-piece-2@127.0.0.1:1/0",
    "redis://user:fake-piece-1/fake-piece-2@127.0.0.1:1/0",
    "redis://user:57/fake-piece-2@127.0.0.1:1/0",
    "redis://:fake-piece-1?fake-piece-2@127.0.0.1:1/0",
    "redis://user:57?fake-piece-2@127.0.0.1:1/0",
    "redis://user:57?db=fake-piece-2@127.0.0.1:1/0",
    "redis://user:57?fake-piece-1=fake-piece-2@127.0.0.1:1/0",
    "redis://user:fake-piece-1[fake-piece-2@127.0.0.1:1/0",
    "redis://:fake-piece-1[fake-piece-2]@127.0.0.1:1/0",
    "redis://:fake-piece-1 fake-piece-2@127.0.0.1:1/0",
    "redis://:fake-piece-1\nfake-piece-2@127.0.0.1:1/0",
    "redis://:fake-piece-1\udcfffake-piece-2@127.0.0.1:1/0",
    "redis://:fake-piece-1",
    "redis://user:fake-piece-1",
    "rediss://default:57#fake-piece-2@127.0.0.1:1/0",
    "unix://user:fake-piece-1/fake-piece-2@/x.sock",
    "unix://user:57-fake-piece-3@/fake-piece-2@/x.sock",
    "unix://user:fake-piece-1?fake-piece-2@/x.sock",
    "unix://user:fake-piece-1#fake-piece-2@/x.sock",
]
"""Each has an unescaped password with a sign that has a meaning in URLs."""
PATHS = [
    "redis://localhost/prod",
    "redis://localhost/0/1",
    "redis://localhost/-1",
    "redis://localhost//1",
    "redis://localhost/1.0",
    "redis://localhost/\N{ARABIC-INDIC DIGIT ONE}",
    "redis://localhost/3#x",
    "redis://localhost/3 ",
    "redis://localhost/3\n",
    "\tredis://localhost/3",
    "redis://localhost:0",
    "redis://localhost:65536",
    "redis://local host",
    "redis://locälhost",
    "redis:///0",
    "redis:localhost",
    "localhost:6379",
    "http://localhost",
    "valkey://localhost",
    "redis+sentinel://localhost",
    "unix://",
    "unix:///",
    "unix://relative/x.sock",
    "unix:///x.sock#y",
    "",
]
OPTIONS = ["sockettimeout=3", "retry=3", "connection_class=Connection", "credential_provider=x", "db", "=", "db=1&&x=2", "host=elsewhere"]
VALUES = ["health_check_interval=soon", "socket_timeout=long", "db=first", "max_connections=-1", "ssl_cert_reqs=CERT_FAKE"]
GOOD = {
    "redis://localhost": "localhost:6379",
    "redis://localhost/": "localhost:6379",
    "redis://redis_1.internal-2:7000/15": "redis_1.internal-2:7000",
    "rediss://:p%40ss%2Fword%23@10.0.0.7:6380/0": "10.0.0.7:6380",
    "redis://user:p@ss:wörd!$&'()*+,;=%@localhost/1": "localhost:6379",
    "redis://[::1]/2": "[::1]:6379",
    "rediss://u:p@[2001:db8::7]:6380": "[2001:db8::7]:6380",
    "redis://[fe80::1%25eth0]:1/0": "[fe80::1%25eth0]:1",
    "redis://localhost/0?socket_timeout=3&health_check_interval=30&client_name=me": "localhost:6379",
    "rediss://localhost/0?ssl_cert_reqs=none&ssl_check_hostname=false": "localhost:6379",
    "redis://localhost?db=7&password=p%40ss": "localhost:6379",
    "unix:///run/redis/redis@1.sock": "/run/redis/redis@1.sock",
    "unix://:p%40ss@/run/redis.sock?db=3": "/run/redis.sock",
    "REDIS://localhost/3": "localhost:6379",
}


@pytest.fixture(autouse=True)
def _no_look_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if a host is looked up."""

    def looked(host: object, *_: object, **__: object) -> None:
        raise AssertionError(host)

    monkeypatch.setattr(socket, "getaddrinfo", looked)


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("url", PASSWORDS, ids=range(len(PASSWORDS)))
def test_a_password_as_it_is(url: str, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Q-10: an unescaped password with signs of URLs in it is refused.

    The error comes when the store is made. It says what to do, and shows no piece of the password.
    """
    with pytest.raises(ConfigurationError, match=r"percent-encode the password \(urllib\.parse\.quote") as caught:
        STORES[kind](url)
    assert_no_leak(caught.value, secrets=PIECES, caplog=caplog)


@pytest.mark.parametrize("url", PATHS, ids=range(len(PATHS)))
def test_where_it_leads_to_is_not_certain(url: str) -> None:
    """A URL without a certain target is refused, and not guessed.

    Such a URL has another scheme, no host, or a path that is no database.
    """
    with pytest.raises(ConfigurationError, match=r"RedisTokenStore\.redis: expected redis://host, rediss://host or unix:///path"):
        RedisTokenStore(url)


@pytest.mark.parametrize("option", OPTIONS)
def test_unknown_options(option: str) -> None:
    """An option that redis-py does not have is refused, with those it has.

    So is one that a ``str`` cannot give.
    """
    for url in ("redis://localhost/0", "unix:///x.sock"):
        with pytest.raises(ConfigurationError, match=r"expected options of client_name, db, .*, username behind the question mark"):
            RedisTokenStore(f"{url}?{option}")


@pytest.mark.parametrize("option", VALUES)
def test_values_of_options(option: str) -> None:
    """A wrong value of an option is refused when the store is made."""
    with pytest.raises(ConfigurationError, match="does not accept the value of an option"):
        RedisTokenStore(f"rediss://localhost/0?{option}")


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("url", GOOD)
def test_good_urls(url: str, kind: str) -> None:
    """A URL with a certain target is accepted.

    It shows the target, and no password.
    """
    assert repr(STORES[kind](url)) == f"<Redis{'Token' if kind == 'tokens' else 'Ticket'}Store in Redis at {GOOD[url]}>"
