"""Rate limiters: one file per backend, each behind :class:`wxrevenue.ports.RateLimiter`."""
