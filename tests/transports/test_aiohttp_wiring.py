"""What exactly is passed to aiohttp.

Everything about what comes back is tested over real connections.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from aiohttp import ClientResponse
from aioresponses import CallbackResult, aioresponses
from yarl import URL

from wxrevenue import AiohttpTransport, GetShareRatio, RevenueClient
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Response(ClientResponse):
    """aioresponses 0.7.9 does not pass an argument that aiohttp 3.14 asks for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, stream_writer=Mock(), **kwargs)


class Mocked(aioresponses):
    """Keeps the URLs that the transport gave.

    aioresponses shows its callbacks a normalised URL.
    """

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[URL] = []

    async def _request_mock(self, orig_self: Any, method: str, url: Any, *args: Any, **kwargs: Any) -> Any:
        self.urls.append(url)
        found: Any = super()
        return await found._request_mock(orig_self, method, url, *args, **kwargs)

    def serve(self, url: str, **kwargs: Any) -> None:
        """Answer POSTs to this exact URL."""
        mock: Any = super()
        mock.post(URL(url, encoded=True), **kwargs)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mocked]:
    """Return a mock of aiohttp's connections."""
    monkeypatch.setattr("aioresponses.core.ClientResponse", _Response)
    mock = Mocked()
    with mock:
        yield mock


@pytest.mark.parametrize(
    ("token", "spelled"),
    [
        ("fake-token", "fake-token"),
        ("fake/token+with=signs", "fake%2Ftoken%2Bwith%3Dsigns"),
        ("fake%2Btoken", "fake%252Btoken"),
        ("fake+token&action=other#é", "fake%2Btoken%26action%3Dother%23%C3%A9"),
    ],
)
async def test_request(server: Mocked, token: str, spelled: str) -> None:
    """URL, JSON, headers and the switch against redirects reach aiohttp unchanged.

    The URL is percent-encoded once, then left alone.
    """
    url = f"https://api.weixin.qq.com/wxa/getdefaultamsinfo?action=get_share_ratio&access_token={spelled}"
    told: list[dict[str, Any]] = []

    def reply(_url: URL, **kwargs: Any) -> CallbackResult:
        told.append(kwargs)
        return CallbackResult(body=b'{"ret":0,"share_ratio":40}', content_type="text/plain")

    server.serve(url, callback=reply)
    async with RevenueClient(token) as client:
        ratio = await client.send(GetShareRatio(appid="wx1"))
    assert ratio.share_ratio == 40
    [kwargs] = told
    assert [str(sent) for sent in server.urls] == [url]
    assert (kwargs["data"], kwargs["allow_redirects"]) == (b'{"appid":"wx1"}', False)
    assert kwargs["headers"]["Content-Type"] == "application/json; charset=utf-8"
    assert "proxy" not in kwargs


async def test_session_is_reused(server: Mocked) -> None:
    """Every request of a client goes through the same session.

    Closing the transport closes it.
    """
    server.serve(
        "https://api.weixin.qq.com/wxa/getdefaultamsinfo?action=get_share_ratio&access_token=fake-token",
        body=b'{"share_ratio":40.5}',
        repeat=True,
    )
    transport = AiohttpTransport()
    carrier: Any = transport
    client = RevenueClient("fake-token", transport=transport)
    await client.get_share_ratio("wx1")
    session = carrier._session
    await client.get_share_ratio("wx1")
    assert session is not None
    assert carrier._session is session
    await transport.aclose()
    assert session.closed


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "3", None])
def test_limit(limit: Any) -> None:
    """The limit of connections is an int above zero."""
    with pytest.raises(ConfigurationError, match="limit"):
        AiohttpTransport(limit=limit)


def test_unverified_tls() -> None:
    """A TLS context that accepts any certificate, for any host, is refused.

    So is one that accepts any certificate for one host, and anything else.
    """
    careless = ssl.create_default_context()
    careless.check_hostname = False
    hostless = ssl.create_default_context()
    hostless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    wrong: list[Any] = [careless, hostless, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), False, "no"]
    for context in wrong:
        with pytest.raises(ConfigurationError, match="ssl"):
            AiohttpTransport(ssl=context)
    AiohttpTransport(ssl=ssl.create_default_context())
