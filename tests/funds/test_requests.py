"""What the requests of funds distribution send, and what they refuse.

They refuse before any I/O. The samples are from WeChat's pages.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import orjson
import pytest
from support.leaks import assert_no_leak
from support.paykit import MCHID, NAMED, NOW, added, check_signature, client, error, key, signed

from wxrevenue import (
    ConfigurationError,
    DecodeError,
    Endpoint,
    FundsDistributionClient,
    PayRequest,
    PermissionDeniedError,
    RequestDistribution,
    Safety,
    Secret,
)
from wxrevenue.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "/v3/global/profit-sharing"
NUMBER = "4208450740201411110007820472"
ORDER = b'{"sub_mchid":"19","transaction_id":"42","out_order_no":"P1","order_id":"30","state":"PROCESSING","new":1}'


async def sent(call: Callable[[Any], Any], answer: bytes = ORDER, status: int = 200, **options: Any) -> Any:
    """Return the request that a call sends, and the call's result.

    The request's signature is checked.
    """
    funds, transport = client(signed(answer, status), **options)
    result = await call(funds)
    (request,) = transport.requests
    return request, result


def query(funds: FundsDistributionClient) -> Any:
    """Ask for a distribution, as the page's sample does."""
    return funds.query_distribution(out_order_no="P20150806125346", transaction_id=NUMBER, sub_mchid="1900000109")


def refunds(funds: FundsDistributionClient) -> Any:
    """Ask for a page of an order's refunds."""
    return funds.query_refunds(transaction_id="42")


def settlements(funds: FundsDistributionClient) -> Any:
    """Ask for a page of settlements."""
    return funds.query_settlement_details(settle_state="SETTLED", start_date="2026-01-01", end_date="2026-01-31")


def unfreeze(funds: FundsDistributionClient) -> Any:
    """Release the rest, as the page's sample does."""
    return funds.unfreeze_remaining_funds(transaction_id=NUMBER, out_order_no="P1", description="解冻全部剩余资金")


@pytest.mark.parametrize(
    ("call", "method", "target"),
    [
        (query, "GET", f"/orders/P20150806125346?transaction_id={NUMBER}&sub_mchid=1900000109"),
        (unfreeze, "POST", "/orders/unfreeze"),
    ],
)
async def test_targets(call: Any, method: str, target: str) -> None:
    """Numbers stand in the path, and the rest of a GET in the query.

    What is signed is what is sent.
    """
    request, order = await sent(call)
    assert (request.method, request.url.partition("weixin.qq.com")[2]) == (method, f"{PREFIX}{target}")
    check_signature(request, f"{PREFIX}{target}")
    assert (order.order_id, order.receivers, order.extra) == ("30", [], {"new": 1})


async def test_openids_are_encoded() -> None:
    """What a path cannot hold is percent-encoded once, and signed in that form."""
    answer = b'{"type":"PERSONAL_OPENID","account":"o/8?%","relation_type":"X","state":"SOMETHING"}'
    request, found = await sent(lambda funds: funds.query_receiver(account="o/8?%é", type="PERSONAL_OPENID", appid="wx8"), answer)
    target = f"{PREFIX}/receivers/o%2F8%3F%25%C3%A9?type=PERSONAL_OPENID&appid=wx8"
    assert request.url.endswith(target)
    check_signature(request, target)
    assert (found.state, found.is_effective) == ("SOMETHING", False)


async def test_a_delete_has_a_signed_body() -> None:
    """DELETE carries its JSON, which is part of what is signed; 204 is its success."""
    request, result = await sent(
        lambda funds: funds.delete_receiver(account="1900000109", type="MERCHANT_ID", sub_mchid="999968480"), b"", 204
    )
    assert (request.method, result) == ("DELETE", None)
    assert orjson.loads(request.body) == {"account": "1900000109", "sub_mchid": "999968480", "type": "MERCHANT_ID"}
    check_signature(request, f"{PREFIX}/receivers")


@pytest.mark.parametrize("key_name", ["sha256", "digest"])
async def test_an_upload_signs_its_meta_alone(key_name: str) -> None:
    """Of an upload the JSON of ``meta`` is signed, the very bytes that are sent."""
    content = bytes(range(256))
    request, file = await sent(lambda funds: funds.upload_file("licence.png", content, digest_key=key_name), b'{"file_id":"b6a17e2a"}')
    meta = orjson.dumps({"filename": "licence.png", key_name: hashlib.sha256(content).hexdigest()})
    assert file.file_id == "b6a17e2a"
    assert meta in request.body
    assert content in request.body
    assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    check_signature(attrs.evolve(request, body=meta), "/v3/global/merchant-storage/file/upload")


@pytest.mark.parametrize("sub", [None, "1900000109"])
async def test_refunds_say_who_calls(sub: str | None) -> None:
    """Refund calls name the merchant.

    They have ``mchid``, or with a sub-merchant ``sp_mchid`` and ``sp_appid``.
    """
    answer = b'{"id":"5000","out_refund_no":"R-1"}'
    amount = {"refund": 1, "total": 2}
    request, _ = await sent(
        lambda funds: funds.request_refund(out_refund_no="R-1", amount=amount, transaction_id="42", appid="wx1", extra={"from": "X"}),
        answer,
        sub_mchid=sub,
    )
    body = orjson.loads(request.body)
    who = {"mchid": MCHID, "appid": "wx1"} if sub is None else {"sp_mchid": MCHID, "sub_mchid": sub, "sp_appid": "wx1"}
    money = {"refund": 1, "total": 2, "currency": "CNY"}
    assert body == {**who, "out_refund_no": "R-1", "amount": money, "transaction_id": "42", "from": "X"}
    query, _ = await sent(lambda funds: funds.query_refund(refund_id="5/0"), answer, sub_mchid=sub)
    assert query.url.endswith(f"/v3/global/refunds/id/5%2F0?mchid={MCHID}" if sub is None else f"?sub_mchid={sub}&sp_mchid={MCHID}")


async def test_names_are_encrypted_at_every_attempt() -> None:
    """A name is sent encrypted, anew with each attempt, and is shown nowhere.

    It is sent under the serial of the key.
    """
    sandbox = Sandbox(seed=7)
    name = "fake 张三 name"
    answers = [signed(b"{}", 500), signed(ORDER, 200)]
    funds, transport = client(*answers)
    receiver: dict[str, Any] = {**NAMED, "name": name}
    request = RequestDistribution(transaction_id="42", out_order_no="P1", unfreeze_unsplit=False, receivers=[receiver], appid="wx1")
    assert "张三" not in repr(request)
    await funds.send(request)
    texts = [orjson.loads(one.body)["receivers"][0]["name"] for one in transport.requests]
    assert len(set(texts)) == 2
    assert transport.requests[0].headers["Wechatpay-Serial"].startswith("PUB_KEY_ID_")
    from base64 import b64decode

    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
    from cryptography.hazmat.primitives.hashes import SHA1

    for text in texts:
        plain = key("public").decrypt(b64decode(text, validate=True), OAEP(MGF1(SHA1()), SHA1(), None))  # noqa: S303
        assert plain.decode() == name
    assert sandbox.merchant.apiv3_key not in repr(sandbox.merchant)


async def test_sensitive_fields_need_a_key() -> None:
    """With a verifier that hands out no key nothing is sent.

    The error shows no name.
    """

    class Plain:
        async def verify(self, **_: Any) -> None: ...
        def request_serial(self) -> None: ...

    funds, transport = client(verifier=Plain())
    with pytest.raises(ConfigurationError, match="encryption_key") as caught:
        await funds.add_receiver(type="MERCHANT_ID", account="19", relation_type="SUPPLIER", name="fake secret name")
    assert transport.requests == []
    assert_no_leak(caught.value, secrets=["fake secret name"])


@attrs.frozen
class Own(PayRequest[None]):
    """A user's own request with a sensitive field."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/v3/fake", safety=Safety.SAFE)
    name: Secret = attrs.field(factory=lambda: Secret("fake"))


async def test_secrets_of_own_requests_are_encrypted() -> None:
    """A ``Secret`` in a request of a user's own is sent encrypted, never as it is."""
    request, _ = await sent(lambda funds: funds.send(Own()), b"", 204)
    assert len(orjson.loads(request.body)["name"]) > 300


def test_requests_with_extra_fields_are_values() -> None:
    """Extra fields count when requests are compared and hashed, in any order.

    Only their names are shown.
    """
    one, two = added(extra={"scene": "a", "file_id": ["1"]}), added(extra={"file_id": ["1"], "scene": "a"})
    assert one == two
    assert hash(one) == hash(two)
    assert one != added(extra={"scene": "b"})
    assert "extra=['file_id', 'scene']" in repr(one)


@pytest.mark.parametrize("call", [refunds, settlements])
async def test_a_list_under_another_name_is_not_empty(call: Callable[[Any], Any]) -> None:
    """An answer with neither list nor total is refused.

    Whoever takes it for an empty list refunds a second time.
    """
    for body in (b'{"refunds":[{"id":"50"}],"total":1}', b'{"offset":0,"limit":20}', b'{"data":null}'):
        with pytest.raises(DecodeError, match="missing: data and total_count"):
            await sent(call, body)
    for body in (b'{"data":[]}', b'{"total_count":0}', b'{"data":null,"total_count":"0"}'):
        _, found = await sent(call, body)
        assert found.data == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"transaction_id":"42","unsplit_amount":"10","currency":"CNY"}',
        b'{"transaction_id":"42","unsplit_amount":1.0}',
        b'{"transaction_id":"42"}',
    ],
)
async def test_money_is_strict(body: bytes) -> None:
    """An amount is a whole number."""
    funds, _ = client(signed(body, 200))
    with pytest.raises(DecodeError, match="unsplit_amount"):
        await funds.query_remaining_amount("42")


@pytest.mark.parametrize(("language", "sent_as"), [(None, "en"), ("zh-HK", "zh-HK")])
async def test_messages_come_in_the_language_asked_for(language: str | None, sent_as: str) -> None:
    """The client says in which language messages are.

    A language that is not documented is refused.
    """
    options: dict[str, Any] = {} if language is None else {"accept_language": language}
    request, _ = await sent(lambda funds: funds.query_remaining_amount("42"), b'{"transaction_id":"42","unsplit_amount":1}', **options)
    assert request.headers["Accept-Language"] == sent_as
    with pytest.raises(ConfigurationError, match="accept_language: expected 'en', 'zh-CN', 'zh-HK' or 'zh-TW'"):
        client(accept_language="fr")


@pytest.mark.parametrize(("late", "says"), [(400, "400 s behind"), (-400, "400 s ahead of")])
async def test_a_clock_that_is_off(late: int, says: str) -> None:
    """S-16: a refused signature is not repeated.

    The error says how far this machine's clock is from the server's.
    """
    date = format_datetime(datetime.fromtimestamp(NOW + late, UTC), usegmt=True)
    funds, transport = client(error(401, "SIGN_ERROR", Date=date))
    with pytest.raises(PermissionDeniedError, match=says) as caught:
        await funds.query_remaining_amount("42")
    assert caught.value.clock_skew == -late
    assert len(transport.requests) == 1
