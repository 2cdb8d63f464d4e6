"""What the tests of a chapter of interfaces do with its samples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.fakes import Tokens, ams_client, answer
from wxrevenue import ConfigurationError, ResponseLostError
from wxrevenue._wire.codec import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue import AmsRequest

ONE = "wx0afc78670f000001"
"""The appid of a Mini Program."""


def body(request: AmsRequest[Any]) -> str:
    """Return the body of a request as it is on the wire."""
    found = encode(request)
    assert isinstance(found, bytes)
    return found.decode()


async def answered(request: AmsRequest[Any], *samples: str | dict[str, Any] | Exception, **options: Any) -> Any:
    """Return the results of a request that the server answers with the samples."""
    script = [one if isinstance(one, Exception) else answer(json.loads(one) if isinstance(one, str) else one) for one in samples]
    client, transport = ams_client(*script, tokens=Tokens("fake-token"), **options)
    found = await client.send(request)
    assert len(transport.requests) == len(samples)
    return found


def lost() -> ResponseLostError:
    """Return the end of a call whose answer was lost on its way."""
    return ResponseLostError("gone", reason="reset")


def refused(make: Callable[..., object], message: str, *args: Any, **given: Any) -> None:
    """Assert that a request cannot be made of these arguments.

    The reason names the argument.
    """
    with pytest.raises(ConfigurationError) as caught:
        make(*args, **given)
    assert str(caught.value) == message
