"""The conformance suite of ledgers."""
