"""Writes the functions that turn JSON values into typed ones.

There is one per type, with nested classes and lists inline.

Out of the box cattrs turns ``None`` into ``'None'``, ``1.9`` into ``1`` and ``"false"`` into
``True``, which will not do for money. A generated function with the checks written inside refuses
all that, and is as fast as a loop written by hand.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, get_args, get_origin

import attrs

from wxrevenue._wire.kinds import bare, is_plain, is_required, optional, respelled, respelling
from wxrevenue._wire.leaves import LEAVES, LENIENT, NAMES, as_parsed
from wxrevenue._wire.model import Model, Respelled, attrs_fields, is_attrs, other_spelling

if TYPE_CHECKING:
    from cattrs import Converter

Hook: TypeAlias = Callable[..., Any]
_WORD: Final = re.compile(r"\w+")
_BUILTINS: Final = ("type", "len", "dict", "list", "str", "int", "float", "bool")


def is_strict(kind: object) -> bool:
    """Return whether a type is checked by a generated function."""
    return is_attrs(kind) or kind is list or get_origin(kind) in {list, dict} or kind in LEAVES or optional(kind) is not None


def make_structure(kind: object, converter: Converter) -> Hook:
    """Return a structure function for an attrs class, list, optional or leaf type."""
    writer = _StructureWriter(converter)
    result = writer.value(kind, "payload", "$", 1)
    source = "\n".join([f"def structure({', '.join(['payload', '_=None', *writer.near()])}):", *writer.lines, f"    return {result}"])
    exec(compile(source, f"<generated structure of {kind}>", "exec"), writer.names)  # noqa: S102  (text made of our own field names)
    return cast("Hook", writer.names["structure"])


class _StructureWriter:
    """Writes the body of one structure function.

    Paths are f-strings that only a failure evaluates.
    """

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self.lines: list[str] = []
        self.names: dict[str, object] = {**NAMES}
        self._keys: dict[str, str] = {}
        self._count = 0

    def add(self, depth: int, *lines: str) -> None:
        self.lines += ["    " * depth + line for line in lines]

    def new(self, prefix: str, value: object = None) -> str:
        self._count += 1
        name = f"{prefix}{self._count}"
        if value is not None:
            self.names[name] = value
        return name

    def near(self) -> list[str]:
        """Return parameters, with defaults, for the names that loops use.

        A local is found in half the time that a global takes.
        """
        loops = next((place for place, line in enumerate(self.lines) if line.lstrip().startswith("for ")), len(self.lines))
        used = {*_WORD.findall("\n".join(self.lines[loops:]))}
        return [f"{name}={name}" for name in (*_BUILTINS, *self.names) if name in used]

    def key(self, name: str) -> str:
        """Return what stands for the name of a field."""
        return self._keys.get(name) or self._keys.setdefault(name, self.new("key", as_parsed(name)))

    def value(self, kind: object, source: str, path: str, depth: int) -> str:
        """Write the checks of one value; return the name under which its result stands."""
        kind, spelling = respelled(kind)
        if spelling is not None:
            self._respell(spelling, source, path, depth)
        if is_attrs(kind):
            own = respelling(kind)
            if own is not None and own.outside is None:
                self._respell(own, source, path, depth)
            return self._object(kind, source, path, depth)
        if kind is list or get_origin(kind) is list:
            return self._list(kind, source, path, depth)
        if get_origin(kind) is dict and kind not in LEAVES:
            return self._mapping(kind, source, path, depth)
        if kind in LEAVES:
            self.add(depth, *(line.format(v=source, path=path) for line in LEAVES[kind]))
        elif (inner := optional(kind)) is not None:
            self.add(depth, f"if {source} is not None:")
            self.add(depth + 1, f"{source} = {self.value(inner, source, path, depth + 1)}")
        elif isinstance(kind, type) and issubclass(kind, enum.IntEnum):
            self._enum(kind, source, path, depth if spelling is None else self._unless(kind, source, depth))
        elif kind is not Any:
            hook, wanted = self.new("hook", self._converter.get_structure_hook(kind)), self.new("kind", kind)  # pyright: ignore[reportUnknownArgumentType]
            self.add(depth, f"{source} = nested(f'{path}', {hook}, {source}, {wanted})")
        return source

    def _enum(self, kind: type[enum.IntEnum], source: str, path: str, depth: int) -> None:
        members = self.new("members", {int(member): member for member in kind})
        self.add(depth, *(line.format(v=source, path=path) for line in LEAVES[int]))
        self.add(depth, f"try: {source} = {members}[{source}]", f"except KeyError: {source} = {self.new('kind', kind)}({source})")

    def _unless(self, kind: type, source: str, depth: int) -> int:
        """Skip what follows where respelling has found a member already.

        What follows is written at the depth returned.
        """
        self.add(depth, f"if type({source}) is not {self.new('kind', kind)}:")
        return depth + 1

    def _respell(self, spelling: Respelled, source: str, path: str, depth: int) -> None:
        if spelling.key is not None:
            self.add(depth, f"if type({source}) is dict and {spelling.key!r} in {source}:")
            depth += 1
        elif spelling.usual is not None:
            self.add(depth, f"if type({source}) is not {self.new('usual', spelling.usual)}:")
            depth += 1
        self.add(depth, f"try: {source} = {self.new('read', spelling.read)}({source})")
        self.add(depth, f"except DecodeError as wrong: raise placed(f'{path}', wrong) from None")

    def _list(self, kind: object, source: str, path: str, depth: int) -> str:
        out, item = self.new("list"), self.new("item")
        self.add(depth, f"if type({source}) is not list: raise misfit(f'{path}', 'an array', {source})")
        self.add(depth, f"{out} = []", f"for {item} in {source}:")
        element = (get_args(kind) or (Any,))[0]
        built = self.value(element, item, f"{path}[{{len({out})}}]", depth + 1)
        self.add(depth + 1, f"{out}.append({built})")
        return out

    def _mapping(self, kind: object, source: str, path: str, depth: int) -> str:
        out, name, item = self.new("dict"), self.new("name"), self.new("item")
        self.add(depth, f"if type({source}) is not dict: raise misfit(f'{path}', 'an object', {source})")
        self.add(depth, f"{out} = {{}}", f"for {name}, {item} in {source}.items():")
        built = self.value(get_args(kind)[1], item, f"{path}.*", depth + 1)
        self.add(depth + 1, f"{out}[{name}] = {built}")
        return out

    def _object(self, kind: type[attrs.AttrsInstance], source: str, path: str, depth: int) -> str:
        attrs.resolve_types(kind, include_extras=True)
        fields = [field for field in attrs_fields(kind) if field.init and field.name != "_extra"]
        required = [field for field in fields if is_required(field)]
        values = {field.name: self.new("value") for field in fields}
        odd = self.new("odd") if any(bare(field.type) in LENIENT for field in fields) else ""
        inner = self._inner(kind, source, path, depth)
        not_an_object = f"raise misfit(f'{path}', 'an object', {source})"
        if required:
            self.add(depth, "try:", *(f"    {values[f.name]} = {source}[{self.key(f.name)}]" for f in required))
            self.add(depth, f"except KeyError as lost: raise DecodeError('missing', path=f'{path}.' + lost.args[0]) from None")
            self.add(depth, f"except TypeError: {not_an_object} from None")  # no other JSON value has items by name
        else:
            self.add(depth, f"if type({source}) is not dict: {not_an_object}")
        seen = str(len(required))
        if len(required) < len(fields):
            seen = self.new("seen", None)
            self.add(depth, f"{seen} = {len(fields)}")
        self.add(depth, *([f"{odd} = None"] if odd else []))
        outside = own.outside or () if (own := respelling(kind)) else ()
        places = {field.name: source if inner is None or field.name in outside else inner for field in fields}
        self._optional_values([field for field in fields if field not in required], values, places, depth)
        for field in fields:
            values[field.name] = self._field(field, (values[field.name], seen, odd), path, depth)
        made = self._built(kind, values, (source, path), depth)
        self._keep_unknown(kind, made, fields, (source, inner, path, seen, odd), depth)
        return made

    def _inner(self, kind: type, source: str, path: str, depth: int) -> str | None:
        """Write where fields stand that may be in an object inside; return its name."""
        own = respelling(kind)
        if own is None or own.outside is None:
            return None
        inner = self.new("inner")
        self.add(depth, f"{inner} = {source}", f"if type({source}) is dict and {own.key!r} in {source}:")
        self.add(depth + 1, f"{inner} = {source}[{own.key!r}]", f"if type({inner}) is not dict:")
        self.add(depth + 2, f"try: {source} = {inner} = {self.new('read', own.read)}({source})")
        self.add(depth + 2, f"except DecodeError as wrong: raise placed(f'{path}', wrong) from None")
        return inner

    def _optional_values(self, fields: list[attrs.Attribute[object]], values: dict[str, str], places: dict[str, str], depth: int) -> None:
        """Write where the values of fields that may be missing are taken from.

        An object with as many fields as the class has most likely all of them, and an index is
        cheaper than a call.
        """
        gets = [f"{values[f.name]} = {places[f.name]}.get({self.key(f.name)})" for f in fields]
        places_of_all = {*places.values()}
        if len(fields) > 1 and len(places_of_all) == 1 and not any(map(other_spelling, fields)):
            self.add(depth, f"if len({places_of_all.pop()}) >= {len(places)}:", "    try:")
            self.add(depth + 2, *(f"{values[f.name]} = {places[f.name]}[{self.key(f.name)}]" for f in fields))
            self.add(depth + 1, f"except KeyError: {'; '.join(gets)}")
            self.add(depth, f"else: {'; '.join(gets)}")
            return
        self.add(depth, *gets)
        for field in fields:
            value, other = values[field.name], other_spelling(field)
            self.add(depth, *([f"if {value} is None: {value} = {places[field.name]}.get({self.key(other)})"] if other else []))

    def _field(self, field: attrs.Attribute[object], names: tuple[str, str, str], path: str, depth: int) -> str:
        value, seen, odd = names
        path = f"{path}.{field.name}"
        if is_required(field):
            return self.value(field.type, value, path, depth)
        kind = bare(field.type)
        self.add(depth, f"if {value} is not None:")
        if kind in LENIENT:
            built = value
            self.add(depth + 1, *(line.format(v=value, odd=odd, seen=seen, name=repr(field.name)) for line in LENIENT[kind]))
        else:
            built = self.value(kind, value, path, depth + 1)
        self.add(depth + 1, f"{value} = {built}" if built != value else "pass")
        self.add(depth, "else:", f"    {seen} -= 1")
        if field.default not in {None, attrs.NOTHING}:
            default = field.default
            factory: object = getattr(default, "factory", None) if isinstance(default, attrs.Factory) else None  # type: ignore[arg-type]
            made = self.new("default", default) if factory is None else f"{self.new('factory', factory)}()"
            self.add(depth + 1, f"{value} = {made}")
        return value

    def _built(self, kind: type, values: dict[str, str], names: tuple[str, str], depth: int) -> str:
        source, path = names
        fields = [field for field in attrs_fields(kind) if field.name in values]
        if one_of := getattr(kind, "at_least_one", ()):
            absent = " and ".join(f"{source}.get({name!r}) is None" for name in one_of)
            self.add(depth, f"if {absent}: raise DecodeError('missing: {' and '.join(one_of)}', path=f'{path}')")
        made, new = self.new("made"), self.new("kind", kind)
        if is_plain(kind):
            self.add(depth, f"{made} = make({new})", *(f"{made}.{f.name} = {values[f.name]}" for f in fields))
        else:
            arguments = ", ".join(f"{f.alias}={values[f.name]}" if f.kw_only else values[f.name] for f in fields)
            self.add(depth, f"{made} = {new}({arguments})")
        return made

    def _keep_unknown(
        self, kind: type, made: str, fields: list[attrs.Attribute[object]], names: tuple[str, str | None, str, str, str], depth: int
    ) -> None:
        """Write what keeps the fields that the model does not know."""
        if not issubclass(kind, Model):
            return
        source, inner, path, seen, odd = names
        known = self.new("known", frozenset(name for f in fields for name in (f.name, other_spelling(f)) if name))
        kept = f"{made}._extra = None if {seen} == len({source}) else extra({source}, {known}, {odd or None})"
        own = respelling(kind)
        if inner is None or own is None or own.outside is None:
            self.add(depth, kept)
            return
        # Whatever stands at the wrong side is found once both are one object.
        outside, again = self.new("outside", frozenset({own.key, *own.outside})), self.new("again", self._converter.structure)
        joined = f"{self.new('read', own.read)}({source})"
        self.add(depth, f"if {inner} is {source}: {kept}")
        self.add(depth, f"elif {seen} == len({source}) + len({inner}) - 1: {made}._extra = None")
        in_place = f"{source}.keys() <= {outside} and {outside}.isdisjoint({inner})"
        self.add(depth, f"elif {in_place}: {made}._extra = extra({inner}, {known}, None)")
        self.add(depth, f"else: {made} = nested(f'{path}', {again}, {joined}, {self.new('kind', kind)})")
