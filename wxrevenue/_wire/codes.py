"""What the servers' codes mean and what to do about them.

To add a code, add a row. Sources: the error tables of the AMS pages (流量主代运营), the gateway's return
codes, and the overseas funds-distribution pages of WeChat Pay. ``original`` keeps WeChat's own
words, so that a search for them lands here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypedDict, Unpack

from wxrevenue import errors as e

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue._base.json_types import JsonValue

    class _Facts(TypedDict, total=False):
        """What else is known of an error."""

        detail: JsonValue
        request_id: str | None
        retry_after: float | None
        meaning: str | None
        solution: str | None


class CodeRow(NamedTuple):
    """One code.

    The error class it raises, its meaning, what to do about it, and WeChat's own words.
    """

    kind: type[e.ApiError]
    meaning: str
    remedy: str
    original: str = ""


_WRONG_TOKEN = "Probably the wrong kind of token for this path: the split and agency-settlement interfaces take the component's token, /wxa/operationams an authorizer's"  # noqa: S105
_NEW_TOKEN = "The client asks for another token once by itself; if that fails too, make sure that one process alone refreshes it."  # noqa: S105
_ALLOW_IP = "Add the caller's public IP to the whitelist in the WeChat console."
_SIGN = "Check the merchant number, the certificate serial, the private key and this machine's clock (5 minutes at most)."

CODES: Mapping[int | str, CodeRow] = {
    # AMS
    -202: CodeRow(e.ServerBusyError, "internal error", "Try again in a while.", "内部错误"),
    1700: CodeRow(e.InvalidParameterError, "bad parameter", "Check the parameters against the interface's page.", "参数错误"),
    1701: CodeRow(e.InvalidParameterError, "bad parameter", "Check the parameters against the interface's page.", "参数错误"),
    1735: CodeRow(e.AgreementUnsignedError, "the merchant has not completed the agreement", "Have the merchant sign in the authorization flow.", "商户未完成协议签署流程"),
    1736: CodeRow(e.PermissionDeniedError, "no provider is attached to this token on this path", f"{_WRONG_TOKEN}; or the interface lives on another path.", "inner error thirdid is empty"),
    1737: CodeRow(e.TooFastError, "operating too fast", "Wait one minute before the next call. The client does so by itself where deadline= is longer than that.", "操作过快"),
    1803: CodeRow(e.ApiError, "an ad unit of this name exists", "Choose another name, or use the unit that there is: GetAdunitList finds it.", "广告单元名称重复"),
    1807: CodeRow(e.AccountNotOpenError, "not a valid publisher account", "Open the publisher account for this appid first (AgencyCreatePublisher).", "无效流量主"),
    2008: CodeRow(e.ApiError, "the switch was used less than an hour ago", "Try again after one hour; GetCoverAdposStatus says when (next_open_time).", "开关时间间隔限制"),
    2009: CodeRow(e.AccountNotOpenError, "not a valid publisher account", "Open the publisher account for this appid first (AgencyCreatePublisher).", "无效流量主"),
    2013: CodeRow(e.ApiError, "the publisher threshold (1,000 unique visitors) is not met", "Try again on another day: nothing but more visitors helps.", "未满足开通流量主门槛"),
    2021: CodeRow(e.ApiError, "the publisher account is open already", "Nothing to do.", "已开通流量主"),
    2035: CodeRow(e.ApiError, "more blocked advertisers of a type than allowed", "Remove some before adding others: 20 official accounts, 10 iOS apps, 10 Android apps, 20 Mini Programs are allowed.", "超过某类型广告主屏蔽上限"),
    2056: CodeRow(e.AccountNotOpenError, "the provider has no account in the monetization zone", "Open the service in the monetization zone of the third-party platform console.", "服务商未在变现专区开通账户"),
    2061: CodeRow(e.ApiError, "no custom ratio is set for this appid", "Set one with SetCustomShareRatio, or use the default ratio.", "不存在为该appid设置的个性化分成比例"),
    2067: CodeRow(e.ApiError, "the cover ad is on already", "Nothing to do.", "已开通无需再开通"),
    2068: CodeRow(e.ApiError, "the publisher account was opened just now", "Try again in one hour.", "新开通流量主"),
    # The gateway in front of every api.weixin.qq.com interface
    -1: CodeRow(e.ServerBusyError, "system busy", "Try again in a while.", "系统繁忙"),
    40001: CodeRow(e.TokenError, "invalid credential: the token is invalid or not the latest", _NEW_TOKEN, "invalid credential"),
    40013: CodeRow(e.InvalidParameterError, "invalid appid", "Check the appid.", "invalid appid"),
    40014: CodeRow(e.TokenError, "invalid access_token", _NEW_TOKEN, "invalid access_token"),
    40125: CodeRow(e.InvalidParameterError, "invalid appsecret", "Check the secret in the WeChat console.", "invalid appsecret"),
    40164: CodeRow(e.PermissionDeniedError, "the caller's IP is not in the whitelist", _ALLOW_IP, "invalid ip, not in whitelist"),
    41001: CodeRow(e.TokenError, "access_token missing", "Give the client a token.", "access_token missing"),
    41002: CodeRow(e.InvalidParameterError, "appid missing", "Give the appid.", "appid missing"),
    41004: CodeRow(e.InvalidParameterError, "secret missing", "Give the secret.", "appsecret missing"),
    41021: CodeRow(e.TokenError, "component_access_token missing", "Give the client a component token.", "component_access_token missing"),
    42001: CodeRow(e.TokenError, "access_token expired", _NEW_TOKEN, "access_token expired"),
    42006: CodeRow(e.TokenError, "component_access_token expired", _NEW_TOKEN, "component_access_token expired"),
    43002: CodeRow(e.InvalidParameterError, "the interface wants POST", "Something between you and WeChat changed the request.", "require POST method"),
    44002: CodeRow(e.InvalidParameterError, "empty body", "Something between you and WeChat changed the request.", "empty post data"),
    45009: CodeRow(e.QuotaExceededError, "the quota of calls is spent", "Wait until midnight in Beijing (until then one call tries every ten minutes), or reset the quota and call limiter.reopen(scope).", "reach max api daily quota limit"),
    45010: CodeRow(e.InvalidParameterError, "unknown action", "The account may not use this action, or its name is wrong.", "not supported action for your appid"),
    45011: CodeRow(e.TooFastError, "calls come too frequently", "Wait one minute before the next call. The client does so by itself where deadline= is longer than that.", "api minute-quota reach limit"),
    45035: CodeRow(e.PermissionDeniedError, "the caller's IP is not in the whitelist", _ALLOW_IP, "access clientip is not registered"),
    47001: CodeRow(e.InvalidParameterError, "the body is not JSON", "Something between you and WeChat changed the request.", "data format error"),
    47002: CodeRow(e.InvalidParameterError, r"the body holds \uXXXX escapes", "Send UTF-8 as it is.", "data format error"),
    48001: CodeRow(e.PermissionDeniedError, "unauthorized: permission not granted", f"{_WRONG_TOKEN}; or the permission set was not granted.", "api unauthorized"),
    48004: CodeRow(e.PermissionDeniedError, "the interface is banned for this account", "See the message centre of the account.", "api forbidden for irregularities"),
    48017: CodeRow(e.PermissionDeniedError, "a retired entry address was used", "Resolve the host by DNS; do not pin addresses.", ""),
    50001: CodeRow(e.PermissionDeniedError, "the account is not authorized for the interface", "Grant the permission set.", "user unauthorized"),
    50002: CodeRow(e.PermissionDeniedError, "the account is limited", "See the message centre of the account.", "user limited"),
    61003: CodeRow(e.PermissionDeniedError, "the component is not authorized by this account", "Have the account authorize the component.", "component is not authorized by this account"),
    61004: CodeRow(e.PermissionDeniedError, "the caller's IP is not registered for the component", _ALLOW_IP, "access clientip is not registered"),
    61005: CodeRow(e.TokenError, "the component's ticket expired", "Wait for the next push (every ten minutes), or start the push.", "component ticket is expired"),
    61006: CodeRow(e.TokenError, "the component's ticket is invalid", "Wait for the next push (every ten minutes), or start the push.", "component ticket is invalid"),
    61007: CodeRow(e.PermissionDeniedError, "the account did not grant this interface to the component", "Renew the authorization with the permission set.", "api is unauthorized to component"),
    61009: CodeRow(e.InvalidParameterError, "the authorization code is invalid", "Have the account authorize again.", "code is invalid"),
    61010: CodeRow(e.InvalidParameterError, "the authorization code expired", "Have the account authorize again.", "code is expired"),
    61011: CodeRow(e.InvalidParameterError, "invalid component", "Check the component's appid.", "invalid component"),
    61014: CodeRow(e.PermissionDeniedError, "the component's token is required", _WRONG_TOKEN + ".", "must use component token for component api"),
    61015: CodeRow(e.PermissionDeniedError, "an authorizer's token is required", _WRONG_TOKEN + ".", "must use api token for api"),
    61017: CodeRow(e.PermissionDeniedError, "the function category is not granted", "Renew the authorization with the permission set.", "function category of API need be confirmed by component"),
    61023: CodeRow(e.TokenError, "the authorizer's refresh token is invalid", "Read it again from the authorizer list, or have the account authorize again.", "refresh_token is invalid"),
    61024: CodeRow(e.PermissionDeniedError, "a component's token comes from api_component_token only", "Do not call /cgi-bin/token for a component.", ""),
    61028: CodeRow(e.PermissionDeniedError, "the component is not published", "Publish the third-party platform.", ""),
    # WeChat Pay (overseas)
    "INVALID_REQUEST": CodeRow(e.InvalidParameterError, "the request does not fit the transaction's state", "Currency must be CNY, and a mark must come before the order is paid."),
    "PARAM_ERROR": CodeRow(e.InvalidParameterError, "bad parameter", "Check the parameters; detail.field names the one."),
    "SIGN_ERROR": CodeRow(e.PermissionDeniedError, "the request's signature was refused", _SIGN),
    "NO_AUTH": CodeRow(e.PermissionDeniedError, "the merchant may not use funds distribution", "Sign the overseas funds-distribution product (it works from the next day), check that sub_mchid belongs to you, and that no receiver's overseas permission was taken away as a punishment."),
    "ORDER_NOT_EXIST": CodeRow(e.ApiError, "no such order", "Check the order number."),
    "RESOURCE_NOT_EXISTS": CodeRow(e.ApiError, "there is no such thing", "Check the number, and sub_mchid."),
    "NOT_FOUND": CodeRow(e.ApiError, "there is no such thing, or no such path", "Check the number; a bill's link is good for 30 seconds."),
    "NO_STATEMENT_EXIST": CodeRow(e.ApiError, "there is no bill of that day", "If something was distributed on that day, ask again after 10 o'clock in the morning of the next one."),
    "STATEMENT_CREATING": CodeRow(e.ServerBusyError, "the bill is being made", "Ask again later, after 10 o'clock in the morning of the next day."),
    "NOT_ENOUGH": CodeRow(e.ApiError, "the balance is too small for the refund", "Repeat later with the same out_refund_no."),
    "OUT_REFUND_NO_USED": CodeRow(e.InvalidParameterError, "the number of the refund was used with other values", "Repeat a refund with the same values; give another one a number of its own."),
    "BIZERR_NEED_RETRY": CodeRow(e.ServerBusyError, "the server asks for the same request again", "Repeat with the same numbers."),
    "SYSTEM_ERROR": CodeRow(e.ServerBusyError, "the server broke down", "Repeat with the same numbers."),
    "SYSTEMERROR": CodeRow(e.ServerBusyError, "the server broke down", "Repeat with the same numbers."),
    "SERVICE_UNAVAILABLE": CodeRow(e.ServerBusyError, "the service is not available", "Repeat with the same numbers."),
    "RATE_LIMITED": CodeRow(e.ServerBusyError, "calls come too frequently", "Slow down."),
    "RATELIMIT_EXCEEDED": CodeRow(e.ServerBusyError, "calls come too frequently", "Slow down."),
    "RATELIMIT_EXCEED": CodeRow(e.ServerBusyError, "calls come too frequently", "Slow down."),
    "FREQUENCY_LIMITED": CodeRow(e.ServerBusyError, "calls come too frequently", "Slow down."),
}  # fmt: skip

NO_PUBLISHER = frozenset({1807, 2009})
"""The codes of a Mini Program that has no publisher account."""

TOKEN_REFUSED = frozenset({40001, 40014, 42001, 42006})
"""The codes after which another token is worth one try."""

BUSY_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_BUSY_CODES = frozenset({-1, -202})
_AMBIGUOUS_CODES = _BUSY_CODES | {"SYSTEM_ERROR", "SYSTEMERROR", "SERVICE_UNAVAILABLE", "BIZERR_NEED_RETRY"}
_THROTTLING_CODES = _BUSY_CODES | {"STATEMENT_CREATING", "RATE_LIMITED", "RATELIMIT_EXCEEDED", "RATELIMIT_EXCEED", "FREQUENCY_LIMITED"}
_FIRST_SERVER_ERROR = 500
_REQUEST_TIMEOUT = 408
_TOO_MANY_REQUESTS = 429


def api_error(message: str, *, code: int | str | None, status: int, **facts: Unpack[_Facts]) -> e.ApiError:
    """Return the error a code and an HTTP status stand for.

    ``facts`` as :class:`~wxrevenue.errors.ApiError`.
    """
    row = None if code is None else CODES.get(code)
    if row is not None:
        facts["meaning"] = f"{row.meaning} ({row.original})" if row.original else row.meaning
        facts["solution"] = row.remedy
    error = _kind(code, status, row)(message, code=code, status=status, **facts)
    if code in _AMBIGUOUS_CODES or status == _REQUEST_TIMEOUT or status >= _FIRST_SERVER_ERROR:
        error.ambiguous = True
    return error


def _kind(code: int | str | None, status: int, row: CodeRow | None) -> type[e.ApiError]:
    if status == _TOO_MANY_REQUESTS and isinstance(code, str):
        return e.ServerBusyError  # WeChat Pay spells this code in four ways: the status decides
    if row is not None:
        return row.kind
    return e.ServerBusyError if status in BUSY_STATUSES and not isinstance(code, int) else e.ApiError


def is_throttling(error: e.WxRevenueError) -> bool:
    """Return whether the server asked for less load.

    The longer back-off applies then.
    """
    return isinstance(error, e.ServerBusyError) and (error.code in _THROTTLING_CODES or error.status == _TOO_MANY_REQUESTS)
