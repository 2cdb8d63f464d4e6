"""``wxrevenue ratios``: which ratios are in force, and setting them from a file."""
