"""The ledger in PostgreSQL, by psycopg."""
