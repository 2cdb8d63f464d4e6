"""Transports: one file per HTTP library, each behind :class:`wxrevenue._ports.Transport`."""
