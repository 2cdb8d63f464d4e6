"""What a module promises: cheap imports, documented names, and small size."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import wxrevenue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(wxrevenue.__file__).parent
LONGEST_MODULE = 300
LONGEST_FUNCTION = 30
SOURCES = sorted(ROOT.rglob("*.py"))
EXTRAS = {"anyio", "coredis", "streaq", "rich", "typer", "httpx2", "opentelemetry", "psycopg", "psycopg_pool", "redis"}


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
