"""What comes in and what goes out, as plain values without any I/O."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import attrs
import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping


_WORD = re.compile(r"v3|[a-z-]+")


class RefusedError(Exception):
    """Carries the code of a refusal up to the one place that answers it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@attrs.frozen(kw_only=True)
class Call:
    """One request, taken apart.

    What may hold a token or a signature stays out of its ``repr``.
    """

    method: str
    path: str
    target: str = attrs.field(repr=False)
    query: Mapping[str, str] = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    @classmethod
    def read(cls, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Call:
        """Take a request apart; ``target`` is the path and query as they were on the wire."""
        path, _, query = target.partition("?")
        lower = {name.lower(): value for name, value in headers.items()}
        pairs = dict(parse_qsl(query, keep_blank_values=True))
        return cls(method=method, path=path, target=target, query=pairs, headers=lower, body=body)

    @property
    def name(self) -> str:
        """What the counters call it: the action, or the last part of the path."""
        if self.is_pay:  # numbers in the path are no names
            return next(part for part in reversed(self.path.split("/")) if _WORD.fullmatch(part))
        return self.query.get("action") or self.path.rpartition("/")[2]

    def json_object(self) -> dict[str, object] | None:
        """Return the body, if it is a JSON object."""
        try:
            found: object = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None
        return cast("dict[str, Any]", found) if isinstance(found, dict) else None

    def payload(self) -> dict[str, object]:
        """Return the body, or refuse it as the gateway does.

        Raises:
            RefusedError: it is empty, or no JSON object.
        """
        if not self.body:
            raise RefusedError(44002)
        found = self.json_object()
        if found is None:
            raise RefusedError(47001)
        return found

    @property
    def token(self) -> str | None:
        """The token in the query."""
        # The second name is undocumented here, but others send it and are served.
        return self.query.get("access_token") or self.query.get("component_access_token")

    @property
    def is_pay(self) -> bool:
        """Whether it is for WeChat Pay; everything else is for the advertising interfaces."""
        return self.path.startswith("/v3/")


class Drop(enum.Enum):
    """When the connection broke, as seen from the books."""

    BEFORE = "drop_before"
    """Nothing was carried out."""
    AFTER = "drop_after"
    """The call was carried out; only its answer was lost."""


@attrs.frozen
class Answer:
    """One answer.

    ``latency`` (seconds) and ``drop`` are orders to what carries it; ``outcome`` is what the
    counters say.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=lambda headers: str(list(headers)))
    body: bytes = attrs.field(default=b"", repr=lambda body: f"<{len(body)} B>")
    outcome: str = attrs.field(default="ok", kw_only=True)
    latency: float = attrs.field(default=0.0, kw_only=True)
    drop: Drop | None = attrs.field(default=None, kw_only=True)
