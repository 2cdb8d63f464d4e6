"""Clients from the environment: with a token, or with the means to get one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.fakes import COMPONENT, OTHER, Read, answer, sent
from support.leaks import assert_no_leak
from support.virtual import run_virtual

from wxrevenue import ClientStateError, ConfigurationError, FileTicketStore, MemoryTransport, RevenueClient, TokenKind
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path


TOKEN, SECRET, APPID, TICKETS, BASE_URL = (
    f"WXREVENUE_{name}" for name in ("COMPONENT_TOKEN", "COMPONENT_SECRET", "COMPONENT_APPID", "TICKET_FILE", "BASE_URL")
)
FAKE = "fake-component-secret"


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return an environment without our variables."""
    for name in (TOKEN, SECRET, APPID, TICKETS, BASE_URL):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


async def filled(sandbox: Sandbox, env: pytest.MonkeyPatch, path: Path) -> str:
    """Set the environment for the sandbox's first provider, and return its appid.

    The ticket is in a file.
    """
    component = sandbox.components[0]
    await FileTicketStore(path).put(sandbox.ticket(component))
    env.setenv(SECRET, sandbox.component_secret(component))
    env.setenv(APPID, component)
    env.setenv(TICKETS, str(path))
    return component


async def test_a_secret_and_a_file_of_tickets(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With secret, appid and ticket file a client gets its own tokens.

    They come from the server of the base URL.
    """
    sandbox = Sandbox()
    component = await filled(sandbox, env, tmp_path / "ticket")
    async with sandbox.serve() as url:
        env.setenv(BASE_URL, url)
        async with RevenueClient.from_env() as client:
            assert client.component_appid == component
            assert (await client.get_share_ratio(component)).share_ratio == 50
    assert sandbox.calls["api_component_token", "ok"] == 1


async def test_what_was_made_is_closed(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A token source that was made for the client is closed with it.

    A transport that was given serves both and stays open.
    """
    sandbox = Sandbox()
    component = await filled(sandbox, env, tmp_path / "ticket")
    transport = sandbox.transport()
    told: list[Any] = []
    client = RevenueClient.from_env(transport=transport, on_event=told.append)
    tokens: Any = client._parts.owned[-1]  # pyright: ignore[reportPrivateUsage]
    await client.get_share_ratio(component)
    await client.aclose()
    await client.aclose()
    with pytest.raises(ClientStateError, match="the token source is closed"):
        await tokens.get(TokenKind.COMPONENT, None, timeout=1.0)
    assert {event.endpoint for event in told} == {"api_component_token", "get_share_ratio"}


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, f"set the environment variable {TOKEN}; or {SECRET}, {APPID} and {TICKETS}"),
        ({APPID: "wx1", TICKETS: "t"}, f"set the environment variable {TOKEN}; or"),
        ({TOKEN: "fake-token-env", SECRET: FAKE}, f"{TOKEN} or {SECRET}, not both"),
        ({SECRET: FAKE, APPID: "wx1"}, f"{TICKETS} is not set"),
        ({SECRET: FAKE, TICKETS: "t"}, f"{APPID} is not set"),
        ({SECRET: FAKE, TICKETS: "", APPID: "wx1"}, f"{TICKETS} is not set"),
        ({SECRET: FAKE, TICKETS: "t", APPID: "wx1", BASE_URL: "nowhere"}, "base_url: expected"),
    ],
    ids=["nothing", "no secret", "both", "no file", "no appid", "empty file", "bad base URL"],
)
def test_what_is_missing(env: pytest.MonkeyPatch, variables: dict[str, str], says: str) -> None:
    """An environment with too little or too much is refused by the variables' names.

    The error shows no secret.
    """
    for name, value in variables.items():
        env.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        RevenueClient.from_env()
    assert says in str(caught.value)
    assert_no_leak(caught.value, secrets=[FAKE, "fake-token-env"])


def test_a_setting_that_is_refused(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A setting that is refused does not show the secret of the environment."""
    for name, value in ((SECRET, FAKE), (APPID, "wx1"), (TICKETS, str(tmp_path / "ticket"))):
        env.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        RevenueClient.from_env(timeout=-1)
    client = RevenueClient.from_env()
    assert_no_leak(caught.value, client, *vars(client).values(), secrets=[FAKE])


def test_from_env(env: pytest.MonkeyPatch) -> None:
    """The environment gives token, account and base URL; arguments come first."""
    env.setenv("WXREVENUE_COMPONENT_TOKEN", "fake-token-env")
    env.setenv("WXREVENUE_COMPONENT_APPID", COMPONENT)
    env.setenv("WXREVENUE_BASE_URL", "http://127.0.0.1:9")
    transport = MemoryTransport(lambda _: answer())
    client = RevenueClient.from_env(transport=transport)
    assert client.component_appid == COMPONENT
    run_virtual(client.send(Read()))
    assert sent(transport) == ["http://127.0.0.1:9/fake/read?action=fake_read&access_token=fake-token-env"]
    client = RevenueClient.from_env(transport=transport, component_appid=OTHER, base_url="http://127.0.0.1:8")
    assert client.component_appid == OTHER
    run_virtual(client.send(Read()))
    assert sent(transport)[1].startswith("http://127.0.0.1:8/")


def test_from_env_with_the_token_alone(env: pytest.MonkeyPatch) -> None:
    """Only the token is required; empty variables are as if absent."""
    env.setenv("WXREVENUE_COMPONENT_TOKEN", "fake-token-env")
    env.setenv("WXREVENUE_COMPONENT_APPID", "")
    env.setenv("WXREVENUE_BASE_URL", "")
    transport = MemoryTransport(lambda _: answer())
    client = RevenueClient.from_env(transport=transport)
    run_virtual(client.send(Read()))
    assert sent(transport)[0].startswith("https://api.weixin.qq.com/")


@pytest.mark.parametrize("value", [None, ""])
def test_from_env_without_a_token(env: pytest.MonkeyPatch, value: str | None) -> None:
    """Without a token the error names the variable."""
    if value is not None:
        env.setenv("WXREVENUE_COMPONENT_TOKEN", value)
    with pytest.raises(ConfigurationError, match="WXREVENUE_COMPONENT_TOKEN"):
        RevenueClient.from_env()


def test_from_env_shows_no_token(env: pytest.MonkeyPatch) -> None:
    """A setting that is refused does not show the token of the environment."""
    env.setenv("WXREVENUE_COMPONENT_TOKEN", "fake-token-env")
    with pytest.raises(ConfigurationError) as caught:
        RevenueClient.from_env(timeout=-1)
    assert_no_leak(caught.value, secrets=["fake-token-env"])
