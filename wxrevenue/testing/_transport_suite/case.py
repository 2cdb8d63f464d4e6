"""Cases of the conformance suites: what a transport or a rate limiter must do in one situation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

import attrs

from wxrevenue.testing._transport_suite.scene import staged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from wxrevenue.testing._server import Script
    from wxrevenue.testing._transport_suite.scene import Make, Scene

    Play: TypeAlias = Callable[[Scene], Awaitable[None]]

_IDS = re.compile(r"^((?:[A-Z]-\d\d(?:, )?)*)(?:: )?(.*)", re.DOTALL)


@attrs.frozen(repr=False)
class Case:
    """One situation that every implementation of a port must come through."""

    name: str
    """A short name."""
    says: str
    """One sentence that says what holds."""
    ids: tuple[str, ...]
    """The rows of the project's table of faults that the case stands for."""

    def __str__(self) -> str:
        return f"{','.join(self.ids)} {self.name}".strip()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


@attrs.frozen(repr=False)
class TransportCase(Case):
    """One situation that every transport must come through.

    Around each case three things are seen to: no secret shows in an error, a log record or the transport; nothing is left open;
    every call ends within its timeout and half a second.
    """

    needs: frozenset[str]
    """The options that the maker of transports must understand: of ``ssl``, ``proxy``, ``limit`` and ``trust_env``."""
    play: Play

    async def run(self, make: Make) -> None:
        """Play the case.

        Args:
            make: makes a transport: a class, or a function, taking the options in :attr:`needs` by keyword.

        Raises:
            AssertionError: the transport does not do what it must.
        """
        async with staged(make) as scene:
            await self.play(scene)
            await scene.still_works()


class Cases(list[TransportCase]):
    """The cases of one chapter."""

    def __call__(self, *, needs: str = "") -> Callable[[Play], Play]:
        """Add a coroutine function; its docstring begins with the rows that it stands for."""

        def added(play: Play) -> Play:
            self.append(TransportCase(*told_by(play), frozenset(needs.split()), play))
            return play

        return added

    def each(self, says: str, scripts: Mapping[str, Script], play: Callable[[Scene, Script], Awaitable[None]]) -> None:
        """Add a case for each script; ``says`` begins with the rows, unless a script's name does."""
        for name, script in scripts.items():
            ids, title = _split(name)
            _, sentence = _split(says)
            self.append(TransportCase(title, sentence, ids or _split(says)[0], frozenset(), _with(play, script)))


def told_by(play: Callable[..., Awaitable[None]]) -> tuple[str, str, tuple[str, ...]]:
    """Return the name, the sentence and the rows of the case that a coroutine function plays."""
    ids, sentence = _split(play.__doc__ or "")
    return getattr(play, "__name__", "?").replace("_", " "), " ".join(sentence.split()), ids


def _split(text: str) -> tuple[tuple[str, ...], str]:
    """Return the rows that a text begins with, and the rest of it."""
    found = _IDS.match(text)
    ids, rest = found.groups() if found else ("", text)
    return tuple(one for one in ids.split(", ") if one), rest


def _with(play: Callable[[Scene, Script], Awaitable[None]], script: Script) -> Play:
    async def bound(scene: Scene) -> None:
        await play(scene, script)

    return bound
