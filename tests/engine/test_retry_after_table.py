"""What a ``Retry-After`` makes of a back-off: another library's table.

The table is run through policy parameters and the real engine. The figures are those of
openai/openai-python (Apache-2.0, commit e43b422), ``tests/test_client.py``: a clock that stands at
1696004797, a cap of 120 s, and where the header is of no use a back-off of 0.5 s, doubled up to 8
s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support.fakes import Read, ams_client, answer
from support.virtual import WallClock, run_virtual, virtual

from wxrevenue import RetryEvent, RetryPolicy, ServerBusyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue.events import Event

NOW = 1_696_004_797.0
"""Fri, 29 Sep 2023 16:26:37 GMT."""
RETRIES = 3
"""How many repetitions their client has, unless a row gives another number made."""
OWN = 0.5


class Row(NamedTuple):
    """The repetitions left, the header, and the wait in seconds.

    Below zero, so many too many repetitions were made.
    """

    left: int
    header: str
    wait: float


TABLE = [
    Row(3, "20", 20),
    Row(3, "0", OWN),
    Row(3, "-10", OWN),
    Row(3, "60", 60),
    Row(3, "61", 61),
    Row(3, "120", 120),
    Row(3, "121", OWN),
    Row(3, "Fri, 29 Sep 2023 16:26:57 GMT", 20),
    Row(3, "Fri, 29 Sep 2023 16:26:37 GMT", OWN),
    Row(3, "Fri, 29 Sep 2023 16:26:27 GMT", OWN),
    Row(3, "Fri, 29 Sep 2023 16:27:37 GMT", 60),
    Row(3, "Fri, 29 Sep 2023 16:27:38 GMT", 61),
    Row(3, "Fri, 29 Sep 2023 16:28:37 GMT", 120),
    Row(3, "Fri, 29 Sep 2023 16:28:38 GMT", OWN),
    Row(3, "99999999999999999999999999999999999", OWN),
    Row(3, "inf", OWN),
    Row(3, "nan", OWN),
    Row(3, "Zun, 29 Sep 2023 16:26:27 GMT", OWN),
    Row(3, "Fri, 29 Sep 100000 16:26:57 GMT", OWN),
    Row(3, "", OWN),
    Row(2, "", 1.0),
    Row(1, "", 2.0),
    Row(-1100, "", 8),
]

SURFACES = "a server that asks for more than 120 s is not asked again sooner: the error surfaces, and says how long to wait"
DIFFERENT: Mapping[str, str] = {
    "121": SURFACES,
    "Fri, 29 Sep 2023 16:28:38 GMT": SURFACES,
    "99999999999999999999999999999999999": SURFACES,
}
"""Where we differ on purpose, by header: why."""


async def wait_for(row: Row, status: int) -> float | None:
    """Return the back-off after the row's answer, or ``None`` if the error surfaced."""
    waits: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, RetryEvent):
            waits.append(event.wait)

    made = RETRIES - row.left
    policy = RetryPolicy(made + 2, base=OWN, throttle_base=OWN, cap=8, quota=1e6, jitter=lambda: 1.0)
    failures = [answer(b"", status) for _ in range(made)] + [answer(b"", status, {"Retry-After": row.header})]
    client, _ = ams_client(*failures, answer(), retry=policy, clock=WallClock(NOW), deadline=1e6, on_event=note)
    try:
        await client.send(Read())
    except ServerBusyError as error:
        surfaced: Any = error
    else:
        assert len(waits) == made + 1
        return waits[-1]
    assert surfaced.retry_after > 120
    assert surfaced.attempts == made + 1
    return None


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("row", TABLE, ids=str)
@virtual
async def test_every_row(row: Row, status: int) -> None:
    """R-21 T-43: seconds and dates are waited for as asked.

    Nonsense and the past give our own back-off, and too long a wait surfaces.
    """
    assert await wait_for(row, status) == (None if row.header in DIFFERENT else row.wait)


def test_agreement() -> None:
    """All rows but the listed ones agree with the table, and the listed ones differ."""
    differ = {row.header for row in TABLE if run_virtual(wait_for(row, 503)) != row.wait}
    assert differ == set(DIFFERENT)
    print(f"Retry-After: {len(TABLE) - len(differ)} of {len(TABLE)} rows agree")  # noqa: T201
    for header, reason in DIFFERENT.items():
        print(f"  differs: {header}: {reason}")  # noqa: T201


def test_rows_are_all_there() -> None:
    """There are 23 rows, and no header but the empty one stands twice."""
    assert len(TABLE) == 23
    assert len({(row.left, row.header) for row in TABLE}) == 23
