"""What a server may send in a body, through whole calls.

The result is a model, or one of the package's errors.
"""

from __future__ import annotations

import pytest
from support.fakes import TOKEN, Tokens, ams_client, answer
from support.leaks import assert_no_leak
from support.own_read import Everything, ReadEverything
from support.virtual import virtual

from wxrevenue import (
    ComponentTokens,
    DecodeError,
    MemoryTicketStore,
    MemoryTransport,
    RetryPolicy,
    Ticket,
    TokenKind,
    TokenUnavailableError,
    TooFastError,
)

VALUE = "fake-value-123"
ROW = {"month": "202003", "order": 1, "settled_revenue": 5, "slot_revenue": [{"slot_id": "S", "slot_settled_revenue": 5}]}


async def read(body: bytes) -> tuple[Everything | DecodeError, int]:
    """Return the result of a call whose server keeps sending a body.

    Return how many requests there were, too. Check that nothing shows.
    """
    transport_client, transport = ams_client(handler=lambda _: answer(body), retry=RetryPolicy(jitter=lambda: 0.0))
    try:
        found = await transport_client.send(ReadEverything())
    except DecodeError as caught:
        assert_no_leak(caught, secrets=[VALUE, TOKEN])
        return caught, len(transport.requests)
    return found, len(transport.requests)


# -- no JSON ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="D-01 empty"),
        pytest.param(b'{"ret":0,"word":"fake-value-123"', id="D-01 cut"),
        pytest.param(b'{"ret":0}fake-value-123', id="D-01 something behind it"),
        pytest.param(b"{'ret':0,'word':'fake-value-123'}", id="D-01 single quotes"),
        pytest.param(b'{"ret":0,"share":NaN}', id="D-04 NaN"),
        pytest.param(b'{"ret":0,"share":-Infinity}', id="D-04 infinity"),
        pytest.param(b'{"ret":0,"share":1e400}', id="D-04 1e400"),
        pytest.param(b"[" * 100_000, id="D-07 open arrays"),
        pytest.param(b'{"ret":0,"new":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="D-07 nested arrays"),
        pytest.param(b'{"new":' * 100_000 + b"0" + b"}" * 100_000, id="D-07 nested objects"),
    ],
)
@virtual
async def test_bodies_that_are_no_json(body: bytes) -> None:
    """D-01 D-04 D-07: a body that is no JSON is refused as such.

    A read asks again, and the error shows no part of the body.
    """
    found, requests = await read(body)
    assert isinstance(found, DecodeError)
    assert (found.path, found.retryable, found.ambiguous, requests) == ("$", True, True, 3)


def odd(text: str) -> dict[str, bytes]:
    """Return a string in the ways in which servers were seen to send it.

    Some more ways are added.
    """
    return {
        "control characters": text.replace(" ", "\n").encode(),
        "a mark in front": b"\xef\xbb\xbf" + text.encode(),
        "GBK": text.replace(" ", "过快").encode("gbk"),
        "UTF-16": text.encode("utf-16"),
        "no text": text.encode().replace(b" ", b"\xff\x80"),
        "half a surrogate pair": text.replace(" ", "\\ud83d").encode(),
    }


ODD = pytest.mark.parametrize("how", sorted(odd("")))


@ODD
@virtual
async def test_odd_bytes_of_a_page(how: str) -> None:
    """D-02 D-03 D-08: the money comes through with the first request."""
    found, requests = await read(odd('{"ret":0,"err_msg":"all right","fen":12345}')[how])
    assert isinstance(found, Everything)
    assert (found.fen, requests) == (12345, 1)


@ODD
@virtual
async def test_odd_bytes_of_a_refusal_close_the_gate(how: str) -> None:
    """D-02 D-03 D-08: 1737 closes the scope for every caller.

    The bytes of its message do not matter.
    """
    transport_client, transport = ams_client(handler=lambda _: answer(odd('{"ret":1737,"err_msg":"too fast"}')[how]), deadline=5.0)
    for _ in range(2):
        with pytest.raises(TooFastError) as caught:
            await transport_client.send(ReadEverything())
        assert caught.value.retry_after is not None
    assert len(transport.requests) == 1


@ODD
@virtual
async def test_odd_bytes_of_a_refusal_replace_the_token(how: str) -> None:
    """D-02 D-03 D-08: 40001 brings another token, whatever its message."""
    refused = answer(odd('{"errcode":40001,"errmsg":"invalid credential"}')[how])
    transport_client, transport = ams_client(refused, answer({"fen": 1}), tokens=Tokens(TOKEN, "fake-token-2"))
    assert (await transport_client.send(ReadEverything())).fen == 1
    assert len(transport.requests) == 2


@ODD
@virtual
async def test_odd_bytes_of_a_token_refusal(how: str) -> None:
    """D-02 D-03 D-08: the error for a token that cannot be fetched has its code.

    There is one request.
    """
    tickets = MemoryTicketStore()
    await tickets.put(Ticket("fake-ticket", 1.0))
    refused = answer(odd('{"errcode":61005,"errmsg":"component ticket is expired"}')[how])
    transport = MemoryTransport(lambda _: refused)
    async with ComponentTokens("wx1", "fake-secret", tickets=tickets, transport=transport) as tokens:
        with pytest.raises(TokenUnavailableError, match="61005"):
            await tokens.get(TokenKind.COMPONENT, None, timeout=5.0)
    assert len(transport.requests) == 1


# -- JSON that does not fit ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param(b'["fake-value-123"]', "$", id="D-09 list"),
        pytest.param(b'"fake-value-123"', "$", id="D-09 text"),
        pytest.param(b"null", "$", id="D-09 null"),
        pytest.param(b'"{\\"ret\\":0}"', "$", id="D-09 JSON in a text"),
        pytest.param(b'{"word":5}', "$.word", id="D-10 number for a text"),
        pytest.param(b'{"fen":1.9}', "$.fen", id="D-11 fraction"),
        pytest.param(b'{"fen":1.0}', "$.fen", id="D-11 whole fraction"),
        pytest.param(b'{"fen":true}', "$.fen", id="D-11 boolean"),
        pytest.param(b'{"fen":" 12_000 "}', "$.fen", id="D-11 text"),
        pytest.param('{"fen":"１２"}'.encode(), "$.fen", id="D-11 full-width digits"),  # noqa: RUF001
        pytest.param(b'{"fen":"12"}', "$.fen", id="D-11 digits"),
        pytest.param(b'{"on":"false"}', "$.on", id="D-12 text"),
        pytest.param(b'{"on":"0"}', "$.on", id="D-12 digit"),
        pytest.param(b'{"on":2}', "$.on", id="D-12 number"),
        pytest.param(b'{"numbers":"123"}', "$.numbers", id="D-13 text"),
        pytest.param(b'{"numbers":{"1":1,"2":2}}', "$.numbers", id="D-13 object"),
        pytest.param(b'{"numbers":1}', "$.numbers", id="D-13 number"),
        pytest.param(b'{"numbers":[1,"2"]}', "$.numbers[1]", id="D-13 text inside"),
        pytest.param(b'{"share":"nan"}', "$.share", id="D-14 nan"),
        pytest.param(b'{"share":"Infinity"}', "$.share", id="D-14 infinity"),
        pytest.param(b'{"share":"0.5"}', "$.share", id="D-14 number as text"),
        pytest.param(b'{"share":true}', "$.share", id="D-14 boolean"),
        pytest.param(b'{"ret":"fake-value-123"}', "$.ret", id="D-16 code that is no number"),
        pytest.param(b'{"fen":"fake-value-123"}', "$.fen", id="D-17 value in the text"),
        pytest.param(b'{"fen":18446744073709551616}', "$.fen", id="D-18 above 64 bits"),
        pytest.param(b'{"fen":-9223372036854775809}', "$.fen", id="D-18 below 64 bits"),
        pytest.param(b'{"fen":1' + b"0" * 300 + b"}", "$.fen", id="D-06 300 digits"),
    ],
)
@virtual
async def test_json_that_does_not_fit(body: bytes, path: str) -> None:
    """D-09 D-10 D-11 D-12 D-13 D-14 D-16 D-17 D-18: JSON that does not fit.

    Such JSON is refused at its place, by path, and not asked for again. No value shows.
    """
    found, requests = await read(body)
    assert isinstance(found, DecodeError)
    assert (found.path, found.retryable, found.ambiguous, requests) == (path, False, True, 1)


@virtual
async def test_five_thousand_digits() -> None:
    """D-06: an integer of absurd length is refused, not computed."""
    found, _ = await read(b'{"fen":' + b"9" * 5_000 + b"}")
    assert isinstance(found, DecodeError)


@virtual
async def test_null_is_no_text() -> None:
    """D-10: a null is an absent value, and never becomes the text None.

    Where a value is required the call fails.
    """
    found, _ = await read(b'{"word":null}')
    assert found == Everything()
    revenue, _ = ams_client(answer({"ret": 0, "total_num": 1, "settlement_list": [{**ROW, "month": None}]}))
    with pytest.raises(DecodeError) as caught:
        await revenue.get_agency_settlement("2020-03-01", "2020-03-16", page=1, page_size=20)
    assert caught.value.path == "$.settlement_list[0].month"


@pytest.mark.parametrize("name", ["month", "order", "settled_revenue"])
@virtual
async def test_what_is_required(name: str) -> None:
    """D-15: a required field that is missing is an error that names it.

    No default replaces it.
    """
    row = {key: value for key, value in ROW.items() if key != name}
    revenue, _ = ams_client(answer({"ret": 0, "total_num": 1, "settlement_list": [ROW, row]}))
    with pytest.raises(DecodeError) as caught:
        await revenue.get_agency_settlement("2020-03-01", "2020-03-16", page=1, page_size=20)
    assert (caught.value.path, caught.value.message) == (f"$.settlement_list[1].{name}", "missing")


# -- JSON that fits --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'{"ret":1737,"ret":0,"fen":1,"fen":2}', Everything(fen=2), id="D-05 the last of equal keys"),
        pytest.param(b'{"on":true}', Everything(on=True), id="D-12 boolean"),
        pytest.param(b'{"share":1}', Everything(share=1.0), id="D-14 whole number"),
        pytest.param(b'{"ret":"0","errcode":0,"base_resp":{"ret":0}}', Everything(), id="D-16 three times success"),
        pytest.param(b"{}", Everything(), id="D-16 no code at all"),
        pytest.param(b'{"fen":1000000000000000}', Everything(fen=10**15), id="D-18 10^15"),
        pytest.param(b'{"fen":-5}', Everything(fen=-5), id="D-18 negative"),
        pytest.param(b'{"fen":-9223372036854775808}', Everything(fen=-(2**63)), id="D-18 smallest"),
        pytest.param(b'{"fen":9223372036854775808}', Everything(fen=2**63), id="D-18 more than a signed column takes"),
        pytest.param(b'{"word":"\\ud83d\\ude00"}', Everything(word="\U0001f600"), id="D-08 pair of surrogates"),
    ],
)
@virtual
async def test_json_that_fits(body: bytes, expected: Everything) -> None:
    """D-05 D-16 D-18: odd but clear answers are taken, exactly."""
    assert (await read(body))[0] == expected


@virtual
async def test_what_nobody_announced() -> None:
    """D-15: unknown fields are kept as they came.

    So are those nested as deep as the parser allows, which ``repr`` leaves out.
    """
    found, _ = await read(b'{"fen":1,"new":' + b"[" * 500 + b'"fake-value-123"' + b"]" * 500 + b"}")
    assert isinstance(found, Everything)
    deep = found.extra["new"]
    for _ in range(500):
        (deep,) = deep
    assert deep == VALUE
    assert VALUE not in repr(found)
