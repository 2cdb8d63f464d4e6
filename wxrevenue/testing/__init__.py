"""Tools for the tests of your own plugs.

Virtual time, a server that breaks on demand, a leak oracle, and the conformance suites that the
package's own plugs pass. They need no test framework, but fit into one::

    @pytest.mark.parametrize("case", transport_cases(), ids=str)
    async def test_my_transport(case):
        await case.run(MyTransport)

    @pytest.mark.parametrize("case", limiter_cases(), ids=str)
    def test_my_limiter(case):
        # Called as MyLimiter(cooldown=30.0, clock=...), inside an event loop in virtual time.
        case.run(MyLimiter)

    @pytest.mark.parametrize("case", token_store_cases(), ids=str)
    async def test_my_token_store(case):
        await case.run(MyTokenStore)

    @pytest.mark.parametrize("case", certificate_store_cases(), ids=str)
    async def test_my_certificate_store(case):
        await case.run(MyCertificateStore)

    @pytest.mark.parametrize("case", ledger_cases(), ids=str)
    async def test_my_ledger(case):
        await case.run(my_ledger)  # a function that returns a ledger of the same database each time
"""

from __future__ import annotations

from wxrevenue.testing._certificate_suite.case import CertificateStoreCase
from wxrevenue.testing._certificate_suite.suite import certificate_store_cases
from wxrevenue.testing._certificates import tls_contexts
from wxrevenue.testing._leaks import assert_no_leak, spellings
from wxrevenue.testing._ledger_suite.case import LedgerCase
from wxrevenue.testing._ledger_suite.suite import ledger_cases
from wxrevenue.testing._limiter_suite.case import LimiterCase
from wxrevenue.testing._limiter_suite.suite import limiter_cases
from wxrevenue.testing._server import JSON, FaultServer, Got, Peer, answer, head, unused_port
from wxrevenue.testing._skipping import SkippingClock
from wxrevenue.testing._store_suite.case import TokenStoreCase
from wxrevenue.testing._store_suite.suite import token_store_cases
from wxrevenue.testing._transport_suite.case import TransportCase
from wxrevenue.testing._transport_suite.suite import through_stream, transport_cases
from wxrevenue.testing._virtual import VirtualClock, run_virtual, virtual

__all__ = [
    "JSON",
    "CertificateStoreCase",
    "FaultServer",
    "Got",
    "LedgerCase",
    "LimiterCase",
    "Peer",
    "SkippingClock",
    "TokenStoreCase",
    "TransportCase",
    "VirtualClock",
    "answer",
    "assert_no_leak",
    "certificate_store_cases",
    "head",
    "ledger_cases",
    "limiter_cases",
    "run_virtual",
    "spellings",
    "through_stream",
    "tls_contexts",
    "token_store_cases",
    "transport_cases",
    "unused_port",
    "virtual",
]
