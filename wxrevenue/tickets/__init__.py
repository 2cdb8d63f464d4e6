"""Where tickets are kept.

One file per store, each behind :class:`wxrevenue.ports.TicketStore`.
"""
