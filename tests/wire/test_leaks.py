"""No way of failing shows a secret.

The search covers every error that a call can end with.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pytest
from support.fakes import BY_SAFETY, TOKEN, Put, Read, Tokens, ams_client, answer
from support.leaks import assert_no_leak
from support.virtual import virtual

from wxrevenue import (
    HttpRequest,
    HttpResponse,
    NotSentError,
    ResponseLostError,
    RetryPolicy,
    RevenueClient,
    Safety,
    Secret,
    TokenKind,
    WxRevenueError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ENCODED = quote(TOKEN, safe="")
BODY = "fake-private-body"
SECRETS = [TOKEN, BODY]


def chained(request: HttpRequest) -> HttpResponse:
    """Fail the way an HTTP library does.

    The URL is in the text, the arguments, the chain and the locals.
    """
    url = request.wire_url()
    try:
        raise OSError(5, url)  # noqa: TRY301  (the handling is what is played)
    except OSError as error:
        raise RuntimeError(f"cannot reach {url}") from error


def noted(request: HttpRequest) -> HttpResponse:
    """Raise an error of the package during the handling of another."""
    url = request.wire_url()
    try:
        raise ValueError(url)  # noqa: TRY301
    except ValueError:
        raise ResponseLostError("lost", reason="reset")  # noqa: B904


def grouped(request: HttpRequest) -> HttpResponse:
    """Raise a group, as a happy-eyeballs connector does."""
    raise ExceptionGroup(request.wire_url(), [OSError(request.wire_url())])


def raw(url: str) -> str:
    """Return the token in a URL as it was before it was encoded."""
    return unquote(url.rpartition("=")[2])


def echoed(body: Callable[[str], Any], status: int = 200) -> Callable[[HttpRequest], HttpResponse]:
    """Answer with the request's URL in the body, as error pages do."""

    def handler(request: HttpRequest) -> HttpResponse:
        return answer(body(request.wire_url()), status)

    return handler


def refused(code: int, form: Callable[[str], str]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer with a code and a message that shows the token in some form."""
    return echoed(lambda url: {"ret": code, "err_msg": f"at {form(url)} end"})


FORMS: dict[str, Callable[[str], str]] = {
    "the URL": str,
    "the raw token": raw,
    "the parameter": lambda url: f"access_token={raw(url)}",
}
FAULTS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "foreign error": chained,
    "own error in a handler": noted,
    "group": grouped,
    **{
        f"{code} echoing {name}": refused(code, form)
        for code in (-1, 1700, 1736, 1737, 2056, 40001, 41001, 45009, 48001, 987654)
        for name, form in FORMS.items()
    },
    **{f"HTTP {status}": echoed(lambda url: f"<html>{url}</html>".encode(), status) for status in (302, 400, 404, 429, 500, 502)},
    "HTTP 500 with an envelope": echoed(lambda url: {"errcode": 40001, "errmsg": url}, 500),
    "not JSON": echoed(lambda url: f"{BODY} {url}".encode()),
    "cut JSON": echoed(lambda url: f'{{"ret": 0, "x": "{BODY} {url}'.encode()),
    "a list": echoed(lambda url: [BODY, url]),
    "a strange code": echoed(lambda url: {"ret": f"{BODY} {url}"}),
    "a strange message": echoed(lambda url: {"ret": 5, "err_msg": {BODY: url}}),
    "a model that does not fit": echoed(lambda url: {"ret": 0, "share_ratio": f"{BODY} {url}"}),
    "broken UTF-8": lambda request: answer(b'{"ret": "' + BODY.encode() + b'\xff"}'),
    "not sent": lambda request: raised(NotSentError("refused", reason="connect")),
}


def raised(error: Exception) -> HttpResponse:
    """Raise an exception."""
    raise error


@pytest.mark.parametrize("fault", FAULTS)
@virtual
async def test_no_failure_shows_a_secret(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    """U1, L-01, L-02, L-08, L-14: no failure shows token or body.

    The places are the error, its chain, its frames, the log and the events.
    """
    told: list[Any] = []
    sources: dict[str, Any] = {"fixed": TOKEN, "listed": Tokens(TOKEN, Secret(TOKEN + "2")), "function": token}
    for tokens in sources.values():
        client, _ = ams_client(handler=FAULTS[fault], tokens=tokens, on_event=told.append, retry=RetryPolicy(jitter=lambda: 0.0))
        calls = [client.send(BY_SAFETY[safety]) for safety in Safety] + [client.get_share_ratio("wx1")]
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(ends[-1], WxRevenueError)
        assert_no_leak(*ends, *told, client, secrets=[*SECRETS, TOKEN + "2"], caplog=caplog)


async def token() -> str:
    """Return the token as a user's own cache does."""
    return TOKEN


@virtual
async def test_a_cancelled_exchange_shows_nothing() -> None:
    """A call cancelled on the wire has no frame, no context and no URL."""
    client, _ = ams_client(handler=hang)
    call = asyncio.create_task(client.send(Put()))
    await asyncio.sleep(1)
    call.cancel()
    (end,) = await asyncio.gather(call, return_exceptions=True)
    assert isinstance(end, asyncio.CancelledError)
    assert_no_leak(end, secrets=SECRETS)


async def hang(request: HttpRequest) -> HttpResponse:
    """Wait for ever with the URL in a local."""
    url = request.wire_url()
    await asyncio.sleep(60)
    return answer({"ret": 0, "url": url})


@virtual
async def test_a_users_own_exception_shows_nothing_of_ours() -> None:
    """A user's exception passes through frames of the package that hold no token."""

    class Source(Tokens):
        async def reject(self, kind: TokenKind, appid: str | None, token: Secret | str) -> None:
            raise LookupError("mine")

    client, _ = ams_client(answer({"ret": 40001}), tokens=Source(TOKEN))
    with pytest.raises(LookupError) as caught:
        await client.send(Read())
    assert_no_leak(caught.value, secrets=SECRETS)


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": -1},
        {"base_url": "nowhere"},
        {"retry": 5},
        {"component_appid": "\n"},
        {"settlement_path": "/x"},
        {"on_event": 5},
        {"page_deadline": 0},
    ],
    ids=lambda options: next(iter(options)),
)
def test_constructors_that_raise_show_nothing(options: Any) -> None:
    """A constructor that refuses an option shows no token.

    The token was given as a plain str.
    """
    makers: tuple[Any, ...] = (RevenueClient, RevenueClient("fake-token-0").with_options)
    for make in makers:
        with pytest.raises(WxRevenueError) as caught:
            make(**{"tokens": TOKEN, **options})
        assert_no_leak(caught.value, secrets=SECRETS)


def test_the_oracle_finds_what_it_should() -> None:
    """The search finds text, arguments, attributes, contexts, locals and encodings."""
    for show in (
        RuntimeError(TOKEN),
        RuntimeError(ENCODED),
        RuntimeError(5, [{"x": TOKEN}]),
        {"a": [TOKEN]},
        linked("__cause__"),
        linked("__context__"),
        ExceptionGroup("x", [ValueError(TOKEN)]),
        attributed(),
    ):
        with pytest.raises(AssertionError, match="a secret shows"):
            assert_no_leak(show, secrets=[TOKEN])


def linked(name: str) -> Exception:
    """Return an error with a context."""
    error = RuntimeError()
    setattr(error, name, ValueError(ENCODED.lower()))
    return error


def attributed() -> Exception:
    """Return an error with an attribute."""
    error = RuntimeError()
    error.url = TOKEN  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    return error


def test_the_oracle_looks_at_locals() -> None:
    """The search finds locals in frames that are not a test's."""
    from wxrevenue.errors import one_of

    with pytest.raises(ValueError, match="unpack") as caught:
        one_of(())
    assert_no_leak(caught.value, secrets=[TOKEN])
    with pytest.raises(TypeError) as wrong:
        one_of(Unlucky())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(AssertionError, match="a secret shows"):
        assert_no_leak(wrong.value, secrets=[TOKEN])


class Unlucky:
    """An object whose repr shows a secret and whose attributes cannot be read."""

    def __repr__(self) -> str:
        return TOKEN
