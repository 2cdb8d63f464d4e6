"""Every object of tokens, pushes and tickets can be printed while it is half made."""

from __future__ import annotations

import enum
import importlib
import inspect
import pkgutil
from typing import Any

import pytest

from wxrevenue import push, tickets, tokens
from wxrevenue.ams import authorization

FOLDERS = (tokens, push, tickets)


def classes() -> list[Any]:
    """Return every class of these folders."""
    names = [found.name for each in FOLDERS for found in pkgutil.walk_packages(each.__path__, f"{each.__name__}.")]
    modules = [importlib.import_module(name) for name in (*names, authorization.__name__)]
    found = {kind for module in modules for kind in vars(module).values() if inspect.isclass(kind) and is_ours(kind)}
    return sorted(found, key=lambda kind: f"{kind.__module__}.{kind.__qualname__}")


def is_ours(kind: Any) -> bool:
    """Return whether a class is defined in these folders and can be made empty."""
    homes = tuple(each.__name__ for each in (*FOLDERS, authorization))
    return kind.__module__.startswith(homes) and not issubclass(kind, (enum.Enum, BaseException))


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_half_made(kind: Any) -> None:
    """L-18: a half-made object can be printed.

    A crash reporter prints the locals of a constructor that failed.
    """
    assert kind.__name__ in repr(object.__new__(kind))
