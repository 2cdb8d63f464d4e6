"""Rate limiters.

One file per backend, each behind :class:`wxrevenue.ports.RateLimiter`.
"""
