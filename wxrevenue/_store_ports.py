"""The ports of stores: what keeps tickets, tokens and certificates.

:mod:`wxrevenue.ports` exports them: import them from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from wxrevenue._wire.stored import StoredToken, Ticket


@runtime_checkable
class TicketStore(Protocol):
    """Keeps the newest ticket of one component, for one process or for several.

    A ``WxRevenueError`` that it raises reaches the caller that asked for a token. Any other is told
    by its class alone, in a ``TokenUnavailableError``, since its text may show the ticket. A push
    that could not be stored is refused, so that WeChat repeats it.
    """

    async def get(self) -> Ticket | None:
        """Return the newest ticket, or ``None`` before the first one came.

        A ticket past its 12 hours is returned, too.
        """
        ...

    async def put(self, ticket: Ticket) -> bool:
        """Keep the ticket unless a newer one is kept; return whether it was kept.

        Decided by :attr:`Ticket.created` alone, in one step: of two processes that put at the same
        time, the newer ticket stays. Once this returns, the ticket survives what the store promises
        to survive.
        """
        ...


@runtime_checkable
class CertificateStore(Protocol):
    """Keeps WeChat Pay's certificates for several processes.

    One of them downloads for all. What it keeps is an answer as WeChat Pay sealed and signed it,
    which is checked again whenever it is read. What a store raises is logged by its class, and the
    certificates are downloaded.
    """

    async def get(self, mchid: str) -> bytes | None:
        """Return the newest list of a merchant, or ``None``."""
        ...

    async def put(self, mchid: str, certificates: bytes, *, fetched: float) -> bool:
        """Keep a list unless a newer one is kept; return whether it was kept.

        ``fetched``, Unix seconds, decides which is newer.
        """
        ...


@runtime_checkable
class TokenStore(Protocol):
    """Keeps tokens for one process or for many; one of them refreshes at a time.

    The tokens are those of one component, or of several. Each name (``component appid/``, or
    ``component appid/authorizer appid``) has three things:

    - a record;
    - a lock with a lease;
    - a counter that numbers the locks. It never goes back, not even when record and lock are gone.

    A holder may be paused for longer than its lease and write late. The number of its lock, its
    *fence*, tells that apart. Time is the store's own: seconds until something lapses are counted
    on one clock for all its users. Secrets stay out of the store's messages and ``repr``.

    What ``read`` and ``lock`` raise ends the refresh with ``TokenUnavailableError``. A token that
    still lives is served meanwhile. What ``write`` raises loses nothing: it is called again until
    it works. One store may serve several sources; none closes it.
    """

    async def read(self, name: str) -> StoredToken | None:
        """Return the record, or ``None`` where there is none that this release can read.

        A token whose time is up is left out: ``token`` is ``None`` then, and ``refresh`` stays.
        """
        ...

    async def lock(self, name: str, *, lease: float) -> int | None:
        """Take the lock for up to ``lease`` seconds and return its fence.

        ``None`` at once while another holder has it. Every lock's fence is larger than that of all
        locks of the name before it.
        """
        ...

    async def write(self, name: str, record: StoredToken, *, fence: int) -> bool:
        """Replace the record in one step; return whether it was replaced.

        It is not replaced if it was written under a larger fence. A lapsed lock alone does not
        refuse it: a late writer that no other has overtaken has the newest token. ``record.fence``
        is replaced by ``fence``. The token is dropped ``record.left`` seconds later; the refresh
        token is kept.
        """
        ...

    async def unlock(self, name: str, *, fence: int) -> None:
        """Give the lock back, if it is still the one of that fence."""
        ...


@runtime_checkable
class RenewableTokenStore(TokenStore, Protocol):
    """A token store whose locks can be kept beyond their lease.

    Locks are taken for ten seconds, and renewed during a refresh. Without this a lock is taken for
    a refresh's whole deadline, which is what the others wait for when its holder is killed.
    """

    async def renew(self, name: str, *, fence: int, lease: float) -> bool:
        """Keep the lock for ``lease`` seconds from now; return whether it was kept.

        It is kept if it is still the one of that fence.
        """
        ...
