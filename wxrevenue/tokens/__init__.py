"""Where tokens come from.

One file per source, each behind :class:`wxrevenue.ports.TokenSource`.
"""
