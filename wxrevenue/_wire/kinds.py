"""What the writer of structure functions asks of types and fields."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Union, get_args, get_origin

import attrs

from wxrevenue._wire.leaves import LENIENT
from wxrevenue._wire.model import Respelled, attrs_fields


def respelled(kind: object) -> tuple[object, Respelled | None]:
    """Return a type without its mark ``Respelled``, and the mark."""
    marks: tuple[object, ...] = getattr(kind, "__metadata__", ())
    mark = next((one for one in marks if isinstance(one, Respelled)), None)
    if mark is None:
        return kind, None
    others = tuple(one for one in marks if one is not mark)
    unmarked: object = getattr(kind, "__origin__", kind)
    return (Annotated[(unmarked, *others)] if others else unmarked), mark


def optional(kind: object) -> object:
    """Return ``X`` for ``X | None``, else ``None``."""
    if get_origin(kind) not in {Union, UnionType}:
        return None
    others = [arm for arm in get_args(kind) if arm is not NoneType]
    return others[0] if len(others) == 1 and NoneType in get_args(kind) else None


def respelling(kind: type) -> Respelled | None:
    """Return how the objects of a class are brought into the usual form, if they are."""
    found: Respelled | None = getattr(kind, "respelled", None)
    return found


def is_plain(kind: type) -> bool:
    """Return whether nothing but the fields' values goes into an instance.

    It can be filled without a call of its constructor then.
    """
    fields = attrs_fields(kind)
    plain_fields = all(field.init and field.converter is None and field.validator is None for field in fields)  # pyright: ignore[reportUnknownMemberType]
    inherited: tuple[object, object] = (kind.__setattr__, kind.__new__)
    untouched = inherited == (object.__setattr__, object.__new__)
    return plain_fields and untouched and not hasattr(kind, "__attrs_post_init__") and not hasattr(kind, "__attrs_init__")


def bare(kind: object) -> object:
    """Return ``X`` for ``X | None``, and every other type as it is."""
    return optional(kind) or kind


def is_required(field: attrs.Attribute[object]) -> bool:
    """Return whether an answer has to have a field.

    One for display that may be ``None`` may be missing there, though not in a constructor's call.
    """
    return field.default is attrs.NOTHING and not (bare(field.type) in LENIENT and optional(field.type) is not None)
