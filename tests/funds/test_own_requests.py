"""Requests of a user's own: what fits into a path, a query and a body.

Other values fit into none.
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import pytest
from support.paykit import check_signature, client, signed

from wxrevenue import ConfigurationError, Endpoint, PayRequest, ReceiverType, Safety, Secret

SAID = signed(b'{"x":1}', 200)
BASE = "https://apihk.mch.weixin.qq.com"


@attrs.frozen(kw_only=True)
class Own(PayRequest[dict[str, Any]]):
    """A request that the package does not ship."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/v3/global/own/{a}/of/{b}", method="GET", safety=Safety.SAFE)

    a: Any
    b: Any = "b"
    c: Any = None


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ({"a": "x/y"}, "/v3/global/own/x%2Fy/of/b"),
        ({"a": "x?y#z"}, "/v3/global/own/x%3Fy%23z/of/b"),
        ({"a": "100%"}, "/v3/global/own/100%25/of/b"),
        ({"a": "%2F"}, "/v3/global/own/%252F/of/b"),
        ({"a": "é 中"}, "/v3/global/own/%C3%A9%20%E4%B8%AD/of/b"),
        ({"a": "{b}"}, "/v3/global/own/%7Bb%7D/of/b"),
        ({"a": "..x"}, "/v3/global/own/..x/of/b"),
        ({"a": 7, "c": 7}, "/v3/global/own/7/of/b?c=7"),
        ({"a": "1", "c": True}, "/v3/global/own/1/of/b?c=true"),
        ({"a": "1", "c": False}, "/v3/global/own/1/of/b?c=false"),
        ({"a": "1", "c": ReceiverType.MERCHANT_ID}, "/v3/global/own/1/of/b?c=MERCHANT_ID"),
        ({"a": "1", "c": "x y&z=+/é"}, "/v3/global/own/1/of/b?c=x%20y%26z%3D%2B%2F%C3%A9"),
    ],
)
async def test_paths_and_queries(given: dict[str, Any], target: str) -> None:
    """A field is one segment of the path, or one value of the query.

    This holds whatever it contains. What is signed is what is sent.
    """
    funds, transport = client(SAID)
    await funds.send(Own(**given))
    (request,) = transport.requests
    assert request.wire_url() == BASE + target
    check_signature(request, target)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"a": ""}, "Own.a: expected a str that can stand in a path"),
        ({"a": "."}, "Own.a: expected a str that can stand in a path"),
        ({"a": ".."}, "Own.a: expected a str that can stand in a path"),
        ({"a": None}, "Own.a: expected a str that can stand in a path"),
        ({"a": Secret("fake")}, "Own.a: expected a str that can stand in a path"),
        ({"a": "1", "b": ["x"]}, "Own.b: expected a str that can stand in a path"),
        ({"a": "1", "c": Secret("fake")}, "Own.c: expected a str, a number or a bool in a query, got Secret"),
        ({"a": "1", "c": ["x"]}, "Own.c: expected a str, a number or a bool in a query, got list"),
        ({"a": "1", "c": 1.5}, "Own.c: expected a str, a number or a bool in a query, got float"),
        ({"a": "1", "c": b"x"}, "Own.c: expected a str, a number or a bool in a query, got bytes"),
    ],
)
async def test_what_no_path_and_no_query_can_hold(given: dict[str, Any], says: str) -> None:
    """A value that no path and no query can hold is named, and nothing is sent.

    It is a segment that leads elsewhere, or stars in the place of a secret.
    """
    funds, transport = client(SAID)
    with pytest.raises(ConfigurationError, match=says):
        await funds.send(Own(**given))
    assert transport.requests == []
