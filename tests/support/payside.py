"""A client of funds distribution against the sandbox, on a clock that leaps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from support.virtual import LeapingClock
from wxrevenue import FundsDistributionClient, PlatformCertificates, RetryPolicy, Sandbox, StaticVerifier

if TYPE_CHECKING:
    from wxrevenue import AddedReceiver

NOW = 1_774_000_000
TRADE = "P20150806125346"


class Scene:
    """A sandbox, a client of its merchant, and the clock of both."""

    def __init__(self, *, sub: bool = False, **options: Any) -> None:
        settings = {name: options.pop(name) for name in ("verifier", "transport", "sub_mchid", "retry", "deadline") if name in options}
        self.clock = LeapingClock(NOW)
        self.sandbox = Sandbox(seed=7, now=self.clock.time)
        self.sandbox.pay.institution = sub
        for name, value in options.items():
            setattr(self.sandbox.pay, name, value)
        self.merchant = self.sandbox.merchant
        self.sub_mchid = self.merchant.sub_mchids[0] if sub else None
        self.funds = FundsDistributionClient(
            self.merchant.mchid,
            self.merchant.serial_no,
            self.merchant.private_key,
            **cast(
                "dict[str, Any]",
                {
                    "verifier": StaticVerifier(self.merchant.platform_keys),
                    "transport": self.sandbox.transport(),
                    "sub_mchid": self.sub_mchid,
                    "clock": self.clock,
                    "retry": RetryPolicy(jitter=lambda: 1.0),
                    **settings,
                },
            ),
        )

    async def paid(self, amount: int = 10_000, trade: str = TRADE) -> str:
        """Mark an order and have it paid; return WeChat Pay's number."""
        await self.funds.mark_transaction(trade)
        return self.sandbox.pay.pay(trade, amount, self.sub_mchid)

    async def receiver(self, account: str) -> AddedReceiver:
        """Add a merchant as a receiver."""
        return await self.funds.add_receiver(type="MERCHANT_ID", account=account, relation_type="SUPPLIER", name="fake name")

    def balanced(self) -> dict[str, int]:
        """Return the amounts of each account, once the books add up to the fen."""
        books = self.sandbox.pay.books()
        assert books.paid == books.frozen + books.pending + sum(books.distributed.values()) + books.released + books.refunded
        return {**books.distributed, "released": books.released, "frozen": books.frozen, "refunded": books.refunded}


class Certified(Scene):
    """A scene whose client verifies with certificates that it fetches."""

    def __init__(self, *, store: Any = None, apiv3_key: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.certificates = self.another(store=store, apiv3_key=apiv3_key)
        self.use(self.certificates)

    def another(self, *, store: Any = None, apiv3_key: str | None = None, transport: Any = None) -> PlatformCertificates:
        """Return the verifier that another process has."""
        return PlatformCertificates(
            apiv3_key or self.merchant.apiv3_key,
            mchid=self.merchant.mchid,
            serial_no=self.merchant.serial_no,
            private_key=self.merchant.private_key,
            store=store,
            transport=transport or self.sandbox.transport(),
            clock=self.clock,
        )

    def use(self, certificates: PlatformCertificates) -> None:
        """Let the client verify with these certificates."""
        self.funds._parts.engine.service.verifier = certificates  # type: ignore[attr-defined]

    async def settled(self) -> None:
        """Wait for the end of a download that runs in the background."""
        task = self.certificates._refreshing  # pyright: ignore[reportPrivateUsage]
        if task is not None:
            await asyncio.wait([task])

    @property
    def downloads(self) -> int:
        """The number of lists that the sandbox sent."""
        return sum(count for (name, _), count in self.sandbox.calls.items() if name == "certificates")
