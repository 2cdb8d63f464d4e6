"""A credential holds no white space and no character that cannot be printed.

The rule is the same wherever one is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import paykit
from support.fakes import COMPONENT, OfAuthorizer, Read, ams_client
from support.leaks import assert_no_leak
from support.virtual import virtual

from wxrevenue import (
    ComponentTokens,
    ConfigurationError,
    FundsDistributionClient,
    GetAuthorizerAccessToken,
    GetComponentAccessToken,
    GetShareRatio,
    MarkTransaction,
    MemoryTicketStore,
    RedisTicketStore,
    RevenueClient,
    Secret,
    StartPushTicket,
    StaticTokens,
    StaticVerifier,
    Ticket,
    TicketReceiver,
)
from wxrevenue._base.checks import flaw_of_credential
from wxrevenue._wire.codec import decode

if TYPE_CHECKING:
    from collections.abc import Callable

AES_KEY = "FakeEncodingAesKeyForTestsOnly0123456789abc"
FAKE = "fake-credential"
PLACES = {
    "\n{}": "at its beginning",
    " {}": "at its beginning",
    "\ufeff{}": "at its beginning",
    "{}\n": "at its end",
    "{}\r\n": "at its end",
    "{} ": "at its end",
    "{}\u00a0": "at its end",
    "{}\u3000": "at its end",
    "{}\u200b": "at its end",
    "{}\udcff": "at its end",
    "{}\x00": "at its end",
    "{0} {0}": "inside of it",
    "{0}\t{0}": "inside of it",
}
"""How a credential may be spoiled, and where the error says that it is."""


def component(appid: str = COMPONENT, secret: Any = "fake-secret") -> ComponentTokens:
    """Return a token source."""
    return ComponentTokens(appid, secret, tickets=MemoryTicketStore())


def funds(mchid: str = "1900000001", serial_no: str = paykit.SERIAL_NO, **options: Any) -> FundsDistributionClient:
    """Return a client of WeChat Pay."""
    return FundsDistributionClient(mchid, serial_no, paykit.signer(), verifier=paykit.verifier(), **options)


ENTRIES: dict[str, Callable[[str], object]] = {
    "RevenueClient: tokens": RevenueClient,
    "RevenueClient: tokens as Secret": lambda value: RevenueClient(Secret(value)),
    "RevenueClient: component_appid": lambda value: RevenueClient("fake-token", value),
    "with_options: tokens": lambda value: RevenueClient("fake-token").with_options(tokens=value),
    "with_options: component_appid": lambda value: RevenueClient("fake-token").with_options(component_appid=value),
    "StaticTokens: component": lambda value: StaticTokens(component=value),
    "StaticTokens: token of an authorizer": lambda value: StaticTokens(authorizers={"wx1": value}),
    "StaticTokens: appid": lambda value: StaticTokens(authorizers={value: "fake-token"}),
    "ComponentTokens: component_appid": component,
    "ComponentTokens: secret": lambda value: component(secret=value),
    "Ticket": lambda value: Ticket(value, 1.0),
    "TicketReceiver: component_appid": lambda value: TicketReceiver(value, "fake-token", AES_KEY),
    "TicketReceiver: token": lambda value: TicketReceiver("wx1", value, AES_KEY),
    "TicketReceiver: aes_key": lambda value: TicketReceiver("wx1", "fake-token", value.replace(FAKE, AES_KEY)),
    "RedisTicketStore: component_appid": lambda value: RedisTicketStore("redis://127.0.0.1:1", value),
    "FundsDistributionClient: mchid": lambda value: funds(value.replace("fake-credential", "1900000001")),
    "FundsDistributionClient: serial_no": lambda value: funds(serial_no=value.replace(FAKE, "5F0A")),
    "FundsDistributionClient: sub_mchid": lambda value: funds(sub_mchid=value.replace(FAKE, "1900000002")),
    "StaticVerifier: serial": lambda value: StaticVerifier({value.replace(FAKE, "5F0A"): paykit.public_pem("public")}),
    "GetComponentAccessToken: appid": lambda value: GetComponentAccessToken(value, "fake-secret", "fake-ticket"),
    "GetComponentAccessToken: secret": lambda value: GetComponentAccessToken("wx1", value, "fake-ticket"),
    "GetComponentAccessToken: ticket": lambda value: GetComponentAccessToken("wx1", "fake-secret", value),
    "GetAuthorizerAccessToken: appid": lambda value: GetAuthorizerAccessToken("wx1", value, "fake-refresh"),
    "GetAuthorizerAccessToken: refresh token": lambda value: GetAuthorizerAccessToken("wx1", "wx2", value),
    "StartPushTicket: secret": lambda value: StartPushTicket("wx1", value),
    "GetShareRatio: appid": GetShareRatio,
    "authorizer_appid": lambda value: OfAuthorizer(authorizer_appid=value),
    "MarkTransaction: sub_mchid": lambda value: MarkTransaction(paykit.ORDER, sub_mchid=value),
}


@pytest.mark.parametrize("spoiled", PLACES, ids=repr)
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_spoiled_credential_is_refused(entry: str, spoiled: str) -> None:
    """L-15: a spoiled credential is refused as an argument, before any request.

    The text never shows it, and a frame shows only what is no secret.
    """
    value = spoiled.format(FAKE)
    with pytest.raises(ConfigurationError) as caught:
        ENTRIES[entry](value)
    assert FAKE not in str(caught.value)
    if not entry.endswith(("appid", "mchid", "serial", "serial_no")):
        assert_no_leak(caught.value, secrets=[AES_KEY[:40], FAKE])


@pytest.mark.parametrize("spoiled", PLACES, ids=repr)
@pytest.mark.parametrize("box", [str, Secret])
@virtual
async def test_a_spoiled_token_of_a_function(spoiled: str, box: Callable[[str], Any]) -> None:
    """L-15: a function's token is checked before it is sent.

    Neither the error nor a frame shows it.
    """
    value = spoiled.format(FAKE)

    async def tokens() -> Any:
        return box(value)

    client, transport = ams_client(tokens=tokens)
    with pytest.raises(ConfigurationError, match=f"a token: .* {PLACES[spoiled]}") as caught:
        await client.send(Read())
    assert transport.requests == []
    assert_no_leak(caught.value, secrets=[FAKE])


@pytest.mark.parametrize("spoiled", PLACES, ids=repr)
@virtual
async def test_a_spoiled_refresh_token(spoiled: str) -> None:
    """L-15: a refresh token and its appid are checked before the store gets them."""
    value = spoiled.format(FAKE)
    async with component() as tokens:
        for appid, refresh in (("wx1", value), (value, "fake-refresh")):
            with pytest.raises(ConfigurationError, match=PLACES[spoiled]):
                await tokens.add_authorizer(appid, refresh)


@pytest.mark.parametrize("spoiled", [spoiled for spoiled in PLACES if "\x00" not in spoiled], ids=repr)
@pytest.mark.parametrize("name", ["TOKEN", "SECRET", "APPID"])
def test_a_spoiled_variable(name: str, spoiled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """L-15: a variable of the environment is refused by its name."""
    values = {"APPID": "wx1", "SECRET": "fake-secret"} if name == "SECRET" else {"APPID": "wx1", "TOKEN": "fake-token"}
    for other, value in {**values, name: spoiled.format(FAKE)}.items():
        monkeypatch.setenv(f"WXREVENUE_COMPONENT_{other}", value)
    with pytest.raises(ConfigurationError, match=f"the environment variable WXREVENUE_COMPONENT_{name}: .* {PLACES[spoiled]}") as caught:
        RevenueClient.from_env()
    assert FAKE not in str(caught.value)
    if name != "APPID":
        assert_no_leak(caught.value, secrets=[FAKE])


def test_a_spoiled_path_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """L-15: a line end in the ticket file's path from the environment is refused.

    It would name another file.
    """
    for name, value in (("COMPONENT_APPID", "wx1"), ("COMPONENT_SECRET", "fake-secret"), ("TICKET_FILE", "/run/my ticket\r")):
        monkeypatch.setenv(f"WXREVENUE_{name}", value)
    with pytest.raises(ConfigurationError, match="WXREVENUE_TICKET_FILE: expected printable"):
        RevenueClient.from_env()
    monkeypatch.setenv("WXREVENUE_TICKET_FILE", "/run/my ticket")
    RevenueClient.from_env()


def test_a_variable_that_an_argument_replaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument replaces the variable, which is then not read."""
    monkeypatch.setenv("WXREVENUE_COMPONENT_TOKEN", "fake-token")
    monkeypatch.setenv("WXREVENUE_COMPONENT_APPID", "wx1\n")
    assert RevenueClient.from_env(component_appid="wx2").component_appid == "wx2"


def test_what_the_server_hands_out_is_stripped() -> None:
    """White space around a token in an answer is removed, and the token is kept.

    No caller could give such a token again.
    """
    assert decode(Secret, " fake-token\n") == Secret("fake-token")


@pytest.mark.parametrize("value", ["ticket@@@a-b_c", "令牌", "a+b/c=d&e?f#g%h", "x"])
def test_any_other_character_will_do(value: str) -> None:
    """Any other character is allowed; the rule is only about wrong copies and reads."""
    assert flaw_of_credential(value) is None
