"""One call on its way: deadline, attempts, turn, exchange. Knows no interface."""
