"""JSON bytes to typed values and back.

cattrs dispatches. How strictly values are read, :mod:`wxrevenue._wire.structure` says.
"""

from __future__ import annotations

import contextlib
import functools
import math
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

import orjson
from cattrs import Converter

from wxrevenue._base.json_types import is_object
from wxrevenue._base.secret import STARS, Secret
from wxrevenue._wire.model import attrs_fields
from wxrevenue._wire.plain import number
from wxrevenue._wire.repair import readings
from wxrevenue._wire.request import is_sent, result_of, revealed, wire_form, wire_name
from wxrevenue._wire.structure import is_strict, make_structure
from wxrevenue.errors import ConfigurationError, DecodeError, without_history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wxrevenue._base.json_types import JsonValue
    from wxrevenue._wire.request import Request
    from wxrevenue._wire.structure import Hook

    Shape: TypeAlias = tuple[tuple[tuple[str, str, Callable[[object], object] | None], ...], Callable[[object], object]]
    """The fields of a body, and what writes a value that JSON does not have.

    A field: its own name, its name in the body, and what converts its value for sending.
    """

T = TypeVar("T")


WEB_PAGE: Final = "the answer looks like a web page, not WeChat: is a proxy or a login page between?"
_BLANKS: Final = b"\xef\xbb\xbf \t\r\n"
_SHAPES: Final[dict[type, Shape]] = {}
_PLAIN: Final = frozenset({str, int, bool})
"""Types of which every value can be written, and holds no float.

To search a body would cost as much as to write it.
"""
_RESULTS: Final[dict[type, tuple[Hook, object]]] = {}
"""By class of requests.

Looked into on every call, where a function's own cache would cost three times as much.
"""


def parse(body: bytes) -> JsonValue | DecodeError:
    """Return the JSON value of an answer's body, or a ``DecodeError``.

    The error is a value: the parser's own error holds the body. A body that is JSON but for its
    bytes is read, so that no code is lost; see :mod:`wxrevenue._wire.repair`.
    """
    try:
        found: JsonValue = orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    else:
        return found
    for reading in readings(body):
        with contextlib.suppress(orjson.JSONDecodeError):
            repaired: JsonValue = orjson.loads(reading)
            return repaired
    if body.lstrip(_BLANKS).startswith(b"<"):
        return DecodeError(WEB_PAGE, retryable=True)
    return DecodeError("the body is not complete JSON" if body else "the body is empty", retryable=True)


def about_page(payload: object) -> dict[str, str]:
    """Return what an error says of an answer that is a web page; nothing of any other."""
    is_page = isinstance(payload, DecodeError) and payload.message == WEB_PAGE
    return {"meaning": WEB_PAGE, "solution": "Check base_url, and the network between this machine and WeChat."} if is_page else {}


def encode(request: object) -> bytes | ConfigurationError:
    """Return the JSON body of a request, or the error as a value.

    UTF-8 stays as it is, decimals are exact, and ``None`` is left out.

    Raises:
        ConfigurationError: the request's class cannot be sent at all.
    """
    kind = request.__class__
    names, default = _SHAPES.get(kind) or shape_of(kind)
    fields: dict[str, object] = {}
    is_plain = True
    for name, sent, form in names:  # a comprehension would be a call of its own
        if (value := getattr(request, name)) is not None:
            fields[sent] = value = value if form is None else form(value)
            is_plain = is_plain and type(value) in _PLAIN
    try:
        body = orjson.dumps(fields, default=default)
    except TypeError:
        body = None
    if body is None or not (is_plain or b"null" not in body or not _holds_no_number(converter.unstructure(fields))):
        return ConfigurationError(f"{type(request).__name__}: a field holds something that JSON cannot")
    return body


def _holds_no_number(value: object) -> bool:
    """Return whether a value holds a float that JSON does not have.

    orjson writes ``null`` for it.
    """
    if isinstance(value, float):
        return not math.isfinite(value)
    if is_object(value):
        return any(map(_holds_no_number, value.values()))
    if not isinstance(value, (list, tuple, set, frozenset)):
        return False
    return any(map(_holds_no_number, cast("Iterable[object]", value)))


def decode(kind: Any, payload: object) -> Any:
    """Return the payload as a value of that type, or a ``DecodeError`` (as a value)."""
    try:
        return structure_hook(kind)(payload, kind)
    except Exception as error:  # noqa: BLE001  (whatever a user's own type raises)
        found = error
    return _misfit(found, kind)


def decode_result(request: Request[T], payload: object) -> T | DecodeError:
    """Return the payload as the request's result, or a ``DecodeError`` (as a value)."""
    hook, kind = _RESULTS.get(request.__class__) or result_hook(request.__class__)
    try:
        result: T = hook(payload, kind)
    except Exception as error:  # noqa: BLE001  (as below)
        found = error
    else:
        return result
    return _misfit(found, kind)


def _misfit(error: Exception, kind: object) -> DecodeError:
    """Return the error for a payload that a type cannot be made of.

    A user's own validator, converter or enum may have raised it, too.
    """
    if not isinstance(error, DecodeError):
        error = DecodeError(f"does not fit {getattr(kind, '__name__', kind)}: {type(error).__name__}")
    return without_history(error)


@functools.cache
def structure_hook(kind: object) -> Hook:
    """Return the function that turns a payload into that type."""
    return make_structure(kind, converter)


def result_hook(request: type) -> tuple[Hook, object]:
    """Return what makes the result of a class of requests, and the result's type."""
    kind = result_of(request)
    found = _RESULTS[request] = structure_hook(kind), kind
    return found


def shape_of(request: type) -> Shape:
    """Return how the bodies of a class of requests are written.

    It is known once it is clear that the request's answers can be read.

    Raises:
        ConfigurationError: the class is not a frozen attrs class, or its result is of a type that
            JSON cannot give.
    """
    if (known := _SHAPES.get(request)) is not None:
        return known
    if "__attrs_attrs__" not in vars(request):
        raise ConfigurationError(f"{request.__name__}: decorate it with attrs.frozen")
    try:
        result_hook(request)
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001  (NameError, or whatever cattrs makes of it)
        problem = type(error).__name__
    else:
        names = tuple((field.name, wire_name(field), wire_form(field)) for field in attrs_fields(request) if is_sent(field))
        found: Shape = names, _unboxed if revealed(request) else converter.unstructure
        _SHAPES[request] = found
        return found
    raise ConfigurationError(f"{request.__name__}: its result type cannot be made from JSON ({problem})")


def _unboxed(value: object) -> object:
    """Return a field of a request whose secrets are meant for the server."""
    return value.reveal() if isinstance(value, Secret) else converter.unstructure(value)


def _make_converter() -> Converter:
    made = Converter(detailed_validation=False)
    made.register_structure_hook_factory(is_strict, make_structure)
    for leaf in (int, str, bool, float):  # inside tuples and sets, where cattrs would ask its own hooks
        made.register_structure_hook(leaf, make_structure(leaf, made))
    made.register_structure_hook(NoneType, lambda _payload, _kind: None)
    made.register_unstructure_hook(Decimal, number)
    made.register_unstructure_hook(Secret, lambda _secret: STARS)
    return made


converter: Final = _make_converter()
