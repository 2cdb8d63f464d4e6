"""A case of the conformance suite of transports."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

from wxrevenue.testing._suite import Case, Suite
from wxrevenue.testing._transport_suite.scene import Scene, staged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from wxrevenue.testing._transport_suite.scene import Make

T = TypeVar("T")


@attrs.frozen(repr=False)
class TransportCase(Case[Scene]):
    """One situation that every transport must come through.

    Its ``needs`` are options that the maker of transports must understand: of ``ssl``, ``proxy``,
    ``limit`` and ``trust_env``. Around each case three things are checked: no secret shows in an
    error, a log record or the transport; nothing is left open; every call ends within its timeout
    and half a second.
    """

    async def run(self, make: Make) -> None:
        """Play the case.

        Args:
            make: makes a transport: a class, or a function, taking the options in :attr:`needs` by
                keyword.

        Raises:
            AssertionError: the transport does not do what it must.
        """
        async with staged(make) as scene:
            await self.play(scene)
            await scene.still_works()


def each_with_and_without_tls(
    cases: Suite[TransportCase, Scene], says: str, values: Mapping[str, T], play: Callable[[Scene, T], Awaitable[None]]
) -> None:
    """Add two cases for each value.

    One is as of :meth:`Suite.each`, the other is the same over TLS.
    """

    async def secured(scene: Scene, value: T) -> None:
        scene.speak_tls()
        await play(scene, value)

    cases.each(says, values, play)
    cases.each(says, {f"{name}, over TLS": value for name, value in values.items()}, secured, needs="ssl")
