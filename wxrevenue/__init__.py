"""Advertising money for Mini Program service providers, on asyncio.

Start with :class:`RevenueClient` (revenue split and settlements) and
:class:`FundsDistributionClient` (WeChat Pay overseas). Names load the module they live in when they
are first used, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue import ams, fleet, funds, ledger, report
from wxrevenue._lazy import lazy_names, names_in
from wxrevenue._version import __version__ as __version__

if TYPE_CHECKING:
    from wxrevenue._base.calendar import (
        HalfMonth as HalfMonth,
    )
    from wxrevenue._base.calendar import (
        beijing_date as beijing_date,
    )
    from wxrevenue._base.calendar import (
        half_months as half_months,
    )
    from wxrevenue._base.calendar import (
        last_final_half_month as last_final_half_month,
    )
    from wxrevenue._base.http_status import http_status as http_status
    from wxrevenue._base.secret import Secret as Secret
    from wxrevenue._call_log import log_calls as log_calls
    from wxrevenue._engine.retry import RetryPolicy as RetryPolicy
    from wxrevenue._wire.answer import Answer as Answer
    from wxrevenue._wire.http import HttpRequest as HttpRequest
    from wxrevenue._wire.http import HttpResponse as HttpResponse
    from wxrevenue._wire.http import StreamedResponse as StreamedResponse
    from wxrevenue._wire.plain import to_json as to_json
    from wxrevenue._wire.request import (
        AmsRequest as AmsRequest,
    )
    from wxrevenue._wire.request import (
        Endpoint as Endpoint,
    )
    from wxrevenue._wire.request import (
        PayRequest as PayRequest,
    )
    from wxrevenue._wire.request import (
        Request as Request,
    )
    from wxrevenue._wire.request import (
        Safety as Safety,
    )
    from wxrevenue._wire.request import (
        TokenKind as TokenKind,
    )
    from wxrevenue._wire.stored import *
    from wxrevenue.ams import *
    from wxrevenue.certificates._file import FileCertificateStore as FileCertificateStore
    from wxrevenue.certificates._memory import MemoryCertificateStore as MemoryCertificateStore
    from wxrevenue.certificates._platform import PlatformCertificates as PlatformCertificates
    from wxrevenue.certificates._redis import RedisCertificateStore as RedisCertificateStore
    from wxrevenue.clients._funds import FundsDistributionClient as FundsDistributionClient
    from wxrevenue.clients._funds_bill import Bill as Bill
    from wxrevenue.clients._revenue import RevenueClient as RevenueClient
    from wxrevenue.errors import *
    from wxrevenue.events import *
    from wxrevenue.fleet import *
    from wxrevenue.funds import *
    from wxrevenue.ledger import *
    from wxrevenue.limiters._local.limiter import LocalRateLimiter as LocalRateLimiter
    from wxrevenue.limiters._quota.fixed_rate import Rate as Rate
    from wxrevenue.limiters._redis.limiter import RedisRateLimiter as RedisRateLimiter
    from wxrevenue.pagination._paginator import Paginator as Paginator
    from wxrevenue.ports import *
    from wxrevenue.push._component.receiver import TicketReceiver as TicketReceiver
    from wxrevenue.push._payment.event import (
        DistributionRefundChanged as DistributionRefundChanged,
    )
    from wxrevenue.push._payment.event import (
        PaymentEvent as PaymentEvent,
    )
    from wxrevenue.push._payment.event import (
        PaymentReply as PaymentReply,
    )
    from wxrevenue.push._payment.event import (
        RefundChanged as RefundChanged,
    )
    from wxrevenue.push._payment.receiver import PaymentReceiver as PaymentReceiver
    from wxrevenue.report import *
    from wxrevenue.sandbox import Sandbox as Sandbox
    from wxrevenue.signing._pem_signer import PemSigner as PemSigner
    from wxrevenue.signing._static_verifier import StaticVerifier as StaticVerifier
    from wxrevenue.sweeps._checkpoint import Checkpoint as Checkpoint
    from wxrevenue.sweeps._outcome import Outcome as Outcome
    from wxrevenue.sweeps._presets import sweep_authorizer_settlements as sweep_authorizer_settlements
    from wxrevenue.sweeps._presets import sweep_half_months as sweep_half_months
    from wxrevenue.sweeps._presets import sweep_settlements as sweep_settlements
    from wxrevenue.sweeps._sweep import Sweep as Sweep
    from wxrevenue.sweeps._sweep import sweep as sweep
    from wxrevenue.tickets._file import FileTicketStore as FileTicketStore
    from wxrevenue.tickets._memory import MemoryTicketStore as MemoryTicketStore
    from wxrevenue.tickets._redis import RedisTicketStore as RedisTicketStore
    from wxrevenue.tokens._component import ComponentTokens as ComponentTokens
    from wxrevenue.tokens._plain import StaticTokens as StaticTokens
    from wxrevenue.tokens.stores._memory import MemoryTokenStore as MemoryTokenStore
    from wxrevenue.tokens.stores._redis import RedisTokenStore as RedisTokenStore
    from wxrevenue.transports._aiohttp.transport import AiohttpTransport as AiohttpTransport
    from wxrevenue.transports._backup import BackupHosts as BackupHosts
    from wxrevenue.transports._httpx2.transport import HttpxTransport as HttpxTransport
    from wxrevenue.transports._memory import MemoryTransport as MemoryTransport

_NAMES = {
    **ams.CHAPTERS,
    **funds.CHAPTERS,
    **fleet.CHAPTERS,
    **ledger.CHAPTERS,
    **report.CHAPTERS,
    "wxrevenue._base.http_status": "http_status",
    "wxrevenue._call_log": "log_calls",
    "wxrevenue.certificates._file": "FileCertificateStore",
    "wxrevenue.certificates._memory": "MemoryCertificateStore",
    "wxrevenue.certificates._platform": "PlatformCertificates",
    "wxrevenue.certificates._redis": "RedisCertificateStore",
    "wxrevenue.sweeps._checkpoint": "Checkpoint",
    "wxrevenue._base.calendar": "HalfMonth beijing_date half_months last_final_half_month",
    "wxrevenue.events": "AttemptEvent CallEvent Event GateEvent JobEvent LimiterEvent PageEvent RetryEvent TokenEvent WaitEvent",
    "wxrevenue.clients._funds": "FundsDistributionClient",
    "wxrevenue.clients._funds_bill": "Bill",
    "wxrevenue.sweeps._outcome": "Outcome",
    "wxrevenue.pagination._paginator": "Paginator",
    "wxrevenue._wire.stored": "StoredToken Ticket",
    "wxrevenue.ports": (
        "CertificateStore Clock EncryptingVerifier EncryptionKey InstantLimiter InstantTokens RateLimiter "
        "RenewableTokenStore Signer StreamingTransport TicketStore TokenSource TokenStore Transport Turn Verdict Verifier"
    ),
    "wxrevenue._wire.answer": "Answer",
    "wxrevenue._wire.http": "HttpRequest HttpResponse StreamedResponse",
    "wxrevenue._wire.plain": "to_json",
    "wxrevenue._wire.request": "AmsRequest Endpoint PayRequest Request Safety TokenKind",
    "wxrevenue._engine.retry": "RetryPolicy",
    "wxrevenue.clients._revenue": "RevenueClient",
    "wxrevenue._base.secret": "Secret",
    "wxrevenue.sweeps._presets": "sweep_authorizer_settlements sweep_half_months sweep_settlements",
    "wxrevenue.sweeps._sweep": "Sweep sweep",
    "wxrevenue.errors": (
        "AccountNotOpenError AgreementUnsignedError ApiError ClientStateError ConfigurationError "
        "DeadlineExceededError DecodeError InvalidParameterError LedgerError NotSentError OutcomeUnknownError PageDriftError "
        "PermissionDeniedError QuotaExceededError ResponseLostError ServerBusyError SignatureError TokenError "
        "TokenUnavailableError TooFastError TransportError WxRevenueError"
    ),
    "wxrevenue.limiters._local.limiter": "LocalRateLimiter",
    "wxrevenue.limiters._quota.fixed_rate": "Rate",
    "wxrevenue.limiters._redis.limiter": "RedisRateLimiter",
    "wxrevenue.push._component.receiver": "TicketReceiver",
    "wxrevenue.push._payment.event": "DistributionRefundChanged PaymentEvent PaymentReply RefundChanged",
    "wxrevenue.push._payment.receiver": "PaymentReceiver",
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

if not TYPE_CHECKING:
    __all__ = names_in(_NAMES)  # noqa: PLE0605  (the table has them once)
    __getattr__, __dir__ = lazy_names(__name__, _NAMES)
