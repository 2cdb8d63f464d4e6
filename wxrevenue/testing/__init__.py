"""Tools for the tests of your own plugs: a server that breaks on demand, a leak oracle, and the suite our transports pass.

Needs no test framework, but fits into one::

    @pytest.mark.parametrize("case", transport_cases(), ids=str)
    async def test_my_transport(case):
        await case.run(MyTransport)
"""

from __future__ import annotations

from wxrevenue.testing._case import TransportCase
from wxrevenue.testing._certificates import tls_contexts
from wxrevenue.testing._leaks import assert_no_leak, spellings
from wxrevenue.testing._server import JSON, FaultServer, Got, Peer, answer, head, unused_port
from wxrevenue.testing._suite import through_stream, transport_cases

__all__ = [
    "JSON",
    "FaultServer",
    "Got",
    "Peer",
    "TransportCase",
    "answer",
    "assert_no_leak",
    "head",
    "spellings",
    "through_stream",
    "tls_contexts",
    "transport_cases",
    "unused_port",
]
