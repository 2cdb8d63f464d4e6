"""What tells the causes of a WeChat Pay error apart.

It is the number at the end of ``Request-ID``, else the message. Source: WeChat Pay's own list for
overseas institutions, 2026. ``NO_AUTH`` and ``INVALID_REQUEST`` have many causes each.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBERS: Final[Mapping[int, tuple[str, str]]] = {
    0: ("success", "Nothing to do."),
    268435461: ("a parameter is not allowed", "Read detail.field and detail.issue."),
    270283348: ("the signature is wrong", "Check key, certificate serial, the exact bytes, and this machine's clock."),
    268443701: (
        "the relation between institution and sub-merchant does not exist, or is not in effect yet",
        "Check sub_mchid; after onboarding wait some minutes.",
    ),
    268443704: ("an institution called without sub_mchid", "Give sub_mchid, once on the client or with each call."),
    268443838: ("the sub-merchant has to hand in documents and may not be paid", "See the merchant console."),
    268447845: ("sub_mchid differs from the order's", "Give the sub_mchid with which the order was placed."),
    268501838: ("a domestic path or host was used", "Use /v3/global/… on apihk.mch.weixin.qq.com."),
    268512771: ("the order does not exist", "Check the number and sub_mchid."),
    88430113: ("the balance is too small for the refund", "Repeat later with the same out_refund_no."),
    268449386: ("it is too late to reverse: that works on the same day only", "Refund the order."),
}
"""Meaning and remedy by number."""

_NO_AUTH: Final = (
    (r"effect|next day|生效", "the product is signed and not in effect yet", "Try again the next day."),
    (r"punish|处罚", "a receiver's overseas permission was taken away as a punishment", "Make sure that all receivers are lawful."),
    (r"relation|关系", "the sub-merchant is not this institution's", "Check sub_mchid."),
    (
        r"\b(not|un) ?-?signed\b|\bsign up\b|\bsubscribe|未签约|未开通",
        "the merchant has not signed the funds-distribution product",
        "Sign it; it works from the next day.",
    ),
)
_INVALID_REQUEST: Final = (
    (
        r"name.*\bauthorized\b|\bauthorized\b.*(name|confirm)|姓名.*授权|授权.*姓名",
        "a person's name was given, and not that the person agreed to its check",
        "Ask the person; set authorized to True.",
    ),
    (r"real.?name|实名", "the receiver's real name differs", "Ask the receiver."),
    (r"appid.{0,12}\bnot set\b|未(填写|传|设置).{0,6}appid", "the appid of an openid is missing", "Give appid, or sub_appid."),
    (
        r"openid.*(match|belong|匹配|一致|对应)|(匹配|一致|对应).*openid",
        "the openid is not one of this appid",
        "Use the appid from which the openid came.",
    ),
    (r"duplicate|重复", "a receiver is there twice", "Give each receiver one amount."),
    (r"\bconfirmed\b|已确认", "the transaction is confirmed already", "Mark before the order is placed; ask query_remaining_amount."),
    (r"\bcny\b|\brmb\b|人民币", "only CNY can be distributed", "Set currency to CNY."),
    (r"maximum time|最长", "the time for distribution is over and the funds are unfrozen", "Check when the order was paid."),
    (r"not support|不支持分账", "the order cannot be distributed", "Check the number; it must be marked before the order is placed."),
    (
        r"inconsistent|不一致",
        "number or merchant differs from the first request's",
        "Give out_order_no, transaction_id and sub_mchid as at first.",
    ),
)
_BY_MESSAGE: Final = {"NO_AUTH": _NO_AUTH, "INVALID_REQUEST": _INVALID_REQUEST}


def number_of(request_id: str | None) -> int | None:
    """Return the number at the end of a ``Request-ID``."""
    tail = (request_id or "").rpartition("-")[2]
    return int(tail) if tail.isascii() and tail.isdigit() and "-" in (request_id or "") else None


def cause_of(request_id: str | None, code: int | str | None, message: str) -> tuple[str, str] | None:
    """Return meaning and remedy of an error, where number or message tells.

    ``None``: the code's own row says all.
    """
    number = number_of(request_id)
    by_number = NUMBERS.get(number) if number else None
    if by_number is not None and number != _ILLEGAL_PARAMETER:
        return by_number
    for sign, meaning, remedy in _BY_MESSAGE.get(str(code), ()):
        if re.search(sign, message, re.IGNORECASE):
            return meaning, remedy
    return by_number if code in _GENERAL else None


_ILLEGAL_PARAMETER: Final = 268435461
"""So general a number that a message may say more."""
_GENERAL: Final = frozenset({None, "PARAM_ERROR", "INVALID_REQUEST"})
"""Codes that say even less than that number."""
