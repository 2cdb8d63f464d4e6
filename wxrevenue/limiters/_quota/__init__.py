"""What is learned of a quota. No clock and no I/O: times are arguments."""
