"""Requests and responses print without what they hold."""

from __future__ import annotations

import copy
import pickle
from types import MappingProxyType
from urllib.parse import quote

import pytest
from support.leaks import assert_no_leak
from support.secrets import TEXT, request

from wxrevenue import HttpResponse, Secret


def test_wire_url_joins_the_secret_at_the_last_moment() -> None:
    """The URL to send ends with the secret, byte for byte.

    Without one it is the printable URL.
    """
    assert request(secret=Secret(TEXT).encoded()).wire_url() == "https://h/p?access_token=" + quote(TEXT, safe="")
    assert request().wire_url() == "https://h/p?access_token="


def test_requests_print_no_values() -> None:
    """A request prints method, printable URL, header names and sizes.

    It prints no token, no header value and no body.
    """
    shown = repr(request(secret=Secret(TEXT)))
    assert shown == f"<HttpRequest POST https://h/p?access_token= headers=['X-Fake'] body={len(TEXT.encode())} B>"


def test_responses_print_no_values() -> None:
    """A response prints status, header names and sizes: no header value, no body."""
    shown = repr(HttpResponse(200, {"Set-Cookie": TEXT}, TEXT.encode()))
    assert shown == f"<HttpResponse 200 headers=['Set-Cookie'] body={len(TEXT.encode())} B>"


@pytest.mark.parametrize("thing", [request(), HttpResponse(200, {}, TEXT.encode())], ids=lambda thing: type(thing).__name__)
def test_requests_and_responses_are_not_pickled(thing: object) -> None:
    """A body in clear does not get into a pickle or a copy.

    The body may be a component's secret or a token. The URL may have a token or not.
    """
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled"):
            attempt(thing)
    assert_no_leak(thing, secrets=[TEXT])


@pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
@pytest.mark.parametrize("sent", ["Retry-After", "retry-after", "rEtRy-aFtEr"])
def test_headers_are_found_in_any_case(sent: str, name: str) -> None:
    """Header names are looked up case-insensitively, in plain mappings too."""
    response = HttpResponse(200, MappingProxyType({"Date": "x", sent: "5"}), b"")
    assert response.header(name) == "5"
    assert response.header("Request-ID") is None


def test_an_empty_header_is_not_a_missing_one() -> None:
    """A header that is there and empty is found as it is."""
    assert HttpResponse(200, {"Retry-After": ""}, b"").header("retry-after") == ""
