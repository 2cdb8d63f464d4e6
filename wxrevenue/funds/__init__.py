"""WeChat Pay's overseas funds distribution, a module per chapter of its documentation.

To add an interface: one frozen class (and its result) in its chapter, one line in the chapter's row here, one shortcut line in
``clients/_funds.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._lazy import lazy_names

if TYPE_CHECKING:
    from wxrevenue.funds.mark import MarkTransaction

__all__ = ["BASE_URL", "MarkTransaction"]

BASE_URL = "https://apihk.mch.weixin.qq.com"

__getattr__, __dir__ = lazy_names(__name__, {"wxrevenue.funds.mark": "MarkTransaction"})
