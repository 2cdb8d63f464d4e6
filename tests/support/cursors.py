"""Walks that stop, and the cursors of a list."""

from __future__ import annotations

from hypothesis import settings

few = settings(max_examples=100)
