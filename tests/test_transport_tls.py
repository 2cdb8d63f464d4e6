"""The aiohttp transport and certificates, made at run time: only a known authority's, for this very host, will do."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from faultserver import JSON, TOKEN, FaultServer, ask
from support.leaks import assert_no_leak

from wxrevenue.errors import NotSentError
from wxrevenue.transports._aiohttp import AiohttpTransport

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


def contexts(folder: Path, *, host: str = "127.0.0.1", ends: dt.datetime = NOW + DAY) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's context with a certificate that signs itself, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake authority")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), NOW - 2 * DAY, ends)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cadata=certificate.public_bytes(Encoding.PEM).decode())


async def refused(transport: AiohttpTransport, server: FaultServer) -> None:
    """Check that the server's certificate is refused, once, and that nothing was sent."""
    with pytest.raises(NotSentError) as caught:
        await transport.send(ask(server.url), timeout=2.0)
    await transport.aclose()
    assert (caught.value.reason, caught.value.retryable) == ("tls", False)
    assert server.requests == []
    assert_no_leak(caught.value, secrets=[TOKEN])


async def test_unknown_authority(tmp_path: Path) -> None:
    """T-37: a certificate of an authority that nobody knows is refused for good; nothing was sent."""
    async with FaultServer(ssl=contexts(tmp_path)[0]) as server:
        await refused(AiohttpTransport(), server)


async def test_private_authority(tmp_path: Path) -> None:
    """An authority of the user's own may be brought along."""
    there, here = contexts(tmp_path)
    async with FaultServer(ssl=there) as server:
        transport = AiohttpTransport(ssl=here)
        assert (await transport.send(ask(server.url), timeout=2.0)).body == JSON
        await transport.aclose()


async def test_private_authority_with_a_given_session(tmp_path: Path) -> None:
    """A given session is told of the user's own authority with every request."""
    import aiohttp

    there, here = contexts(tmp_path)
    async with FaultServer(ssl=there) as server, aiohttp.ClientSession() as session:
        assert (await AiohttpTransport(session, ssl=here).send(ask(server.url), timeout=2.0)).body == JSON
        with pytest.raises(NotSentError) as caught:
            await AiohttpTransport(session).send(ask(server.url), timeout=2.0)
        assert caught.value.reason == "tls"


async def test_wrong_host(tmp_path: Path) -> None:
    """T-37: a known authority's certificate for another host is refused."""
    there, here = contexts(tmp_path, host="127.0.0.2")
    async with FaultServer(ssl=there) as server:
        await refused(AiohttpTransport(ssl=here), server)


async def test_expired(tmp_path: Path) -> None:
    """T-37: a certificate that ran out is refused."""
    there, here = contexts(tmp_path, ends=NOW - DAY)
    async with FaultServer(ssl=there) as server:
        await refused(AiohttpTransport(ssl=here), server)
