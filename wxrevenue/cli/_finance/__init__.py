"""The commands for finance: statements, reconciliation, payouts.

Each reads a ledger, and fetches nothing.
"""
