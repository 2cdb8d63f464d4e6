"""``wxrevenue settlements``: the command, its options, its part file."""
