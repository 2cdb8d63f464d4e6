"""Inputs that hypothesis draws."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

TOKEN = "fake-token-12345"
small = settings(derandomize=True, max_examples=60)
wide = settings(derandomize=True, max_examples=200)


numbers = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([0, -1, -202, 1, 5, 6, 1736, 1737, 40001, 45009, 2**53 + 1, 2**64 - 1]),
    st.floats(allow_nan=False, allow_infinity=False),
)
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["0", "-1", "1737", "2020-03-25", "202003", "XXX", TOKEN]),
)
leaves = st.one_of(st.none(), st.booleans(), numbers, texts)
