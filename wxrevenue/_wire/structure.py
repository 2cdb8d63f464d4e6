"""Writes the functions that turn JSON values into typed ones: one per type, nested classes and lists inline.

Out of the box cattrs turns ``None`` into ``'None'``, ``1.9`` into ``1`` and ``"false"`` into ``True``, which will not do for
money. A generated function with the checks written inside refuses all that, and is as fast as a loop written by hand.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, Union, get_args, get_origin

import attrs

from wxrevenue._base.secret import Secret
from wxrevenue._wire.model import Count, DisplayCount, DisplayDate, DisplayName, DisplayNumber, DisplayText, Model, Name, digits
from wxrevenue.errors import DecodeError, WxRevenueError

if TYPE_CHECKING:
    from cattrs import Converter

Hook: TypeAlias = Callable[..., Any]


def _mismatch(path: str, expected: str, value: Any) -> DecodeError:
    kind: Any = value.__class__
    return DecodeError(f"expected {expected}, got {_KINDS.get(kind, kind.__name__)}", path=path)


_KINDS: Mapping[type, str] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    NoneType: "null",
    bool: "a boolean",
    int: "an integer",
    float: "a fraction",
}


def _under_path(path: str, hook: Hook, value: Any, kind: Any) -> Any:
    """Structure a value of a type that has no inline form; place whatever goes wrong at the path."""
    try:
        return hook(value, kind)
    except WxRevenueError as error:
        found = error.message, getattr(error, "path", "$").removeprefix("$")
    except Exception as error:  # noqa: BLE001  (a user's own hook may raise anything)
        found = f"does not fit {getattr(kind, '__name__', kind)}: {type(error).__name__}", ""
    raise DecodeError(found[0], path=path + found[1])


def is_strict(kind: Any) -> bool:
    """Tell whether a type is checked by a function of ours."""
    return attrs.has(kind) or kind is list or get_origin(kind) in {list, dict} or kind in _LEAVES or _optional(kind) is not None


def make_structure(kind: Any, converter: Converter) -> Hook:
    """Return a structure function for an attrs class, a list, an optional or a leaf type."""
    writer = _StructureWriter(converter)
    result = writer.value(kind, "payload", "$", 1)
    source = "\n".join(["def structure(payload, _=None):", *writer.lines, f"    return {result}"])
    exec(compile(source, f"<generated structure of {kind}>", "exec"), writer.names)  # noqa: S102  (text made of our own field names)
    return writer.names["structure"]  # type: ignore[no-any-return]


def _optional(kind: Any) -> Any:
    """Return ``X`` for ``X | None``, else ``None``."""
    if get_origin(kind) not in {Union, UnionType}:
        return None
    others = [arm for arm in get_args(kind) if arm is not NoneType]
    return others[0] if len(others) == 1 and NoneType in get_args(kind) else None


def _is_plain(kind: Any) -> bool:
    """Tell whether nothing but the fields' values goes into an instance, so that it can be filled without a call of its constructor."""
    fields = attrs.fields(kind)
    plain_fields = all(field.init and field.converter is None and field.validator is None for field in fields)
    untouched = kind.__setattr__ is object.__setattr__ and kind.__new__ is object.__new__
    return plain_fields and untouched and not hasattr(kind, "__attrs_post_init__") and not hasattr(kind, "__attrs_init__")


class _StructureWriter:
    """Writes the body of one structure function. Paths are f-strings that only a failure evaluates."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self.lines: list[str] = []
        self.names: dict[str, Any] = dict(_NAMES)
        self._count = 0

    def add(self, depth: int, *lines: str) -> None:
        self.lines += ["    " * depth + line for line in lines]

    def new(self, prefix: str, value: Any = None) -> str:
        self._count += 1
        name = f"{prefix}{self._count}"
        if value is not None:
            self.names[name] = value
        return name

    def value(self, kind: Any, source: str, path: str, depth: int) -> str:
        """Write the checks of one value; return the name under which its result stands."""
        if attrs.has(kind):
            return self._object(kind, source, path, depth)
        if kind is list or get_origin(kind) is list:
            return self._list(kind, source, path, depth)
        if get_origin(kind) is dict and kind not in _LEAVES:
            return self._mapping(kind, source, path, depth)
        if kind in _LEAVES:
            self.add(depth, *(line.format(v=source, path=path) for line in _LEAVES[kind]))
        elif (inner := _optional(kind)) is not None:
            self.add(depth, f"if {source} is not None:")
            self.add(depth + 1, f"{source} = {self.value(inner, source, path, depth + 1)}")
        elif isinstance(kind, type) and issubclass(kind, enum.IntEnum):
            members = self.new("members", {int(member): member for member in kind})
            self.add(depth, *(line.format(v=source, path=path) for line in _LEAVES[int]))
            self.add(depth, f"{source} = {members}.get({source}) or {self.new('kind', kind)}({source})")
        elif kind is not Any:
            hook, wanted = self.new("hook", self._converter.get_structure_hook(kind)), self.new("kind", kind)
            self.add(depth, f"{source} = nested(f'{path}', {hook}, {source}, {wanted})")
        return source

    def _list(self, kind: Any, source: str, path: str, depth: int) -> str:
        out, item = self.new("list"), self.new("item")
        self.add(depth, f"if type({source}) is not list: raise misfit(f'{path}', 'an array', {source})")
        self.add(depth, f"{out} = []", f"for {item} in {source}:")
        element = (get_args(kind) or (Any,))[0]
        built = self.value(element, item, f"{path}[{{len({out})}}]", depth + 1)
        self.add(depth + 1, f"{out}.append({built})")
        return out

    def _mapping(self, kind: Any, source: str, path: str, depth: int) -> str:
        out, name, item = self.new("dict"), self.new("name"), self.new("item")
        self.add(depth, f"if type({source}) is not dict: raise misfit(f'{path}', 'an object', {source})")
        self.add(depth, f"{out} = {{}}", f"for {name}, {item} in {source}.items():")
        built = self.value(get_args(kind)[1], item, f"{path}.*", depth + 1)
        self.add(depth + 1, f"{out}[{name}] = {built}")
        return out

    def _object(self, kind: Any, source: str, path: str, depth: int) -> str:
        attrs.resolve_types(kind, include_extras=True)
        fields = [field for field in attrs.fields(kind) if field.init and field.name != "_extra"]
        required = [field for field in fields if _is_required(field)]
        values = {field.name: self.new("value") for field in fields}
        odd = self.new("odd") if any(_bare(field.type) in _LENIENT for field in fields) else ""
        not_an_object = f"raise misfit(f'{path}', 'an object', {source})"
        if required:
            self.add(depth, "try:", *(f"    {values[f.name]} = {source}[{f.name!r}]" for f in required))
            self.add(depth, f"except KeyError as lost: raise DecodeError('missing', path=f'{path}.' + lost.args[0]) from None")
            self.add(depth, f"except TypeError: {not_an_object} from None")  # no other JSON value has items by name
        else:
            self.add(depth, f"if type({source}) is not dict: {not_an_object}")
        seen = str(len(required))
        if len(required) < len(fields):
            seen = self.new("seen", None)
            self.add(depth, f"{seen} = {len(required)}")
        self.add(depth, *([f"{odd} = None"] if odd else []))
        for field in fields:
            values[field.name] = self._field(field, source, (values[field.name], seen, odd), path, depth)
        return self._built(kind, values, (source, path, seen, odd), depth)

    def _field(self, field: attrs.Attribute[Any], source: str, names: tuple[str, str, str], path: str, depth: int) -> str:
        value, seen, odd = names
        path = f"{path}.{field.name}"
        if _is_required(field):
            return self.value(field.type, value, path, depth)
        kind = _bare(field.type)
        self.add(depth, f"{value} = {source}.get({field.name!r})", f"if {value} is not None:")
        if kind in _LENIENT:
            built = value
            self.add(depth + 1, *(line.format(v=value, odd=odd, name=repr(field.name)) for line in _LENIENT[kind]))
        else:
            built = self.value(kind, value, path, depth + 1)
        self.add(depth + 1, f"{seen} += 1")
        if built != value:
            self.add(depth + 1, f"{value} = {built}")
        if field.default not in {None, attrs.NOTHING}:
            default = field.default
            made = f"{self.new('factory', default.factory)}()" if isinstance(default, attrs.Factory) else self.new("default", default)  # type: ignore[arg-type]
            self.add(depth, f"else: {value} = {made}")
        return value

    def _built(self, kind: Any, values: dict[str, str], names: tuple[str, str, str, str], depth: int) -> str:
        source, path, seen, odd = names
        fields = [field for field in attrs.fields(kind) if field.name in values]
        if one_of := getattr(kind, "at_least_one", ()):
            absent = " and ".join(f"{source}.get({name!r}) is None" for name in one_of)
            self.add(depth, f"if {absent}: raise DecodeError('missing: {' and '.join(one_of)}', path=f'{path}')")
        made, new = self.new("made"), self.new("kind", kind)
        if _is_plain(kind):
            self.add(depth, f"{made} = make({new})", *(f"{made}.{f.name} = {values[f.name]}" for f in fields))
        else:
            arguments = ", ".join(f"{f.alias}={values[f.name]}" if f.kw_only else values[f.name] for f in fields)
            self.add(depth, f"{made} = {new}({arguments})")
        if issubclass(kind, Model):
            known = self.new("known", frozenset(f.name for f in fields))
            extra = f"{{k: v for k, v in {source}.items() if k not in {known}}} or None"
            self.add(depth, f"{made}._extra = None if {seen} == len({source}) else {extra}")
            if odd:
                self.add(depth, f"if {odd} is not None: {made}._extra = {{**({made}._extra or {{}}), **{odd}}}")
        return made


def _bare(kind: Any) -> Any:
    """Return ``X`` for ``X | None``, and every other type as it is."""
    return _optional(kind) or kind


def _is_required(field: attrs.Attribute[Any]) -> bool:
    """Return whether an answer has to have it. A field that may be ``None`` may be left out, though no constructor may."""
    return field.default is attrs.NOTHING and not (_bare(field.type) in _LENIENT and _optional(field.type) is not None)


def _with(odd: dict[str, Any] | None, name: str, value: Any) -> dict[str, Any]:
    """Return what could not be read, with one value more."""
    return {**(odd or {}), name: value}


def _number_text(value: Any) -> str | None:
    """Return the digits of a number that stands where a text should."""
    return str(value) if type(value) is int and value >= 0 else None


_NAMES: Final[Mapping[str, Any]] = {
    "keep": _with,
    "number_text": _number_text,
    "misfit": _mismatch,
    "nested": _under_path,
    "digits": digits,
    "DecodeError": DecodeError,
    "fromisoformat": date.fromisoformat,
    "Decimal": Decimal,
    "make": object.__new__,
    "EXACT": 2.0**53,
    "Secret": Secret,
}
"""What generated code may call."""
_INTEGER = "if type({v}) is not int: raise misfit(f'{path}', 'an integer', {v})"
_STRING = "if type({v}) is not str: raise misfit(f'{path}', 'a string', {v})"
_OBJECT = "if type({v}) is not dict: raise misfit(f'{path}', 'an object', {v})"
_LEAVES: Mapping[Any, tuple[str, ...]] = {
    int: (_INTEGER,),
    str: (_STRING,),
    Name: (_STRING, "{v} = {v}.strip()"),
    Count: (
        "if type({v}) is not int:",
        "    number = digits({v})",
        "    if number is None: raise misfit(f'{path}', 'an integer or a string of digits', {v})",
        "    {v} = number",
        "if {v} < 0: raise misfit(f'{path}', 'no negative number', {v})",
    ),
    dict: (_OBJECT,),
    dict[str, Any]: (_OBJECT,),
    bool: ("if type({v}) is not bool: raise misfit(f'{path}', 'a boolean', {v})",),
    float: (
        "if type({v}) is not float and type({v}) is not int: raise misfit(f'{path}', 'a number', {v})",
        "try: {v} = float({v})",
        "except OverflowError: raise misfit(f'{path}', 'a number that a float can hold', {v}) from None",
    ),
    Decimal: (
        "if type({v}) is not int and type({v}) is not float: raise misfit(f'{path}', 'a number', {v})",
        "if type({v}) is float and not -EXACT < {v} < EXACT: raise misfit(f'{path}', 'a number of at most 15 digits', {v})",
        "{v} = Decimal(repr({v}))",
    ),
    Secret: (_STRING, "{v} = Secret({v}.strip())"),
    date: (
        "if type({v}) is not str or len({v}) != 10 or {v}[7] != '-': raise misfit(f'{path}', 'a date such as 2020-03-25', {v})",
        "try: {v} = fromisoformat({v})",
        "except ValueError: raise misfit(f'{path}', 'a date such as 2020-03-25', {v}) from None",
    ),
}
"""How each leaf type is checked and converted: lines of code about ``{v}``, which stands at ``{path}``."""
_KEEP = "{odd} = keep({odd}, {name}, {v})"
_LENIENT: Mapping[Any, tuple[str, ...]] = {
    DisplayText: (f"if type({{v}}) is not str: {_KEEP}; {{v}} = None",),
    DisplayName: (f"if type({{v}}) is not str: {_KEEP}; {{v}} = number_text({{v}})", "else: {v} = {v}.strip()"),
    DisplayNumber: (f"if type({{v}}) is not str: {_KEEP}; {{v}} = number_text({{v}})",),
    DisplayCount: (
        "number = digits({v})",
        f"if number is None or number < 0: {_KEEP}; {{v}} = None",
        "else: {v} = number",
    ),
    DisplayDate: (
        "try: {v} = fromisoformat({v} if len({v}) == 10 and {v}[7] == '-' else '')",
        f"except (TypeError, ValueError): {_KEEP}; {{v}} = None",
    ),
}
"""How a field is read that is for display or bookkeeping: what cannot be read is kept as it came, and costs nothing."""
