"""One-line client methods: ``get_share_ratio = shortcut(lambda: ams.GetShareRatio)``."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from wxrevenue._base.loading import loaded
from wxrevenue._wire.request import NOT_SENT, may_take_authorizer, result_of
from wxrevenue.errors import ConfigurationError, without_history

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wxrevenue._wire.request import Request

P = ParamSpec("P")
T = TypeVar("T")


class shortcut(Generic[P, T]):  # noqa: N801  (used like a decorator)
    """A coroutine method that builds a request from its arguments and sends it.

    It takes its parameters, their types and its documentation from the request class, which loads when the method is first
    looked up. Nothing happens before the await, not even validation.
    """

    def __init__(self, load: Callable[[], Callable[P, Request[T]]]) -> None:
        self._load = load

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name

    @overload
    def __get__(self, client: None, owner: type) -> Callable[..., Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, client: object, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: object | None, owner: type) -> Any:
        name = f"{self._owner.__qualname__}.{self._name}"
        method = _method(loaded(self._load, name), name)
        setattr(self._owner, self._name, method)  # from now on it is a plain function of the class
        return method if client is None else method.__get__(client, owner)


def _method(request: Any, qualname: str) -> Any:
    async def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = _made(request, *args, **self._with_defaults(request, kwargs))
        del args, kwargs  # they may hold a secret, and a traceback shows locals
        if isinstance(made, ConfigurationError):
            raise made
        return await self.send(made)

    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    given = [one for one in inspect.signature(request).parameters.values() if _is_taken(one.name, request)]
    method.__name__ = qualname.rsplit(".", 1)[-1]
    method.__qualname__ = qualname
    method.__doc__ = request.__doc__
    method.__module__ = request.__module__
    method.__signature__ = inspect.Signature([this, *given], return_annotation=result_of(request))  # type: ignore[attr-defined]
    return method


def _made(request: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the request, or why it cannot be made (as a value: the frames that the error came through hold the arguments)."""
    try:
        return request(*args, **kwargs)
    except ConfigurationError as error:
        found = error
    return without_history(found)


def _is_taken(name: str, request: Any) -> bool:
    """Tell whether a request takes a parameter: an authorizer's appid only where it may take an authorizer's token."""
    return name not in NOT_SENT or may_take_authorizer(request)
