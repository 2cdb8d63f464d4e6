"""Titles in ``wxrevenue --help`` that commands of several modules stand under."""

from __future__ import annotations

from typing import Final

WECHAT: Final = "Ask WeChat, or set ratios"
FINANCE: Final = "For finance, from a ledger"
