"""JSON bytes to typed values and back. cattrs dispatches; how strictly, :mod:`wxrevenue._wire.structure` says."""

from __future__ import annotations

import contextlib
import functools
import math
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

import attrs
import orjson
from cattrs import Converter

from wxrevenue._base.secret import STARS, Secret
from wxrevenue._wire.repair import readings
from wxrevenue._wire.request import is_sent, result_of, revealed, wire_form, wire_name
from wxrevenue._wire.structure import is_strict, make_structure
from wxrevenue.errors import ConfigurationError, DecodeError, without_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue._wire.structure import Hook


def parse(body: bytes) -> Any:
    """Return the JSON value of an answer's body, or a ``DecodeError`` (as a value: the parser's own holds the body).

    A body that is JSON but for its bytes is read, so that no code is lost; see :mod:`wxrevenue._wire.repair`.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    for reading in readings(body):
        with contextlib.suppress(orjson.JSONDecodeError):
            return orjson.loads(reading)
    return DecodeError("the body is not complete JSON" if body else "the body is empty", retryable=True)


def encode(request: Any) -> bytes | ConfigurationError:
    """Return the JSON body of a request: UTF-8 as it is, decimals exactly, ``None`` left out. An error is a value.

    Raises:
        ConfigurationError: the request's class cannot be sent at all.
    """
    kind = request.__class__
    fields: dict[str, Any] = {}
    for name, sent, form in names_sent(kind):  # a comprehension would be a call of its own
        if (value := getattr(request, name)) is not None:
            fields[sent] = value if form is None else form(value)
    try:
        body = orjson.dumps(fields, default=_unboxed if revealed(kind) else converter.unstructure)
    except TypeError:
        body = None
    if body is None or (b"null" in body and _holds_no_number(converter.unstructure(fields))):
        return ConfigurationError(f"{type(request).__name__}: a field holds something that JSON cannot")
    return body


def _holds_no_number(value: Any) -> bool:
    """Tell whether a float among the values is none that JSON knows: orjson writes ``null`` for it."""
    if isinstance(value, float):
        return not math.isfinite(value)
    inner: Any = value  # as far as pyright is concerned, isinstance would make its contents unknown
    if isinstance(value, dict):
        inner = inner.values()
    return isinstance(value, (dict, list, tuple, set, frozenset)) and any(map(_holds_no_number, inner))


def decode(kind: Any, payload: Any) -> Any:
    """Return the payload as a value of that type, or a ``DecodeError`` (as a value)."""
    try:
        return structure_hook(kind)(payload, kind)
    except DecodeError as error:
        found = error
    except Exception as error:  # noqa: BLE001  (a validator, converter or enum of the user's own result type)
        found = DecodeError(f"does not fit {getattr(kind, '__name__', kind)}: {type(error).__name__}")
    return without_history(found)


@functools.cache
def structure_hook(kind: Any) -> Hook:
    """Return the function that turns a payload into that type."""
    return make_structure(kind, converter)


@functools.cache
def names_sent(request: Any) -> tuple[tuple[str, str, Callable[[Any], Any] | None], ...]:
    """Return the fields of a class of requests that make up the body, each with its name there and what brings it into form.

    They are known once it is clear that the request's answers can be read.

    Raises:
        ConfigurationError: the class is not a frozen attrs class, or its result is of a type that JSON cannot give.
    """
    if "__attrs_attrs__" not in vars(request):
        raise ConfigurationError(f"{request.__name__}: decorate it with attrs.frozen")
    kind = result_of(request)
    try:
        structure_hook(kind)
    except Exception as error:  # noqa: BLE001  (NameError, or whatever cattrs makes of it)
        problem = type(error).__name__
    else:
        return tuple((field.name, wire_name(field), wire_form(field)) for field in attrs.fields(request) if is_sent(field))
    raise ConfigurationError(f"{request.__name__}: its result type cannot be made from JSON ({problem})")


def _unboxed(value: Any) -> Any:
    """Return a field of a request whose secrets are meant for the server."""
    return value.reveal() if isinstance(value, Secret) else converter.unstructure(value)


def _number(value: Decimal) -> orjson.Fragment:
    """Return a decimal as a JSON number of the same digits; nought is nought, however it is written."""
    return orjson.Fragment(format(value, "f").encode() if value else b"0")


def _make_converter() -> Converter:
    made = Converter(detailed_validation=False)
    made.register_structure_hook_factory(is_strict, make_structure)
    for leaf in (int, str, bool, float):  # inside tuples and sets, where cattrs would ask its own hooks
        made.register_structure_hook(leaf, make_structure(leaf, made))
    made.register_structure_hook(NoneType, lambda _payload, _kind: None)
    made.register_unstructure_hook(Decimal, _number)
    made.register_unstructure_hook(Secret, lambda _secret: STARS)
    return made


converter: Final = _make_converter()
