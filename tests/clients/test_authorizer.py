"""``client.authorizer("wx…")`` fixes whose token is taken."""

from __future__ import annotations

from typing import Any

import pytest
from support.fakes import TOKEN, Tokens, ams_client, answer
from support.virtual import virtual

from wxrevenue import ConfigurationError, GetSettlement, RevenueClient, Secret, TokenKind


@virtual
async def test_a_clone_fills_in_the_mini_program() -> None:
    """Methods that take an authorizer's token take the clone's Mini Program.

    An argument that is given goes first.
    """
    tokens = Tokens(TOKEN)
    client, _ = ams_client(
        answer({"ret": 0, "total_num": 0, "status": 1}), tokens=tokens, handler=lambda _: answer({"total_num": 0, "status": 1})
    )
    one = client.authorizer("wx1")
    await one.get_settlement("2024-01-01", "2024-01-31")
    await one.agency_check_can_open_publisher()
    await one.get_settlement("2024-01-01", "2024-01-31", authorizer_appid="wx2")
    await one.send(GetSettlement("2024-01-01", "2024-01-31", authorizer_appid="wx3"))
    assert [asked[:2] for asked in tokens.asked] == [(TokenKind.AUTHORIZER, f"wx{number}") for number in (1, 1, 2, 3)]
    with pytest.raises(ConfigurationError, match="takes an authorizer's token"):
        await client.get_settlement("2024-01-01", "2024-01-31")


@virtual
async def test_what_takes_the_components_token_still_does() -> None:
    """Methods of the component's token are called on the clone as on the client.

    Where ``token=`` chooses, the clone's Mini Program is taken.
    """
    tokens = Tokens(TOKEN)
    client, _ = ams_client(tokens=tokens, handler=lambda _: answer({"total_num": 0, "share_ratio": 40}))
    one = client.authorizer("wx1")
    await one.get_share_ratio("wx1")
    await one.get_agency_ads_stat("2024-01-01", "2024-01-31")
    await one.get_agency_ads_stat("2024-01-01", "2024-01-31", token=TokenKind.AUTHORIZER)
    assert [asked[:2] for asked in tokens.asked] == [
        (TokenKind.COMPONENT, None),
        (TokenKind.COMPONENT, None),
        (TokenKind.AUTHORIZER, "wx1"),
    ]


@virtual
async def test_clones_of_clones() -> None:
    """Changing options keeps the Mini Program, and the other way round.

    Closing a clone closes nothing.
    """
    tokens = Tokens(TOKEN)
    client, _ = ams_client(tokens=tokens, handler=lambda _: answer({"total_num": 0}))
    await client.authorizer("wx1").with_options(deadline=2.0).get_settlement("2024-01-01", "2024-01-31")
    await client.with_options(deadline=2.0).authorizer("wx2").authorizer("wx3").get_settlement("2024-01-01", "2024-01-31")
    await client.authorizer("wx1").aclose()
    await client.authorizer("wx4").get_settlement("2024-01-01", "2024-01-31")
    assert [asked[1] for asked in tokens.asked] == ["wx1", "wx3", "wx4"]


@pytest.mark.parametrize("appid", ["", "wx\n", "x" * 65, 5, None])
def test_an_appid_that_is_none(appid: Any) -> None:
    """An invalid appid is refused at once."""
    with pytest.raises(ConfigurationError, match=r"^RevenueClient\.authorizer: expected"):
        RevenueClient(Secret(TOKEN)).authorizer(appid)
