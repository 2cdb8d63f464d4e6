"""The query of a push: what is signed, and the signature."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl

import attrs

from wxrevenue._base.printable import Printable
from wxrevenue.push._reply import RefusedError

_LONGEST: Final = 4096
_MOST: Final = 64
_SHAPES: Final = {
    "timestamp": re.compile(r"[0-9]{1,20}", re.ASCII),
    # The signature is over texts that are sorted and joined without a mark between them: characters
    # may wander from one to the next, and it still fits. A nonce shorter than three blocks in
    # base64 cannot take in a piece that could be missed.
    "nonce": re.compile(r"[!-~]{1,63}", re.ASCII),
    "msg_signature": re.compile(r"[!-~]{1,128}", re.ASCII),
}


@attrs.frozen(kw_only=True)
class SignedQuery(Printable):
    """What of a query counts. ``signature``, which covers no content, does not."""

    timestamp: str
    nonce: str
    msg_signature: str


def read_query(query: str | bytes) -> SignedQuery:
    """Return what counts; parameters of your own may stand beside it.

    Raises:
        RefusedError: a parameter is missing, comes twice or is of another shape, or the push is not
            said to be encrypted.
    """
    values: dict[str, list[str]] = {}
    for name, value in _pairs(query):
        values.setdefault(name, []).append(value)
    if values.get("encrypt_type", ["aes"]) != ["aes"]:
        raise RefusedError("encrypt_type is not aes")
    return SignedQuery(**{name: _one(values.get(name, []), name) for name in _SHAPES})


def _one(values: list[str], name: str) -> str:
    if len(values) != 1 or not _SHAPES[name].fullmatch(values[0]):
        raise RefusedError(f"{name} is missing, twice, or no {name}")
    return values[0]


def _pairs(query: str | bytes) -> list[tuple[str, str]]:
    try:
        text = query.decode("ascii") if isinstance(query, bytes) else query
        return parse_qsl(text[:_LONGEST], keep_blank_values=True, errors="strict", max_num_fields=_MOST)
    except ValueError:
        pass
    raise RefusedError("the query is not one")
