"""What the package promises by its names: each is listed once, and loads."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import wxrevenue
from wxrevenue._lazy import lazy_names

ROOT = Path(wxrevenue.__file__).parent
LAZY = ["wxrevenue", "wxrevenue.ams", "wxrevenue.fleet", "wxrevenue.funds", "wxrevenue.ledger", "wxrevenue.push", "wxrevenue.report"]

PROMISED = [
    "RevenueClient",
    "FundsDistributionClient",
    "GetShareRatio",
    "SetShareRatio",
    "GetAgencySettlement",
    "MarkTransaction",
    "RequestDistribution",
    "UnfreezeRemainingFunds",
    "QueryDistribution",
    "QueryRemainingAmount",
    "QueryRefundableAmount",
    "QueryRefundableBalance",
    "QueryRechargeBalance",
    "AddReceiver",
    "QueryReceiver",
    "DeleteReceiver",
    "UploadFile",
    "RequestRefund",
    "QueryRefund",
    "DistributionReceiver",
    "DistributionOrder",
    "RefundAmount",
    "Bill",
    "BillRow",
    "ShareRatio",
    "SettlementPage",
    "Settlement",
    "SlotRevenue",
    "SettlementStatus",
    "yuan",
    "beijing_date",
    "Paginator",
    "RetryPolicy",
    "LocalRateLimiter",
    "RedisRateLimiter",
    "LimiterEvent",
    "StaticVerifier",
    "PlatformCertificates",
    "PaymentReceiver",
    "PaymentEvent",
    "PaymentReply",
    "RefundChanged",
    "DistributionRefundChanged",
    "CertificateStore",
    "MemoryCertificateStore",
    "FileCertificateStore",
    "RedisCertificateStore",
    "StaticTokens",
    "ComponentTokens",
    "TokenStore",
    "MemoryTokenStore",
    "StoredToken",
    "MemoryTransport",
    "AiohttpTransport",
    "HttpxTransport",
    "BackupHosts",
    "Sandbox",
    "Ticket",
    "TicketStore",
    "MemoryTicketStore",
    "FileTicketStore",
    "TicketReceiver",
    "Transport",
    "StreamingTransport",
    "StreamedResponse",
    "HttpRequest",
    "HttpResponse",
    "TokenSource",
    "TokenKind",
    "Rate",
    "RateLimiter",
    "Turn",
    "Verdict",
    "Verifier",
    "Signer",
    "Clock",
    "Secret",
    "Request",
    "AmsRequest",
    "PayRequest",
    "Endpoint",
    "Safety",
    "CallEvent",
    "AttemptEvent",
    "RetryEvent",
    "WaitEvent",
    "GateEvent",
    "TokenEvent",
    "PageEvent",
    "JobEvent",
    "sweep",
    "Sweep",
    "Outcome",
    "Checkpoint",
    "sweep_settlements",
    "sweep_authorizer_settlements",
    "sweep_half_months",
    "RatioState",
    "RatioStatus",
    "RatioChange",
    "RatioPlan",
    "RatioResult",
    "ratio_status",
    "plan_ratios",
    "apply_ratios",
    "PublisherState",
    "PublisherResult",
    "open_publishers",
    "Change",
    "ChangeKind",
    "Claim",
    "FetchJob",
    "Ledger",
    "Progress",
    "Recorded",
    "Totals",
    "open_ledger",
    "SyncReport",
    "sync",
    "fetch",
    "split_exactly",
    "reconcile",
    "reconcile_bill",
    "Reconciliation",
    "Difference",
    "write_statement",
    "LedgerError",
    "WxRevenueError",
    "ConfigurationError",
    "ClientStateError",
    "TransportError",
    "NotSentError",
    "ResponseLostError",
    "OutcomeUnknownError",
    "DecodeError",
    "ApiError",
    "TooFastError",
    "QuotaExceededError",
    "ServerBusyError",
    "InvalidParameterError",
    "AgreementUnsignedError",
    "AccountNotOpenError",
    "TokenError",
    "PermissionDeniedError",
    "TokenUnavailableError",
    "SignatureError",
    "PageDriftError",
    "DeadlineExceededError",
]


def tree_of(package: str) -> ast.Module:
    """Return the parsed source of a package's ``__init__``."""
    return ast.parse(inspect.getsource(importlib.import_module(package)))


def exported() -> list[str]:
    """Return what the package exports; type checkers see it name by name."""
    return list(vars(wxrevenue)["__all__"])


def mirror(package: str) -> set[tuple[str, str]]:
    """Return (module, name) for every name that a type checker finds.

    They stand below ``if TYPE_CHECKING``.
    """
    found: set[tuple[str, str]] = set()
    for node in tree_of(package).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            imports = [entry for entry in node.body if isinstance(entry, ast.ImportFrom)]
            assert len(imports) == len(node.body)
            for entry in imports:
                for alias in entry.names:
                    assert alias.asname in {None, alias.name}
                    found |= starred(entry.module or "") if alias.name == "*" else {(entry.module or "", alias.name)}
    return found


def starred(module: str) -> set[tuple[str, str]]:
    """Return (module, name) for every name that a module exports.

    A package's exports are those of its chapters.
    """
    if module in LAZY:
        return mirror(module)
    return {(module, name) for name in importlib.import_module(module).__all__}


def table(package: str) -> list[tuple[str, str]]:
    """Return (module, name) for every row of a package's table of lazy names."""
    module: Any = importlib.import_module(package)
    rows: dict[str, str] = getattr(module, "CHAPTERS", None) or module._NAMES
    return [(home, name) for home, names in rows.items() for name in names.split()]


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", LAZY)
def test_table_mirror_and_export_list_agree(package: str) -> None:
    """A type checker, the loader and the export list agree.

    They have the same names from the same modules.
    """
    assert set(table(package)) == mirror(package)
    names = [name for _, name in table(package)]
    module: Any = importlib.import_module(package)
    assert sorted(names) == sorted(set(names)) == sorted(module.__all__)


@pytest.mark.parametrize("package", LAZY)
def test_every_exported_name_loads(package: str) -> None:
    """Every exported name lives in the module that the table says.

    ``dir`` lists it, and it is kept once it is loaded.
    """
    module: Any = importlib.import_module(package)
    for home, name in table(package):
        value = getattr(module, name)
        assert value is getattr(importlib.import_module(home), name)
        assert vars(module)[name] is value
    assert set(module.__all__) <= set(dir(module))


def test_promised_names_are_exported() -> None:
    """The names that users' programs need are exported."""
    assert set(PROMISED) <= set(exported())
    assert all(getattr(wxrevenue, name).__name__ == name for name in PROMISED)


def test_everything_public_in_errors_is_exported() -> None:
    """Every error that can be raised can be caught by a name of the package."""
    module = importlib.import_module("wxrevenue.errors")
    public = {name for name, value in vars(module).items() if inspect.isclass(value) and issubclass(value, Exception) and name[0] != "_"}
    assert public <= set(exported())


@pytest.mark.parametrize("package", LAZY)
def test_unknown_names_are_attribute_errors(package: str) -> None:
    """A misspelt name is an AttributeError that names the module."""
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'GetShareRatoi'"):
        _ = importlib.import_module(package).GetShareRatoi


def test_lazy_names_load_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is looked up in its module at first use only.

    ``dir`` knows it before that.
    """
    package = ModuleType("fake_package")
    monkeypatch.setitem(sys.modules, "fake_package", package)
    load, names = lazy_names("fake_package", {"decimal": "Decimal getcontext", "math": "pi"})
    assert {"Decimal", "getcontext", "pi"} <= set(names())
    assert "pi" not in vars(package)
    assert load("pi") == vars(package)["pi"]
    with pytest.raises(AttributeError, match="has no attribute 'e'"):
        load("e")


def test_package_is_typed() -> None:
    """The package tells type checkers that it is typed."""
    assert (ROOT / "py.typed").read_bytes() == b""


# -- imports ---------------------------------------------------------------------------------------


# -- documentation ---------------------------------------------------------------------------------


# -- size ------------------------------------------------------------------------------------------
