"""``wxrevenue settlements``: the command, its options, its journal, and how its problems are told."""
