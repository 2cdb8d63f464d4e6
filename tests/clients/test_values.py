"""What clients show and return beside results.

These are their text, raw answers, signatures, and a FastAPI response.
"""

from __future__ import annotations

import inspect
from datetime import date
from decimal import Decimal
from types import NoneType
from typing import Any

import pytest
from fastapi import FastAPI
from support.fakes import COMPONENT, OTHER, TOKEN, ams_client, answer, ratio, refusal
from support.leaks import assert_no_leak
from support.serving import serve_asgi

from wxrevenue import (
    Answer,
    ConfigurationError,
    FundsDistributionClient,
    GetAgencySettlement,
    GetShareRatio,
    MarkTransaction,
    RevenueClient,
    SettlementPage,
    ShareRatio,
    StaticVerifier,
    TooFastError,
)
from wxrevenue.sandbox import Sandbox


async def test_texts_of_clients() -> None:
    """A client's text says whose it is, and where it sends.

    It also says whether the client is a clone or closed. It shows no token.
    """
    client, _ = ams_client(base_url="https://gateway.example")
    assert repr(client) == f"<RevenueClient of {COMPONENT} at gateway.example>"
    clone = client.with_options(component_appid=OTHER)
    assert repr(clone) == f"<RevenueClient of {OTHER} at gateway.example, a clone>"
    await client.aclose()
    assert repr(client) == f"<RevenueClient of {COMPONENT} at gateway.example, closed>"
    assert_no_leak(repr(client), repr(clone), secrets=[TOKEN])


def test_texts_of_half_made_clients() -> None:
    """A traceback can print a client whose constructor failed."""
    assert repr(RevenueClient.__new__(RevenueClient)) == "<RevenueClient, half made>"


async def test_texts_of_walks_and_sandboxes() -> None:
    """A paginator says what it walks over and how far it is, a sandbox what it holds."""
    sandbox = Sandbox(components=2)
    appid = sandbox.components[0]
    client = RevenueClient(sandbox.tokens(appid), component_appid=appid, transport=sandbox.transport())
    walk = client.iter_agency_settlement("2024-01-01", "2024-01-31")
    assert repr(walk) == f"<Paginator over get_agency_settled_revenue of {appid}, 0 rows so far>"
    rows = await walk.collect()
    assert f", {len(rows)} rows so far>" in repr(walk)
    assert repr(sandbox) == f"<Sandbox of 2 providers, on {sandbox.today}>"


async def test_send_raw() -> None:
    """The answer has value, status and headers.

    Cookies and tokens are left out, and names are in small letters.
    """
    headers = {"X-Seen": f"token {TOKEN}", "Set-Cookie": "fake-cookie", "Request-ID": "r-1"}
    client, transport = ams_client(answer({"ret": 0, "share_ratio": 40}, headers=headers))
    found: Answer[ShareRatio] = await client.send_raw(GetShareRatio("wx1"))
    assert (found.value, found.status) == (ShareRatio(Decimal(40)), 200)
    assert dict(found.headers) == {"x-seen": "token ***", "request-id": "r-1"}
    assert repr(found) == "<Answer 200 ShareRatio headers=['x-seen', 'request-id']>"
    assert len(transport.requests) == 1


async def test_send_raw_is_a_call_as_any() -> None:
    """``send_raw`` is retried and raises as ``send``.

    It shares limiter and closed state.
    """
    client, transport = ams_client(refusal(-202), ratio(30), refusal(1737), deadline=5.0)
    assert (await client.send_raw(GetShareRatio("wx1"))).value.share_ratio == 30
    with pytest.raises(TooFastError):
        await client.send_raw(GetShareRatio("wx1"))
    with pytest.raises(TooFastError):  # the gate is the client's own
        await client.get_share_ratio("wx1")
    assert len(transport.requests) == 3
    wrong: Any = MarkTransaction("P20150806125346")
    with pytest.raises(ConfigurationError, match=r"send_raw: expected an AmsRequest, got MarkTransaction"):
        await client.send_raw(wrong)


async def test_send_raw_of_funds() -> None:
    """WeChat Pay's answers come with their headers, the signature's among them."""
    sandbox = Sandbox()
    merchant = sandbox.merchant
    verifier = StaticVerifier(merchant.platform_keys)
    options: Any = {"sub_mchid": merchant.sub_mchids[0], "transport": sandbox.transport()}
    async with FundsDistributionClient(merchant.mchid, merchant.serial_no, merchant.private_key, verifier=verifier, **options) as funds:
        found = await funds.send_raw(MarkTransaction("P20150806125346"))
        wrong: Any = GetShareRatio("wx1")
        with pytest.raises(ConfigurationError, match="expected a PayRequest"):
            await funds.send_raw(wrong)
    assert (found.value, found.status) == (None, 204)
    assert "wechatpay-signature" in found.headers


def test_signatures_have_types() -> None:
    """``help`` and editors see types, not strings.

    ``authorizer_appid`` stands only where it is taken.
    """
    own = inspect.signature(RevenueClient.get_share_ratio)
    assert own.parameters["appid"].annotation is str
    assert (own.return_annotation, list(own.parameters)) == (ShareRatio, ["self", "appid"])
    walk = inspect.signature(RevenueClient.get_settlement)
    assert walk.parameters["start_date"].annotation == str | date
    assert walk.parameters["authorizer_appid"].annotation == str | None
    assert walk.return_annotation is SettlementPage
    ratio_of = inspect.signature(RevenueClient.set_share_ratio)
    assert (ratio_of.parameters["share_ratio"].annotation, ratio_of.return_annotation) == (int | Decimal, NoneType)


@pytest.mark.parametrize("client", [RevenueClient, FundsDistributionClient])
def test_no_shortcut_has_a_text_for_a_type(client: type) -> None:
    """No parameter of a shortcut has a str in place of its type."""
    shortcuts = [
        name for name in vars(client) if not name.startswith("_") and type(inspect.getattr_static(client, name)).__name__ == "shortcut"
    ]
    for name in shortcuts:
        for parameter in inspect.signature(getattr(client, name)).parameters.values():
            assert not isinstance(parameter.annotation, str), f"{name}: {parameter}"


def test_from_env_refuses_what_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting is answered with the nearest name.

    The error comes before the environment is read.
    """
    monkeypatch.setenv("WXREVENUE_COMPONENT_TOKEN", TOKEN)
    wrong: Any = {"dedline": 2.0}
    with pytest.raises(ConfigurationError, match=r"RevenueClient\.from_env: 'dedline' .*did you mean 'deadline'\?"):
        RevenueClient.from_env(**wrong)


async def test_misspelt_arguments() -> None:
    """A wrong keyword is a ``TypeError`` under the method's name.

    It names the nearest argument.
    """
    client, _ = ams_client()
    wrong: Any = {"page_sze": 20}
    with pytest.raises(
        TypeError, match=r"get_agency_settlement\(\) got an unexpected keyword argument 'page_sze'. Did you mean 'page_size'\?"
    ):
        await client.get_agency_settlement("2024-01-01", "2024-01-31", **wrong)
    with pytest.raises(ConfigurationError, match=r"iter_settlement\.start_date: .*write 2024-01-01"):
        client.iter_settlement("20240101", "2024-01-31", authorizer_appid="wx1")


async def test_models_are_fastapi_responses() -> None:
    """An application returns a model as it is.

    The response and its documentation have the wire's names.
    """
    app = FastAPI()

    @app.get("/settlements")
    async def settlements() -> SettlementPage:
        client, _ = ams_client(answer({"total_num": 1, "settlement_list": [{"month": "202401", "order": 1, "settled_revenue": 5}]}))
        return await client.send(GetAgencySettlement("2024-01-01", "2024-01-15"))

    import aiohttp

    async with serve_asgi(app, "/settlements") as url, aiohttp.ClientSession() as session:
        async with session.get(url) as response:
            body = await response.json()
        async with session.get(url.replace("/settlements", "/openapi.json")) as response:
            described = await response.json()
    assert (body["total_num"], body["settlement_list"][0]["settled_revenue"]) == (1, 5)
    schema = described["paths"]["/settlements"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema["properties"]["total_num"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
