"""Every transport of the package passes the conformance suite.

It does so with whole answers and with streamed ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.transports import TRANSPORTS

from wxrevenue.testing import TransportCase, transport_cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from wxrevenue import Transport


@pytest.mark.parametrize("case", transport_cases(), ids=str)
@pytest.mark.parametrize("make", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_conforms(make: Callable[..., Transport], case: TransportCase) -> None:
    """Each transport passes the case."""
    await case.run(make)
