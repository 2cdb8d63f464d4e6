"""Downloading a bill.

Ask for its link, follow it at once, and read the rows as they arrive.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import SplitResult, urlsplit

from wxrevenue._base import checks
from wxrevenue._base.asynchronous import AsynchronousRows
from wxrevenue._base.secret import Secret
from wxrevenue._wire.http import HttpRequest, HttpResponse, StreamedResponse
from wxrevenue.errors import ClientStateError, DecodeError, TransportError, WxRevenueError, without_history
from wxrevenue.funds._answers import refusal
from wxrevenue.funds._bill import BillParser, BillRow
from wxrevenue.ports import StreamingTransport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from typing import Self

    from wxrevenue._engine.engine import Engine
    from wxrevenue._wire.request import PayRequest
    from wxrevenue.funds import BillDownloadUrl
    from wxrevenue.funds._service import PayService

HOSTS: Final = frozenset(f"{name}.mch.weixin.qq.com" for name in ("apihk", "apius", "apieu"))
_LONGEST_S: Final = 600.0
"""Seconds for the whole file."""
_OK: Final = 200
_LARGEST_LINE: Final = 64 * 1024
_LARGEST_REFUSAL: Final = 64 * 1024


class Bill(AsynchronousRows):
    """A bill that is read as it arrives: ``async for row in bill``.

    Both steps are done when the first row is asked for: the link is good for 30 seconds. The file
    is not signed, so that nothing in it is verified; its host is checked. One row is held at a
    time.

    Leave early inside ``async with``. A bill is read once; to go on after an error ask for another
    one with ``skip=bill.row_count``: both steps are done again.
    """

    def __init__(self, engine: Engine, request: PayRequest[BillDownloadUrl], *, skip: int, needs_amount: bool) -> None:
        self._skip = checks.count("skip", skip, least=0)
        self._engine, self._request = engine, request
        self._service = cast("PayService", engine.service)
        self._parser = BillParser(needs_amount=needs_amount)
        self._rows: AsyncGenerator[BillRow, None] | None = None

    @property
    def row_count(self) -> int:
        """How many rows of the file were read, those that were skipped included."""
        return self._parser.rows

    @property
    def summary(self) -> dict[str, str] | None:
        """What the file's last lines say, by their names.

        ``None`` until the last row was read.
        """
        return self._parser.summary

    def __aiter__(self) -> AsyncIterator[BillRow]:
        if self._rows is not None:
            raise ClientStateError("a bill is read once: ask for another one")
        self._rows = self._read()
        return self._rows

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Give the rest of the file up; may be called twice."""
        if self._rows is not None:
            await self._rows.aclose()

    async def _read(self) -> AsyncGenerator[BillRow, None]:
        found = await self._engine.send(self._request)
        request = await self._download(found.download_url)
        async with self._answer(request) as answer:
            if answer.status != _OK:
                raise await self._refusal(answer)
            async for line in _lines(answer, self._parser):
                if line.startswith("{") and not self._parser.rows:
                    raise refusal(HttpResponse(answer.status, answer.headers, line.encode()), self._engine.clock.time())
                row = self._parser.read(line)
                if row is not None and self._parser.rows > self._skip:
                    yield row
        self._parser.finish()

    async def _download(self, link: Secret) -> HttpRequest:
        """Return the request that follows the link, which stays in its box."""
        checked = _checked_link(link, urlsplit(self._service.base_url))
        if checked is None:
            raise DecodeError("the link leads elsewhere than to WeChat Pay", path="$.download_url")
        url, target, query = checked
        authorization = await self._service.signature("GET", target, b"", timeout=self._engine.timeout)
        if isinstance(authorization, WxRevenueError):
            raise authorization
        return HttpRequest("GET", url, self._service.headers(authorization), b"", query)

    @asynccontextmanager
    async def _answer(self, request: HttpRequest) -> AsyncGenerator[StreamedResponse, None]:
        self._engine.lifetime.check_usable()
        try:
            if isinstance(self._engine.transport, StreamingTransport):
                async with self._engine.transport.stream(request, timeout=_LONGEST_S) as answer:
                    yield answer
            else:
                whole = await self._engine.transport.send(request, timeout=_LONGEST_S)
                yield StreamedResponse(whole.status, whole.headers, _once(whole.body))
        except TransportError as error:
            failure: WxRevenueError = error
        else:
            return
        if self._engine.lifetime.closed:
            failure = ClientStateError("the client was closed while the bill was read")
        raise without_history(failure)

    async def _refusal(self, answer: StreamedResponse) -> WxRevenueError:
        body = b""
        async for chunk in answer.chunks:
            body += chunk
            if len(body) > _LARGEST_REFUSAL:
                break
        return refusal(HttpResponse(answer.status, answer.headers, body), self._engine.clock.time())


def _checked_link(link: Secret, base: SplitResult) -> tuple[str, Secret, Secret] | None:
    """Return a link: up to the query, what is signed, and the query.

    It leads to WeChat Pay, or to where the client was told to send. Of any other link nothing is
    returned. Raises nothing, for a frame of this function holds the token.
    """
    try:
        parts = urlsplit(link.reveal())
        own = (parts.scheme, parts.netloc) == (base.scheme, base.netloc)
        known = parts.scheme == "https" and parts.netloc.lower().removesuffix(":443") in HOSTS
    except ValueError:
        return None
    plain = link.reveal().isascii() and link.reveal().isprintable() and not any(sign in link.reveal() for sign in ' \\"<>')
    if not (own or known) or not plain or parts.fragment:
        return None
    path, query = parts.path or "/", Secret(f"?{parts.query}" if parts.query else "")
    return f"{parts.scheme}://{parts.netloc}{path}", Secret(path + query.reveal()), query


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _lines(answer: StreamedResponse, parser: BillParser) -> AsyncIterator[str]:
    """Yield the lines of the file.

    One that is cut off at its end counts only as the summary's values.
    """
    rest, is_first = b"", True
    async for chunk in answer.chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield _text(line, is_first=is_first)
            is_first = False
        if len(rest) > _LARGEST_LINE:
            raise DecodeError("a line is longer than 64 KiB")
    if rest and (parser.awaits_totals or is_first):
        yield _text(rest, is_first=is_first)


def _text(line: bytes, *, is_first: bool) -> str:
    try:
        return line.decode("utf-8-sig" if is_first else "utf-8").rstrip("\r")
    except UnicodeDecodeError:
        pass
    raise DecodeError("a line is not UTF-8")
