"""What is said to streaq and to its client of Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypedDict

if TYPE_CHECKING:
    import ssl

    from coredis.connection import TCPConnection, UnixDomainSocketConnection
    from coredis.pool import ConnectionPool

    Pool: TypeAlias = ConnectionPool[TCPConnection] | ConnectionPool[UnixDomainSocketConnection]

    class PoolSettings(TypedDict, total=False):
        """What a URL says of a pool."""

        db: int
        ssl_context: ssl.SSLContext | None
        username: str
        password: str
        client_name: str

    class WorkerSettings(TypedDict):
        """What is told to streaq's worker."""

        redis_pool: Pool
        queue_name: str
        signing_secret: str | None
        concurrency: int
