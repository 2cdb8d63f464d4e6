"""Cases in which the server answers, in all the ways a server may.

What must come through, and what must not be acted upon.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import TYPE_CHECKING, Final

from wxrevenue._base.secret import Secret
from wxrevenue._wire.http import HttpRequest
from wxrevenue.errors import ApiError, ServerBusyError
from wxrevenue.testing._certificates import tls_contexts
from wxrevenue.testing._server import JSON, head
from wxrevenue.testing._suite import Suite
from wxrevenue.testing._transport_suite.case import TransportCase
from wxrevenue.testing._transport_suite.faults import (
    CHUNKED,
    ZIPPED,
    always,
    close_after_answer,
    close_on_reuse,
    echo,
    saying,
    sweeten,
)
from wxrevenue.testing._transport_suite.scene import check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wxrevenue.testing._server import Script
    from wxrevenue.testing._transport_suite.scene import Scene

CASES: Final = Suite(TransportCase)

_HALF = len(JSON) // 2
_RAW = zlib.compress(JSON)[2:-4]
_GOOD: Final[Mapping[str, Script]] = {
    "T-31: 100 Continue, thrice": saying(b"HTTP/1.1 100 Continue\r\n\r\n" * 3, head(len(JSON)), JSON),
    "T-42: text/plain": saying(head(len(JSON), Content_Type="text/plain"), JSON),
    "T-42: odd charset": saying(head(len(JSON), Content_Type="application/json; encoding=utf-8"), JSON),
    "no length": saying(head(None), JSON),
    "chunks": saying(CHUNKED, b"d\r\n" + JSON[:_HALF] + b"\r\n", b"d\r\n" + JSON[_HALF:] + b"\r\n0\r\n\r\n"),
    "gzip": saying(head(None, Content_Encoding="gzip"), ZIPPED),
    "gzip of two members": saying(head(None, Content_Encoding="gzip"), gzip.compress(JSON[:_HALF]) + gzip.compress(JSON[_HALF:])),
    "gzip and padding": saying(head(len(ZIPPED) + 4, Content_Encoding="gzip"), ZIPPED + bytes(4)),
    "deflate": saying(head(None, Content_Encoding="deflate"), zlib.compress(JSON)),
    "deflate without its header": saying(head(len(_RAW), Content_Encoding="deflate"), _RAW),
    "two pieces": saying(head(len(JSON)), JSON[:_HALF], JSON[_HALF:]),
}


async def _comes_through(scene: Scene, script: Script) -> None:
    server = await scene.serve(script)
    response = await scene.send(server.url)
    check(response.status == 200, f"expected status 200, got {response.status}")
    check(response.body in {JSON, JSON * 100}, "the body must come through, decoded and whole")


CASES.each("an answer comes through as bytes, decoded, whatever it calls itself", _GOOD, _comes_through)


@CASES()
async def empty_answers(scene: Scene) -> None:
    """T-32: an answer may be empty, with a length or without content.

    The transport passes that on as it is.
    """
    for told, status in ((head(0), 200), (head(None, status="204 No Content"), 204)):
        response = await scene.send((await scene.serve(saying(told))).url)
        check((response.status, response.body) == (status, b""), "an empty answer is an answer")


@CASES()
async def redirect_to_another_host(scene: Scene) -> None:
    """T-33: a redirect is an answer like any other; the other host hears nothing."""
    other = await scene.serve()
    there = head(0, status="307 Temporary Redirect", Location=f"{other.url}/steal")
    server = await scene.serve(saying(there))
    check((await scene.send(server.url)).status == 307, "the redirect itself is the answer")
    check((other.connections, len(server.requests)) == (0, 1), "a redirect must not be followed")


@CASES()
async def redirect_loop(scene: Scene) -> None:
    """T-34: a redirect to itself is asked for once.

    Through a client it is an error that is not retried.
    """
    error, requests = await scene.call(always(head(0, status="302 Found", Location="/again")))
    check(isinstance(error, ApiError) and not error.retryable, f"expected an ApiError, got {error!r}")
    check(requests == 1, "a redirect must not be followed")


@CASES(needs="ssl")
async def redirect_to_plain_http(scene: Scene) -> None:
    """T-35: a redirect from https to http is not followed."""
    other = await scene.serve()
    there, here = tls_contexts()
    server = await scene.serve(saying(head(0, status="301 Moved Permanently", Location=other.url)), ssl=there)
    check((await scene.send(server.url, transport=scene.transport(ssl=here))).status == 301, "the redirect is the answer")
    check(other.connections == 0, "a redirect must not be followed")


@CASES()
async def connections_are_kept(scene: Scene) -> None:
    """Requests one after the other share a connection."""
    server = await scene.serve()
    for _ in range(5):
        await scene.send(server.url)
    check((len(server.requests), server.connections) == (5, 1), "a connection is to be used again")


@CASES()
async def server_closed_while_idle(scene: Scene) -> None:
    """T-36: a connection that the server closed while it was idle is not used again."""
    server = await scene.serve(close_after_answer)
    for _ in range(3):
        check((await scene.send(server.url)).body == JSON, "every call must be answered")
        await asyncio.sleep(0.01)
    check(server.connections == 3, "a closed connection must not be used")


@CASES()
async def server_closes_on_reuse(scene: Scene) -> None:
    """T-36: where the server closes a kept connection, the answer is lost.

    It closes just as a request goes out. The request is not sent a second time.
    """
    server = await scene.serve(close_on_reuse)
    await scene.send(server.url)
    await scene.lost(server.url, reasons="reset")
    check((len(server.requests), server.connections) == (2, 1), "a request must not be sent a second time")


@CASES()
async def cookies(scene: Scene) -> None:
    """T-46: what a server sets as a cookie never comes back to it."""
    server = await scene.serve(sweeten)
    for _ in range(2):
        await scene.send(server.url)
    check(all("cookie" not in got.headers for got in server.requests), "cookies must not be kept")


@CASES()
async def statuses(scene: Scene) -> None:
    """T-44: every status is an answer.

    A client repeats a read after 408, 500, 502, 503 and 504 only.
    """
    for status, again in ((408, True), (500, True), (501, False), (503, True), (505, False), (511, False)):
        error, requests = await scene.call(always(head(0, status=f"{status} Whatever")))
        check(isinstance(error, ApiError) and error.status == status, f"expected an ApiError of {status}, got {error!r}")
        check((requests > 1) == again, f"{status}: {requests} requests")


@CASES()
async def error_pages(scene: Scene) -> None:
    """T-40: a page that shows the request's own address ends in an error.

    The error shows nothing of the address.
    """
    error, requests = await scene.call(echo)
    check(isinstance(error, ServerBusyError) and requests > 1, f"expected a ServerBusyError, got {error!r}")
    for status in (502, 504):
        page = b"<html>no</html>"
        server = await scene.serve(saying(head(len(page), status=f"{status} No", Content_Type="text/html"), page))
        response = await scene.send(server.url)
        check((response.status, response.body) == (status, page), "a page is an answer, as bytes")


@CASES()
async def retry_after(scene: Scene) -> None:
    """T-43: ``Retry-After`` comes through letter by letter, sensible or not.

    A wait of an hour ends the call at once.
    """
    for said in ("3", "0.5", "-1", "inf", "nan", "junk", "9" * 40, "Wed, 21 Oct 2099 07:28:00 GMT"):
        server = await scene.serve(saying(head(0, status="429 Too Many Requests", Retry_After=said)))
        response = await scene.send(server.url)
        check((response.status, response.header("retry-after")) == (429, said), "the header must come through unchanged")
    error, requests = await scene.call(always(head(0, status="429 Too Many Requests", Retry_After="3600")))
    check(error is not None and requests == 1, "a wait of an hour must not be sat out")


@CASES()
async def request_bytes(scene: Scene) -> None:
    """The address, the headers and the body arrive byte for byte.

    Only compressions that are understood are asked for.
    """
    server = await scene.serve(saying(head(2), b"{}"))
    odd = "/a//b/../c%2Db?x=%20y+z&u=%2B&t="
    await scene.send(HttpRequest("POST", server.url + odd, {"X-Own": "1"}, b"{ }\n", Secret("fake%2Btoken+with/signs%3D%3d~%C3%A9")))
    got = server.requests[0]
    check(got.target == odd + "fake%2Btoken+with/signs%3D%3d~%C3%A9", f"the address arrived as {got.target}")
    check((got.method, got.body, got.headers.get("x-own")) == ("POST", b"{ }\n", "1"), "the request arrived changed")
    check(got.headers.get("accept-encoding") == "gzip, deflate", "only gzip and deflate are to be asked for")


@CASES()
async def bare_requests(scene: Scene) -> None:
    """A request may have neither a token nor a body, nor a path."""
    server = await scene.serve(always(head(2) + b"{}"))
    for path, target in (("/v3/x", "/v3/x"), ("", "/"), ("?a=1", "/?a=1")):
        await scene.send(HttpRequest("GET", server.url + path, {}, b""))
        got = server.requests[-1]
        check((got.method, got.target, got.body) == ("GET", target, b""), f"{path!r} arrived as {got.target!r}")
