"""Where tokens come from: one file per source, each behind :class:`wxrevenue._ports.TokenSource`."""
