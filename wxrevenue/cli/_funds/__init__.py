"""``wxrevenue funds``: the steps from a mark to a bill."""
