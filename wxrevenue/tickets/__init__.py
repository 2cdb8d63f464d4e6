"""Where tickets are kept: one file per store, each behind :class:`wxrevenue.ports.TicketStore`."""
