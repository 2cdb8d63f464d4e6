"""Every half-made object can be printed.

A crash reporter prints the locals of a constructor that failed.
"""

from __future__ import annotations

import enum
import inspect
import traceback
from typing import Any

import pytest

import wxrevenue
from wxrevenue import ConfigurationError, SetBlackList
from wxrevenue.events import Event

PUBLIC: dict[str, Any] = {name: getattr(wxrevenue, name) for name in vars(wxrevenue)["__all__"]}
CLASSES = {
    name: kind for name, kind in PUBLIC.items() if inspect.isclass(kind) and not issubclass(kind, (Event, enum.Enum, tuple, BaseException))
}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_half_made_objects_can_be_printed(name: str) -> None:
    """L-18: an object of any public class, not yet filled, prints its class."""
    kind = CLASSES[name]
    assert kind.__name__ in repr(object.__new__(kind))


def test_a_constructor_that_failed() -> None:
    """L-18: the traceback of a converter that refuses can be printed with its locals."""
    with pytest.raises(ConfigurationError) as caught:
        SetBlackList(1, list="[]", authorizer_appid="wx1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "<SetBlackList, half made>" in "".join(report.format())
