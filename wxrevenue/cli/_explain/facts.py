"""What is known about a code or a class of errors.

It is rows of a table, in English or Chinese. Numbers of WeChat Pay's ``Request-ID`` are codes, too.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from wxrevenue import errors
from wxrevenue._wire.codes import CODES, TOKEN_REFUSED, api_error, is_throttling
from wxrevenue._wire.pay_numbers import NUMBERS
from wxrevenue.ams.settlement import GetAgencySettlement
from wxrevenue.cli._explain import chinese
from wxrevenue.errors import QuotaExceededError, TooFastError, WxRevenueError

if TYPE_CHECKING:
    from collections.abc import Mapping

Lang: TypeAlias = Literal["en", "zh"]
Fact: TypeAlias = tuple[str, str]
"""A row's name and text."""

_OK: Final = 200
_NAMES: Final[Mapping[str, str]] = {
    "code": "代码",
    "class": "类",
    "stands": "位置",
    "meaning": "含义",
    "WeChat's words": "微信原文",
    "raised as": "异常",
    "what to do": "处理办法",
    "retried": "重试",
    "is a": "属于",
    "raised for": "对应代码",
}
_AT_THE_END: Final[Mapping[Lang, str]] = {"en": "at the end of WeChat Pay's Request-ID", "zh": "微信支付 Request-ID 的末尾"}
_RETRIED: Final[Mapping[str, tuple[str, str]]] = {
    "by the limiter": (
        "yes, by the rate limiter: after its cool-down, if the call's deadline leaves time for it",
        "是，由限流器重试：冷却之后，并且截止时间允许",
    ),
    "by a probe": (
        "no: the rate limiter closes the scope and lets a probe through every ten minutes",
        "否：限流器关闭该范围，每十分钟放行一次探测",
    ),
    "new token": ("once, with a new token, if the token source has another one", "一次，使用新的令牌（如果有）"),
    "other path": ("once, on the interface's other path, where it has one", "一次，使用接口的另一个路径（如果有）"),
    "slowly": ("yes, after a longer back-off, because the server asks for less load", "是，等待更长时间：服务器要求降低负载"),
    "yes": ("yes, after a back-off", "是，等待之后"),
    "no": ("no: the same call would fail again", "否：同样的调用还会失败"),
}


def of_code(code: int | str, lang: Lang = "en") -> list[Fact]:
    """Return what is known about a code.

    It may also be a number at the end of WeChat Pay's ``Request-ID``.
    """
    if isinstance(code, int) and code not in CODES:
        meaning, remedy = chinese.NUMBERS[code] if lang == "zh" else NUMBERS[code]
        return _named(lang, code=str(code), stands=_AT_THE_END[lang], meaning=meaning, **{"what to do": remedy})
    row = CODES[code]
    meaning, remedy = chinese.CODES[code] if lang == "zh" else (row.meaning, row.remedy)
    facts = {"code": str(code), "meaning": meaning, "WeChat's words": row.original, "raised as": f"wxrevenue.{row.kind.__name__}"}
    return _named(lang, **facts, **{"what to do": remedy, "retried": _RETRIED[_retried(code)][lang == "zh"]})


def of_class(kind: type[WxRevenueError], lang: Lang = "en") -> list[Fact]:
    """Return what is known about a class of errors."""
    name = kind.__name__
    meaning = " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split()).replace("``", "")
    remedy = kind.solution or ""
    if lang == "zh":
        meaning, remedy = chinese.CLASSES[name]
    parents = " > ".join(
        parent.__name__ for parent in reversed(kind.__mro__[1:]) if issubclass(parent, WxRevenueError) and parent.__name__ in errors.__all__
    )
    codes = ", ".join(str(code) for code, row in CODES.items() if row.kind is kind)
    facts = {"class": f"wxrevenue.{name}", "meaning": meaning, "is a": parents, "what to do": remedy, "raised for": codes}
    return _named(lang, **facts)


def _named(lang: Lang, **facts: str) -> list[Fact]:
    """Return the rows that are not empty, with their names in the language."""
    return [(_NAMES[name] if lang == "zh" else name, text) for name, text in facts.items() if text]


def _retried(code: int | str) -> str:
    """Return the name of the sentence about retries.

    It says whether, and how, the client repeats a call that ended with this code.
    """
    error = api_error("", code=code, status=_OK)
    if isinstance(error, TooFastError):
        return "by the limiter"
    if isinstance(error, QuotaExceededError):
        return "by a probe"
    if code in TOKEN_REFUSED:
        return "new token"
    if code in GetAgencySettlement.endpoint.alternate_on:
        return "other path"
    if is_throttling(error):
        return "slowly"
    return "yes" if error.retryable else "no"
