"""Pages that finance can read, made from a ledger.

Everything here reads the ledger alone: nothing is fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._lazy import lazy_names, names_in

if TYPE_CHECKING:
    from wxrevenue.report._bill import *
    from wxrevenue.report._findings import *
    from wxrevenue.report._html import *
    from wxrevenue.report._reconcile import *
    from wxrevenue.report._split import *
    from wxrevenue.report._statement import *

CHAPTERS = {
    "wxrevenue.report._bill": "reconcile_bill",
    "wxrevenue.report._findings": "CheckKind Difference Reconciliation Unchecked",
    "wxrevenue.report._html": "render_html",
    "wxrevenue.report._reconcile": "reconcile",
    "wxrevenue.report._split": "split_exactly",
    "wxrevenue.report._statement": "write_statement",
}
"""What each module exports."""

if not TYPE_CHECKING:
    __all__ = names_in(CHAPTERS)  # noqa: PLE0605  (the table has them once)
    __getattr__, __dir__ = lazy_names(__name__, CHAPTERS)
