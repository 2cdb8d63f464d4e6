"""What a rate limiter may want to know of the clients that use it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class ClientCheck(Protocol):
    """A rate limiter that does not suit every client."""

    def check_client(self, where: str, *, component_appid: str, timeout: float) -> None:
        """Look whether a client can use this.

        Args:
            where: what messages call the client.
            component_appid: the account's name; empty where only this process knows it.
            timeout: seconds that one exchange may take.

        Raises:
            ConfigurationError: it cannot.
        """
        ...
