"""A call's result with the HTTP answer that it came in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

import attrs

from wxrevenue._base.printable import Printable
from wxrevenue._base.secret import scrub

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wxrevenue._base.secret import Secret
    from wxrevenue._wire.http import HttpResponse

T_co = TypeVar("T_co", covariant=True)
_NOT_SHOWN: Final = frozenset(
    {"set-cookie", "set-cookie2", "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate"}
)


@attrs.frozen(repr=False)
class Answer(Printable, Generic[T_co]):
    """What ``send_raw`` returns.

    Args:
        value: what ``send`` would have returned.
        status: the HTTP status.
        headers: the answer's headers by name in small letters, without cookies and challenges.
            Tokens in them are starred out.
    """

    value: T_co
    status: int
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        return f"<Answer {self.status} {type(self.value).__name__} headers={list(self.headers)}>"


def scrubbed(response: HttpResponse, *live: Secret | None) -> dict[str, str]:
    """Return an answer's headers without what may be a secret."""
    found: dict[str, str] = {}
    items: Iterable[tuple[str, str]] = response.headers.items()  # of a multidict, which has some names twice
    for name, value in items:
        key = name.lower()
        if key not in _NOT_SHOWN:
            text = scrub(value, *live)
            found[key] = f"{found[key]}, {text}" if key in found else text
    return found
