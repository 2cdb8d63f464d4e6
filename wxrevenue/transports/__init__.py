"""Transports.

One file per HTTP library, each behind :class:`wxrevenue.ports.Transport`.
"""
