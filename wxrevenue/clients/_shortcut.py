"""One-line client methods.

Such as ``get_share_ratio = shortcut(lambda: ams.GetShareRatio)``.
"""

from __future__ import annotations

import inspect
import sys
from datetime import date
from decimal import Decimal
from types import MethodType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, cast, get_type_hints, overload

from wxrevenue._base.loading import loaded
from wxrevenue._base.secret import Secret
from wxrevenue._wire.request import result_of
from wxrevenue.errors import ConfigurationError, without_history

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wxrevenue._wire.request import Request

    class _Client(Protocol):
        """A client, as far as its methods are concerned."""

        _fills_in: bool

        def _with_defaults(self, request: type[Request[object]], given: dict[str, object]) -> dict[str, object]: ...

        async def send(self, request: Request[T], /) -> T: ...


P = ParamSpec("P")
T = TypeVar("T")


class shortcut(Generic[P, T]):  # noqa: N801  (used like a decorator)
    """A coroutine method that builds a request from its arguments and sends it.

    It takes its parameters, their types and its documentation from the request class, which loads
    when the method is first looked up. Nothing happens before the await, not even validation.
    """

    def __init__(self, load: Callable[[], Callable[P, Request[T]]]) -> None:
        self._load = load

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name

    @overload
    def __get__(self, client: None, owner: type) -> Callable[..., Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, client: object, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: object | None, owner: type) -> Callable[..., Coroutine[Any, Any, T]]:
        name = f"{self._owner.__qualname__}.{self._name}"
        method = _method(cast("type[Request[T]]", loaded(self._load, name)), name)
        setattr(self._owner, self._name, method)  # from now on it is a plain function of the class
        return method if client is None else MethodType(method, client)


def _method(request: type[Request[T]], qualname: str) -> Callable[..., Coroutine[object, None, T]]:
    make: Callable[..., Request[T]] = request

    async def method(self: _Client, *args: object, **kwargs: object) -> T:
        given = self._with_defaults(request, kwargs) if self._fills_in else kwargs  # pyright: ignore[reportPrivateUsage]
        try:
            made: Request[T] | Exception = make(*args, **given)
        except (ConfigurationError, TypeError) as error:  # the frames that it came through hold the arguments
            made = without_history(named_as_typed(error, request, method.__name__))
        del args, kwargs, given  # they may hold a secret, and a traceback shows locals
        if isinstance(made, Exception):
            raise made
        return await self.send(made)

    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    given = [_with_type(one, request) for one in inspect.signature(request).parameters.values()]
    method.__name__ = qualname.rsplit(".", 1)[-1]
    method.__qualname__ = qualname
    method.__doc__ = request.__doc__
    method.__module__ = request.__module__
    method.__signature__ = inspect.Signature([this, *given], return_annotation=result_of(cast("type", request)))  # type: ignore[attr-defined]
    return method


def _with_type(parameter: inspect.Parameter, request: type[Request[object]]) -> inspect.Parameter:
    """Return a parameter with its type.

    The request's module, or that of a converter, spells the type as a str.
    """
    if not isinstance(parameter.annotation, str):
        return parameter
    names = {"Any": Any, "date": date, "Decimal": Decimal, "Secret": Secret, **vars(sys.modules[request.__module__])}
    try:
        found = get_type_hints(SimpleNamespace(__annotations__={"one": parameter.annotation}), names)["one"]
    except NameError:  # a name that only a type checker sees
        return parameter
    return parameter.replace(annotation=found)


def named_as_typed(error: Exception, request: type[Request[object]], method: str) -> Exception:
    """Return an error about a request's arguments under the caller's names.

    It names the method that the caller called.
    """
    kind = request.__name__
    if not isinstance(error, ConfigurationError):  # TypeError: Python's own words, which name arguments and no values
        text = str(error).replace(f"{kind}.__init__()", f"{method}()")
        return TypeError(text + _nearest(text, request)) if text.startswith(f"{method}()") else error
    if error.message.startswith((f"{kind}.", f"{kind} ")):
        error.message = method + error.message.removeprefix(kind)
        error.args = (error.message,)
    return error


def _nearest(text: str, request: type[Request[object]]) -> str:
    """Return which argument was meant, if one is like the one that is not known."""
    from difflib import get_close_matches  # as a mistake is explained, and no sooner

    _, is_unknown, name = text.partition("unexpected keyword argument ")
    near = get_close_matches(name.strip("'"), [*inspect.signature(request).parameters], 1) if is_unknown else []
    return f". Did you mean {near[0]!r}?" if near and "Did you mean" not in text else ""
