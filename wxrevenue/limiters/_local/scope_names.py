"""What scopes have in common by their names: ``account/authorizer/action``."""

from __future__ import annotations


def account_of(scope: str) -> str:
    """Return what scopes of one account have in common.

    What stands before the first slash.
    """
    return scope.partition("/")[0] if "/" in scope else ""


def family_of(scope: str) -> str | None:
    """Return what scopes have in common that differ in the authorizer alone.

    Account and action.
    """
    account, first, rest = scope.partition("/")
    _, second, action = rest.partition("/")
    return f"{account}/{action}" if first and second else None
