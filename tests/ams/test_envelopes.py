"""Taking AMS's answers out of their envelope: three of them, in HTTP 200 bodies."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import quote

import pytest
from support.envelopes import BUSY, FINAL, TOKEN, ams, pay
from support.leaks import assert_no_leak

from wxrevenue import (
    AgreementUnsignedError,
    ApiError,
    DecodeError,
    InvalidParameterError,
    PermissionDeniedError,
    QuotaExceededError,
    ServerBusyError,
    TokenError,
    TooFastError,
)

CODE, TEXT = "<code>", "<text>"
"""What :func:`filled` replaces in the shape of an envelope."""


RID = "673c5301-3770ec4c-3b1177cc"


def filled(shape: Any, code: object, text: str = "") -> Any:
    """Return an envelope of that shape with code and text in their places."""
    if isinstance(shape, dict):
        return {key: filled(value, code, text) for key, value in cast("dict[str, Any]", shape).items()}
    return code if shape == CODE else text if shape == TEXT else shape


# -- AMS: success ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "envelope",
    [
        {},
        {"ret": 0, "err_msg": ""},
        {"ret": 0, "err_msg": "ok"},
        {"ret": 0, "err_msg": "OK"},
        {"ret": 0},
        {"err_msg": "ok"},
        {"ret": "0"},
        {"ret": "00"},
        {"errcode": 0, "errmsg": "ok"},
        {"errcode": "0"},
        {"base_resp": {"ret": 0, "err_msg": "ok"}},
        {"base_resp": {"ret": "0"}},
        {"base_resp": {}},
        {"base_resp": None},
        {"base_resp": {"new": 1}},
        {"ret": 0, "errcode": 0, "base_resp": {"ret": 0}},
    ],
    ids=str,
)
def test_success_in_every_envelope(envelope: dict[str, Any]) -> None:
    """D-16: no code, or zero in any of the three places, is success.

    Nothing of the envelope stays in the payload.
    """
    assert ams({**envelope, "share_ratio": 40, "new": None}) == {"share_ratio": 40, "new": None}


@pytest.mark.parametrize("content_type", [None, "text/plain", "text/html", "application/json; encoding=utf-8", "nonsense"])
def test_content_type_is_not_trusted(content_type: str | None) -> None:
    """A body is read as JSON whatever it calls itself."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert ams({"share_ratio": 40}, headers=headers) == {"share_ratio": 40}


@pytest.mark.parametrize("status", [200, 201, 206, 299])
def test_any_2xx_is_read_alike(status: int) -> None:
    """In any 2xx answer, the envelope alone decides between success and failure."""
    assert ams({"share_ratio": 40}, status) == {"share_ratio": 40}
    assert type(ams({"ret": 1737}, status)) is TooFastError


# -- AMS: failure ----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1700, "1700"])
@pytest.mark.parametrize(
    "shape",
    [
        {"ret": CODE, "err_msg": TEXT},
        {"errcode": CODE, "errmsg": TEXT},
        {"base_resp": {"ret": CODE, "err_msg": TEXT}},
        {"ret": 0, "err_msg": "ok", "errcode": CODE, "errmsg": TEXT},
        {"ret": 0, "err_msg": "ok", "base_resp": {"ret": CODE, "err_msg": TEXT}},
        {"ret": CODE, "err_msg": TEXT, "base_resp": {"ret": 0, "err_msg": "ok"}, "errcode": 0},
        {"ret": CODE, "err_msg": TEXT, "share_ratio": 40},
    ],
)
def test_failure_in_every_envelope(code: int | str, shape: Any) -> None:
    """D-16: a code other than zero in any of the three places is that error.

    It may be a number or digits.
    """
    found = ams(filled(shape, code, "what was wrong"))
    assert type(found) is InvalidParameterError
    assert (found.code, found.message, found.status, found.request_id, found.retry_after) == (1700, "what was wrong", 200, None, None)


@pytest.mark.parametrize(
    ("body", "kind", "ambiguous"),
    [
        ({"ret": -1}, ServerBusyError, True),
        ({"ret": "-1"}, ServerBusyError, True),
        ({"errcode": -202}, ServerBusyError, True),
        ({"ret": 1735}, AgreementUnsignedError, False),
        ({"errcode": 1735, "errmsg": f" rid: {RID}"}, AgreementUnsignedError, False),
        ({"ret": 1736, "err_msg": "inner error thirdid is empty"}, PermissionDeniedError, False),
        ({"ret": 1737}, TooFastError, False),
        ({"errcode": 45011}, TooFastError, False),
        ({"errcode": 45009}, QuotaExceededError, False),
        ({"errcode": 40001}, TokenError, False),
        ({"errcode": 48001}, PermissionDeniedError, False),
        ({"ret": 424242}, ApiError, False),
    ],
    ids=str,
)
def test_codes_choose_the_class(body: dict[str, Any], kind: type[ApiError], *, ambiguous: bool) -> None:
    """A documented code arrives as its class.

    After -1 and -202 it is unknown whether the call took effect.
    """
    found = ams(body)
    assert type(found) is kind
    assert found.ambiguous is ambiguous
    assert found.retryable is (kind is ServerBusyError)


@pytest.mark.parametrize("code", [True, False, None, 1.0, 1.5, "", "ok", "1.0", " 1", "0x1", "\uff11", [], {}, 2.0**70], ids=repr)
@pytest.mark.parametrize(
    ("shape", "path"),
    [
        ({"ret": CODE}, "$.ret"),
        ({"errcode": CODE}, "$.errcode"),
        ({"base_resp": {"ret": CODE}}, "$.base_resp.ret"),
    ],
)
def test_malformed_codes(code: object, shape: Any, path: str) -> None:
    """D-16: a code that is not an integer makes the answer malformed.

    The error says where the code stands. The call may have taken effect.
    """
    found = ams({**filled(shape, code), "share_ratio": 40})
    assert type(found) is DecodeError
    assert (found.path, found.message) == (path, "expected an integer or a string of digits")
    assert (found.ambiguous, found.retryable) == (True, False)


@pytest.mark.parametrize("nested", [[], "ok", 0, True])
def test_a_nested_envelope_is_an_object(nested: object) -> None:
    """An envelope of another shape is a malformed answer."""
    found = ams({"base_resp": nested, "share_ratio": 40})
    assert type(found) is DecodeError
    assert str(found) == "expected an object @ $.base_resp"


@pytest.mark.parametrize("message", [None, 5, ["x"], {}, True])
def test_a_message_that_is_no_text_is_dropped(message: object) -> None:
    """A message of another type than str is dropped, and the code still decides."""
    found = ams({"ret": 1700, "err_msg": message})
    assert (type(found), found.message) == (InvalidParameterError, "")


def test_last_of_two_equal_codes_wins() -> None:
    """D-05: with the same key twice the last one counts, in both directions."""
    assert type(ams(b'{"ret":0,"ret":1737}')) is TooFastError
    assert ams(b'{"ret":1737,"ret":0,"share_ratio":40}') == {"share_ratio": 40}


@pytest.mark.parametrize("body", [b"[]", b"[{}]", b"null", b"true", b"5", b'"ok"', b'"{\\"ret\\":0}"'])
def test_top_level_is_an_object(body: bytes) -> None:
    """D-09: an answer that is not an object is malformed, and not worth a repeat.

    It is a list, a string, a number, or JSON inside of a string.
    """
    found = ams(body)
    assert type(found) is DecodeError
    assert (found.path, found.ambiguous, found.retryable) == ("$", True, False)


@pytest.mark.parametrize("body", [b"", b"<html>fake-token</html>", b'{"ret":0', b'{"ret":NaN}', b"[" * 100_000])
def test_bodies_that_are_no_json(body: bytes) -> None:
    """D-01 D-07: a body that is not JSON is worth a repeat.

    It is cut short, empty, or HTML. Nothing of it is shown.
    """
    found = ams(body)
    assert type(found) is DecodeError
    assert (found.ambiguous, found.retryable) == (True, True)
    assert "fake-token" not in str(found)


@pytest.mark.parametrize(
    "body",
    [
        b'{"ret":1737,"err_msg":"too fast\n"}',
        b'\xef\xbb\xbf{"ret":1737,"err_msg":"too fast"}',
        '{"ret":1737,"err_msg":"操作过快"}'.encode("gbk"),
        '{"errcode":1737,"errmsg":"操作过快"}'.encode("utf-16"),
        b'{"errcode":1737,"errmsg":"\\ud800"}',
        b'{"base_resp":{"ret":1737,"err_msg":"\x00"}}',
    ],
    ids=repr,
)
@pytest.mark.parametrize("status", [200, 500])
def test_odd_bytes_hide_no_code(body: bytes, status: int) -> None:
    """D-02 D-03 D-08: a readable code counts, whatever the bytes of its message are."""
    found = ams(body, status)
    assert type(found) is TooFastError
    assert found.code == 1737


@pytest.mark.parametrize(
    "body",
    [
        {"ret": None, "errcode": 40001},
        {"ret": "ok", "errcode": 40001},
        {"ret": 0, "base_resp": [], "errcode": 40001},
        {"errcode": True, "base_resp": {"ret": 40001}},
        {"base_resp": {"ret": 1.5}, "errcode": "40001"},
    ],
    ids=str,
)
def test_a_code_that_can_be_read_counts(body: dict[str, Any]) -> None:
    """D-16: a readable code is a refusal, whatever stands in the other places.

    A code may stand in any of the three places.
    """
    assert type(ams(body)) is TokenError


# -- AMS: texts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "request_id"),
    [
        (f" rid: {RID}", RID),
        (f"api unauthorized rid: {RID}", RID),
        (f"invalid credential rid:{RID}  ", RID),
        (f"x rid: {RID.upper()}", RID.upper()),
        ("x rid: 673c5301", "673c5301"),
        (f"rid: {RID} is not at the end", None),
        (f"grid: {RID}", None),
        ("rid: zzz", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("shape", [{"errcode": 48001, "errmsg": TEXT}, {"ret": 48001, "err_msg": TEXT}])
def test_rid_becomes_the_request_id(message: str, request_id: str | None, shape: Any) -> None:
    """The request id, for WeChat's support, stands at the end of the message."""
    assert ams(filled(shape, 48001, message)).request_id == request_id


def test_long_messages_are_cut_after_their_rid_was_read() -> None:
    """An error's message is cut, but keeps its request id.

    The id is not lost with the tail. Blanks are folded into one.
    """
    found = ams({"errcode": 48001, "errmsg": "x \n\t" * 5_000 + f"rid: {RID}"})
    assert found.request_id == RID
    assert len(found.message) == 500
    assert "\n" not in found.message


def lower(text: str) -> str:
    """Return the text percent-encoded with lower-case digits."""
    return "".join(c if c.isascii() and (c.isalnum() or c == "-") else "".join(f"%{byte:02x}" for byte in c.encode()) for c in text)


@pytest.mark.parametrize(
    "spelled",
    [TOKEN, quote(TOKEN), quote(TOKEN, safe=""), lower(TOKEN), quote(quote(TOKEN, safe=""), safe="")],
)
@pytest.mark.parametrize("status", [200, 401, 500])
def test_live_token_is_scrubbed(spelled: str, status: int) -> None:
    """L-08: the token of this request does not come back in an error.

    This holds however the server spells it.
    """
    found = ams(
        {"errcode": 40001, "errmsg": f"invalid credential <{spelled}> in /p?action=x&access_token={spelled}&y=1 rid: {RID}"}, status
    )
    assert type(found) is TokenError
    assert found.message.startswith("invalid credential <***> in /p?action=x&access_token=***")
    assert found.request_id == RID
    assert_no_leak(found, secrets=[TOKEN])


def test_another_token_is_scrubbed_by_its_parameter() -> None:
    """Whatever stands behind ``access_token=`` is starred out.

    It need not be a token of this client.
    """
    assert ams({"errcode": 40001, "errmsg": "component_access_token=fake-token-other x"}).message == "component_access_token=*** x"


# -- AMS: other statuses ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 404, 408, 429, 500, 503])
def test_an_envelope_decides_whatever_the_status(status: int) -> None:
    """A gateway may answer 4xx or 5xx with an envelope, whose code counts."""
    found = ams({"errcode": 45009, "errmsg": "reach max"}, status)
    assert type(found) is QuotaExceededError
    assert (found.code, found.status, found.message) == (45009, status, "reach max")
    assert found.ambiguous is (status in {408, 500, 503})


@pytest.mark.parametrize("body", [b"<html>fake-token</html>", b"", b"{}", b'{"ret":0}', b'{"ret":"x"}', b"[]", b'{"base_resp":5}'])
@pytest.mark.parametrize("status", BUSY)
def test_busy_statuses_without_an_envelope(status: int, body: bytes) -> None:
    """Without a code, 408, 429 and most 5xx are a busy server.

    Nothing of the body is shown.
    """
    found = ams(body, status)
    assert type(found) is ServerBusyError
    assert (found.code, found.status, found.message, found.retryable) == (None, status, "", True)
    assert found.ambiguous is (status != 429)
    assert "fake-token" not in str(found)


@pytest.mark.parametrize("body", [b"<html></html>", b"", b'{"ret":0,"share_ratio":40}'])
@pytest.mark.parametrize("status", FINAL)
def test_other_statuses_without_an_envelope(status: int, body: bytes) -> None:
    """Every other status, also a redirect, is a refusal that is not repeated."""
    found = ams(body, status)
    assert type(found) is ApiError
    assert (found.code, found.status, found.retryable) == (None, status, False)
    assert found.ambiguous is (status >= 500)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Fri, 20 Mar 2026 09:46:50 GMT", 10.0),
        ("Fri, 20 Mar 2026 09:46:30 GMT", None),
        ("0", None),
        ("-1", None),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("9" * 100, None),
        ("Mon, 01 Jan 2020 00:00:00 +99999999999999999999", None),
        ("Fri, 99 Mar 2026 09:46:50 GMT", None),
    ],
)
@pytest.mark.parametrize("unwrap", [ams, pay])
def test_retry_after_is_read_or_ignored(unwrap: Any, header: str, seconds: float | None) -> None:
    """``Retry-After`` holds seconds or a date.

    Any nonsense is as good as no header, and never another exception.
    """
    found = unwrap(b"", 503, {"retry-after": header})
    assert type(found) is ServerBusyError
    assert found.retry_after == seconds
