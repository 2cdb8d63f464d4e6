"""The calls of the authorization: what is sent, what is granted, and the links.

The links lead to a merchant's consent.
"""

from __future__ import annotations

from typing import Any

import pytest
from support.chapters import answered, body, lost, refused
from support.fakes import ams_client, answer
from support.leaks import assert_no_leak
from support.virtual import virtual

from wxrevenue import (
    ADVERTISING_PERMISSION,
    ApiError,
    Authorization,
    ConfigurationError,
    CreatePreauthCode,
    DecodeError,
    GetAuthorizerInfo,
    GetAuthorizerList,
    QueryAuth,
    RetryPolicy,
    Secret,
    WxRevenueError,
    authorization_url,
)
from wxrevenue._wire.codec import decode

CODE, PRE_CODE, ACCESS, REFRESH = "fake-auth-code+/=", "fake-pre-code+/=", "fake-access", "fake-refresh"
GRANTED: dict[str, dict[str, Any]] = {
    "authorization_info": {
        "authorizer_appid": "wxf8b4f85f3a794e77",
        "authorizer_access_token": ACCESS,
        "expires_in": 7200,
        "authorizer_refresh_token": REFRESH,
        "func_info": [
            {"funcscope_category": {"id": 135, "type": 0, "name": "n", "desc": "d"}},
            {"funcscope_category": {"id": "18"}},
            {},
        ],
    }
}


def test_sample_bodies() -> None:
    """The samples' keys, in the samples' order."""
    assert body(CreatePreauthCode("wx1")) == '{"component_appid":"wx1"}'
    assert body(QueryAuth(CODE, component_appid="wx1")) == f'{{"component_appid":"wx1","authorization_code":"{CODE}"}}'
    assert body(GetAuthorizerInfo("wx2", component_appid="wx1")) == '{"component_appid":"wx1","authorizer_appid":"wx2"}'
    assert body(GetAuthorizerList(component_appid="wx1")) == '{"component_appid":"wx1","offset":0,"count":100}'


@virtual
async def test_what_a_merchant_granted() -> None:
    """Tokens come as secrets, permission sets as numbers; the advertising set is 135."""
    found = await answered(QueryAuth(CODE), GRANTED)
    assert isinstance(found, Authorization)
    assert (found.authorizer_appid, found.expires_in) == ("wxf8b4f85f3a794e77", 7200)
    assert (found.authorizer_access_token, found.authorizer_refresh_token) == (Secret(ACCESS), Secret(REFRESH))
    assert found.permissions == {135, 18}
    assert (found.grants(ADVERTISING_PERMISSION), found.grants(17), ADVERTISING_PERMISSION) == (True, False, 135)
    assert_no_leak(found, QueryAuth(CODE), secrets=[ACCESS, REFRESH, CODE])


@virtual
async def test_what_is_not_needed_costs_no_token() -> None:
    """Permission sets of an unknown shape do not lose the refresh token beside them."""
    found = await answered(QueryAuth(CODE), {"authorization_info": {"authorizer_appid": "wx2", "authorizer_refresh_token": REFRESH}})
    assert (found.authorizer_refresh_token, found.permissions, found.expires_in) == (Secret(REFRESH), frozenset(), None)
    with pytest.raises(DecodeError) as caught:
        await answered(QueryAuth(CODE), {"authorization_info": {"authorizer_refresh_token": REFRESH}})
    assert_no_leak(caught.value, secrets=[REFRESH, CODE])


@pytest.mark.parametrize("sets", [None, "", {}, 7, [None, *GRANTED["authorization_info"]["func_info"]], [{"funcscope_category": []}, "x"]])
@virtual
async def test_permission_sets_of_any_shape(sets: Any) -> None:
    """What cannot be read of the permission sets is left out, and costs no token."""
    found = await answered(QueryAuth(CODE), {"authorization_info": {**GRANTED["authorization_info"], "func_info": sets}})
    assert (found.authorizer_access_token, found.authorizer_refresh_token) == (Secret(ACCESS), Secret(REFRESH))
    assert found.permissions == ({135, 18} if sets and sets != 7 and sets[0] is None else frozenset())


@virtual
async def test_bookkeeping_costs_nothing() -> None:
    """Times and names that cannot be read are ``None``, beside tokens that can."""
    row = {"authorizer_appid": "wx2", "refresh_token": REFRESH, "auth_time": "2018-05-16"}
    found = await answered(GetAuthorizerList(), {"total_count": 1, "list": [row]})
    assert (found.rows[0].refresh_token, found.rows[0].auth_time, found.rows[0].extra) == (
        Secret(REFRESH),
        None,
        {"auth_time": "2018-05-16"},
    )
    info = await answered(GetAuthorizerInfo("wx2"), {**GRANTED, "authorizer_info": {"nick_name": 7}})
    assert (info.authorization_info.authorizer_refresh_token, info.authorizer_info.nick_name) == (Secret(REFRESH), None)
    assert (await answered(CreatePreauthCode(), {"pre_auth_code": PRE_CODE, "expires_in": -1})).expires_in is None


@virtual
async def test_a_code_that_was_used() -> None:
    """A repeat after a lost answer is refused.

    The error says that the call may have taken effect, and shows no code.
    """
    with pytest.raises(ApiError) as caught:
        await answered(QueryAuth(CODE), lost(), {"errcode": 61009, "errmsg": f"code {CODE} is invalid"})
    assert (caught.value.code, caught.value.ambiguous) == (61009, True)
    assert_no_leak(caught.value, secrets=[CODE])


@virtual
async def test_the_other_answers() -> None:
    """A code for the link, one Mini Program, and the list with a refresh token each."""
    code = await answered(CreatePreauthCode(), {"pre_auth_code": PRE_CODE, "expires_in": 600})
    assert (code.pre_auth_code, code.expires_in) == (Secret(PRE_CODE), 600)
    granted = {"authorizer_appid": "wx2", "func_info": GRANTED["authorization_info"]["func_info"]}
    info = await answered(
        GetAuthorizerInfo("wx2"), {"authorizer_info": {"nick_name": "一", "head_img": "u"}, "authorization_info": granted}
    )
    assert (info.authorizer_info.nick_name, info.authorizer_info.extra) == ("一", {"head_img": "u"})
    assert info.authorization_info.grants(135)
    assert info.authorization_info.authorizer_access_token is None
    row = {"authorizer_appid": "wx2", "refresh_token": REFRESH, "auth_time": 1558000607}
    found = await answered(GetAuthorizerList(), {"total_count": 33, "list": [row, {"authorizer_appid": "wx3"}]})
    assert (found.total, [one.key for one in found.rows]) == (33, ["wx2", "wx3"])
    assert (found.rows[0].refresh_token, found.rows[0].auth_time, found.rows[1].refresh_token) == (Secret(REFRESH), 1558000607, None)
    assert found.rows[0].fingerprint() != found.rows[1].fingerprint()
    assert (await answered(GetAuthorizerList(), {"total_count": 0})).rows == []
    assert_no_leak(code, info, found, secrets=[PRE_CODE, REFRESH])


@virtual
async def test_the_client_knows_who_it_is() -> None:
    """A request without ``component_appid`` gets the client's.

    A client without one raises before it sends anything.
    """
    client, transport = ams_client(answer({"pre_auth_code": PRE_CODE}), answer(GRANTED), answer({"total_count": 0}), component_appid="wx9")
    await client.create_preauth_code()
    await client.query_auth(Secret(CODE))
    await client.get_authorizer_list(0, count=500, component_appid="wx8")
    assert [one.body for one in transport.requests] == [
        b'{"component_appid":"wx9"}',
        f'{{"component_appid":"wx9","authorization_code":"{CODE}"}}'.encode(),
        b'{"component_appid":"wx8","offset":0,"count":500}',
    ]
    client, transport = ams_client(component_appid=None)
    with pytest.raises(ConfigurationError, match=r"QueryAuth\.component_appid: expected an appid") as caught:
        await client.query_auth(CODE)
    assert transport.requests == []
    assert_no_leak(caught.value, secrets=[CODE])


@virtual
async def test_a_code_stays_in_no_frame() -> None:
    """L-19: a code handed to a method shows in no traceback.

    This holds where the request cannot be made, is refused, or is lost.
    """
    client, _ = ams_client(answer({"errcode": 61010, "errmsg": "x"}), lost(), retry=RetryPolicy(max_attempts=1))
    no_appid: Any = ""
    for given in ({"component_appid": no_appid}, {}, {}):
        with pytest.raises(WxRevenueError) as caught:
            await client.query_auth(CODE, **given)
        assert_no_leak(caught.value, secrets=[CODE])


def test_limits() -> None:
    """Codes, appids and counts are checked by name."""
    wrong: Any = 5
    refused(lambda: CreatePreauthCode(""), "CreatePreauthCode.component_appid: expected 1 to 64 characters, got 0")
    refused(lambda: GetAuthorizerInfo(wrong), "GetAuthorizerInfo.appid: expected a str, got int")
    refused(lambda: GetAuthorizerList(-1), "GetAuthorizerList.offset: expected 0 or more, got -1")
    refused(lambda: GetAuthorizerList(count=501), "GetAuthorizerList.count: expected 1 to 500, got 501")
    refused(lambda: QueryAuth(""), "QueryAuth.authorization_code: expected a value that is not empty")
    with pytest.raises(ConfigurationError) as caught:
        QueryAuth(CODE, component_appid="")
    assert_no_leak(caught.value, secrets=[CODE])
    assert isinstance(decode(Authorization, []), DecodeError)


# -- links -----------------------------------------------------------------------------------------


def test_the_two_links() -> None:
    """The documents' links, every parameter percent-encoded."""
    given = ("wx1", "preauthcode@@@A+b/c=", "https://example.com/back?x=1&y=二")
    tail = (
        "component_appid=wx1&pre_auth_code=preauthcode%40%40%40A%2Bb%2Fc%3D"
        "&redirect_uri=https%3A%2F%2Fexample.com%2Fback%3Fx%3D1%26y%3D%E4%BA%8C&auth_type=2"
    )
    assert authorization_url(*given) == f"https://mp.weixin.qq.com/cgi-bin/componentloginpage?{tail}"
    assert authorization_url(*given, in_wechat=True) == (
        f"https://open.weixin.qq.com/wxaopen/safe/bindcomponent?action=bindcomponent&no_scan=1&{tail}#wechat_redirect"
    )
    assert authorization_url(given[0], Secret(given[1]), given[2], biz_appid="wx2", auth_type=3).endswith("&auth_type=3&biz_appid=wx2")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"component_appid": ""}, "component_appid: expected a value that is not empty"),
        ({"redirect_uri": "example.com"}, "redirect_uri: expected an http(s) URL"),
        ({"auth_type": 4}, "auth_type: expected 1 (official accounts), 2 (Mini Programs) or 3 (both)"),
        ({"auth_type": True}, "auth_type: expected 1 (official accounts), 2 (Mini Programs) or 3 (both)"),
        ({"auth_type": 2.0}, "auth_type: expected 1 (official accounts), 2 (Mini Programs) or 3 (both)"),
        ({"in_wechat": "no"}, "in_wechat: expected a bool, got str"),
        ({"biz_appid": 5}, "biz_appid: expected a str, got int"),
        ({"pre_auth_code": ""}, "pre_auth_code: expected a value that is not empty"),
        ({"pre_auth_code": 5}, "pre_auth_code: expected a str or a Secret, got int"),
    ],
)
def test_links_that_are_none(changes: dict[str, Any], message: str) -> None:
    """A wrong argument is named, and no code shows in the error."""
    given: dict[str, Any] = {"component_appid": "wx1", "pre_auth_code": PRE_CODE, "redirect_uri": "https://example.com", **changes}
    with pytest.raises(ConfigurationError) as caught:
        authorization_url(**given)
    assert str(caught.value) == f"authorization_url.{message}"
