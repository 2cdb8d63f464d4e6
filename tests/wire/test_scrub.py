"""Texts from elsewhere lose the secrets that they repeat, in every spelling."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

import pytest
from support.secrets import OTHER, TEXT

from wxrevenue import Secret
from wxrevenue._base.secret import STARS, scrub


def lower_hex(text: str) -> str:
    """Return the string percent-encoded with lower-case digits.

    Some proxies print it so.
    """
    return "".join(c if c.isascii() and (c.isalnum() or c == "-") else "".join(f"%{byte:02x}" for byte in c.encode()) for c in text)


@pytest.mark.parametrize(
    "spelled",
    [TEXT, quote(TEXT), quote(TEXT, safe=""), quote_plus(TEXT), lower_hex(TEXT)],
)
@pytest.mark.parametrize("given", [Secret(TEXT), Secret(TEXT).encoded()])
def test_scrub_stars_out_every_spelling(given: Secret, spelled: str) -> None:
    """L-08: a secret is removed raw or percent-encoded in any style.

    It does not matter how the secret itself was given.
    """
    assert scrub(f"bad token <{spelled}>!", given) == f"bad token <{STARS}>!"


def test_scrub_stars_out_what_was_encoded_twice() -> None:
    """A proxy that encodes the URL once more does not reveal the token on the wire."""
    twice = quote(quote(TEXT, safe=""), safe="")
    assert scrub(f"<{twice}>", Secret(TEXT).encoded()) == f"<{STARS}>"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("GET /x?access_token=fake-tok&b=1", "GET /x?access_token=***&b=1"),
        ("component_access_token=fake-tok rid: 1", "component_access_token=*** rid: 1"),
        ("AUTHORIZER_ACCESS_TOKEN = fake-tok", "AUTHORIZER_ACCESS_TOKEN = ***"),
        ('<a href="/?access_token=fake-tok">', '<a href="/?access_token=***">'),
        ("access_token expired", "access_token expired"),
        ("access_token=", "access_token="),
    ],
)
def test_scrub_stars_out_every_token_parameter(text: str, clean: str) -> None:
    """A foreign token after ``access_token=`` is removed, too."""
    assert scrub(text, Secret(OTHER)) == clean


def test_scrub_takes_several_secrets_and_none() -> None:
    """Missing secrets are skipped, and an empty one removes nothing."""
    assert scrub(f"{TEXT} and {OTHER}", Secret(TEXT), None, Secret(OTHER)) == f"{STARS} and {STARS}"
    assert scrub("nothing here", Secret("")) == "nothing here"


def test_scrub_takes_the_longest_spelling_first() -> None:
    """A secret with a percent-encoded octet is removed completely."""
    assert scrub("<a%252Fb> <a%2Fb> <a/b>", Secret("a%2Fb")) == "<***> <***> <***>"
    assert scrub("<fake%25> <fake%>", Secret("fake%")) == "<***> <***>"
