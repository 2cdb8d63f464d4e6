"""Where a walk stands, as a short str that can be stored.

It is ``wxr2.`` and eleven numbers, none of them secret. A cursor is bound to its account and its
query, and carries a check sum against typing errors. The sum is not a signature: a writer of
cursors may choose where reading begins, and nothing else.

It names the last row taken: the page, how many of its rows were yielded, and a digest of all rows
up to there, keys and contents. A resumed walk fetches that page again. If the digest is still
right, the rows already yielded are skipped and nothing is repeated; if not, the list has changed,
rows may have moved in front of the cursor, and the walk starts from the beginning of its list (or
of its window).

``wxr1`` knew rows by their keys alone, which several rows may share: such a cursor is refused.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

import attrs

from wxrevenue.errors import ConfigurationError

if TYPE_CHECKING:
    from wxrevenue._wire.request import Endpoint

    class _Named(Protocol):
        """A request, as far as it matters here."""

        endpoint: ClassVar[Endpoint]


VERSION: Final = "wxr2"
_NUMBER: Final = r"(0|[1-9]\d{0,19})"
_SHAPE: Final = re.compile(
    rf"wxr2\.([0-9a-f]{{8}})\.([0-9a-f]{{8}})(?:\.{_NUMBER}){{6}}\.(?:{_NUMBER}|x)\.[01](?:\.[0-9a-f]{{16}}){{2}}", re.ASCII
)
_OF_SOME_VERSION: Final = re.compile(r"wxr[1-9]\d*\.", re.ASCII)


@attrs.frozen
class Position:
    """A place in a walk, just behind a row.

    Args:
        window: which window of the range, from 0; the range is one window unless it was split.
        span: how long a window is: half-months of settlements, days of ad data; 0: the range was
            not split.
        page: the page of the last row taken.
        taken: how many rows of that page were yielded, or came before and were not.
        got: how many rows the pages before that one had.
        size: how many rows the first page had.
        total: how many rows it announced last.
        doubt: whether the list has to be read a second time.
        before: digest of the rows on the pages before.
        mark: the same with the rows taken of the page; 0 is found nowhere, so that reading begins
            anew.
    """

    window: int = 0
    span: int = 0
    page: int = 0
    taken: int = 0
    got: int = 0
    size: int = 0
    total: int | None = None
    doubt: bool = False
    before: int = 0
    mark: int = 0


@attrs.frozen
class CursorOwner:
    """What a cursor belongs to."""

    account: str
    query: str

    @classmethod
    def of(cls, account: str, request: _Named) -> CursorOwner:
        """Return the owner of the cursors of an account's query.

        It needs the request for the query's first page.
        """
        query = f"{request.endpoint.name} {request!r}"
        return cls(_digest(account, 4), _digest(query, 4))

    def write(self, place: Position) -> str:
        """Return the position as a str."""
        total = "x" if place.total is None else place.total
        text = (
            f"{VERSION}.{self.account}.{self.query}.{place.window}.{place.span}.{place.page}.{place.taken}.{place.got}.{place.size}"
            f".{total}.{int(place.doubt)}.{place.before:016x}.{place.mark:016x}"
        )
        return f"{text}.{_digest(text, 4)}"

    def read(self, cursor: object) -> Position:
        """Return the position that a str names.

        Raises:
            ConfigurationError: it is not a cursor, was changed, or belongs to something else.
        """
        text = _checked(cursor)
        _, account, query, *numbers, total, doubt, before, mark = text.split(".")
        if account != self.account:
            raise ConfigurationError("cursor: it belongs to another account")
        if query != self.query:
            raise ConfigurationError("cursor: it belongs to another query: dates and page_size must be those it was made with")
        window, span, page, taken, got, size = map(int, numbers)
        return Position(
            window, span, page, taken, got, size, None if total == "x" else int(total), doubt == "1", int(before, 16), int(mark, 16)
        )


def chained(before: int, content: bytes) -> int:
    """Return the digest of all rows so far.

    It is made from that of the pages before and from the rows that follow them, each behind a line
    break.
    """
    if not content:
        return before
    digest = blake2b(b"%x" % before, digest_size=8)
    digest.update(content)
    return int.from_bytes(digest.digest(), "big")


def first_of(content: bytes, rows: int) -> bytes:
    """Return the content of so many rows from the beginning of a page."""
    return b"\n".join(content.split(b"\n")[: rows + 1])


def _checked(cursor: object) -> str:
    """Return the cursor without its check sum."""
    if not isinstance(cursor, str):
        raise ConfigurationError(f"cursor: expected a str, got {type(cursor).__name__}")
    text, _, check = cursor.rpartition(".")
    if _OF_SOME_VERSION.match(cursor) and not cursor.startswith(f"{VERSION}."):
        raise ConfigurationError("cursor: it was made by a version of this library that tells rows otherwise: walk from the beginning")
    if not _SHAPE.fullmatch(text) or check != _digest(text, 4):
        raise ConfigurationError("cursor: it is not what a walk handed out, or it was changed since")
    return text


def _digest(text: str, size: int) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()
