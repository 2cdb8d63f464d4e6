"""R1: clients and their bare calls do the same job."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import attrs
import pytest

from benchmarks import (
    _clients,
    _measure,
    clients,
)
from benchmarks._server import serving
from wxrevenue import (
    SignatureError,
)


@pytest.mark.parametrize("name", ["ours", "ours, signed", *_clients.RIVALS])
async def test_r1_a_client_and_its_bare_call_bring_the_same(name: str) -> None:
    """A client's own call and its HTTP library's bare one say the same.

    An answer that says something else is noticed.
    """
    candidate = {"ours": _clients.OURS, "ours, signed": _clients.OURS_SIGNED, **_clients.RIVALS}[name]
    if (missing := candidate.missing()) is not None:
        pytest.skip(f"{missing} is not installed")
    answer = _clients.answers()[candidate.answer]
    with serving(answer.body, answer.headers) as base_url:
        async with candidate.open(base_url) as client:
            whole, bare = await client.whole(), await client.bare()
    assert client.same(whole, bare)
    assert not client.same(whole, _changed(bare))


async def test_r1_a_forged_answer_is_refused() -> None:
    """An answer that was changed after it was signed is an error.

    So both clients that verify really do.
    """
    answer = _clients.answers()["order"]
    with serving(answer.body.replace(b"FINISHED", b"REFUNDED"), answer.headers) as base_url:
        async with _clients.ours_signed(base_url) as ours:
            with pytest.raises(SignatureError):
                await ours.whole()
        if _clients.RIVALS["wechatpayv3"].missing() is None:
            async with _clients.wechatpayv3(base_url) as rival:
                with pytest.raises(Exception, match="failed to verify the signature"):
                    await rival.whole()


def test_r1_a_rival_that_is_not_installed_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table says what to install."""
    absent = attrs.evolve(_clients.RIVALS["stripe"], packages=("no_such_module",))
    monkeypatch.setattr(clients, "RIVALS", {"absent": absent})
    monkeypatch.setattr(clients, "figures", mock.Mock(return_value={}))
    assert clients.run() == [_measure.NotInstalled("R1", "call / bare call: ours / absent (aiohttp)", "no_such_module")]


def _changed(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer that differs in a value that every client tells."""
    changed: dict[str, Any] = json.loads(json.dumps(answer))
    changed.update({"id": "another", "body": "another"})
    for receiver in changed.get("receivers", []):
        receiver["detail_id"] = "another"
    return changed
