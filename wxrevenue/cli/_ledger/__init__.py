"""The commands that keep a ledger, and read it."""
