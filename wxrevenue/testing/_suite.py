"""What the conformance suites are made of.

That is cases, and the list to which a chapter adds its own.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    class _Scene(Protocol):
        async def end(self) -> None: ...

    Rows: TypeAlias = tuple[str, ...]

S = TypeVar("S", bound="_Scene")
C = TypeVar("C", bound="Case[Any]")
T = TypeVar("T")
_IDS = re.compile(r"^((?:[A-Z]-\d\d(?:, )?)*)(?:: )?(.*)", re.DOTALL)


@attrs.frozen(repr=False)
class Case(Generic[S]):
    """One situation that every implementation of a port must come through."""

    name: str
    """A short name."""
    says: str
    """One sentence that says what holds."""
    ids: Rows
    """The rows of the project's table of faults that the case stands for."""
    needs: frozenset[str]
    """What an implementation must have for the case, such as an option of its maker."""
    play: Callable[[S], Awaitable[None]]

    def __str__(self) -> str:
        return f"{','.join(self.ids)} {self.name}".strip()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    async def play_in(self, scene: S, *, longest: float, kind: str) -> None:
        """Play the case, and end its scene.

        Args:
            scene: where it plays.
            longest: seconds after which it is given up.
            kind: what is tested, for the message.

        Raises:
            AssertionError: the case was given up, or it found a fault.
        """
        scope = asyncio.timeout(longest)
        try:
            async with scope:
                await self.play(scene)
        except TimeoutError as error:
            if not scope.expired():
                raise
            raise AssertionError(f"the {kind} kept the case waiting without end") from error
        finally:
            await scene.end()


class Suite(list[C], Generic[C, S]):
    """The cases of one chapter.

    Args:
        case: the class of the cases.
    """

    def __init__(self, case: Callable[[str, str, Rows, frozenset[str], Callable[[S], Awaitable[None]]], C]) -> None:
        super().__init__()
        self._case = case

    def __call__(self, *, needs: str = "") -> Callable[[Callable[[S], Awaitable[None]]], Callable[[S], Awaitable[None]]]:
        """Add a coroutine function; its docstring begins with the rows that it stands for."""

        def added(play: Callable[[S], Awaitable[None]]) -> Callable[[S], Awaitable[None]]:
            ids, says = _split(play.__doc__ or "")
            name = getattr(play, "__name__", "?").replace("_", " ")
            self.append(self._case(name, " ".join(says.split()), ids, frozenset(needs.split()), play))
            return play

        return added

    def each(self, says: str, values: Mapping[str, T], play: Callable[[S, T], Awaitable[None]], *, needs: str = "") -> None:
        """Add a case for each value.

        ``says`` begins with the rows, unless a value's name does.
        """
        ids, sentence = _split(says)
        for name, value in values.items():
            own, title = _split(name)
            self.append(self._case(title, sentence, own or ids, frozenset(needs.split()), _with(play, value)))


def _split(text: str) -> tuple[Rows, str]:
    """Return the rows that ``text`` begins with, and the rest of it."""
    found = _IDS.match(text)
    ids, rest = found.groups() if found else ("", text)
    return tuple(one for one in ids.split(", ") if one), rest


def _with(play: Callable[[S, T], Awaitable[None]], value: T) -> Callable[[S], Awaitable[None]]:
    async def bound(scene: S) -> None:
        await play(scene, value)

    return bound
