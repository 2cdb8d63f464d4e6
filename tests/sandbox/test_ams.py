"""The sandbox's advertising side: parameters, envelopes, ratios, tokens."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import date
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from wxrevenue.sandbox import Sandbox, SettlementPath
from wxrevenue.sandbox._call import Call

TODAY = date(2026, 3, 20)
NOW = 1_774_000_000.0
GET, SET, OPERATION = "/wxa/getdefaultamsinfo", "/wxa/setdefaultamsinfo", "/wxa/operationams"
RANGE = {"page": 1, "page_size": 20, "start_date": "2020-01-01", "end_date": "2026-12-31"}


def make(**options: Any) -> Sandbox:
    """Return a sandbox with a fixed day and clock."""
    options = {"seed": 7, "today": TODAY, "now": lambda: NOW, **options}
    return Sandbox(**options)


def raw(sandbox: Sandbox, path: str, action: str, payload: object, token: str | None = None) -> bytes:
    """Return the bytes of an answer; by default to the first provider."""
    token = sandbox.component_token(sandbox.components[0]) if token is None else token
    target = f"{path}?action={action}&access_token={quote(token, safe='')}"
    answer = sandbox.handle("POST", target, {}, orjson.dumps(payload))
    assert answer.status == 200
    return answer.body


def ask(sandbox: Sandbox, path: str, action: str, payload: object, token: str | None = None) -> Any:
    """Return an answer's JSON."""
    return orjson.loads(raw(sandbox, path, action, payload, token))


def settlement(sandbox: Sandbox, component: int = 0, path: str = OPERATION, **changes: Any) -> Any:
    """Return one page of a provider's settlements."""
    token = sandbox.component_token(sandbox.components[component])
    return ask(sandbox, path, "get_agency_settled_revenue", {**RANGE, **changes}, token)


def ratio(sandbox: Sandbox, appid: object, component: int = 0) -> Any:
    """Return the answer to a query of a ratio."""
    return ask(sandbox, GET, "get_share_ratio", {"appid": appid}, sandbox.component_token(sandbox.components[component]))


# -- settlements -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"page": 0}, 1701),
        ({"page_size": 0}, 1701),
        ({"page": "1"}, 1700),
        ({"page": True}, 1700),
        ({"page_size": None}, 1700),
        ({"start_date": "2020-1-1"}, 1701),
        ({"start_date": "2020-02-30"}, 1701),
        ({"start_date": 20200101}, 1700),
        ({"end_date": ""}, 1700),
        ({"start_date": "2021-01-01", "end_date": "2020-12-31"}, 1701),
    ],
)
def test_settlement_parameters(changes: dict[str, Any], code: int) -> None:
    """A settlement parameter of the wrong type answers 1700, a wrong value 1701."""
    assert settlement(make(), **changes) == {"ret": code, "err_msg": "param error"}


@pytest.mark.parametrize("right", [OPERATION, GET])
def test_one_settlement_path(right: SettlementPath) -> None:
    """With one path pinned the other answers 1736 in its own envelope.

    Without a pin both serve.
    """
    sandbox, wrong = make(settlement_path=right), GET if right == OPERATION else OPERATION
    assert settlement(sandbox, path=right)["total_num"] == settlement(make(), path=wrong)["total_num"] == 144
    refused = settlement(sandbox, path=wrong)
    assert refused.get("ret", refused.get("errcode")) == 1736
    assert refused.get("err_msg", refused.get("errmsg", "")).startswith("inner error thirdid is empty")


# -- ratios and envelopes --------------------------------------------------------------------------


def test_ratio_waits_for_the_merchants() -> None:
    """A new default shows for the provider at once.

    A Mini Program has it only after its merchant agreed.
    """
    sandbox = make()
    component = sandbox.components[0]
    one, two, *_ = sandbox.programs(component)
    assert ask(sandbox, SET, "set_share_ratio", {"share_ratio": 40}) == {"ret": 0, "err_msg": ""}
    assert [ratio(sandbox, appid)["share_ratio"] for appid in (component, one, two)] == [40, 50, 50]
    sandbox.confirm_ratio(component, one)
    assert [ratio(sandbox, appid)["share_ratio"] for appid in (component, one, two)] == [40, 40, 50]
    sandbox.confirm_ratio(component)
    assert ratio(sandbox, two)["share_ratio"] == 40
    assert ratio(sandbox, sandbox.components[1], 1)["share_ratio"] == 50
    with pytest.raises(ValueError, match="not in tuple"):
        sandbox.confirm_ratio(component, sandbox.programs(sandbox.components[1])[0])


@pytest.mark.parametrize(("value", "code"), [(-1, 1701), (100.5, 1701), ("40", 1700), (True, 1700), (None, 1700)])
def test_ratio_parameters(value: object, code: int) -> None:
    """A ratio that is no number answers 1700, one outside 0 to 100 answers 1701.

    Neither is kept.
    """
    sandbox = make()
    assert ask(sandbox, SET, "set_share_ratio", {"share_ratio": value})["errcode"] == code
    assert ratio(sandbox, sandbox.components[0])["share_ratio"] == 50


@pytest.mark.parametrize("value", [0, 100, 33.33])
def test_ratio_bounds(value: float) -> None:
    """A ratio may be 0, 100 and a fraction between."""
    sandbox = make()
    ask(sandbox, SET, "set_share_ratio", {"share_ratio": value})
    assert ratio(sandbox, sandbox.components[0])["share_ratio"] == value


def test_success_envelopes() -> None:
    """Success comes in one of three envelopes, depending on the provider.

    The envelopes are ``ret``, the bare data, or a nested ``base_resp``.
    """
    sandbox = make()
    answers = [ratio(sandbox, appid, n) for n, appid in enumerate(sandbox.components)]
    assert answers == [
        {"ret": 0, "err_msg": "", "share_ratio": 50},
        {"share_ratio": 50},
        {"base_resp": {"ret": 0, "err_msg": ""}, "share_ratio": 50},
    ]
    assert [settlement(sandbox, n).get("err_msg") for n in range(3)] == ["OK", None, None]


def test_content_types() -> None:
    """Some answers are JSON as text/plain."""
    sandbox = make()
    kinds: set[str] = set()
    for appid in sandbox.components:
        target = f"{GET}?action=get_share_ratio&access_token={sandbox.component_token(appid)}"
        kinds.add(sandbox.handle("POST", target, {}, orjson.dumps({"appid": appid})).headers["Content-Type"])
    assert kinds == {"text/plain", "application/json; encoding=utf-8"}


def test_business_error_envelopes() -> None:
    """On the two default-info paths an error's text is only a rid.

    The rid starts with the time. On the other path ``base_resp`` has the code and a text.
    """
    sandbox = make()
    refused = ratio(sandbox, sandbox.unsigned_program(sandbox.components[0]))
    assert refused["errcode"] == 1735
    assert refused["errmsg"].startswith(f" rid: {int(NOW):08x}-")
    assert [len(group) for group in refused["errmsg"].removeprefix(" rid: ").split("-")] == [8, 8, 8]
    assert settlement(sandbox, 2, page=0) == {"base_resp": {"ret": 1701, "err_msg": "param error"}}


def test_unknown_appid() -> None:
    """Another provider's Mini Program answers 1701, a missing appid 1700."""
    sandbox = make()
    assert ratio(sandbox, sandbox.programs(sandbox.components[1])[0])["errcode"] == 1701
    assert ratio(sandbox, None)["errcode"] == 1700


def test_no_account() -> None:
    """A provider without an account gets 2056 for every call.

    It is not among the components.
    """
    sandbox = make()
    appid = sandbox.component_without_account
    assert appid not in sandbox.components
    answer = ask(sandbox, GET, "get_share_ratio", {"appid": appid}, sandbox.component_token(appid))
    assert answer["errcode"] == 2056


# -- the gateway -----------------------------------------------------------------------------------


def test_token_refusals() -> None:
    """Missing, wrong-kind, unknown and expired tokens have different codes."""
    sandbox = make()
    component = sandbox.components[0]
    old = sandbox.component_token(component)
    sandbox.expire_token(component)
    stranger = old.replace(component, "wx0000000000000000")
    bad = {
        "": 41001,
        sandbox.authorizer_token("wxa0"): 48001,
        "made-up": 40001,
        "sandbox-component-nonsense": 40001,
        old.replace("-1", "-9"): 40001,
        old.replace("-1", "-²"): 40001,
        old + "0" * 5000: 40001,
        old: 42001,
        stranger: 40001,
    }
    for token, code in bad.items():
        answer = ask(sandbox, GET, "get_share_ratio", {"appid": component}, token)
        assert (answer["errcode"], " rid: " in answer["errmsg"]) == (code, True)
    assert ratio(sandbox, component)["share_ratio"] == 50
    assert old.startswith("sandbox-component-")


def test_other_name_of_the_token_parameter() -> None:
    """The token is taken under the name ``component_access_token`` too."""
    sandbox = make()
    target = f"{GET}?action=get_share_ratio&component_access_token={sandbox.component_token(sandbox.components[0])}"
    answer = sandbox.handle("POST", target, {}, orjson.dumps({"appid": sandbox.components[0]}))
    assert orjson.loads(answer.body)["share_ratio"] == 50


def test_tokens_follow_expiry() -> None:
    """The token function returns the token in force."""
    sandbox = make()
    component = sandbox.components[1]
    tokens = sandbox.tokens(component)
    first = asyncio.run(tokens())
    sandbox.expire_token(component)
    assert first != asyncio.run(tokens()) == sandbox.component_token(component)


@pytest.mark.parametrize(
    ("method", "body", "code"), [("GET", b"{}", 43002), ("POST", b"", 44002), ("POST", b"{", 47001), ("POST", b"[]", 47001)]
)
def test_malformed_requests(method: str, body: bytes, code: int) -> None:
    """The wrong verb, an empty body and a body that is no JSON object have own codes."""
    sandbox = make()
    target = f"{GET}?action=get_share_ratio&access_token={sandbox.component_token(sandbox.components[0])}"
    assert orjson.loads(sandbox.handle(method, target, {}, body).body)["errcode"] == code


def test_unknown_action_and_path() -> None:
    """An unknown action of a path answers 45010, an unknown path 404."""
    sandbox = make()
    assert ask(sandbox, SET, "get_share_ratio", {})["ret"] == 45010
    assert sandbox.handle("POST", "/wxa/elsewhere?action=x", {}, b"{}").status == 404


def test_repr_shows_no_token() -> None:
    """The repr of a call or an answer holds neither token nor body."""
    sandbox = make()
    token = sandbox.component_token(sandbox.components[0])
    call = Call.read("POST", f"{GET}?access_token={token}", {"Authorization": "signature"}, b"body")
    answer = sandbox.handle("POST", f"{GET}?access_token={token}", {}, b"{}")
    assert all(hidden not in f"{call!r}{answer!r}" for hidden in (token, "signature", "b'body'", "errcode"))


@pytest.mark.slow("waits for another process")
def test_import_is_light() -> None:
    """Making a sandbox loads no aiohttp, no cryptography and no client.

    The client is what the sandbox is to judge.
    """
    code = "import sys, wxrevenue.sandbox as s; s.Sandbox(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()  # noqa: S603
    client = tuple(f"wxrevenue.{name}" for name in ("ams.", "funds.", "_wire.codec", "_engine", "pagination", "clients"))
    assert not {"aiohttp", "cryptography", "cattrs"} & set(loaded)
    assert not [name for name in loaded if name.startswith(client)]
