"""WeChat Pay's overseas funds distribution, a module per chapter of its documentation.

To add an interface: one frozen class (and its result) in its chapter and in the chapter's ``__all__``, the names in the chapter's row here,
one shortcut line in ``clients/_funds.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._lazy import lazy_names, names_in

if TYPE_CHECKING:
    from wxrevenue.funds.mark import *

BASE_URL = "https://apihk.mch.weixin.qq.com"
CHAPTERS = {"wxrevenue.funds.mark": "MarkTransaction"}
"""What each chapter exports."""

if not TYPE_CHECKING:
    __all__ = names_in(CHAPTERS)  # noqa: PLE0605  (the table has them once)
    __getattr__, __dir__ = lazy_names(__name__, CHAPTERS)
