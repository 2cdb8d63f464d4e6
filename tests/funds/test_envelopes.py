"""Taking WeChat Pay's answers apart: statuses, with error bodies."""

from __future__ import annotations

from typing import Any

import pytest
from support.envelopes import BUSY, FINAL, pay

from wxrevenue import (
    ApiError,
    DecodeError,
    InvalidParameterError,
    PermissionDeniedError,
    ServerBusyError,
    WxRevenueError,
)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_pay_success_may_be_empty(status: int) -> None:
    """A mark answers with no content: that is its success."""
    assert pay(b"", status) is None
    assert pay({"state": "FINISHED"}, status) == {"state": "FINISHED"}


def test_pay_success_that_is_no_json() -> None:
    """After a signed answer that cannot be read the outcome is unknown."""
    found = pay(b"{", 200)
    assert type(found) is DecodeError
    assert (found.ambiguous, found.retryable) == (True, True)


@pytest.mark.parametrize("body", [b"[]", b"null", b"0", b"false", b'""', b'"SUCCESS"', b'[{"state":"FINISHED"}]', b"\xef\xbb\xbf[]"])
@pytest.mark.parametrize("status", [200, 201, 204])
def test_pay_success_is_an_object(body: bytes, status: int) -> None:
    """D-19: every documented answer is empty or an object.

    After any other answer the outcome is unknown.
    """
    found = pay(body, status)
    assert type(found) is DecodeError
    assert (found.ambiguous, found.retryable) == (True, False)


@pytest.mark.parametrize(
    ("code", "kind", "ambiguous"),
    [("NO_AUTH", PermissionDeniedError, False), ("SYSTEM_ERROR", ServerBusyError, True), ("SOMETHING_NEW", ApiError, False)],
)
def test_pay_error_under_a_status_of_success(code: str, kind: type[ApiError], *, ambiguous: bool) -> None:
    """D-19: an answer with a reason for a refusal is a refusal, whatever its status."""
    assert type(pay({"code": code}, 200)) is kind
    found = pay({"code": code, "message": "what was wrong"}, 200)
    assert type(found) is kind
    assert (found.code, found.status, found.message, found.ambiguous) == (code, 200, "what was wrong", ambiguous)


@pytest.mark.parametrize(
    "body",
    [
        b'{"code":"NO_AUTH","message":"not\nsigned"}',
        b'\xef\xbb\xbf{"code":"NO_AUTH","message":"x"}',
        '{"code":"NO_AUTH","message":"商户未开通"}'.encode("gbk"),
        '{"code":"NO_AUTH","message":"商户未开通"}'.encode("utf-16"),
    ],
    ids=repr,
)
def test_odd_bytes_hide_no_code_of_pay(body: bytes) -> None:
    """D-02 D-03: a readable code counts, whatever the bytes of its message are."""
    found = pay(body, 403)
    assert (type(found), found.code) == (PermissionDeniedError, "NO_AUTH")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"state":"PROCESSING"}'])
def test_pay_202_is_repeated(body: bytes) -> None:
    """202 is repeated, because the two language editions disagree on it.

    To repeat the same request is right under both.
    """
    found = pay(body, 202, {"Request-ID": "08D799-1"})
    assert type(found) is ServerBusyError
    assert (found.status, found.code, found.request_id) == (202, None, "08D799-1")
    assert (found.retryable, found.ambiguous) == (True, True)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "INVALID_REQUEST", InvalidParameterError),
        (400, "PARAM_ERROR", InvalidParameterError),
        (401, "SIGN_ERROR", PermissionDeniedError),
        (403, "NO_AUTH", PermissionDeniedError),
        (404, "ORDER_NOT_EXIST", ApiError),
        (409, "SOMETHING_NEW", ApiError),
        (500, "SYSTEM_ERROR", ServerBusyError),
        (500, "SYSTEMERROR", ServerBusyError),
        (503, "SERVICE_UNAVAILABLE", ServerBusyError),
        (429, "RATE_LIMITED", ServerBusyError),
        (429, "RATELIMIT_EXCEEDED", ServerBusyError),
        (429, "RATELIMIT_EXCEED", ServerBusyError),
        (429, "FREQUENCY_LIMITED", ServerBusyError),
        (429, "NO_AUTH", ServerBusyError),
        (429, "SOMETHING_NEW", ServerBusyError),
    ],
)
def test_pay_error_bodies(status: int, code: str, kind: type[ApiError]) -> None:
    """Code, message, detail and request id arrive.

    429 is throttling, whatever its code says today.
    """
    detail = {"field": "/currency", "value": "USD", "issue": "only CNY", "location": "body"}
    found = pay({"code": code, "message": " What\n is  wrong ", "detail": detail}, status, {"request-id": "08D799-270924360"})
    assert type(found) is kind
    assert (found.code, found.message, found.detail, found.request_id, found.status) == (
        code,
        "What is wrong",
        detail,
        "08D799-270924360",
        status,
    )
    assert found.retryable is (kind is ServerBusyError)
    assert found.ambiguous is (status >= 500)


@pytest.mark.parametrize("status", BUSY)
@pytest.mark.parametrize("body", [b"<html>nginx</html>", b"", b"null", b"[]", b'"x"', b"{}", b'{"code":5}', b'{"code":null,"message":[]}'])
def test_pay_errors_without_a_code(status: int, body: bytes) -> None:
    """The status decides over a proxy's page, or a body without a code.

    Nothing of the page is shown.
    """
    found = pay(body, status)
    assert type(found) is ServerBusyError
    assert (found.code, found.message, found.detail, found.status) == (None, "", None, status)
    assert found.ambiguous is (status != 429)


@pytest.mark.parametrize("status", FINAL)
def test_pay_final_statuses(status: int) -> None:
    """Redirects and refusals without a code are plain errors that are not repeated."""
    found = pay(b"<html></html>", status)
    assert type(found) is ApiError
    assert (found.code, found.retryable, found.ambiguous) == (None, False, status >= 500)


def test_pay_messages_are_cut() -> None:
    """An error's text stays short."""
    assert len(pay({"code": "NO_AUTH", "message": "x" * 5_000}, 403).message) == 500


@pytest.mark.parametrize("body", [{"ret": 1700, "err_msg": "x"}, {"errcode": 1700}])
def test_pay_knows_no_ams_envelope(body: dict[str, Any]) -> None:
    """The services do not read each other's envelopes."""
    assert pay(body, 200) == body
    found = pay(body, 400)
    assert isinstance(found, WxRevenueError)
    assert type(found) is ApiError
