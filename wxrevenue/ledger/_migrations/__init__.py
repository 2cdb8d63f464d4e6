"""The ledger's schema: numbered steps, each run once.

They are written for SQLite. For PostgreSQL ``INTEGER`` becomes ``BIGINT``, texts sort by their
bytes, and what SQLite alone knows is left out.
"""
