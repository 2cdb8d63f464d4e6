"""What stores keep: a ticket of WeChat's, and tokens with what gets the next ones."""

from __future__ import annotations

from typing import Any, Final, cast

import attrs

from wxrevenue._base import checks as _checks
from wxrevenue._base.printable import Printable
from wxrevenue._base.secret import Secret, as_secret, require_secret

__all__ = ["StoredToken", "Ticket"]

TICKET_LIFETIME: Final = 12 * 3600.0
TICKET_OVERDUE: Final = 30 * 60.0


@attrs.frozen(init=False)
class Ticket(Printable):
    """A ``component_verify_ticket``: for it WeChat hands out a component's token.

    WeChat pushes a new one every ten minutes.

    Args:
        value: the ticket.
        created: when WeChat made it, in Unix seconds (the ``CreateTime`` inside the push).

    Raises:
        ConfigurationError: the ticket is empty or holds white space, or one of the two is of
            another type.
    """

    value: Secret
    created: float

    def __init__(self, value: Secret | str, created: float) -> None:
        value = as_secret(value)  # first of all: what follows may raise
        self.__attrs_init__(cast("Any", value), created)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        require_secret("Ticket.value", value)
        _checks.seconds("Ticket.created", created)

    @property
    def expires(self) -> float:
        """When it stops being good, in Unix seconds: 12 hours after it was made."""
        return self.created + TICKET_LIFETIME

    def age(self, now: float) -> float:
        """Return how many seconds old it is, ``now`` in Unix seconds.

        Never negative, whatever the clocks say.
        """
        return max(0.0, now - self.created)

    def is_overdue(self, now: float) -> bool:
        """Return whether pushes have stopped.

        Nothing newer came for 30 minutes, while one is due every 10.
        """
        return self.age(now) > TICKET_OVERDUE

    def is_expired(self, now: float) -> bool:
        """Return whether its 12 hours are over. By the caller's clock: WeChat's decides."""
        return now >= self.expires


@attrs.frozen(kw_only=True)
class StoredToken(Printable):
    """What a :class:`TokenStore` keeps under one name.

    Args:
        token: an access token; ``None`` where there is none, or none that still lives.
        left: how many seconds the token has to live, as of the ``write`` that it goes into or the
            ``read`` that it comes from. Seconds left, not a time of day: hosts' clocks differ.
        refresh: an authorizer's refresh token. It outlives access tokens, and is all there is to
            get another one with.
        fence: the number of the lock under which it was written.
        age: how many seconds ago it was got, by the store's own clock: what it was in the ``write``
            (``None``: nothing), and the seconds since. ``None`` from a ``read`` where a store
            cannot tell.
    """

    token: Secret | None = None
    left: float = 0.0
    refresh: Secret | None = None
    fence: int = 0
    age: float | None = None
