"""The table of codes.

Every row is complete, and every documented code raises the class that its page calls for.
"""

from __future__ import annotations

import pytest

from wxrevenue import errors as e
from wxrevenue._wire.codes import BUSY_STATUSES, CODES, TOKEN_REFUSED, CodeRow, api_error, is_throttling

EXPECTED: dict[type[e.ApiError], set[int | str]] = {
    e.ServerBusyError: {
        -1,
        -202,
        "SYSTEM_ERROR",
        "SYSTEMERROR",
        "SERVICE_UNAVAILABLE",
        "STATEMENT_CREATING",
        "RATE_LIMITED",
        "RATELIMIT_EXCEEDED",
        "RATELIMIT_EXCEED",
        "FREQUENCY_LIMITED",
        "BIZERR_NEED_RETRY",
    },
    e.TooFastError: {1737, 45011},
    e.QuotaExceededError: {45009},
    e.TokenError: {40001, 40014, 42001, 42006, 41001, 41021, 61005, 61006, 61023},
    e.AgreementUnsignedError: {1735},
    e.AccountNotOpenError: {1807, 2009, 2056},
    e.PermissionDeniedError: {
        1736,
        40164,
        45035,
        48001,
        48004,
        48017,
        50001,
        50002,
        61003,
        61004,
        61007,
        61014,
        61015,
        61017,
        61024,
        61028,
        "NO_AUTH",
        "SIGN_ERROR",
    },
    e.InvalidParameterError: {
        1700,
        1701,
        40013,
        40125,
        41002,
        41004,
        43002,
        44002,
        45010,
        47001,
        47002,
        61009,
        61010,
        61011,
        "INVALID_REQUEST",
        "OUT_REFUND_NO_USED",
        "PARAM_ERROR",
    },
    e.ApiError: {
        1803,
        2008,
        2013,
        2021,
        2035,
        2061,
        2067,
        2068,
        "ORDER_NOT_EXIST",
        "RESOURCE_NOT_EXISTS",
        "NOT_FOUND",
        "NO_STATEMENT_EXIST",
        "NOT_ENOUGH",
    },
}
EVERY = pytest.mark.parametrize("code", CODES, ids=str)


def test_documented_codes_raise_the_class_their_page_calls_for() -> None:
    """The table holds every code of the pages under the right class.

    It has no code that is not listed here.
    """
    found: dict[type[e.ApiError], set[int | str]] = {kind: set() for kind in EXPECTED}
    for code, row in CODES.items():
        found[row.kind].add(code)
    assert found == EXPECTED


@EVERY
def test_rows_are_complete(code: int | str) -> None:
    """A row has a meaning that continues a sentence, and a remedy that is a sentence."""
    row = CODES[code]
    assert type(row) is CodeRow
    assert issubclass(row.kind, e.ApiError)
    assert row.meaning == row.meaning.strip()
    assert row.meaning[-1] not in ".;"
    assert row.remedy[0].isupper()
    assert row.remedy.endswith((".", "'s"))


@EVERY
def test_rows_construct(code: int | str) -> None:
    """The error of a code is of the row's class and prints code, meaning and remedy."""
    error = api_error("said", code=code, status=200, request_id="6a", retry_after=1.0)
    row = CODES[code]
    assert type(error) is row.kind
    assert (error.code, error.status, error.request_id, error.retry_after) == (code, 200, "6a", 1.0)
    assert error.solution == row.remedy
    assert all(part in str(error) for part in (str(code), row.meaning, row.remedy, row.original, "said"))


@pytest.mark.parametrize("code", [48001, 1736, 61014, 61015])
def test_wrong_kind_of_token_is_named(code: int) -> None:
    """A code that a wrong kind of token causes says so."""
    assert "wrong kind of token" in (api_error("", code=code, status=200).solution or "")


def test_refused_tokens_are_token_errors() -> None:
    """After a code of an invalid or expired token another token is asked for.

    No other codes have this effect.
    """
    assert frozenset({40001, 40014, 42001, 42006}) == TOKEN_REFUSED
    assert all(CODES[code].kind is e.TokenError for code in TOKEN_REFUSED)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (None, 200, e.ApiError),
        (424242, 200, e.ApiError),
        ("NEW_CODE", 400, e.ApiError),
        ("NEW_CODE", 503, e.ServerBusyError),
        (424242, 500, e.ApiError),
        (1700, 503, e.InvalidParameterError),
        (45009, 429, e.QuotaExceededError),
        ("NO_AUTH", 403, e.PermissionDeniedError),
        ("INVALID_REQUEST", 429, e.ServerBusyError),
        (None, 302, e.ApiError),
        (None, 404, e.ApiError),
        (None, 501, e.ApiError),
        (None, 505, e.ApiError),
    ],
)
def test_code_first_then_status(code: int | str | None, status: int, kind: type[e.ApiError]) -> None:
    """A known code decides; without one the status does.

    Only WeChat Pay's 429 overrules its code.
    """
    assert type(api_error("", code=code, status=status)) is kind


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_busy_statuses(status: int) -> None:
    """After one of these statuses a repetition may help."""
    assert status in BUSY_STATUSES
    assert api_error("", code=None, status=status).retryable


def test_no_other_status_is_busy() -> None:
    """Redirects, refusals and 501 are final."""
    final = [status for status in range(300, 600) if status not in BUSY_STATUSES]
    assert not any(api_error("", code=None, status=status).retryable for status in final)
    assert len(BUSY_STATUSES) == 6


@pytest.mark.parametrize(
    ("code", "status", "ambiguous"),
    [
        (-1, 200, True),
        (-202, 200, True),
        (None, 408, True),
        (None, 500, True),
        (None, 501, True),
        (1700, 502, True),
        ("NO_AUTH", 503, True),
        (None, 429, False),
        (None, 404, False),
        (None, 302, False),
        (1737, 200, False),
        (1700, 200, False),
    ],
)
def test_what_may_have_acted(code: int | str | None, status: int, *, ambiguous: bool) -> None:
    """-1, -202, 408 and every 5xx leave open whether the call took effect.

    A clear refusal does not.
    """
    assert api_error("", code=code, status=status).ambiguous is ambiguous


@pytest.mark.parametrize(
    ("error", "throttling"),
    [
        (api_error("", code=-1, status=200), True),
        (api_error("", code=-202, status=200), True),
        (api_error("", code=None, status=429), True),
        (api_error("", code="RATE_LIMITED", status=429), True),
        (api_error("", code=None, status=503), False),
        (api_error("", code="SYSTEM_ERROR", status=500), False),
        (api_error("", code=1737, status=429), False),
        (e.ResponseLostError(reason="reset"), False),
    ],
    ids=repr,
)
def test_who_asks_for_less_load(error: e.WxRevenueError, *, throttling: bool) -> None:
    """-1, -202 and 429 take the long back-off.

    A broken server takes the short one, and 1737 is the limiter's.
    """
    assert is_throttling(error) is throttling
