"""Signatures of WeChat Pay: signers and verifiers, one file per kind of key, and the check of an answer."""
