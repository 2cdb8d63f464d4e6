"""Where refreshed tokens are kept.

One file per store, each behind :class:`wxrevenue.ports.TokenStore`.
"""
