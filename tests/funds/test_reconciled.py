"""Many orders under trouble are the same to the fen on all sides.

Compared are what the client received, the sandbox's books, and the bills.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from support.payside import NOW, Certified

from wxrevenue import ApiError, DecodeError, InvalidParameterError, RetryPolicy, SignatureError, TransportError
from wxrevenue.sandbox import Trouble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ACCOUNTS = [f"19000000{number:02}" for number in range(6)]
TROUBLE = Trouble(busy=0.1, drop_after=0.1, drop_before=0.05, html=0.05)
TRIES = 30
BEIJING = timezone(timedelta(hours=8))


class Story:
    """A merchant whose server breaks down again and again.

    Its orders are marked, paid, distributed and released.
    """

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        later, sub = self.dice.choice([0.0, 5.0]), self.dice.random() < 0.5
        self.scene = Certified(distribute_after=later, sub=sub, retry=RetryPolicy(max_attempts=8, jitter=lambda: 0.1))
        self.scene.sandbox.trouble = TROUBLE
        self.heard: Counter[str] = Counter()
        """The fen that each receiver has according to the client's answers."""

    async def sure(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Repeat a call with the same number until its outcome is known."""
        for _ in range(TRIES):
            try:
                return await call()
            except (TransportError, SignatureError, DecodeError):
                continue
            except ApiError as error:
                if not error.retryable:
                    raise
        raise AssertionError("the outcome stays unknown")

    async def receivers(self) -> None:
        """Add the receivers; one may be unable to receive."""
        for account in ACCOUNTS:
            with suppress(InvalidParameterError):  # it was added, and the answer lost
                await self.sure(partial(self.scene.receiver, account))
        if self.dice.random() < 0.5:
            self.scene.sandbox.pay.close_account(ACCOUNTS[0])

    async def order(self, trade: str) -> None:
        """Take an order through all its steps."""
        funds, amount = self.scene.funds, self.dice.randint(1_000, 10**6)
        await self.sure(lambda: funds.mark_transaction(trade))
        number = self.scene.sandbox.pay.pay(trade, amount, self.scene.sub_mchid)
        left = amount * 30 // 100
        for part in range(self.dice.randint(0, 3)):
            shares = {account: self.dice.randint(1, left // 12) for account in self.dice.sample(ACCOUNTS, 3)}
            left -= sum(shares.values())
            await self.distribute(number, f"D-{trade}-{part}", shares)
        if self.dice.random() < 0.7:
            release = {"transaction_id": number, "out_order_no": f"U-{trade}", "description": "the rest"}
            await self.sure(lambda: funds.unfreeze_remaining_funds(**release))
            await self.sure(lambda: funds.wait_until_finished(f"U-{trade}", transaction_id=number))
        if self.dice.random() < 0.2:
            await self.scene.clock.sleep(61.0)  # or the list is not fetched again yet
            self.scene.sandbox.pay.rotate_certificate()

    async def distribute(self, number: str, own: str, shares: dict[str, int]) -> None:
        """Distribute, wait for the end, and count what arrived."""
        rows = [{"type": "MERCHANT_ID", "account": account, "amount": fen, "description": "a,`b"} for account, fen in shares.items()]
        asked: dict[str, Any] = {"transaction_id": number, "out_order_no": own, "unfreeze_unsplit": False, "receivers": rows}
        await self.sure(lambda: self.scene.funds.request_distribution(**asked))
        order = await self.sure(lambda: self.scene.funds.wait_until_finished(own, transaction_id=number))
        self.heard.update({one.account: one.amount for one in order.receivers if one.is_success})

    async def billed(self) -> Counter[str]:
        """Return what the bills of all days list, by receiver."""
        day, last = (datetime.fromtimestamp(at, UTC).astimezone(BEIJING).date() for at in (NOW, self.scene.clock.time()))
        found: Counter[str] = Counter()
        while day <= last:
            async with self.scene.funds.download_bill(day) as bill:
                async for row in bill:
                    if row.business_type == "SHARE":
                        found[row.receiver_account] += row.amount or 0
            day += timedelta(days=1)
        return found


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whole_orders_under_trouble(seed: int) -> None:
    """S-08, S-20: under trouble no fen is moved twice or lost.

    Answers are lost, busy, not JSON, and signed anew.
    """
    story = Story(seed)
    await story.receivers()
    for number in range(6):
        await story.order(f"P-{seed}-{number:03}")
    story.scene.balanced()
    assert dict(story.heard) == story.scene.sandbox.pay.books().distributed
    story.scene.sandbox.trouble = Trouble()
    assert await story.billed() == story.heard
