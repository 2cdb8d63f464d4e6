"""The ledger in a file, by the standard library's SQLite."""
