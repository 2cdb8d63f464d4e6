"""How a call travels: paths, deadlines, and what a transport may do."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import attrs
import pytest
from support.fakes import BY_SAFETY, OTHER, TOKEN, Add, Put, Read, Tokens, ams_client, answer, ratio, refusal
from support.leaks import assert_no_leak
from support.virtual import WallClock, now, virtual

from wxrevenue import (
    AmsRequest,
    ConfigurationError,
    DeadlineExceededError,
    DecodeError,
    Endpoint,
    HttpRequest,
    HttpResponse,
    LocalRateLimiter,
    NotSentError,
    OutcomeUnknownError,
    PermissionDeniedError,
    Rate,
    ResponseLostError,
    RetryPolicy,
    RevenueClient,
    Safety,
    ServerBusyError,
    WxRevenueError,
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


# -- the alternate path --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [None, RetryPolicy(max_attempts=1)], ids=["retries", "no retries"])
@virtual
async def test_the_other_path_is_tried_and_remembered(policy: RetryPolicy | None) -> None:
    """After 1736 the call is repeated on the other path within its attempt; the client and its clones remember which works."""
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
    """When the remembered path stops working the first one is tried again, and remembered."""
    script = iter([WRONG_PATH, PAGE, WRONG_PATH, PAGE, PAGE])
    client, transport = ams_client(handler=lambda _: answer(next(script)))
    for _ in range(3):
        await client.get_agency_settlement(*RANGE)
    assert paths(transport) == [NEW, OLD, OLD, NEW, NEW]


@virtual
async def test_both_paths_refused() -> None:
    """When both paths are refused the refusal surfaces after two requests, and nothing is remembered."""
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
    """Whichever of its words a server has for a call on the wrong path, the other one is tried, and remembered if it works."""
    script = iter([{envelope: code}, PAGE, PAGE])
    client, transport = ams_client(handler=lambda _: answer(next(script)))
    for _ in range(2):
        await client.get_agency_settlement(*RANGE)
    assert paths(transport) == [NEW, OLD, OLD]


@virtual
async def test_a_permission_that_is_taken_back() -> None:
    """Where one path is known to work its refusal surfaces, and not what the wrong path says; what is known stays known."""
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
    """1736 on an interface that has one path surfaces; a pinned settlement path does not move other interfaces."""
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
    """A cool-down, another token and the other path are one attempt together, with retries off."""
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


# -- deadlines -----------------------------------------------------------------------------------------------------


class Watched:
    """A transport that keeps the timeouts it was given and plays a script."""

    def __init__(self, *script: Any) -> None:
        from support.fakes import Script

        self.timeouts: list[float] = []
        self._script = Script(*script)

    async def send(self, request: HttpRequest, *, timeout: float) -> HttpResponse:
        """Play."""
        self.timeouts.append(timeout)
        return await self._script(request)

    async def aclose(self) -> None:
        """Do nothing."""


@virtual
async def test_the_transport_gets_what_remains() -> None:
    """Each exchange gets the smaller of ``timeout`` and what remains of the deadline, every wait so far deducted."""
    transport = Watched(3, NotSentError(reason="connect"), answer())
    policy = RetryPolicy(base=1.0, jitter=lambda: 1.0)
    client = RevenueClient(Tokens(TOKEN, delays=[2.0, 0.5]), transport=transport, retry=policy, timeout=4.0, deadline=9.0)
    await client.send(Read())
    assert transport.timeouts == pytest.approx([4.0, 9 - 2 - 3 - 1 - 0.5])


@pytest.mark.parametrize("safety", Safety, ids=lambda safety: safety.value)
@virtual
async def test_a_deadline_that_cuts_a_request(safety: Safety) -> None:
    """A read cut on the wire by the deadline raises DeadlineExceededError; whatever else may have acted ends unknown."""
    client, transport = ams_client(60, answer(), timeout=30.0, deadline=5.0)
    with pytest.raises(WxRevenueError) as caught:
        await client.send(BY_SAFETY[safety])
    assert now() == 5
    assert len(transport.requests) == 1
    error = caught.value
    assert error.ambiguous
    if safety is Safety.SAFE:
        assert isinstance(error, DeadlineExceededError)
        assert isinstance(error, TimeoutError)
    else:
        assert isinstance(error, OutcomeUnknownError)
        assert isinstance(error.last, DeadlineExceededError)


@virtual
async def test_a_deadline_in_the_pool() -> None:
    """A request cut by the deadline while it waited for a connection was not sent: not ambiguous, even for a write."""
    client = RevenueClient(TOKEN, transport=Watched(5, NotSentError(reason="pool")), timeout=30.0, deadline=5.0)
    with pytest.raises(DeadlineExceededError) as caught:
        await client.send(Add())
    assert not caught.value.ambiguous


@virtual
async def test_a_timeout_of_the_exchange_is_no_deadline() -> None:
    """What ``timeout`` cuts is a lost answer, which is retried."""
    client, transport = ams_client(*[60, answer()] * 3, timeout=2.0)
    with pytest.raises(ResponseLostError) as caught:
        await client.send(Read())
    assert caught.value.reason == "timeout"
    assert len(transport.requests) == 3


@virtual
async def test_other_faults_near_the_deadline_stay_what_they_are() -> None:
    """A fault that is no timeout is not taken for the deadline."""
    client, _ = ams_client(ResponseLostError(reason="reset"), deadline=5.0, retry=RetryPolicy(max_attempts=1))
    with pytest.raises(ResponseLostError):
        await client.send(Read())


@virtual
async def test_a_deadline_for_a_turn_that_took_it_all() -> None:
    """When the deadline passes in a wait for a turn, nothing is sent."""

    class Turn:
        def report(self, verdict: object) -> None: ...

        async def again(self, *, timeout: float) -> None: ...

        def release(self) -> None: ...

    class Slow:
        async def acquire(self, scope: str, *, timeout: float) -> Turn:
            await asyncio.sleep(10)
            return Turn()

        async def reopen(self, scope: str) -> None: ...

        async def aclose(self) -> None: ...

    tokens = Tokens(TOKEN)
    client, transport = ams_client(limiter=Slow(), deadline=5.0, tokens=tokens)
    with pytest.raises(DeadlineExceededError):
        await client.send(Read())
    assert not transport.requests
    assert not tokens.asked


@virtual
async def test_with_options_changes_the_deadline() -> None:
    """``with_options(deadline=…)`` gives a faster clone on the same transport."""
    client, _ = ams_client(*[60, answer()] * 2, timeout=50.0)
    with pytest.raises(DeadlineExceededError):
        await client.with_options(deadline=2.0).send(Read())
    assert now() == 2
    with pytest.raises(DeadlineExceededError):
        await client.send(Read())
    assert now() == 32


@virtual
async def test_the_clock_is_the_users() -> None:
    """The deadline is measured on the injected clock alone."""

    class Fast(WallClock):
        def monotonic(self) -> float:
            return super().monotonic() * 10

    client, _ = ams_client(1, NotSentError(reason="connect"), 3, NotSentError(reason="connect"), clock=Fast(), deadline=30.0, timeout=100.0)
    with pytest.raises(WxRevenueError) as caught:
        await client.send(Read())
    assert caught.value.attempts == 2
    assert now() < 5


# -- what a transport may do ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [RuntimeError(f"at {TOKEN}"), OSError(5, TOKEN), TimeoutError(TOKEN), ValueError(TOKEN)], ids=type)
@virtual
async def test_what_a_foreign_transport_raises(error: Exception) -> None:
    """Whatever a third party's transport raises becomes a lost answer that shows its class only, and is not retried."""
    client, transport = ams_client(error)
    with pytest.raises(ResponseLostError, match=type(error).__name__) as caught:
        await client.send(Read())
    assert len(transport.requests) == 1
    assert not caught.value.retryable
    assert_no_leak(caught.value, secrets=[TOKEN])


@virtual
async def test_one_error_raised_twice() -> None:
    """A transport that raises the same exception for two calls mixes nothing up: each call's error tells of that call alone."""
    broken = NotSentError("refused", reason="connect")
    client, _ = ams_client(*[broken] * 6, ambiguous := ResponseLostError("reset", reason="reset"), *[broken] * 5)
    with pytest.raises(NotSentError) as first:
        await client.send(Read())
    with pytest.raises(NotSentError) as second:
        await client.send(Put())
    assert first.value is not second.value
    assert (first.value.endpoint, second.value.endpoint) == (Read.endpoint.name, Put.endpoint.name)
    with pytest.raises(OutcomeUnknownError):
        await client.send(Put())
    with pytest.raises(NotSentError) as last:
        await client.send(Put())
    assert not last.value.ambiguous
    assert (broken.endpoint, broken.attempts, ambiguous.endpoint) == (None, None, None)


@virtual
async def test_a_transport_error_with_a_chain() -> None:
    """The chain and the traceback that a transport's own error carries are cut off."""

    async def handler(request: HttpRequest) -> HttpResponse:
        url = request.wire_url()
        try:
            raise OSError(url)  # noqa: TRY301  (the handling is what is played)
        except OSError as error:
            raise NotSentError("refused", reason="connect") from error

    client, _ = ams_client(handler=handler)
    with pytest.raises(NotSentError) as caught:
        await client.send(Read())
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert_no_leak(caught.value, secrets=[TOKEN])


@virtual
async def test_base_exceptions_pass() -> None:
    """A SystemExit in a transport passes, and the client can still be closed."""
    client, _ = ams_client(handler=lambda _: sys_exit())
    with pytest.raises(SystemExit):
        await client.send(Read())
    await client.aclose()


def sys_exit() -> HttpResponse:
    """Exit."""
    raise SystemExit(3)


# -- requests of a user's own --------------------------------------------------------------------------------------


@attrs.frozen
class Sum(AmsRequest[dict[str, Any]]):
    """A request with fields."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/sum", action="fake sum&x", safety=Safety.SAFE)
    left: int
    right: str = "二"


@virtual
async def test_a_users_own_request() -> None:
    """A user's class says where it goes and what it returns; its fields are the body, its action is quoted."""
    client, transport = ams_client(answer({"ret": 0, "sum": 3}), base_url="https://gateway.example/prefix/")
    assert await client.send(Sum(1)) == {"sum": 3}
    (request,) = transport.requests
    assert request.method == "POST"
    assert request.url == "https://gateway.example/prefix/fake/sum?action=fake%20sum%26x&access_token="
    assert request.body == '{"left":1,"right":"二"}'.encode()
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"


@virtual
async def test_a_request_that_does_not_say_what_it_returns() -> None:
    """A class derived from AmsRequest without brackets is a mistake that surfaces before anything is sent."""

    @attrs.frozen
    class Vague(AmsRequest):  # type: ignore[type-arg]
        endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/vague", action="fake_vague", safety=Safety.SAFE)

    client, transport = ams_client(answer())
    with pytest.raises(ConfigurationError, match="Vague"):
        await client.send(Vague())  # pyright: ignore[reportUnknownArgumentType]
    assert not transport.requests


@attrs.frozen
class Odd(AmsRequest[None]):
    """A request with a field that JSON has no word for."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/odd", action="fake_odd", safety=Safety.SAFE)
    value: object


@virtual
async def test_a_request_that_cannot_be_encoded() -> None:
    """A field that cannot be encoded fails before anything is sent, and the client can still be closed."""
    client, transport = ams_client()
    with pytest.raises((WxRevenueError, TypeError)):
        await client.send(Odd(object()))
    assert not transport.requests
    await client.aclose()


@pytest.mark.parametrize("thing", [None, "GetShareRatio", object(), Read])
@virtual
async def test_what_is_no_request(thing: Any) -> None:
    """What is no AMS request is refused before anything is sent."""
    client, transport = ams_client()
    with pytest.raises(ConfigurationError, match="AmsRequest"):
        await client.send(thing)
    assert not transport.requests


@virtual
async def test_an_answer_that_does_not_fit() -> None:
    """An answer that does not fit the model is ambiguous but not retried; a write keeps DecodeError."""
    client, transport = ams_client(answer({"ret": 0, "share_ratio": "forty"}))
    with pytest.raises(DecodeError) as caught:
        await client.get_share_ratio("wx1")
    assert (caught.value.path, caught.value.endpoint, caught.value.attempts) == ("$.share_ratio", "get_share_ratio", 1)
    assert len(transport.requests) == 1


# -- the envelope, as far as the engine goes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"ret": 2056, "err_msg": "x"}, 2056),
        ({"base_resp": {"ret": 2056, "err_msg": "x"}}, 2056),
        ({"errcode": 48001, "errmsg": "x rid: 5f5f-5f5f"}, 48001),
        ({"ret": 0, "errcode": 48001, "errmsg": "x"}, 48001),
        ({"ret": "2056"}, 2056),
        ({"ret": 0, "base_resp": {"ret": -5}}, -5),
        ({"ret": 7, "err_msg": 5}, 7),
    ],
)
@virtual
async def test_every_envelope_can_say_no(body: Any, code: int) -> None:
    """D-16: any non-zero code of the three envelopes is an error."""
    client, _ = ams_client(answer(body))
    with pytest.raises(WxRevenueError) as caught:
        await client.send(Read())
    assert getattr(caught.value, "code", None) == code
    assert getattr(caught.value, "request_id", None) == ("5f5f-5f5f" if "rid" in str(body) else None)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"ret": None}, "$.ret"),
        ({"base_resp": 5}, "$.base_resp"),
        ({"base_resp": {"ret": "x"}}, "$.base_resp.ret"),
        ({"errcode": True}, "$.errcode"),
        ([1], "$"),
        (b"null", "$"),
    ],
)
@virtual
async def test_envelopes_that_are_none(body: Any, path: str) -> None:
    """D-09, D-16: an envelope of another shape, or a code that is no integer, is a DecodeError that names the place."""
    client, _ = ams_client(answer(body))
    with pytest.raises(DecodeError) as caught:
        await client.send(Read())
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (500, {"ret": 2056, "err_msg": "x"}, WxRevenueError, 2056),
        (503, {"ret": 0}, ServerBusyError, None),
        (503, {"ret": None}, ServerBusyError, None),
        (404, b"<html>", WxRevenueError, None),
    ],
)
@virtual
async def test_statuses_that_are_no_success(status: int, body: Any, kind: Any, code: int | None) -> None:
    """T-40: the envelope of a non-2xx answer decides if there is one, else the status."""
    client, _ = ams_client(answer(body, status), retry=RetryPolicy(max_attempts=1))
    with pytest.raises(kind) as caught:
        await client.send(Put())
    assert (getattr(caught.value, "code", 0), getattr(caught.value, "status", 0)) == (code, status)


@virtual
async def test_extra_keys_of_the_envelope_are_gone_from_a_success() -> None:
    """The envelope is taken off a success before the model sees it."""
    client, _ = ams_client(answer({"ret": 0, "err_msg": "ok", "share_ratio": 5, "new": 1}))
    found = await client.get_share_ratio("wx1")
    assert found.extra == {"new": 1}


@virtual
async def test_hundred_concurrent_callers() -> None:
    """One client serves any number of concurrent callers."""
    limiter = LocalRateLimiter(rate=Rate(100))
    client, transport = ams_client(handler=lambda _: asyncio.sleep(1, ratio()), limiter=limiter)
    found = await asyncio.gather(*(client.get_share_ratio(f"wx{n}") for n in range(100)))
    assert len(found) == len(transport.requests) == 100
    assert now() == 1
