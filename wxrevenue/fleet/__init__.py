"""Jobs over all Mini Programs of a provider.

One row each, and never one exception for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._lazy import lazy_names, names_in

if TYPE_CHECKING:
    from wxrevenue.ams._ratio_status import *
    from wxrevenue.fleet._publishers import *
    from wxrevenue.fleet._ratio_plan import *
    from wxrevenue.fleet._ratios import *
    from wxrevenue.fleet._sync import *

CHAPTERS = {
    "wxrevenue.fleet._publishers": "CoverResult PublisherResult open_publishers switch_covers",
    "wxrevenue.ams._ratio_status": "RatioState RatioStatus",
    "wxrevenue.fleet._ratio_plan": "RatioChange RatioPlan plan_ratios",
    "wxrevenue.fleet._sync": "SyncReport fetch sync",
    "wxrevenue.fleet._ratios": "RatioResult apply_ratios ratio_status",
}
"""What each module exports."""

if not TYPE_CHECKING:
    __all__ = names_in(CHAPTERS)  # noqa: PLE0605  (the table has them once)
    __getattr__, __dir__ = lazy_names(__name__, CHAPTERS)
