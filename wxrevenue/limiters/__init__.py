"""Rate limiters: one file per backend, each behind :class:`wxrevenue._ports.RateLimiter`."""
