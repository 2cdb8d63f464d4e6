"""Where tokens come from: one file per source, each behind :class:`wxrevenue.ports.TokenSource`."""
