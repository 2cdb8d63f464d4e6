"""How pydantic and FastAPI read, write and describe a model.

Nothing of theirs is imported.
"""

from __future__ import annotations

import enum
from datetime import date
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Final, Union, get_args, get_origin, get_type_hints

import attrs

from wxrevenue._base.json_types import is_array, is_object
from wxrevenue._wire.codec import decode
from wxrevenue._wire.model import Model
from wxrevenue._wire.plain import plain
from wxrevenue.errors import DecodeError

_LEAVES: Final[tuple[tuple[type, dict[str, str]], ...]] = (
    (bool, {"type": "boolean"}),
    (int, {"type": "integer"}),
    (str, {"type": "string"}),
    (float, {"type": "number"}),
    (Decimal, {"type": "string", "format": "decimal"}),
    (date, {"type": "string", "format": "date"}),
)

_ANYTHING: Final[dict[str, str]] = {}


def core_schema(kind: type[Model]) -> dict[str, object]:
    """Return the schema by which pydantic reads and writes a model.

    It takes instances, or dicts as the wire has them, and writes ``to_dict()``.
    """

    def read(value: object) -> Model:
        if isinstance(value, kind):
            return value
        found = decode(kind, _as_sent(kind, value))
        if isinstance(found, DecodeError):
            raise ValueError(str(found))  # noqa: TRY004  (what pydantic takes for an invalid value)
        return found  # type: ignore[no-any-return]

    written = {"type": "function-plain", "function": plain, "return_schema": {"type": "dict"}}
    return {"type": "function-plain", "function": {"type": "no-info", "function": read}, "serialization": written}


def _as_sent(kind: object, value: object) -> object:
    """Return what ``to_dict()`` wrote as the wire has it.

    A decimal is a string there, and a number here.
    """
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in {Union, UnionType}:
        kind = next((one for one in get_args(kind) if one is not NoneType), kind)
    if kind is Decimal and isinstance(value, str):
        return _number(value)
    if get_origin(kind) is list and is_array(value):
        return [_as_sent(get_args(kind)[0], one) for one in value]
    if isinstance(kind, type) and issubclass(kind, Model) and is_object(value):
        hints = get_type_hints(kind, include_extras=True)
        return {name: _as_sent(hints.get(name), one) for name, one in value.items()}
    return value


def _number(text: str) -> float | str:
    """Return the number of the same digits.

    Where there is none, return the string, for the decoder to refuse.
    """
    try:
        found = float(text)
        return found if Decimal(repr(found)) == Decimal(text) else text
    except (ValueError, ArithmeticError):
        return text


def json_schema(kind: object) -> dict[str, object]:
    """Return the JSON schema of what ``to_dict()`` returns."""
    if get_origin(kind) is Annotated:
        return json_schema(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        arms = [{"type": "null"} if one is NoneType else json_schema(one) for one in get_args(kind)]
        return {"anyOf": arms}
    if get_origin(kind) in {list, tuple}:
        return {"type": "array", "items": json_schema(get_args(kind)[0])}
    if not isinstance(kind, type):
        return {}
    return _schema_of_class(kind)


def _schema_of_class(kind: type) -> dict[str, object]:
    if issubclass(kind, Model):
        hints = get_type_hints(kind, include_extras=True)
        names = [field.name for field in attrs.fields(kind) if not field.name.startswith("_")]
        fields = {name: json_schema(hints[name]) for name in names}
        return {"type": "object", "title": kind.__name__, "properties": fields, "required": names, "additionalProperties": True}
    if issubclass(kind, enum.Enum):
        return {"type": "integer" if issubclass(kind, int) else "string", "title": kind.__name__}
    found = (schema for leaf, schema in _LEAVES if issubclass(kind, leaf))
    return {**next(found, _ANYTHING)}
