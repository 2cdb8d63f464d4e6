"""What the package promises by its shape.

Its names, their documentation, cheap imports, and small modules and functions.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import wxrevenue
from wxrevenue._lazy import lazy_names

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(wxrevenue.__file__).parent
LONGEST_MODULE = 300
LONGEST_FUNCTION = 30
SOURCES = sorted(ROOT.rglob("*.py"))
LAZY = ["wxrevenue", "wxrevenue.ams", "wxrevenue.fleet", "wxrevenue.funds", "wxrevenue.ledger", "wxrevenue.push", "wxrevenue.report"]
EXTRAS = {"anyio", "coredis", "streaq", "rich", "typer", "httpx2", "opentelemetry", "psycopg", "psycopg_pool", "redis"}

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


@pytest.mark.slow("starts an interpreter for each import")
@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import wxrevenue", ("aiohttp", "cryptography", "orjson", "cattrs", "backoff", "asyncio")),
        ("import wxrevenue.errors", ("aiohttp", "cryptography", "orjson", "cattrs", "attrs", "asyncio")),
        ("from wxrevenue import GetShareRatio, Settlement, ApiError", ("aiohttp", "cryptography", "orjson", "backoff")),
        ("from wxrevenue import RevenueClient", ("aiohttp", "cryptography", "wxrevenue.funds.mark", "wxrevenue.sandbox")),
        ("from wxrevenue import FundsDistributionClient", ("aiohttp", "cryptography", "wxrevenue.ams.settlement", "wxrevenue.sandbox")),
        ("from wxrevenue import Sandbox", ("aiohttp", "typer", "rich")),
        ("from wxrevenue import ComponentTokens", ("aiohttp", "cryptography", "wxrevenue.funds.mark", "wxrevenue.sandbox")),
        (
            "from wxrevenue.push import TicketReceiver, aiohttp_handler, asgi_app",
            ("aiohttp", "cryptography", "orjson", "wxrevenue.sandbox"),
        ),
    ],
)
def test_imports_load_what_they_need(code: str, heavy: tuple[str, ...]) -> None:
    """Each heavy part loads on first use.

    A process that talks to no server does not load what talks to one.
    """
    script = f"{code}; import sys; print(sorted(set(sys.modules) & set({heavy!r})))"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False, cwd=ROOT.parent)  # noqa: S603
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")


# -- documentation ---------------------------------------------------------------------------------


def modules() -> Iterator[ModuleType]:
    """Yield every module of the package that can be imported here."""
    yield wxrevenue
    for entry in pkgutil.walk_packages(wxrevenue.__path__, "wxrevenue."):
        if entry.name.endswith("__main__"):
            continue
        try:
            yield importlib.import_module(entry.name)
        except ModuleNotFoundError as error:  # the command line without its extra
            assert error.name in EXTRAS, entry.name  # noqa: PT017


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield (name, object) for each public thing that a module defines.

    The members of its classes are among them.
    """
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(value) or inspect.isclass(value):
            yield f"{module.__name__}.{name}", value
        if inspect.isclass(value):
            for member, found in vars(value).items():
                if not member.startswith("_") and (inspect.isroutine(found) or isinstance(found, (property, classmethod, staticmethod))):
                    yield f"{module.__name__}.{name}.{member}", getattr(value, member)


def undocumented(name: str, value: Any) -> bool:
    """Return whether a thing has no documentation.

    A class needs its own; a method may inherit it.
    """
    text = vars(value).get("__doc__") if inspect.isclass(value) else inspect.getdoc(value)
    made_up = f"{name.rsplit('.', 1)[-1]}("  # what a NamedTuple says of itself
    return not text or not text.strip() or text.startswith(made_up)


def test_every_public_name_is_documented() -> None:
    """Every public module, class, function, method and property says what it is.

    Public names have no underscore.
    """
    silent = [module.__name__ for module in modules() if not module.__doc__]
    silent += [name for module in modules() for name, value in public(module) if undocumented(name, value)]
    assert silent == []


def test_the_walk_sees_the_package() -> None:
    """The search finds clients, their methods, properties and errors.

    Without them the test above would pass on an empty list.
    """
    seen = {name for module in modules() for name, _ in public(module)}
    assert seen >= {
        "wxrevenue.errors.ApiError.explained",
        "wxrevenue.clients._revenue.RevenueClient.get_share_ratio",
        "wxrevenue.clients._revenue.RevenueClient.from_env",
        "wxrevenue.ams.settlement.Settlement.period",
        "wxrevenue.transports._memory.MemoryTransport.aclose",
        "wxrevenue._base.calendar.beijing_date",
    }


# -- size ------------------------------------------------------------------------------------------


def functions(tree: ast.AST, where: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every function of a module by its qualified name, nested ones too."""
    for node in ast.iter_child_nodes(tree):
        name = f"{where}{node.name}" if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else where
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield name, node
        yield from functions(node, f"{name}." if name != where else where)


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function's body without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_modules_are_small() -> None:
    """A module has at most 300 lines."""
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    assert len(lengths) > 30
    assert {name: count for name, count in lengths.items() if count > LONGEST_MODULE} == {}


def test_functions_are_small() -> None:
    """A function has at most 30 lines besides its docstring."""
    lengths = {
        f"{path.relative_to(ROOT)}:{name}": length(node) for path in SOURCES for name, node in functions(ast.parse(path.read_text()))
    }
    assert len(lengths) > 300
    assert {name: count for name, count in lengths.items() if count > LONGEST_FUNCTION} == {}
