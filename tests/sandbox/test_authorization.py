"""The sandbox's authorizations: codes, and the merchants behind them.

A code can be redeemed once.
"""

from __future__ import annotations

import pytest
from support.provider import Provider, code_of
from support.virtual import virtual

from wxrevenue import ADVERTISING_PERMISSION, GetAuthorizerAccessToken


@virtual
async def test_a_code_is_redeemed_once() -> None:
    """A code brings the tokens of its Mini Program, once.

    Used again it is invalid; too old it has expired.
    """
    provider = Provider()
    code, late = (provider.sandbox.authorization_code(provider.programs[1]) for _ in range(2))
    found = await provider.client.query_auth(code)
    assert (found.authorizer_appid, found.grants(ADVERTISING_PERMISSION)) == (provider.programs[1], True)
    assert found.authorizer_refresh_token is not None
    assert found.authorizer_refresh_token.reveal() == provider.sandbox.refresh_token(provider.programs[1])
    await provider.client.send(GetAuthorizerAccessToken(provider.appid, provider.programs[1], found.authorizer_refresh_token))
    assert await code_of(provider.client.query_auth(code)) == 61009
    provider.now += 3600
    assert await code_of(provider.client.query_auth(late)) == 61010
    assert await code_of(Provider(1).client.query_auth(provider.sandbox.authorization_code(provider.programs[0]))) == 61009


@virtual
async def test_the_code_of_a_push_can_be_redeemed() -> None:
    """A push brings a code that can be redeemed for its Mini Program."""
    provider = Provider()
    provider.sandbox.authorization_push(provider.appid, provider.programs[0])
    assert (await provider.client.query_auth(f"sandbox-code-{provider.programs[0]}-1")).authorizer_appid == provider.programs[0]


@virtual
async def test_who_authorized_the_provider() -> None:
    """All Mini Programs of the provider authorized it, each with a refresh token.

    An unknown one did not.
    """
    provider = Provider()
    first = await provider.client.get_authorizer_list(count=3)
    rest = await provider.client.get_authorizer_list(3)
    assert tuple(row.authorizer_appid for row in (*first.rows, *rest.rows)) == provider.programs
    assert (first.total, first.rows[0].refresh_token is not None) == (4, True)
    info = await provider.client.get_authorizer_info(provider.programs[0])
    assert info.authorization_info.authorizer_appid == provider.programs[0]
    assert info.authorization_info.permissions == {135, 18}
    assert await code_of(provider.client.get_authorizer_info("wx1")) == 61003


@pytest.mark.parametrize("appid", ["wx1", "wxc000000000000001"])
@virtual
async def test_who_asks(appid: str) -> None:
    """The body names the provider that the token belongs to."""
    provider = Provider()
    assert (await provider.client.create_preauth_code()).expires_in == 600
    assert await code_of(provider.client.create_preauth_code(appid)) == 40013
