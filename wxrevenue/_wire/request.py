"""What a request is: a frozen value that carries its endpoint and the type of its result."""

from __future__ import annotations

import enum
import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, get_args, get_origin

import attrs

from wxrevenue._base import checks
from wxrevenue._base.printable import Printable
from wxrevenue._base.secret import Secret, as_secret, require_secret
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class TokenKind(enum.Enum):
    """Whose token an AMS interface takes."""

    COMPONENT = "component"
    AUTHORIZER = "authorizer"
    NONE = "none"
    """Nobody's: the request itself says who asks, as the one for the component's token does."""


class Safety(enum.Enum):
    """What repeating a call does, whatever its HTTP verb (every AMS read is a POST)."""

    SAFE = "safe"
    """It only reads."""
    REPEATABLE = "repeatable"
    """It sets a value: doing it twice is doing it once."""
    UNSAFE = "unsafe"
    """Doing it twice is doing it twice."""


WRONG_PATH = frozenset({1736, 48001, 61014, 61015, 45010})
"""What the advertising interfaces answer to a call on a path where it does not live: the token is of the wrong kind there, or the
action unknown. Each may have another cause, too, so that the other path is tried and not taken for granted."""


def _codes(value: Any) -> frozenset[int]:
    if isinstance(value, (set, frozenset, list, tuple)):
        return frozenset(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    raise ConfigurationError(f"Endpoint.alternate_on: expected a set of codes, got {type(value).__name__}")


@attrs.frozen(kw_only=True, cache_hash=True)
class Endpoint(Printable):
    """One documented interface as data.

    Args:
        path: the path, such as ``/wxa/getdefaultamsinfo``.
        action: the ``action`` query parameter of an AMS interface.
        method: the HTTP method.
        token: whose token it takes (AMS).
        safety: what repeating a call does.
        alternate: another path on which the interface may live.
        alternate_on: the codes that may mean that it lives there, such as ``WRONG_PATH``.
    """

    path: str
    action: str = ""
    method: str = "POST"
    token: TokenKind = TokenKind.COMPONENT
    safety: Safety = Safety.UNSAFE
    alternate: str | None = None
    alternate_on: frozenset[int] = attrs.field(default=frozenset(), converter=_codes)

    @functools.cached_property
    def name(self) -> str:
        """How events and errors call this interface."""
        return self.action or self.path.rsplit("/", 1)[-1]


class _NoEndpoint:
    """Stands where a class of requests has yet to say its endpoint."""

    def __get__(self, request: object, kind: type) -> Any:
        if request is None:
            return self
        raise ConfigurationError(f"{kind.__name__} does not say where it goes: give the class endpoint = Endpoint(path=…)")


class Request(Printable, Generic[T_co]):
    """A call as a value. Frozen attrs classes derive from :class:`AmsRequest` or :class:`PayRequest`, not from this."""

    __slots__ = ()
    endpoint: ClassVar[Endpoint] = _NoEndpoint()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    def conclude(self, outcome: Any, *, repeated: bool) -> Any:
        """Return what the call ends with, by what only this interface knows; by default the outcome as it is.

        Args:
            outcome: the result, or the error that would end the call.
            repeated: an earlier attempt of the call may have taken effect although its answer was lost.
        """
        del repeated
        return outcome


@functools.cache
def result_of(kind: Any) -> Any:
    """Return the type of a request's answer: what stands in the brackets of its base class."""
    for base in (base for parent in kind.__mro__ for base in getattr(parent, "__orig_bases__", ())):
        if issubclass(get_origin(base) or object, Request) and not isinstance(get_args(base)[0], TypeVar):
            return get_args(base)[0]
    raise ConfigurationError(f"{kind.__name__} does not say what it returns: derive it from AmsRequest[Result] or PayRequest[Result]")


@functools.cache
def concludes(kind: Any) -> bool:
    """Return whether a class of requests has a say in what its calls end with."""
    return kind.conclude is not Request[Any].conclude


NOT_SENT = frozenset({"authorizer_appid"})
"""Fields of every request that steer the call and are no part of its body."""
_WIRE_NAME = "wxrevenue.wire_name"
_WIRE_FORM = "wxrevenue.wire_form"
_STEERS = "wxrevenue.steers"
_REVEALED = "wxrevenue.revealed"


REVEALED = MappingProxyType({_REVEALED: True})
"""The metadata of a field whose ``Secret`` is sent as it is; any other ``Secret`` goes out as stars."""


STEERS = MappingProxyType({_STEERS: True})
"""The metadata of a field that steers the call and is no part of its body."""


def sent_as(name: str) -> dict[str, Any]:
    """Return the metadata of a field that is sent under another name than its own."""
    return {_WIRE_NAME: name}


def written_as(form: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the metadata of a field whose value is sent in another form: ``form`` returns it."""
    return {_WIRE_FORM: form}


def wire_form(field: attrs.Attribute[Any]) -> Callable[[Any], Any] | None:
    """Return what brings a request's field into the form in which it is sent, if anything does."""
    return field.metadata.get(_WIRE_FORM)


def may_take_authorizer(request: Any) -> bool:
    """Return whether a class of requests may name the Mini Program whose token is used."""
    return request.endpoint.token is TokenKind.AUTHORIZER or any(_STEERS in field.metadata for field in attrs.fields(request))


def is_sent(field: attrs.Attribute[Any]) -> bool:
    """Return whether a request's field is part of its body."""
    return field.name not in NOT_SENT and _STEERS not in field.metadata


def wire_name(field: attrs.Attribute[Any]) -> str:
    """Return what a request's field is called in the body."""
    return field.metadata.get(_WIRE_NAME) or field.name


@functools.cache
def revealed(request: Any) -> tuple[str, ...]:
    """Return the fields of a class of requests whose secrets are sent in the body."""
    return tuple(field.name for field in attrs.fields(request) if _REVEALED in field.metadata)


def as_secret_field(value: Secret | str) -> Secret:
    """Return a secret in its box, or what stands for a value that is none: a validator's to refuse."""
    return as_secret(value)  # type: ignore[no-any-return]


def some_secret(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Let, as an attrs validator, a ``Secret`` pass that is not empty.

    A class boxes its secrets in an ``__init__`` of its own: that of attrs would show the raw text to whoever prints its locals.
    """
    require_secret(f"{type(instance).__name__}.{attribute.name}", value)


@attrs.frozen
class AmsRequest(Request[T_co]):
    """A request to the advertising interfaces of Mini Program service providers.

    ``authorizer_appid`` (keyword only) names the Mini Program whose token is used. It is required by, and allowed for,
    endpoints of :attr:`TokenKind.AUTHORIZER` only, and is never part of the body.
    """

    authorizer_appid: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.authorizer_appid is not None or self.endpoint.token is TokenKind.AUTHORIZER:
            check_authorizer(self)


def check_authorizer(request: AmsRequest[Any]) -> None:
    """Raise ``ConfigurationError`` unless an authorizer is named exactly where the endpoint takes one."""
    named = request.authorizer_appid
    if named is None:
        if request.endpoint.token is TokenKind.AUTHORIZER:
            raise ConfigurationError(f"{type(request).__name__} takes an authorizer's token: give authorizer_appid='wx…'")
        return
    if request.endpoint.token is not TokenKind.AUTHORIZER:
        takes = "no token" if request.endpoint.token is TokenKind.NONE else "the component's token"
        raise ConfigurationError(f"{type(request).__name__} takes {takes}: authorizer_appid is not allowed")
    credential_between(1, 64)(request, attrs.fields(AmsRequest).authorizer_appid, named)


@attrs.frozen
class PayRequest(Request[T_co]):
    """A signed request to WeChat Pay (overseas)."""


def text_between(low: int, high: int) -> Any:
    """Return an attrs validator: a ``str`` of ``low`` to ``high`` characters without control characters or surrogates."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        where = f"{type(instance).__name__}.{attribute.name}"
        if not isinstance(value, str):
            raise ConfigurationError(f"{where}: expected a str, got {type(value).__name__}")
        if not low <= len(value) <= high:
            raise ConfigurationError(f"{where}: expected {low} to {high} characters, got {len(value)}")
        if not value.isprintable():
            raise ConfigurationError(f"{where}: control characters and surrogates are not allowed")

    return check


def credential_between(low: int, high: int) -> Any:
    """Return an attrs validator: a ``str`` of ``low`` to ``high`` characters that names who calls, or for whom."""
    is_text = text_between(low, high)

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if isinstance(value, str) and low <= len(value) <= high and value.isprintable() and " " not in value:
            return  # what nearly every call brings
        is_text(instance, attribute, value)
        checks.credential(f"{type(instance).__name__}.{attribute.name}", value)

    return check
