"""What a walk has to remember of its rows, written by hand: the floor of G9.

By its key a row is known when it comes again, by its content whether it was revised then, and by a
digest of all contents a resumed walk knows that the list is as it was.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from wxrevenue import Settlement


class Seen:
    """The rows of one account so far."""

    def __init__(self) -> None:
        self._contents: dict[tuple[str, int, str | None], int] = {}
        self._digest = b""

    def add(self, rows: list[Settlement]) -> None:
        """Remember the rows of a page."""
        lines: list[bytes] = []
        for row in rows:
            slots = [(slot.slot_id, slot.slot_settled_revenue) for slot in row.slot_revenue]
            content = (
                row.month,
                row.order,
                row.settled_revenue,
                row.date,
                row.zone,
                row.sett_status,
                row.sett_no,
                row.mail_send_cnt,
                slots,
            )
            line = orjson.dumps(content)
            lines.append(line)
            self._contents[row.month, row.order, row.sett_no] = hash(line)
        self._digest = blake2b(b"\n".join((self._digest, *lines)), digest_size=8).digest()
