"""Where the keys of WeChat Pay's signatures come from: one file per source, each behind :class:`wxrevenue._ports.Verifier`."""
