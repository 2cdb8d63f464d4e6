"""Secrets of tests, and a request that holds one."""

from __future__ import annotations

from wxrevenue import HttpRequest

TEXT = "fake-token-1/+=&%é?"
OTHER = "fake-token-2"


def request(**changes: object) -> HttpRequest:
    """Return an AMS request on its way to the wire."""
    given = {"method": "POST", "url": "https://h/p?access_token=", "headers": {"X-Fake": TEXT}, "body": TEXT.encode(), **changes}
    return HttpRequest(**given)  # type: ignore[arg-type]
