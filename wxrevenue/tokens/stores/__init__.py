"""Where refreshed tokens are kept, one file per store, each behind :class:`wxrevenue.ports.TokenStore`."""
