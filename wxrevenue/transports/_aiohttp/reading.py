"""The reading of an answer's body: bounded, decompressed, and whole or an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wxrevenue._wire.http import LARGEST_BODY, HttpResponse
from wxrevenue.errors import ResponseLostError
from wxrevenue.transports._body import Body
from wxrevenue.transports._common import STREAM_CHUNK

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiohttp import ClientResponse, StreamReader


async def read(response: ClientResponse) -> HttpResponse:
    """Read an answer that has not arrived as a whole, or is compressed."""
    try:
        if "Content-Encoding" in response.headers:
            body = await body_of(response).whole()
        else:
            body = await _whole(response.content)
        return HttpResponse(response.status, response.headers, body)
    except BaseException:
        response.close()
        raise


def checked(body: bytes) -> bytes:
    """Return a body that is not larger than the cap."""
    if len(body) > LARGEST_BODY:
        raise ResponseLostError(f"the answer is larger than {LARGEST_BODY} bytes", reason="too_large")
    return body


def body_of(response: ClientResponse) -> Body:
    """Return what reads a body piece by piece."""
    encoding = None if response.method == "HEAD" else ", ".join(response.headers.getall("Content-Encoding", ()))
    return Body(_raw(response.content), response.status, encoding, STREAM_CHUNK)


async def _raw(content: StreamReader) -> AsyncGenerator[bytes]:
    while not _is_whole(content):
        yield await content.read(STREAM_CHUNK)


def _is_whole(content: StreamReader) -> bool:
    return content.at_eof() and content.exception() is None


async def _whole(content: StreamReader) -> bytes:
    """Read a body, up to the cap."""
    chunks: list[bytes] = []
    size = 0
    while size <= LARGEST_BODY and not _is_whole(content):
        chunk = await content.read(LARGEST_BODY + 1 - size)
        chunks.append(chunk)
        size += len(chunk)
    return checked(b"".join(chunks))
