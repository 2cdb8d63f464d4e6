"""Which HTTP status a web application answers with when a call failed."""

from __future__ import annotations

from typing import Final

from wxrevenue import errors as e

_BY_CLASS: Final[tuple[tuple[type[e.WxRevenueError], int], ...]] = (
    (e.ConfigurationError, 400),
    (e.InvalidParameterError, 400),
    (e.PermissionDeniedError, 403),
    (e.AgreementUnsignedError, 409),
    (e.AccountNotOpenError, 409),
    (e.TooFastError, 503),
    (e.QuotaExceededError, 503),
    (e.ServerBusyError, 503),
    (e.TokenUnavailableError, 503),
    (e.ClientStateError, 503),
    (e.PageDriftError, 503),
    (e.LedgerError, 503),
    (e.DeadlineExceededError, 504),
    (e.OutcomeUnknownError, 504),
    (e.TransportError, 502),
    (e.DecodeError, 502),
    (e.SignatureError, 502),
    (e.ApiError, 502),
)
"""The first row that fits an error counts; what WeChat did wrong is a bad gateway."""
_INTERNAL_ERROR: Final = 500
_GATEWAY_TIMEOUT: Final = 504


def http_status(error: BaseException) -> int:
    """Return the HTTP status with which a web application answers its own caller.

    400: an argument is not allowed. 403 and 409: the merchant or the account has something to do.
    503: try again later, after ``error.retry_after`` seconds where it has that. 504: out of time,
    or it is unknown whether a write took effect. 502: WeChat, or the way to it, failed. 500:
    anything that is not this package's error.

    Args:
        error: what a call raised.
    """
    if getattr(error, "reason", None) == "timeout":
        return _GATEWAY_TIMEOUT
    return next((status for kind, status in _BY_CLASS if isinstance(error, kind)), _INTERNAL_ERROR)
