"""Checks that request classes of several chapters share.

Each names the argument and says what is allowed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs
import orjson

from wxrevenue._base.json_types import is_array, is_object
from wxrevenue._base.secret import NotASecret, Secret, as_secret
from wxrevenue._wire.model import attrs_fields
from wxrevenue._wire.request import STEERS, credential_between, text_between
from wxrevenue.errors import ConfigurationError, without_history

if TYPE_CHECKING:
    from wxrevenue._base.checks import Validator

LARGEST_AMOUNT: Final = 2**63 - 1
"""Fen that 64 bits can hold."""
LARGEST_PLAINTEXT: Final = 214
"""Bytes that RSA-OAEP with SHA-1 encrypts under a key of 2048 bits."""
_ORDER_NO: Final = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_HIGHEST: Final = 0xFFFF
OF_THE_CALLER: Final = frozenset({"mchid", "sp_mchid", "sp_appid"})
"""The fields that name the caller, of requests that have them."""
_QUOTED: Final = 24
"""Characters that a message shows of a wrong argument."""
K = TypeVar("K")


def where(instance: object, attribute: attrs.Attribute[K]) -> str:
    """Return how messages call an argument."""
    return f"{type(instance).__name__}.{attribute.name}"


def shown(value: object) -> str:
    """Return how a message quotes what was given.

    A short str is quoted as it is. Of a longer one its length is told, of anything else its type. A
    key may stand where a number belongs: one of WeChat Pay has 32 characters.
    """
    if not isinstance(value, str):
        return type(value).__name__
    return repr(value) if len(value) <= _QUOTED and value.isprintable() else f"{len(value)} characters"


def pay_text(low: int, high: int) -> Validator:
    """Return an attrs validator of a str.

    It has ``low`` to ``high`` characters of three bytes at most. WeChat Pay takes no characters of
    four bytes, such as emoji.
    """
    is_text = text_between(low, high)

    def check(instance: object, attribute: attrs.Attribute[K], value: K) -> None:
        is_text(instance, attribute, value)
        _without_emoji(where(instance, attribute), value)

    return check


def pay_id(high: int) -> Validator:
    """Return an attrs validator of an id.

    That is a credential of 1 to ``high`` characters of three bytes at most.
    """
    is_credential = credential_between(1, high)

    def check(instance: object, attribute: attrs.Attribute[K], value: K) -> None:
        is_credential(instance, attribute, value)
        _without_emoji(where(instance, attribute), value)

    return check


def _without_emoji(name: str, value: object) -> None:
    if isinstance(value, str) and any(ord(sign) > _HIGHEST for sign in value):
        raise ConfigurationError(f"{name}: characters of four bytes (emoji) are not allowed")


def order_no(instance: object, attribute: attrs.Attribute[K], value: K) -> None:
    """Let, as an attrs validator, a number of the merchant's own pass."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{where(instance, attribute)}: expected a str, got {type(value).__name__}")
    if not _ORDER_NO.fullmatch(value):
        raise ConfigurationError(f"{where(instance, attribute)}: expected 1 to 64 letters, digits, '_' and '-', got {shown(value)}")


def segment(high: int) -> Validator:
    """Return an attrs validator of a part of a path.

    That is a credential that may stand in a path, percent-encoded.
    """
    is_id = pay_id(high)

    def check(instance: object, attribute: attrs.Attribute[K], value: K) -> None:
        is_id(instance, attribute, value)
        if value in {".", ".."}:
            raise ConfigurationError(f"{where(instance, attribute)}: dots alone are not allowed")

    return check


def flag(instance: object, attribute: attrs.Attribute[K], value: K) -> None:
    """Let, as an attrs validator, ``True`` and ``False`` pass, and nothing else."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{where(instance, attribute)}: expected a bool, got {type(value).__name__}")


def fen(instance: object, attribute: attrs.Attribute[K], value: K) -> None:
    """Let, as an attrs validator, an amount of at least one fen pass."""
    amount: object = value
    if type(amount) is not int:
        raise ConfigurationError(f"{where(instance, attribute)}: expected fen as an int, got {type(value).__name__}")
    if amount > LARGEST_AMOUNT:
        raise ConfigurationError(f"{where(instance, attribute)}: expected at most {LARGEST_AMOUNT} fen")
    if amount < 1:
        raise ConfigurationError(f"{where(instance, attribute)}: expected 1 fen or more, got {max(amount, -LARGEST_AMOUNT)}")


def only_cny(instance: object, attribute: attrs.Attribute[K], value: K) -> None:
    """Let, as an attrs validator, the one currency pass that can be distributed."""
    if value != "CNY":
        raise ConfigurationError(f"{where(instance, attribute)}: only 'CNY' can be distributed, got {shown(value)}")


def as_sensitive(value: object) -> Any:
    """Return, as an attrs converter, a str that is sent encrypted, in a box."""
    return None if value is None else as_secret(value)


def sensitive(instance: object, attribute: attrs.Attribute[K], value: K) -> None:
    """Let a str pass that can be encrypted.

    It is an attrs validator. Messages do not show the str.
    """
    if value is None:
        return
    name = where(instance, attribute)
    if not isinstance(value, Secret):
        kind = value.kind if isinstance(value, NotASecret) else type(value).__name__
        raise ConfigurationError(f"{name}: expected a str, got {kind}")
    flaw = _flaw(value)
    if flaw is not None:
        raise ConfigurationError(f"{name}: {flaw}")


def _flaw(box: Secret) -> str | None:
    if not box.reveal() or not box.reveal().isprintable():
        return "expected printable characters, at least one"
    if max(box.reveal()) > chr(_HIGHEST):
        return "characters of four bytes (emoji) are not allowed"
    size = len(box.reveal().encode())
    return f"expected at most {LARGEST_PLAINTEXT} bytes of UTF-8, got {size}" if size > LARGEST_PLAINTEXT else None


def boxes(**boxed: Callable[[object], object]) -> Callable[[type[K]], type[K]]:
    """Return a class decorator that keeps arguments of the constructor in boxes.

    Each argument is held in a box alone, as its function returns it. The ``__init__`` of attrs
    would show the str where its locals are printed.
    """

    def decorate(kind: type[K]) -> type[K]:
        init: Callable[..., None] = kind.__init__
        places = [field.name for field in attrs_fields(kind) if not field.kw_only]

        @functools.wraps(init)
        def boxing(self: object, *args: object, **given: object) -> None:
            given.update(zip(places, args, strict=False))
            args = args[len(places) :]
            given = {name: boxed.get(name, _same)(value) for name, value in given.items()}
            init(self, *args, **given)

        setattr(kind, "__init__", boxing)  # noqa: B010  (a type checker takes no other constructor)
        return kind

    return decorate


def _same(value: object) -> object:
    return value


def rows_with_names(rows: object) -> Any:
    """Return a list of receivers in which names stand in boxes.

    A value that is not a list is left for a converter to refuse.
    """
    if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, Iterable):
        return rows  # pyright: ignore[reportUnknownVariableType]
    return [_row(row) for row in cast("Iterable[object]", rows)]


def _row(row: object) -> object:
    if not isinstance(row, Mapping):
        return row
    return {key: as_sensitive(value) if key == "name" else value for key, value in cast("Mapping[object, object]", row).items()}


def choice(kind: Iterable[str]) -> Validator:
    """Return an attrs validator: a str that is a member of a str enum."""

    def check(instance: object, attribute: attrs.Attribute[K], value: K) -> None:
        if not isinstance(value, str) or value not in set(kind):
            allowed = ", ".join(kind)
            raise ConfigurationError(f"{where(instance, attribute)}: expected one of {allowed}; got {shown(value)}")

    return check


def values(name: str, given: object, kind: type[K]) -> tuple[K, ...]:
    """Return the elements of a list, each a ``kind`` or a dict with its fields.

    Raises:
        ConfigurationError: it is not a list, or an element is something else.
    """
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise ConfigurationError(f"{name}: expected a list, got {type(given).__name__}")  # pyright: ignore[reportUnknownArgumentType]
    return tuple(as_value(f"{name}[{number}]", one, kind) for number, one in enumerate(cast("Iterable[object]", given)))


def as_value(name: str, given: object, kind: type[K]) -> K:
    """Return a ``kind``, made of a dict with its fields if need be."""
    if isinstance(given, kind):
        return given
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{name}: expected a {kind.__name__}, got {type(given).__name__}")
    fields = cast("Mapping[str, object]", given)
    known = [field.name for field in attrs_fields(kind)]
    required = [field.name for field in attrs_fields(kind) if field.default is attrs.NOTHING]
    if not set(required) <= set(fields) <= set(known):
        raise ConfigurationError(f"{name}: expected the keys {', '.join(known)}; required are {', '.join(required)}")
    return kind(**fields)


def extra_field() -> Any:
    """Return the attrs field of what a request sends beside its documented fields."""
    return attrs.field(
        default=None, kw_only=True, validator=_extra, metadata=STEERS, eq=_frozen_form, converter=_copied, repr=_names_of_extra
    )


def _copied(value: object) -> object:
    return dict(cast("Mapping[str, object]", value)) if isinstance(value, Mapping) else value


def _names_of_extra(value: Mapping[str, object] | None) -> str:
    return str(sorted(value)) if value else "None"


def _frozen_form(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _extra(instance: object, attribute: attrs.Attribute[K], value: K) -> None:
    if value is None:
        return
    name = where(instance, attribute)
    fields: object = value
    if not is_object(fields):
        raise ConfigurationError(f"{name}: expected a dict, got {type(value).__name__}")
    known = {field.name for field in attrs_fields(type(instance))}
    if twice := known & fields.keys():
        raise ConfigurationError(f"{name}: {min(twice)!r} is an argument of its own")
    if said := OF_THE_CALLER & fields.keys() if getattr(instance, "names_merchant", False) else set[str]():
        raise ConfigurationError(f"{name}: {min(said)!r} is what the client itself says")
    if not _is_json(fields):
        raise ConfigurationError(f"{name}: expected what JSON can hold, without null")
    _without_emoji(name, orjson.dumps(fields).decode())


def _is_json(fields: object) -> bool:
    try:
        return bool(orjson.loads(orjson.dumps(fields)) == fields) and not _holds_null(fields)
    except TypeError as error:
        without_history(error)
    return False


def _holds_null(value: object) -> bool:
    if is_object(value):
        return any(map(_holds_null, value.values()))
    return value is None or (is_array(value) and any(map(_holds_null, value)))
