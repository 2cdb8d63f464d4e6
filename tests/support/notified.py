"""A scene of WeChat Pay with a receiver of its notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.payside import Scene
from wxrevenue import PaymentReceiver, StaticVerifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue.sandbox._pay.notification import Notification


REFUND = {"sp_mchid": "19", "sub_mchid": "20", "out_trade_no": "P", "out_refund_no": "R-1", "refund_status": "SUCCESS", "more": 1}


class Notified(Scene):
    """A scene of WeChat Pay with a receiver of its notifications."""

    def __init__(self) -> None:
        super().__init__()
        self.receiver_ = PaymentReceiver(StaticVerifier(self.merchant.platform_keys), self.merchant.apiv3_key, clock=self.clock)

    def refund(self, resource: Mapping[str, Any] = REFUND, **kinds: Any) -> Notification:
        """Return the notification of a refund."""
        return self.sandbox.pay.notification(resource, **kinds)

    def signed(self, body: bytes) -> dict[str, str]:
        """Return the headers that sign a body."""
        return self.sandbox._pay.signature((int(self.clock.time()), "fa4e"), body)  # pyright: ignore[reportPrivateUsage]
