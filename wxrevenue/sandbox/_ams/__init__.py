"""The sandbox's AMS: its interfaces, books, quotas, tokens and pushes."""
