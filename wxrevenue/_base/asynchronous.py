"""What says how to use an asynchronous object that is taken for a synchronous one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

_SYNCHRONOUS = "Synchronous code: see wxrevenue/clients/README.md"


class Asynchronous:
    """Base of what is used with ``async with``: a plain ``with`` says so."""

    __slots__ = ()

    if not TYPE_CHECKING:  # a type checker says so by itself, and would otherwise let it pass

        def __enter__(self) -> NoReturn:
            name = type(self).__name__
            raise TypeError(f"{name} is asynchronous: write 'async with', inside an async function. {_SYNCHRONOUS}")

        def __exit__(self, *exc_info: object) -> None:
            pass  # Python looks for it before it enters


class AsynchronousRows(Asynchronous):
    """Base of what is used with ``async for``.

    A plain ``for``, an index or an ``await`` raises an error that says so.
    """

    __slots__ = ()
    _instead_of_await = "write 'async for', inside an async function"

    if not TYPE_CHECKING:  # as above

        def __getitem__(self, index: object) -> NoReturn:
            # where __iter__ is missing, `for` comes here; with one, this would count as an Iterable
            name = type(self).__name__
            raise TypeError(f"{name} is asynchronous: write 'async for', inside an async function. {_SYNCHRONOUS}")

        def __await__(self) -> NoReturn:
            raise TypeError(f"{type(self).__name__} is not awaited: {self._instead_of_await}")
