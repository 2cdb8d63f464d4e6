"""What stands in for a part of aiohttp does as that part does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from support.faultserver import JSON, FaultServer, Peer, ask, head, inside, works

from wxrevenue import AiohttpTransport
from wxrevenue.errors import ResponseLostError
from wxrevenue.testing import TransportCase, transport_cases
from wxrevenue.transports._aiohttp import internals, pool, reading
from wxrevenue.transports._aiohttp import transport as own
from wxrevenue.transports._aiohttp.internals import AnswerHandler
from wxrevenue.transports._aiohttp.pool import LaterHandler, handler_for
from wxrevenue.transports._aiohttp.sending import Content

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

ROWS = {"T-01", "T-05", "T-20", "T-30", "T-37", "T-51", "T-52", "T-53"}
BODY = b'{"appid":"wx1"}'


async def test_content() -> None:
    """A body has all that one of aiohttp's own has, and the same values."""
    ours, theirs = Content(BODY), aiohttp.BytesPayload(BODY)
    assert vars(ours).keys() >= vars(theirs).keys() - {"_size"}
    for name in ("size", "headers", "content_type", "encoding", "filename", "consumed", "autoclose"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert (ours.decode(), await ours.as_bytes()) == (BODY.decode(), BODY)


async def test_middleware_reads_the_body() -> None:
    """A middleware of the caller's session can read a body, and replace it."""
    seen: list[bytes] = []

    async def signing(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        assert isinstance(request.body, aiohttp.Payload)
        seen.append(await request.body.as_bytes())
        await request.update_body(b"{}")
        return await handler(request)

    async with FaultServer(works) as server, aiohttp.ClientSession(middlewares=(signing,)) as session:
        await AiohttpTransport(session).send(ask(server.url), timeout=2.0)
        assert seen == [BODY]
        assert server.requests[-1].body == b"{}"


async def test_middleware_chooses_the_answer() -> None:
    """What a middleware of the caller's session returns is the answer.

    It is not what came last.
    """

    async def first_of_two(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        chosen = await handler(request)
        await handler(request)
        return chosen

    async def counts(peer: Peer) -> None:
        for number in range(2):
            await peer.request()
            await peer.reply(b"%d" % number)

    async with FaultServer(counts) as server, aiohttp.ClientSession(middlewares=(first_of_two,)) as session:
        assert (await AiohttpTransport(session).send(ask(server.url), timeout=2.0)).body == b"0"
        assert len(server.requests) == 2


async def test_whole_answer_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that arrives in one piece is not read from aiohttp's stream."""

    async def read(response: ClientResponse) -> None:
        raise AssertionError(response.status)

    monkeypatch.setattr(own, "read", read)
    async with FaultServer(works) as server:
        transport = AiohttpTransport()
        for _ in range(2):
            found = await transport.send(ask(server.url), timeout=2.0)
            assert (found.status, found.body) == (200, b'{"share_ratio":40}')
            assert found.header("content-length") == "18"
        await transport.aclose()


async def test_whole_answer_above_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that arrives in one piece is held to the cap, too."""
    for module in (internals, reading):
        monkeypatch.setattr(module, "LARGEST_BODY", len(JSON) - 1)
    async with FaultServer() as server:
        transport = AiohttpTransport()
        with pytest.raises(ResponseLostError, match="larger"):
            await transport.send(ask(server.url), timeout=2.0)
        await transport.aclose()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize("answer", [head(2) + b"{}", CHUNKED], ids=["whole", "in parts"])
async def test_idle_connection_holds_no_answer(answer: bytes) -> None:
    """A connection in the pool keeps neither the exchange nor its answer."""

    async def says(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        await peer.request()

    async with FaultServer(says) as server:
        transport = AiohttpTransport()
        assert (await transport.send(ask(server.url), timeout=2.0)).body == b"{}"
        [[(handler, _since)]] = inside(transport)._session.connector._conns.values()
        assert handler._exchange is None
        await transport.aclose()


def test_settings_of_a_connection() -> None:
    """An aiohttp with other settings gets a connection that passes them on."""
    known = ResponseHandler.set_response_params.__kwdefaults__ or {}
    assert handler_for(known) is AnswerHandler
    assert handler_for([*known, "another"]) is LaterHandler


@pytest.mark.parametrize("case", [case for case in transport_cases() if ROWS & set(case.ids)], ids=str)
async def test_later_aiohttp_conforms(case: TransportCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a connection passes the cases of surplus bytes and lost requests."""
    monkeypatch.setattr(pool, "HANDLER", LaterHandler)
    await case.run(AiohttpTransport)
