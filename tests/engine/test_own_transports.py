"""What a user's own transport may do to a call."""

from __future__ import annotations

import pytest
from support.fakes import TOKEN, Put, Read, ams_client
from support.leaks import assert_no_leak
from support.virtual import virtual

from wxrevenue import (
    HttpRequest,
    HttpResponse,
    NotSentError,
    OutcomeUnknownError,
    ResponseLostError,
)


@pytest.mark.parametrize("error", [RuntimeError(f"at {TOKEN}"), OSError(5, TOKEN), TimeoutError(TOKEN), ValueError(TOKEN)], ids=type)
@virtual
async def test_what_a_foreign_transport_raises(error: Exception) -> None:
    """Any exception of a third party's transport becomes a lost answer.

    It shows its class only, and is not retried.
    """
    client, transport = ams_client(error)
    with pytest.raises(ResponseLostError, match=type(error).__name__) as caught:
        await client.send(Read())
    assert len(transport.requests) == 1
    assert not caught.value.retryable
    assert_no_leak(caught.value, secrets=[TOKEN])


@virtual
async def test_one_error_raised_twice() -> None:
    """A transport may raise the same exception for two calls.

    Each call's error still tells of that call alone.
    """
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
