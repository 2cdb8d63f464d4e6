"""The rate limiter of one process: the scheduling of callers, by scope."""
