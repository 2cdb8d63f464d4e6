"""JSON values as types: what a parser returns before anything is known of it."""

from __future__ import annotations

from typing import TypeAlias, TypeGuard

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
"""Any JSON value. ``isinstance`` narrows it, down to its parts."""
JsonObject: TypeAlias = "dict[str, JsonValue]"
"""A JSON object.

What is only passed on to be written is ``Mapping[str, object]`` instead.
"""


def is_object(value: object) -> TypeGuard[dict[str, object]]:
    """Return whether a value is a ``dict``, for type checkers a ``dict`` of objects."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[object]]:
    """Return whether a value is a ``list``, for type checkers a ``list`` of objects."""
    return isinstance(value, list)
