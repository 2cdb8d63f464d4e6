"""A case of the conformance suite of transports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from wxrevenue.testing._suite import Case
from wxrevenue.testing._transport_suite.scene import Scene, staged

if TYPE_CHECKING:
    from wxrevenue.testing._transport_suite.scene import Make


@attrs.frozen(repr=False)
class TransportCase(Case[Scene]):
    """One situation that every transport must come through.

    Its ``needs`` are options that the maker of transports must understand: of ``ssl``, ``proxy``, ``limit`` and ``trust_env``.
    Around each case three things are seen to: no secret shows in an error, a log record or the transport; nothing is left open;
    every call ends within its timeout and half a second.
    """

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
