"""Signers of WeChat Pay requests: one file per kind of key, each behind :class:`wxrevenue._ports.Signer`."""
