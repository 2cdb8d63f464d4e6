"""What a request is: a frozen value with its endpoint and its result's type."""

from __future__ import annotations

import enum
import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Generic, Never, TypeVar, cast, get_args, get_origin

import attrs

from wxrevenue._base import checks
from wxrevenue._base.printable import Printable
from wxrevenue._base.secret import Secret, as_secret, require_secret
from wxrevenue._wire.model import attrs_fields
from wxrevenue._wire.signature import VisibleSignature
from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue.errors import WxRevenueError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class TokenKind(enum.Enum):
    """Whose token an AMS interface takes."""

    COMPONENT = "component"
    AUTHORIZER = "authorizer"
    NONE = "none"
    """The request itself says who asks, as the one for the component's token does."""


_AUTHORIZER = TokenKind.AUTHORIZER
"""Looked up once: an enum's member takes a while, and every request asks for it."""


class Safety(enum.Enum):
    """What repeating a call does, whatever its HTTP verb (every AMS read is a POST)."""

    SAFE = "safe"
    """It only reads."""
    REPEATABLE = "repeatable"
    """It sets a value: doing it twice is doing it once."""
    UNSAFE = "unsafe"
    """Doing it twice is doing it twice."""


WRONG_PATH = frozenset({1736, 48001, 61014, 61015, 45010})
"""What the advertising interfaces answer to a call on the wrong path.

The token is of the wrong kind, or the action unknown; or the cause is another: this is only a hint.
"""


def _codes(value: object) -> frozenset[int]:
    if isinstance(value, (set, frozenset, list, tuple)):
        return frozenset(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    raise ConfigurationError(f"Endpoint.alternate_on: expected a set of codes, got {type(value).__name__}")


def _path(value: object) -> str:
    return checks.text("Endpoint.path", value)


def _name(endpoint: Endpoint) -> str:
    return endpoint.action or endpoint.path.rsplit("/", 1)[-1]


@attrs.frozen(kw_only=True, cache_hash=True)
class Endpoint(Printable):
    """One documented interface as data.

    Args:
        path: the path, such as ``/wxa/getdefaultamsinfo``.
        action: the ``action`` query parameter of an AMS interface; elsewhere only its name.
        method: the HTTP method.
        token: whose token it takes (AMS).
        safety: what repeating a call does.
        alternate: another path on which the interface may live.
        alternate_on: the codes that may mean that it lives there, such as ``WRONG_PATH``.
    """

    path: str = attrs.field(converter=_path)
    action: str = ""
    method: str = "POST"
    token: TokenKind = TokenKind.COMPONENT
    safety: Safety = Safety.UNSAFE
    alternate: str | None = None
    alternate_on: frozenset[int] = attrs.field(default=frozenset(), converter=_codes)
    name: str = attrs.field(init=False, eq=False, repr=False, default=attrs.Factory(_name, takes_self=True))
    """How events and errors call this interface."""


class _NoEndpoint:
    """Stands where a class of requests has yet to say its endpoint."""

    def __get__(self, request: object, kind: type) -> object:
        if request is None:
            return self
        raise ConfigurationError(f"{kind.__name__} does not say where it goes: give the class endpoint = Endpoint(path=…)")


class Request(Printable, Generic[T_co]):
    """A call as a value.

    Frozen attrs classes derive from :class:`AmsRequest` or :class:`PayRequest`, not from this.
    """

    __slots__ = ()
    endpoint: ClassVar[Endpoint] = _NoEndpoint()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    def conclude(self, outcome: T_co | WxRevenueError, *, repeated: bool) -> T_co | WxRevenueError:
        """Return what the call ends with, as this interface knows; by default the outcome.

        Args:
            outcome: the result, or the error that would end the call.
            repeated: an earlier attempt may have taken effect although its answer was lost.
        """
        del repeated
        return outcome


@functools.cache
def result_of(kind: type) -> type:
    """Return the type of a request's answer, from the brackets of its base class."""
    for base in (base for parent in kind.__mro__ for base in getattr(parent, "__orig_bases__", ())):
        if issubclass(get_origin(base) or object, Request) and not isinstance(get_args(base)[0], TypeVar):
            return cast("type", get_args(base)[0])
    raise ConfigurationError(f"{kind.__name__} does not say what it returns: derive it from AmsRequest[Result] or PayRequest[Result]")


NOT_SENT = frozenset({"authorizer_appid"})
"""Fields of every request that steer the call and are no part of its body."""
_WIRE_NAME = "wxrevenue.wire_name"
_WIRE_FORM = "wxrevenue.wire_form"
_STEERS = "wxrevenue.steers"
_REVEALED = "wxrevenue.revealed"
REVEALED = MappingProxyType({_REVEALED: True})
"""The metadata of a field whose ``Secret`` is sent; any other goes out as stars."""
STEERS = MappingProxyType({_STEERS: True})
"""The metadata of a field that steers the call and is no part of its body."""


def sent_as(name: str) -> dict[str, str]:
    """Return the metadata of a field that is sent under another name than its own."""
    return {_WIRE_NAME: name}


def written_as(form: Callable[[Never], object]) -> dict[str, object]:
    """Return the metadata of a field that is sent as what ``form`` returns."""
    return {_WIRE_FORM: form}


def wire_form(field: attrs.Attribute[T]) -> Callable[[T], object] | None:
    """Return what converts the value of a request's field for sending, if any."""
    return field.metadata.get(_WIRE_FORM)


def may_take_authorizer(request: type[Request[object]]) -> bool:
    """Return whether a class of requests may name the authorizer of its token."""
    return request.endpoint.token is TokenKind.AUTHORIZER or any(_STEERS in field.metadata for field in attrs_fields(request))


def _is_visible(kind: type, name: str) -> bool:
    """Return whether a class shows a parameter; what it would refuse is hidden."""
    return name not in NOT_SENT or not isinstance(getattr(kind, "endpoint"), Endpoint) or may_take_authorizer(kind)  # noqa: B009


def is_sent(field: attrs.Attribute[T]) -> bool:
    """Return whether a request's field is part of its body."""
    return field.name not in NOT_SENT and _STEERS not in field.metadata


def wire_name(field: attrs.Attribute[T]) -> str:
    """Return what a request's field is called in the body."""
    return field.metadata.get(_WIRE_NAME) or field.name


@functools.cache
def revealed(request: type) -> tuple[str, ...]:
    """Return the fields of a class of requests whose secrets are sent in the body."""
    return tuple(field.name for field in attrs_fields(request) if _REVEALED in field.metadata)


def as_secret_field(value: Secret | str) -> Secret:
    """Return a ``Secret``, or in place of one what a validator refuses."""
    return as_secret(value)  # type: ignore[no-any-return]


def some_secret(instance: object, attribute: attrs.Attribute[T], value: T) -> None:
    """Let, as an attrs validator, a ``Secret`` pass that is not empty.

    A class boxes its secrets in its own ``__init__``: in that of attrs, tracebacks with local
    variables would show the raw string.
    """
    require_secret(f"{type(instance).__name__}.{attribute.name}", value)


@attrs.frozen
class AmsRequest(Request[T_co]):
    """A request to the advertising interfaces of Mini Program service providers.

    ``authorizer_appid`` (keyword only) names the Mini Program whose token is used. Endpoints of
    :attr:`TokenKind.AUTHORIZER` require it, others refuse it. It is never part of the body.
    """

    authorizer_appid: str | None = attrs.field(default=None, kw_only=True)
    __signature__ = VisibleSignature(_is_visible)

    def __attrs_post_init__(self) -> None:
        if self.authorizer_appid is not None or self.endpoint.token is _AUTHORIZER:
            check_authorizer(self)


def check_authorizer(request: AmsRequest[object]) -> None:
    """Raise ``ConfigurationError`` where an authorizer is missing, or not allowed."""
    named = request.authorizer_appid
    if named is None:
        if request.endpoint.token is TokenKind.AUTHORIZER:
            raise ConfigurationError(f"{type(request).__name__} takes an authorizer's token: give authorizer_appid='wx…'")
        return
    if request.endpoint.token is not TokenKind.AUTHORIZER:
        takes = "no token" if request.endpoint.token is TokenKind.NONE else "the component's token"
        raise ConfigurationError(f"{type(request).__name__} takes {takes}: authorizer_appid is not allowed")
    credential_between(1, 64)(request, attrs.fields(AmsRequest).authorizer_appid, named)


@attrs.frozen(repr=False)
class Multipart(Printable):
    """A form with a file. Its ``meta`` alone is signed.

    Args:
        meta: the JSON text that describes the file.
        filename: the file's name.
        content_type: the file's media type.
        content: the file.
        boundary: stands between the parts.
    """

    meta: bytes
    filename: str
    content_type: str
    content: bytes
    boundary: str

    def __repr__(self) -> str:
        return f"<Multipart {self.filename!r}, {len(self.content)} B>"


@attrs.frozen
class PayRequest(Request[T_co]):
    """A signed request to WeChat Pay (overseas).

    Fields that the path names (``/orders/{out_order_no}``) stand there, percent-encoded. The others
    are the query of a GET, else the JSON body. A ``Secret`` is sent encrypted for WeChat Pay, under
    a key that the verifier hands out. ``extra``, where a class has it, is sent beside the fields.
    """

    names_merchant: ClassVar[bool] = False
    """Whether it says who calls: ``mchid``, or with a sub-merchant ``sp_mchid``."""

    def path(self) -> str:
        """Return the path, with the names of fields in braces; the endpoint's by default."""
        return self.endpoint.path

    def multipart(self) -> Multipart | None:
        """Return the form that is sent in place of JSON, if there is one."""
        return None


def text_between(low: int, high: int) -> checks.Validator:
    """Return an attrs validator: a printable ``str``, ``low`` to ``high`` characters."""

    def check(instance: object, attribute: attrs.Attribute[T], value: T) -> None:
        where = f"{type(instance).__name__}.{attribute.name}"
        if not isinstance(value, str):
            raise ConfigurationError(f"{where}: expected a str, got {type(value).__name__}")
        if not low <= len(value) <= high:
            raise ConfigurationError(f"{where}: expected {low} to {high} characters, got {len(value)}")
        if not value.isprintable():
            raise ConfigurationError(f"{where}: control characters and surrogates are not allowed")

    return check


def credential_between(low: int, high: int) -> checks.Validator:
    """Return an attrs validator: a credential of ``low`` to ``high`` characters."""
    is_text = text_between(low, high)

    def check(instance: object, attribute: attrs.Attribute[T], value: T) -> None:
        if isinstance(value, str) and low <= len(value) <= high and value.isprintable() and " " not in value:
            return  # what nearly every call brings
        is_text(instance, attribute, value)
        checks.credential(f"{type(instance).__name__}.{attribute.name}", value)

    return check
