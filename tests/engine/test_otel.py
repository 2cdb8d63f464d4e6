"""Spans made from events: times, parents, attributes, and what they hide."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.fakes import COMPONENT, TOKEN, Put, Read, ams_client, answer, refusal
from support.leaks import assert_no_leak
from support.virtual import virtual
from yarl import URL

from wxrevenue import ApiError, OutcomeUnknownError, ResponseLostError, RetryPolicy, Secret
from wxrevenue.otel import Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

CHAPTER = Path(__file__).parent.parent.parent / "wxrevenue" / "transports" / "README.md"
SECOND = 1_000_000_000


class Traced:
    """A provider that keeps its spans, and a listener that makes them."""

    def __init__(self) -> None:
        self._exporter: Any = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.spans = Spans(self.provider)

    def named(self, name: str) -> list[ReadableSpan]:
        """Return the ended spans of that name, in the order in which they began."""
        return sorted((span for span in self.all() if span.name == name), key=lambda span: span.start_time or 0)

    def all(self) -> Sequence[ReadableSpan]:
        """Return the ended spans."""
        found: Sequence[ReadableSpan] = self._exporter.get_finished_spans()
        return found


@pytest.fixture
def traced() -> Traced:
    """Return a fresh one."""
    return Traced()


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clocks of spans follow the virtual loop."""

    class Clocks:
        @staticmethod
        def time_ns() -> int:
            return round(Clocks.perf_counter() * SECOND)

        @staticmethod
        def perf_counter() -> float:
            return asyncio.get_running_loop().time()

    monkeypatch.setattr("wxrevenue.otel.time", Clocks)


def seconds(span: ReadableSpan) -> tuple[float, float]:
    """Return when a span began and ended."""
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time / SECOND, span.end_time / SECOND


def facts(span: ReadableSpan) -> dict[str, Any]:
    """Return a span's attributes."""
    return dict(span.attributes or {})


def parent(span: ReadableSpan) -> int | None:
    """Return the id of a span's parent."""
    return None if span.parent is None else span.parent.span_id


@pytest.mark.usefixtures("clocks")
@virtual
async def test_a_call_and_its_attempts(traced: Traced) -> None:
    """A call is a span, its attempts are its children, and waits are span events.

    Each has its own times and outcome.
    """
    began = asyncio.get_running_loop().time()
    policy = RetryPolicy(throttle_base=2.0, jitter=lambda: 1.0)
    client, _ = ams_client(3, refusal(-1), 4, answer(), retry=policy, on_event=traced.spans)
    await client.send(Read())
    (call,) = traced.named("fake_read")
    first, second = traced.named("fake_read attempt")
    times = [at - began for span in (call, first, second) for at in seconds(span)]
    assert times == pytest.approx([0, 9, 0, 3, 5, 9])
    assert call.context is not None
    assert parent(first) == parent(second) == call.context.span_id
    assert facts(call) == {
        "wxrevenue.operation": "fake_read",
        "wxrevenue.account": COMPONENT,
        "server.address": "api.weixin.qq.com",
        "wxrevenue.attempts": 2,
        "wxrevenue.waited": 2.0,
    }
    assert facts(first) == {
        "wxrevenue.operation": "fake_read",
        "wxrevenue.account": COMPONENT,
        "server.address": "api.weixin.qq.com",
        "wxrevenue.attempt": 1,
        "wxrevenue.code": "-1",
        "error.type": "ServerBusyError",
    }
    assert (call.kind, first.kind) == (trace.SpanKind.CLIENT, trace.SpanKind.CLIENT)
    assert [span.status.status_code.name for span in (call, first, second)] == ["UNSET", "ERROR", "UNSET"]
    assert [event.timestamp / SECOND - began for event in call.events] == pytest.approx([3, 5])
    assert {event.name: dict(event.attributes or {}) for event in call.events} == {
        "retry": {"wxrevenue.attempt": 1, "wxrevenue.code": "-1", "error.type": "ServerBusyError", "wxrevenue.wait": 2},
        "waited for a back-off": {"wxrevenue.duration": 2},
    }


@virtual
async def test_a_failed_call(traced: Traced) -> None:
    """A failed call's span has the error's class and the request id.

    It also says whether the call may have taken effect.
    """
    client, _ = ams_client(answer({"errcode": 48001, "errmsg": "no rid: 5f5f-6a6a"}), on_event=traced.spans)
    with pytest.raises(ApiError):
        await client.send(Read())
    (call,) = traced.named("fake_read")
    assert (call.status.status_code.name, call.status.description) == ("ERROR", "PermissionDeniedError")
    assert facts(call)["wxrevenue.request_id"] == "5f5f-6a6a"
    client, _ = ams_client(ResponseLostError(reason="reset"), retry=RetryPolicy(max_attempts=1), on_event=traced.spans)
    with pytest.raises(OutcomeUnknownError):
        await client.send(Put())
    (call,) = traced.named("fake_put")
    assert facts(call)["wxrevenue.ambiguous"] is True
    assert facts(call)["error.type"] == "OutcomeUnknownError"


@virtual
async def test_concurrent_calls_do_not_mix(traced: Traced) -> None:
    """C-12: each of many calls at once is a child of its own caller's span.

    It has its own attempts.
    """
    script = iter(range(1000))
    client, _ = ams_client(handler=lambda _: asyncio.sleep(next(script) % 7, refusal(-1)), on_event=traced.spans, deadline=300.0)
    tracer = trace.get_tracer("test", tracer_provider=traced.provider)

    async def caller(name: str) -> None:
        with tracer.start_as_current_span(name):
            await asyncio.gather(client.send(Read()), client.send(Put()), return_exceptions=True)

    await asyncio.gather(*(caller(f"caller {n}") for n in range(20)))
    callers = {span.context.span_id for span in traced.all() if span.name.startswith("caller") and span.context}
    assert len(callers) == 20
    for name in ("fake_read", "fake_put"):
        calls = traced.named(name)
        assert {parent(call) for call in calls} == callers
        of_call = [parent(attempt) for attempt in traced.named(f"{name} attempt")]
        assert {of_call.count(call.context.span_id) for call in calls if call.context} == {3}
    assert not vars(traced.spans)["_running"]


@virtual
async def test_pages_fetched_ahead(traced: Traced) -> None:
    """C-12: a page fetched ahead belongs to the span of the walk's caller.

    It is fetched in a task of its own.
    """
    rows = iter(range(1, 9))

    def page(_: object) -> Any:
        number = next(rows)
        row = {"month": f"20200{number}", "order": 1, "settled_revenue": 5}
        return answer({"ret": 0, "settlement_list": [row] if number <= 3 else [], "total_num": 3})

    client, _ = ams_client(handler=page, on_event=traced.spans)
    tracer = trace.get_tracer("test", tracer_provider=traced.provider)
    with tracer.start_as_current_span("walk") as walk:
        await client.iter_agency_settlement("2020-01-01", "2020-12-31", page_size=1).collect()
    calls = traced.named("get_agency_settled_revenue")
    assert [parent(call) for call in calls] == [walk.get_span_context().span_id] * 4


@virtual
async def test_a_cancelled_call_has_a_span(traced: Traced) -> None:
    """A cancelled call's span ends with it, and nothing of the call is kept."""
    client, _ = ams_client(60, answer(), on_event=traced.spans)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await client.send(Read())
    (call,) = traced.named("fake_read")
    assert facts(call)["error.type"] == "CancelledError"
    assert not vars(traced.spans)["_running"]


@virtual
async def test_spans_show_no_secret(traced: Traced) -> None:
    """L-04, U1: no span holds a URL, a token or a text of the server.

    This holds whatever happened in its call.
    """
    replies = (answer({"ret": 1700, "err_msg": f"at access_token={TOKEN} fake-said"}), ResponseLostError(TOKEN, reason="reset"), answer())
    for reply in replies:
        client, _ = ams_client(reply, reply, reply, on_event=traced.spans)
        await asyncio.gather(client.send(Read()), return_exceptions=True)
    text = [span.to_json() for span in traced.all()]
    assert len(text) >= 6
    assert_no_leak(text, secrets=[TOKEN, "fake-said", "access_token", "https://", "/fake/read"])


@pytest.mark.slow("waits for another process")
def test_the_core_does_without() -> None:
    """Making and using a client never imports OpenTelemetry."""
    script = """
import asyncio, sys
sys.modules["opentelemetry"] = None
from wxrevenue import HttpResponse, MemoryTransport, RevenueClient, log_calls
transport = MemoryTransport(lambda _: HttpResponse(200, {}, b'{"ret":0,"share_ratio":40}'))
asyncio.run(RevenueClient("fake-token-1", transport=transport, on_event=log_calls).get_share_ratio("wx1"))
"""
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")


def test_the_url_filter_of_the_readme() -> None:
    """L-04: the documented filter takes the token off a URL.

    The chapter on transports tells users of an instrumented aiohttp to set it.
    """
    found = re.search(r"`AioHttpClientInstrumentor\(\)\.instrument\(url_filter=(lambda url: .+?)\)`", CHAPTER.read_text())
    assert found is not None
    url = URL(f"https://api.weixin.qq.com/wxa/x?action=y&access_token={Secret(TOKEN).encoded().reveal()}", encoded=True)
    shown = eval(found[1])(url)  # noqa: S307  (our own text)
    assert shown == "https://api.weixin.qq.com/wxa/x"
