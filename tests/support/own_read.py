"""A user's own read, whose result has fields of many kinds."""

from __future__ import annotations

from typing import ClassVar

import attrs

from wxrevenue import AmsRequest, Endpoint, Safety
from wxrevenue._wire.model import Model


@attrs.define
class Everything(Model):
    """A result with fields of more kinds than strings and money."""

    on: bool | None = None
    share: float | None = None
    numbers: list[int] | None = None
    word: str | None = None
    fen: int | None = None


@attrs.frozen
class ReadEverything(AmsRequest[Everything]):
    """A user's own read."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/read", action="fake_read", safety=Safety.SAFE)
