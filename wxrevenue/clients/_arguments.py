"""Clients as arguments of whatever makes calls with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from wxrevenue.clients._revenue import RevenueClient


def revenue_client(where: str, client: object) -> RevenueClient:
    """Return a client that makes calls of the advertising side.

    Raises:
        ConfigurationError: it is none.
    """
    from wxrevenue.clients._revenue import RevenueClient

    if not isinstance(client, RevenueClient):
        raise ConfigurationError(f"{where}.client: expected a RevenueClient, got {type(client).__name__}")
    return client
