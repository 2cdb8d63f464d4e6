"""Advertising money for Mini Program service providers, on asyncio.

Start with :class:`RevenueClient` (revenue split and settlements) and :class:`FundsDistributionClient` (WeChat Pay overseas).
Names load the module they live in when they are first used, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._lazy import lazy_names
from wxrevenue._version import __version__ as __version__

if TYPE_CHECKING:
    from wxrevenue._call_log import log_calls
    from wxrevenue._dates import beijing_date
    from wxrevenue._events import AttemptEvent, CallEvent, Event, GateEvent, JobEvent, PageEvent, RetryEvent, TokenEvent, WaitEvent
    from wxrevenue._funds_client import FundsDistributionClient
    from wxrevenue._half_months import HalfMonth, half_months, last_final_half_month
    from wxrevenue._ports import (
        Clock,
        HttpRequest,
        HttpResponse,
        RateLimiter,
        Signer,
        StreamedResponse,
        StreamingTransport,
        Ticket,
        TicketStore,
        TokenSource,
        Transport,
        Turn,
        Verdict,
        Verifier,
    )
    from wxrevenue._request import AmsRequest, Endpoint, PayRequest, Request, Safety, TokenKind
    from wxrevenue._retry import RetryPolicy
    from wxrevenue._revenue_client import RevenueClient
    from wxrevenue._secret import Secret
    from wxrevenue.ams.authorization import (
        AuthorizerAccessToken,
        ComponentAccessToken,
        GetAuthorizerAccessToken,
        GetComponentAccessToken,
        StartPushTicket,
    )
    from wxrevenue.ams.percentage import GetShareRatio, SetShareRatio, ShareRatio
    from wxrevenue.ams.settlement import GetAgencySettlement, Settlement, SettlementPage, SettlementStatus, SlotRevenue, yuan
    from wxrevenue.errors import (
        AccountNotOpenError,
        AgreementUnsignedError,
        ApiError,
        ClientStateError,
        ConfigurationError,
        DeadlineExceededError,
        DecodeError,
        InvalidParameterError,
        NotSentError,
        OutcomeUnknownError,
        PageDriftError,
        PermissionDeniedError,
        QuotaExceededError,
        ResponseLostError,
        ServerBusyError,
        SignatureError,
        TokenError,
        TokenUnavailableError,
        TooFastError,
        TransportError,
        WxRevenueError,
    )
    from wxrevenue.funds.mark import MarkTransaction
    from wxrevenue.limiters._local import LocalRateLimiter
    from wxrevenue.limiters._rate import Rate
    from wxrevenue.pages._paginator import Paginator
    from wxrevenue.push._receiver import TicketReceiver
    from wxrevenue.sandbox import Sandbox
    from wxrevenue.signers._pem import PemSigner
    from wxrevenue.sweeps._checkpoint import Checkpoint
    from wxrevenue.sweeps._outcome import Outcome
    from wxrevenue.sweeps._settlements import sweep_half_months, sweep_settlements
    from wxrevenue.sweeps._sweep import Sweep, sweep
    from wxrevenue.tickets._file import FileTicketStore
    from wxrevenue.tickets._memory import MemoryTicketStore
    from wxrevenue.tickets._redis import RedisTicketStore
    from wxrevenue.tokens._component import ComponentTokens
    from wxrevenue.tokens._plain import StaticTokens
    from wxrevenue.tokens._redis import RedisTokenStore
    from wxrevenue.tokens._store import MemoryTokenStore, StoredToken, TokenStore
    from wxrevenue.transports._aiohttp import AiohttpTransport
    from wxrevenue.transports._backup import BackupHosts
    from wxrevenue.transports._httpx2 import HttpxTransport
    from wxrevenue.transports._memory import MemoryTransport
    from wxrevenue.verifiers._static import StaticVerifier

_NAMES = {
    "wxrevenue._call_log": "log_calls",
    "wxrevenue.sweeps._checkpoint": "Checkpoint",
    "wxrevenue._dates": "beijing_date",
    "wxrevenue._events": "AttemptEvent CallEvent Event GateEvent JobEvent PageEvent RetryEvent TokenEvent WaitEvent",
    "wxrevenue._funds_client": "FundsDistributionClient",
    "wxrevenue._half_months": "HalfMonth half_months last_final_half_month",
    "wxrevenue.sweeps._outcome": "Outcome",
    "wxrevenue.pages._paginator": "Paginator",
    "wxrevenue._ports": (
        "Clock HttpRequest HttpResponse RateLimiter Signer StreamedResponse StreamingTransport Ticket TicketStore TokenSource Transport "
        "Turn Verdict Verifier"
    ),
    "wxrevenue._request": "AmsRequest Endpoint PayRequest Request Safety TokenKind",
    "wxrevenue._retry": "RetryPolicy",
    "wxrevenue._revenue_client": "RevenueClient",
    "wxrevenue._secret": "Secret",
    "wxrevenue.sweeps._settlements": "sweep_half_months sweep_settlements",
    "wxrevenue.sweeps._sweep": "Sweep sweep",
    "wxrevenue.ams.authorization": (
        "AuthorizerAccessToken ComponentAccessToken GetAuthorizerAccessToken GetComponentAccessToken StartPushTicket"
    ),
    "wxrevenue.ams.percentage": "GetShareRatio SetShareRatio ShareRatio",
    "wxrevenue.ams.settlement": "GetAgencySettlement Settlement SettlementPage SettlementStatus SlotRevenue yuan",
    "wxrevenue.errors": (
        "AccountNotOpenError AgreementUnsignedError ApiError ClientStateError ConfigurationError DeadlineExceededError DecodeError "
        "InvalidParameterError NotSentError OutcomeUnknownError PageDriftError PermissionDeniedError QuotaExceededError "
        "ResponseLostError ServerBusyError SignatureError TokenError TokenUnavailableError TooFastError TransportError WxRevenueError"
    ),
    "wxrevenue.funds.mark": "MarkTransaction",
    "wxrevenue.limiters._local": "LocalRateLimiter",
    "wxrevenue.limiters._rate": "Rate",
    "wxrevenue.push._receiver": "TicketReceiver",
    "wxrevenue.sandbox": "Sandbox",
    "wxrevenue.signers._pem": "PemSigner",
    "wxrevenue.tickets._file": "FileTicketStore",
    "wxrevenue.tickets._memory": "MemoryTicketStore",
    "wxrevenue.tickets._redis": "RedisTicketStore",
    "wxrevenue.tokens._component": "ComponentTokens",
    "wxrevenue.tokens._plain": "StaticTokens",
    "wxrevenue.tokens._redis": "RedisTokenStore",
    "wxrevenue.tokens._store": "MemoryTokenStore StoredToken TokenStore",
    "wxrevenue.transports._aiohttp": "AiohttpTransport",
    "wxrevenue.transports._backup": "BackupHosts",
    "wxrevenue.transports._httpx2": "HttpxTransport",
    "wxrevenue.transports._memory": "MemoryTransport",
    "wxrevenue.verifiers._static": "StaticVerifier",
}

__all__ = [
    "AccountNotOpenError",
    "AgreementUnsignedError",
    "AiohttpTransport",
    "AmsRequest",
    "ApiError",
    "AttemptEvent",
    "AuthorizerAccessToken",
    "BackupHosts",
    "CallEvent",
    "Checkpoint",
    "ClientStateError",
    "Clock",
    "ComponentAccessToken",
    "ComponentTokens",
    "ConfigurationError",
    "DeadlineExceededError",
    "DecodeError",
    "Endpoint",
    "Event",
    "FileTicketStore",
    "FundsDistributionClient",
    "GateEvent",
    "GetAgencySettlement",
    "GetAuthorizerAccessToken",
    "GetComponentAccessToken",
    "GetShareRatio",
    "HalfMonth",
    "HttpRequest",
    "HttpResponse",
    "HttpxTransport",
    "InvalidParameterError",
    "JobEvent",
    "LocalRateLimiter",
    "MarkTransaction",
    "MemoryTicketStore",
    "MemoryTokenStore",
    "MemoryTransport",
    "NotSentError",
    "Outcome",
    "OutcomeUnknownError",
    "PageDriftError",
    "PageEvent",
    "Paginator",
    "PayRequest",
    "PemSigner",
    "PermissionDeniedError",
    "QuotaExceededError",
    "Rate",
    "RateLimiter",
    "RedisTicketStore",
    "RedisTokenStore",
    "Request",
    "ResponseLostError",
    "RetryEvent",
    "RetryPolicy",
    "RevenueClient",
    "Safety",
    "Sandbox",
    "Secret",
    "ServerBusyError",
    "SetShareRatio",
    "Settlement",
    "SettlementPage",
    "SettlementStatus",
    "ShareRatio",
    "SignatureError",
    "Signer",
    "SlotRevenue",
    "StartPushTicket",
    "StaticTokens",
    "StaticVerifier",
    "StoredToken",
    "StreamedResponse",
    "StreamingTransport",
    "Sweep",
    "Ticket",
    "TicketReceiver",
    "TicketStore",
    "TokenError",
    "TokenEvent",
    "TokenKind",
    "TokenSource",
    "TokenStore",
    "TokenUnavailableError",
    "TooFastError",
    "Transport",
    "TransportError",
    "Turn",
    "Verdict",
    "Verifier",
    "WaitEvent",
    "WxRevenueError",
    "beijing_date",
    "half_months",
    "last_final_half_month",
    "log_calls",
    "sweep",
    "sweep_half_months",
    "sweep_settlements",
    "yuan",
]

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
