"""Signatures of WeChat Pay.

Signers and verifiers, one file per kind of key, and the check of an answer.
"""
