"""Advertising money for Mini Program service providers, on asyncio.

Start with :class:`RevenueClient` (revenue split and settlements) and :class:`FundsDistributionClient` (WeChat Pay overseas).
Names load the module they live in when they are first used, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._lazy import lazy_names
from wxrevenue._version import __version__ as __version__

if TYPE_CHECKING:
    from wxrevenue._base.calendar import HalfMonth, beijing_date, half_months, last_final_half_month
    from wxrevenue._base.secret import Secret
    from wxrevenue._call_log import log_calls
    from wxrevenue._engine.retry import RetryPolicy
    from wxrevenue._wire.http import HttpRequest, HttpResponse, StreamedResponse
    from wxrevenue._wire.request import AmsRequest, Endpoint, PayRequest, Request, Safety, TokenKind
    from wxrevenue.ams.authorization import (
        AuthorizerAccessToken,
        ComponentAccessToken,
        GetAuthorizerAccessToken,
        GetComponentAccessToken,
        StartPushTicket,
    )
    from wxrevenue.ams.percentage import GetShareRatio, SetShareRatio, ShareRatio
    from wxrevenue.ams.settlement import GetAgencySettlement, Settlement, SettlementPage, SettlementStatus, SlotRevenue, yuan
    from wxrevenue.clients._funds import FundsDistributionClient
    from wxrevenue.clients._revenue import RevenueClient
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
    from wxrevenue.events import AttemptEvent, CallEvent, Event, GateEvent, JobEvent, PageEvent, RetryEvent, TokenEvent, WaitEvent
    from wxrevenue.funds.mark import MarkTransaction
    from wxrevenue.limiters._local.limiter import LocalRateLimiter
    from wxrevenue.limiters._quota.stated import Rate
    from wxrevenue.pagination._paginator import Paginator
    from wxrevenue.ports import (
        Clock,
        RateLimiter,
        RenewableTokenStore,
        Signer,
        StoredToken,
        StreamingTransport,
        Ticket,
        TicketStore,
        TokenSource,
        TokenStore,
        Transport,
        Turn,
        Verdict,
        Verifier,
    )
    from wxrevenue.push._component.receiver import TicketReceiver
    from wxrevenue.sandbox import Sandbox
    from wxrevenue.signing._pem_signer import PemSigner
    from wxrevenue.signing._static_verifier import StaticVerifier
    from wxrevenue.sweeps._checkpoint import Checkpoint
    from wxrevenue.sweeps._outcome import Outcome
    from wxrevenue.sweeps._presets import sweep_half_months, sweep_settlements
    from wxrevenue.sweeps._sweep import Sweep, sweep
    from wxrevenue.tickets._file import FileTicketStore
    from wxrevenue.tickets._memory import MemoryTicketStore
    from wxrevenue.tickets._redis import RedisTicketStore
    from wxrevenue.tokens._component import ComponentTokens
    from wxrevenue.tokens._plain import StaticTokens
    from wxrevenue.tokens.stores._memory import MemoryTokenStore
    from wxrevenue.tokens.stores._redis import RedisTokenStore
    from wxrevenue.transports._aiohttp.transport import AiohttpTransport
    from wxrevenue.transports._backup import BackupHosts
    from wxrevenue.transports._httpx2.transport import HttpxTransport
    from wxrevenue.transports._memory import MemoryTransport

_NAMES = {
    "wxrevenue._call_log": "log_calls",
    "wxrevenue.sweeps._checkpoint": "Checkpoint",
    "wxrevenue._base.calendar": "HalfMonth beijing_date half_months last_final_half_month",
    "wxrevenue.events": "AttemptEvent CallEvent Event GateEvent JobEvent PageEvent RetryEvent TokenEvent WaitEvent",
    "wxrevenue.clients._funds": "FundsDistributionClient",
    "wxrevenue.sweeps._outcome": "Outcome",
    "wxrevenue.pagination._paginator": "Paginator",
    "wxrevenue.ports": (
        "Clock RateLimiter RenewableTokenStore Signer StoredToken StreamingTransport Ticket TicketStore "
        "TokenSource TokenStore Transport Turn Verdict Verifier"
    ),
    "wxrevenue._wire.http": "HttpRequest HttpResponse StreamedResponse",
    "wxrevenue._wire.request": "AmsRequest Endpoint PayRequest Request Safety TokenKind",
    "wxrevenue._engine.retry": "RetryPolicy",
    "wxrevenue.clients._revenue": "RevenueClient",
    "wxrevenue._base.secret": "Secret",
    "wxrevenue.sweeps._presets": "sweep_half_months sweep_settlements",
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
    "wxrevenue.limiters._local.limiter": "LocalRateLimiter",
    "wxrevenue.limiters._quota.stated": "Rate",
    "wxrevenue.push._component.receiver": "TicketReceiver",
    "wxrevenue.sandbox": "Sandbox",
    "wxrevenue.signing._pem_signer": "PemSigner",
    "wxrevenue.tickets._file": "FileTicketStore",
    "wxrevenue.tickets._memory": "MemoryTicketStore",
    "wxrevenue.tickets._redis": "RedisTicketStore",
    "wxrevenue.tokens._component": "ComponentTokens",
    "wxrevenue.tokens._plain": "StaticTokens",
    "wxrevenue.tokens.stores._redis": "RedisTokenStore",
    "wxrevenue.tokens.stores._memory": "MemoryTokenStore",
    "wxrevenue.transports._aiohttp.transport": "AiohttpTransport",
    "wxrevenue.transports._backup": "BackupHosts",
    "wxrevenue.transports._httpx2.transport": "HttpxTransport",
    "wxrevenue.transports._memory": "MemoryTransport",
    "wxrevenue.signing._static_verifier": "StaticVerifier",
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
    "RenewableTokenStore",
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
