"""An interface with two paths: the other one is tried, and remembered."""

from __future__ import annotations

from typing import Any

import pytest
from support.fakes import OTHER, TOKEN, Tokens, ams_client, answer, refusal
from support.virtual import now, virtual

from wxrevenue import (
    ConfigurationError,
    Endpoint,
    HttpRequest,
    HttpResponse,
    PermissionDeniedError,
    RetryPolicy,
    RevenueClient,
)

NEW, OLD = "/wxa/operationams", "/wxa/getdefaultamsinfo"


PAGE: dict[str, Any] = {"ret": 0, "settlement_list": [], "total_num": 0}


RANGE = ("2020-01-01", "2020-01-31")


WRONG_PATH = {"ret": 1736, "err_msg": "inner error thirdid is empty"}


def lives_on(path: str) -> Any:
    """Return a server on which the agency settlement lives on that path."""

    def handler(request: HttpRequest) -> HttpResponse:
        return answer(PAGE if f"{path}?" in request.url else WRONG_PATH)

    return handler


def paths(transport: Any) -> list[str]:
    """Return the path of each request."""
    return [request.url.partition("?")[0].partition(".com")[2] for request in transport.requests]


@pytest.mark.parametrize("policy", [None, RetryPolicy(max_attempts=1)], ids=["retries", "no retries"])
@virtual
async def test_the_other_path_is_tried_and_remembered(policy: RetryPolicy | None) -> None:
    """After 1736 the call is repeated on the other path within its attempt.

    The client and its clones remember the path that works.
    """
    told: list[Any] = []
    client, transport = ams_client(handler=lives_on(OLD), retry=policy, on_event=told.append)
    before = client.with_options(tokens="fake-token-other", component_appid=OTHER)
    await client.get_agency_settlement(*RANGE)
    assert told[-1].attempts == 1
    assert paths(transport) == [NEW, OLD]
    for one in (client, before, client.with_options(timeout=1.0)):
        await one.get_agency_settlement(*RANGE)
    assert paths(transport)[2:] == [OLD] * 3


@virtual
async def test_the_remembered_path_may_move_back() -> None:
    """When the remembered path stops working the first one is tried again.

    It is then the one that is remembered.
    """
    script = iter([WRONG_PATH, PAGE, WRONG_PATH, PAGE, PAGE])
    client, transport = ams_client(handler=lambda _: answer(next(script)))
    for _ in range(3):
        await client.get_agency_settlement(*RANGE)
    assert paths(transport) == [NEW, OLD, OLD, NEW, NEW]


@virtual
async def test_both_paths_refused() -> None:
    """When both paths are refused the error surfaces after two requests.

    Nothing is remembered.
    """
    client, transport = ams_client(handler=lambda _: answer(WRONG_PATH))
    for _ in range(2):
        with pytest.raises(PermissionDeniedError) as caught:
            await client.get_agency_settlement(*RANGE)
        assert caught.value.code == 1736
    assert paths(transport) == [NEW, OLD, NEW, OLD]


@pytest.mark.parametrize("code", [1736, 48001, 61014, 61015, 45010])
@pytest.mark.parametrize("envelope", ["ret", "errcode"])
@virtual
async def test_every_code_of_a_wrong_path(code: int, envelope: str) -> None:
    """The other path is tried after every code for a wrong path.

    A server has several such codes. The path is remembered if it works.
    """
    script = iter([{envelope: code}, PAGE, PAGE])
    client, transport = ams_client(handler=lambda _: answer(next(script)))
    for _ in range(2):
        await client.get_agency_settlement(*RANGE)
    assert paths(transport) == [NEW, OLD, OLD]


@virtual
async def test_a_permission_that_is_taken_back() -> None:
    """A permission that is taken back surfaces where a path is known to work.

    The wrong path's answer does not surface. The known path stays known.
    """
    script = iter([WRONG_PATH, PAGE, {"errcode": 48001}, WRONG_PATH, PAGE])
    client, transport = ams_client(handler=lambda _: answer(next(script)))
    await client.get_agency_settlement(*RANGE)
    with pytest.raises(PermissionDeniedError) as caught:
        await client.get_agency_settlement(*RANGE)
    assert caught.value.code == 48001
    await client.get_agency_settlement(*RANGE)
    assert paths(transport) == [NEW, OLD, OLD, NEW, OLD]


@pytest.mark.parametrize("wrong", [1736, "1736", None])
def test_alternate_on_is_a_set(wrong: Any) -> None:
    """An endpoint of a user's own names the codes as a set."""
    with pytest.raises(ConfigurationError, match="alternate_on: expected a set of codes"):
        Endpoint(path="/a", alternate="/b", alternate_on=wrong)


@pytest.mark.parametrize("path", [NEW, OLD])
@virtual
async def test_a_pinned_path(path: str) -> None:
    """``settlement_path`` pins the path: no other is tried."""
    client, transport = ams_client(handler=lambda _: answer(WRONG_PATH), settlement_path=path)
    with pytest.raises(PermissionDeniedError):
        await client.get_agency_settlement(*RANGE)
    assert paths(transport) == [path]


@virtual
async def test_interfaces_without_an_alternate_are_not_moved() -> None:
    """1736 surfaces on an interface that has one path.

    A remembered settlement path does not move other interfaces.
    """
    client, transport = ams_client(handler=lambda _: answer(WRONG_PATH), settlement_path=NEW)
    with pytest.raises(PermissionDeniedError):
        await client.get_share_ratio("wx1")
    assert paths(transport) == [OLD]


@pytest.mark.parametrize("path", ["/elsewhere", "", 5, ["/wxa/operationams"]])
def test_paths_that_cannot_be_pinned(path: Any) -> None:
    """Only the two documented paths can be pinned."""
    with pytest.raises(ConfigurationError, match="settlement_path"):
        RevenueClient(TOKEN, settlement_path=path)


@virtual
async def test_all_three_repeats_in_one_attempt() -> None:
    """A cool-down, another token and the other path are one attempt together.

    Retries are off.
    """
    tokens = Tokens("fake-token-1", "fake-token-2")
    client, transport = ams_client(
        refusal(1737),
        refusal(40001),
        answer(WRONG_PATH),
        refusal(1737),
        answer(PAGE),
        tokens=tokens,
        retry=RetryPolicy(max_attempts=1),
        deadline=200.0,
    )
    await client.get_agency_settlement(*RANGE)
    assert now() == 120
    assert paths(transport) == [NEW, NEW, NEW, OLD, OLD]
