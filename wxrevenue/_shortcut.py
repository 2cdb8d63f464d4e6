"""One-line client methods: ``get_share_ratio = shortcut(lambda: ams.GetShareRatio)``."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wxrevenue._request import Request

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
        method = _method(self._load(), f"{self._owner.__qualname__}.{self._name}")
        setattr(self._owner, self._name, method)  # from now on it is a plain function of the class
        return method if client is None else method.__get__(client, owner)


def _method(request: Any, qualname: str) -> Any:
    async def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await self.send(request(*args, **kwargs))

    signature = inspect.signature(request)
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__name__ = qualname.rsplit(".", 1)[-1]
    method.__qualname__ = qualname
    method.__doc__ = request.__doc__
    method.__signature__ = signature.replace(parameters=[this, *signature.parameters.values()])  # type: ignore[attr-defined]
    return method
