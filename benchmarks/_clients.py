"""The clients of R1, each with its own call and a bare call of its HTTP library.

Each is used as its documentation says. Every call of a pair gets the same answer from the same
server over a kept-alive connection.
"""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import aiohttp
import attrs
import orjson
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from benchmarks._answers import settlement_page
from benchmarks._measure import module
from benchmarks.call import Sides
from benchmarks.decoders import cattrs_structure, contents
from wxrevenue import AiohttpTransport, FundsDistributionClient, PemSigner, StaticVerifier

if TYPE_CHECKING:
    from collections.abc import Mapping

Call: TypeAlias = Callable[[], Awaitable[Any]]
_TOKEN: Final = "fake-token-of-a-usual-length_" + 128 * "x"
_QUERY: Final = {"start_date": "2020-01-01", "end_date": "2020-12-31", "page": 1, "page_size": 20}
_PARAMS: Final = {"action": "get_agency_settled_revenue", "access_token": _TOKEN}
_PATH: Final = "/wxa/operationams"


@attrs.frozen
class Client:
    """A client that is measured.

    Args:
        whole: the client's own call.
        bare: a call of the HTTP library that it uses, which parses the same answer.
        same: whether both results say the same.
    """

    whole: Call
    bare: Call
    same: Callable[[Any, Any], bool]


@attrs.frozen
class Answer:
    """What a client's server says: about 1 KB."""

    body: bytes
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])


@attrs.frozen
class Candidate:
    """A client that can be measured where it is installed.

    Args:
        packages: the modules it needs.
        library: the HTTP library that it uses.
        answer: the key of the answer that it is given.
        open: makes it, for the base URL of its server.
    """

    packages: tuple[str, ...]
    library: str
    answer: str
    open: Callable[[str], AbstractAsyncContextManager[Client]]

    def missing(self) -> str | None:
        """Return the first module that is not installed."""
        return next((name for name in self.packages if module(name) is None), None)


# -- the answers -----------------------------------------------------------------------------------

_KEY: Final = generate_private_key(public_exponent=65537, key_size=2048)
_PRIVATE: Final = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
_PUBLIC: Final = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
_KEY_ID: Final = "PUB_KEY_ID_0119000000010000000000000001"
_FILLER: Final = 16 * "a text of usual length, which makes the answer as long as a page. "


def _signed(body: bytes) -> Answer:
    now, nonce = str(int(time.time())), "fa4e0001"
    signature = _KEY.sign(f"{now}\n{nonce}\n{body.decode()}\n".encode(), PKCS1v15(), SHA256())
    headers = {"Timestamp": now, "Nonce": nonce, "Serial": _KEY_ID, "Signature": b64encode(signature).decode()}
    headers["Signature-Type"] = "WECHATPAY2-SHA256-RSA2048"
    return Answer(body, {f"Wechatpay-{name}": value for name, value in headers.items()})


def answers() -> dict[str, Answer]:
    """Return the answers by name.

    The signed one is signed now, because it is good for five minutes.
    """
    receiver = {"amount": 100, "description": "分给平台", "type": "MERCHANT_ID", "account": "1900000109"}
    receiver |= {"result": "SUCCESS", "create_time": "2026-03-01T10:00:00+08:00"}
    receiver |= {"finish_time": "2026-03-01T10:00:01+08:00", "detail_id": "3600001"}
    order = {"transaction_id": "4208450740201411110007820472", "out_order_no": "P20260301", "order_id": "300845"}
    message = {"role": "assistant", "content": _FILLER, "refusal": None}
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_772_000_000,
        "model": "a-model",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30},
    }
    customer = {"id": "cus_1", "object": "customer", "created": 1_772_000_000, "description": _FILLER}
    customer |= {"metadata": {"number": "1"}, "address": {"city": "深圳", "country": "CN"}, "livemode": False}
    return {
        "page": Answer(settlement_page(2)),
        "completion": Answer(orjson.dumps(completion)),
        "customer": Answer(orjson.dumps(customer)),
        "order": _signed(orjson.dumps({**order, "state": "FINISHED", "receivers": 4 * [receiver]})),
    }


# -- the clients -----------------------------------------------------------------------------------


@asynccontextmanager
async def ours(base_url: str) -> AsyncGenerator[Client]:
    """Give our client, which fetches a page."""
    both = Sides(base_url)
    structure = cattrs_structure()
    yield Client(both.ours, both.rival, lambda page, found: contents(page) == contents(structure(found)))
    await both.aclose()


@asynccontextmanager
async def composition(base_url: str) -> AsyncGenerator[Client]:
    """Give what one builds first: backoff, aiolimiter and plain cattrs, on aiohttp."""
    import backoff
    from aiolimiter import AsyncLimiter

    structure, limiter = cattrs_structure(), AsyncLimiter(10**9, 60)
    async with aiohttp.ClientSession() as session:

        async def bare() -> Any:
            async with session.post(base_url + _PATH, params=_PARAMS, json=_QUERY) as response:
                return orjson.loads(await response.read())

        @backoff.on_exception(backoff.expo, (aiohttp.ClientError, TimeoutError), max_tries=3)
        async def whole() -> Any:
            async with limiter, session.post(base_url + _PATH, params=_PARAMS, json=_QUERY) as response:
                response.raise_for_status()
                found = orjson.loads(await response.read())
            if found["ret"] != 0:
                raise RuntimeError(found["err_msg"])
            return structure(found)

        yield Client(whole, bare, lambda page, found: contents(page) == contents(structure(found)))


@asynccontextmanager
async def openai(base_url: str) -> AsyncGenerator[Client]:
    """Give openai-python: its client, which validates answers with pydantic."""
    httpx2 = module("httpx2")
    request = {"model": "a-model", "messages": [{"role": "user", "content": "Say it."}]}
    headers = {"Authorization": "Bearer fake-key"}
    client = module("openai").AsyncOpenAI(api_key="fake-key", base_url=f"{base_url}/v1")
    async with client, httpx2.AsyncClient() as session:

        async def bare() -> Any:
            response = await session.post(f"{base_url}/v1/chat/completions", json=request, headers=headers)
            return json.loads(response.content)

        async def whole() -> Any:
            return await client.chat.completions.create(**request)

        yield Client(whole, bare, lambda result, found: result.to_dict() == found)


@asynccontextmanager
async def stripe(base_url: str) -> AsyncGenerator[Client]:
    """Give stripe-python on aiohttp, the leanest of the HTTP libraries that it offers."""
    library = module("stripe")
    headers = {"Authorization": "Bearer sk_test_fake"}
    async with aiohttp.ClientSession() as session, aiohttp.ClientSession() as its_own:
        http = library.AIOHTTPClient(session=its_own)
        client = library.StripeClient("sk_test_fake", http_client=http, base_addresses={"api": base_url})

        async def bare() -> Any:
            async with session.get(f"{base_url}/v1/customers/cus_1", headers=headers) as response:
                return json.loads(await response.read())

        async def whole() -> Any:
            return await client.v1.customers.retrieve_async("cus_1")

        yield Client(whole, bare, lambda result, found: result.to_dict() == found)


_ORDER: Final = ("P20260301", "4208450740201411110007820472")


@asynccontextmanager
async def ours_signed(base_url: str) -> AsyncGenerator[Client]:
    """Give our client of WeChat Pay: it signs, and verifies the answer."""
    transport = AiohttpTransport()
    options: dict[str, Any] = {"verifier": StaticVerifier({_KEY_ID: _PUBLIC}), "transport": transport, "base_url": base_url}
    async with (
        FundsDistributionClient("1900000001", "FA4E0001", PemSigner(_PRIVATE), **options) as client,
        aiohttp.ClientSession() as session,
    ):

        async def bare() -> Any:
            async with session.get(f"{base_url}/v3/x?transaction_id=1") as response:
                return json.loads(await response.read())

        async def whole() -> Any:
            return await client.query_distribution(out_order_no=_ORDER[0], transaction_id=_ORDER[1])

        yield Client(whole, bare, lambda order, found: [one.detail_id for one in order.receivers] == _details(found))
    await transport.aclose()


@asynccontextmanager
async def wechatpayv3(base_url: str) -> AsyncGenerator[Client]:
    """Give wechatpayv3: it signs, and verifies the answer."""
    library, httpx = module("wechatpayv3.async_"), module("httpx")
    keys = {"private_key": _PRIVATE, "cert_serial_no": "FA4E0001", "public_key": _PUBLIC, "public_key_id": _KEY_ID}
    names = {"wechatpay_type": library.WeChatPayType.MINIPROG, "mchid": "1900000001", "appid": "wx1", "apiv3_key": 32 * "k"}
    async with library.AsyncWeChatPay(**keys, **names) as client, httpx.AsyncClient() as session:
        client._core._gate_way = base_url  # noqa: SLF001  (nothing else leads it to a server of one's own)

        async def bare() -> Any:
            return json.loads((await session.get(f"{base_url}/v3/x?transaction_id=1")).content)

        async def whole() -> Any:
            status, message = await client.profitsharing_order_query(_ORDER[1], _ORDER[0])
            assert status == 200
            return json.loads(message)

        yield Client(whole, bare, lambda order, found: order == found)


def _details(order: dict[str, Any]) -> list[str]:
    return [one["detail_id"] for one in order["receivers"]]


@asynccontextmanager
async def wechatpy(base_url: str) -> AsyncGenerator[Client]:
    """Give wechatpy, which blocks, in a thread, as an asyncio program has to call it."""
    requests = module("requests")
    client = module("wechatpy").WeChatClient("wx1", "fake-secret", access_token=_TOKEN)
    with requests.Session() as session:

        async def bare() -> Any:
            return json.loads(session.post(base_url + _PATH, params=_PARAMS, json=_QUERY).content)

        def post() -> Any:
            return client.post(base_url + _PATH, params={"action": _PARAMS["action"]}, data=_QUERY)

        async def whole() -> Any:
            return await asyncio.to_thread(post)

        yield Client(whole, bare, lambda result, found: result == found)


OURS: Final = Candidate((), "aiohttp", "page", ours)
OURS_SIGNED: Final = Candidate((), "aiohttp", "order", ours_signed)
RIVALS: Final[Mapping[str, Candidate]] = {
    "backoff + aiolimiter + cattrs": Candidate(("aiolimiter",), "aiohttp", "page", composition),
    "openai": Candidate(("openai", "httpx2"), "httpx2", "completion", openai),
    "stripe": Candidate(("stripe",), "aiohttp", "customer", stripe),
    "wechatpayv3": Candidate(("wechatpayv3", "httpx", "aiofiles"), "httpx", "order", wechatpayv3),
    "wechatpy in threads": Candidate(("wechatpy",), "requests", "page", wechatpy),
}
"""The rivals by name."""
