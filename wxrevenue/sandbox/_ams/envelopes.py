"""The three shapes in which the advertising interfaces say yes or no.

Which one comes depends on path, provider and code.
"""

from __future__ import annotations

import orjson

from wxrevenue.sandbox._call import Answer

_OPERATION_PATH = "/wxa/operationams"

_BUSY = -202
_GATEWAY = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40013: "invalid appid",
    40014: "invalid access_token",
    40125: "invalid appsecret",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    42001: "access_token expired",
    42006: "component_access_token expired",
    43002: "require POST method",
    44002: "empty post data",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    47001: "data format error",
    48001: "api unauthorized",
    61003: "component is not authorized by this account",
    61004: "access clientip is not registered",
    61005: "component ticket is expired",
    61006: "component ticket is invalid",
    61009: "code is invalid",
    61010: "code is expired",
    61014: "must use component token for component api",
    61023: "refresh_token is invalid",
}
_BUSINESS = {
    _BUSY: "system error",
    1700: "param error",
    1701: "param error",
    1735: "agreement not signed",
    1736: "inner error thirdid is empty",
    1737: "operate too fast",
    1803: "adunit name repeated",
    1807: "invalid publisher",
    2008: "switch too frequently",
    2013: "uv not enough",
    2021: "publisher already opened",
    2035: "black list over limit",
    2056: "agency account not exist",
    2061: "custom share ratio not exist",
    2067: "cover adpos already opened",
    2068: "publisher newly opened",
    45010: "not supported action for your appid",
}


def success(style: int, said: str, fields: dict[str, object]) -> Answer:
    """Return a good answer in one of the three shapes.

    ``ret`` beside the data, the data alone, or a nested ``base_resp``.
    """
    verdict: dict[str, object] = {"ret": 0, "err_msg": said}
    return _answer(({**verdict, **fields}, fields, {"base_resp": verdict, **fields})[style])


def plain(fields: dict[str, object]) -> Answer:
    """Return a good answer that is the data alone, to any provider."""
    return _answer(fields)


def refusal(code: int, *, path: str, style: int, rid: str) -> Answer:
    """Return a refusal in the shape that this code has on this path."""
    if code in _GATEWAY:
        return _answer({"errcode": code, "errmsg": f"{_GATEWAY[code]} rid: {rid}"}, outcome=str(code))
    text = _BUSINESS.get(code, "error")
    if path != _OPERATION_PATH and code not in {_BUSY, 45010}:
        # These two paths were seen to leave the text empty but for the rid; 1736 is the one known
        # for its text.
        return _answer({"errcode": code, "errmsg": f"{text if code == 1736 else ''} rid: {rid}"}, outcome=str(code))  # noqa: PLR2004
    verdict: dict[str, object] = {"ret": code, "err_msg": text}
    return _answer({"base_resp": verdict} if style == 2 else verdict, outcome=str(code))  # noqa: PLR2004  (the third of three)


def _answer(payload: dict[str, object], *, outcome: str = "ok") -> Answer:
    # Both content types occur for the same JSON, so no client may rely on either.
    kind = "text/plain" if "ret" in payload else "application/json; encoding=utf-8"
    return Answer(200, {"Content-Type": kind}, orjson.dumps(payload), outcome=outcome)
