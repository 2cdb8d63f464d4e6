"""The sandbox's trouble: quotas, rates, scripts, counters."""

from __future__ import annotations

from typing import Any

import attrs
import orjson
import pytest

from wxrevenue.sandbox import Answer, Mishap, Quota, Sandbox, Trouble

RATIO, SETTLEMENT = "get_share_ratio", "get_agency_settled_revenue"
MONTH = {"page": 1, "page_size": 50, "start_date": "2020-01-01", "end_date": "2030-01-01"}


class Time:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_774_000_040.0  # 20 s into a minute

    def __call__(self) -> float:
        """Return Unix seconds."""
        return self.now


def make(**trouble: Any) -> tuple[Sandbox, Time]:
    """Return a sandbox with this trouble, and its clock."""
    time = Time()
    return Sandbox(seed=7, now=time, trouble=Trouble(**trouble)), time


def call(sandbox: Sandbox, action: str = RATIO, component: int = 0) -> Answer:
    """Return the answer to a valid call."""
    appid = sandbox.components[component]
    payload = {"appid": appid} if action == RATIO else MONTH
    target = f"/wxa/getdefaultamsinfo?action={action}&access_token={sandbox.component_token(appid)}"
    return sandbox.handle("POST", target, {}, orjson.dumps(payload))


def codes(sandbox: Sandbox, times: int, **which: Any) -> list[str]:
    """Return the outcomes of so many equal calls."""
    return [call(sandbox, **which).outcome for _ in range(times)]


# -- quotas ----------------------------------------------------------------------------------------


def test_fixed_window() -> None:
    """A fixed window starts on the clock.

    At the turn of the minute every call is allowed again.
    """
    sandbox, time = make(too_fast=Quota(2, kind="fixed"))
    assert codes(sandbox, 3) == ["ok", "ok", "1737"]
    time.now += 39
    assert codes(sandbox, 1) == ["1737"]
    time.now += 1
    assert codes(sandbox, 3) == ["ok", "ok", "1737"]


def test_sliding_window() -> None:
    """A sliding window permits a call again a whole window after it was made."""
    sandbox, time = make(too_fast=Quota(2, kind="sliding"))
    assert codes(sandbox, 1) == ["ok"]
    time.now += 30
    assert codes(sandbox, 2) == ["ok", "1737"]
    time.now += 30
    assert codes(sandbox, 2) == ["ok", "1737"]


def test_token_bucket() -> None:
    """A bucket allows a burst of its size, then one call for each share of the window."""
    sandbox, time = make(too_fast=Quota(2, kind="bucket"))
    assert codes(sandbox, 3) == ["ok", "ok", "1737"]
    time.now += 29
    assert codes(sandbox, 1) == ["1737"]
    time.now += 1
    assert codes(sandbox, 2) == ["ok", "1737"]
    time.now += 3600
    assert codes(sandbox, 3) == ["ok", "ok", "1737"]


def test_extending_block() -> None:
    """A call made while blocked makes the block last a whole window more."""
    sandbox, time = make(too_fast=Quota(1, kind="extending"))
    assert codes(sandbox, 2) == ["ok", "1737"]
    time.now += 59
    assert codes(sandbox, 1) == ["1737"]
    time.now += 59
    assert codes(sandbox, 1) == ["1737"]
    time.now += 60
    assert codes(sandbox, 2) == ["ok", "1737"]


def test_scope_of_a_quota() -> None:
    """A quota counts each action of a provider, or all of them together.

    Other providers have their own.
    """
    sandbox, _ = make(too_fast=Quota(1))
    assert codes(sandbox, 2) == ["ok", "1737"]
    assert codes(sandbox, 2, action=SETTLEMENT) == ["ok", "1737"]
    sandbox.trouble = attrs.evolve(sandbox.trouble, too_fast=Quota(1, per="component"))
    assert codes(sandbox, 1) + codes(sandbox, 1, action=SETTLEMENT) == ["ok", "1737"]
    assert codes(sandbox, 1, component=1) == ["ok"]


def test_shape_of_too_fast() -> None:
    """Operating too fast is an HTTP 200 whose code is 1737."""
    sandbox, _ = make(too_fast=Quota(1))
    call(sandbox)
    answer = call(sandbox)
    assert (answer.status, orjson.loads(answer.body)["errcode"]) == (200, 1737)


@pytest.mark.parametrize("wrong", [{"calls": 0}, {"calls": 1, "window": 0}, {"calls": 1, "kind": "odd"}, {"calls": 1, "per": "day"}])
def test_quota_is_checked(wrong: dict[str, Any]) -> None:
    """A senseless quota is refused."""
    with pytest.raises(ValueError, match="must be"):
        Quota(**wrong)


@pytest.mark.parametrize("wrong", [{"busy": 1.1}, {"html": -0.1}, {"latency": -1}, {"page_cap": 0}])
def test_trouble_is_checked(wrong: dict[str, Any]) -> None:
    """A rate outside 0 to 1, a negative latency and an empty page are refused."""
    with pytest.raises(ValueError, match="must be"):
        Trouble(**wrong)


# -- rates -----------------------------------------------------------------------------------------


def test_rates_are_seeded() -> None:
    """Equal seeds give equal trouble, at about the rate asked for.

    A call's trouble ignores the calls around it.
    """
    first, second = (make(busy=0.2, cut=0.1)[0] for _ in range(2))
    outcomes = codes(first, 500)
    mixed = [(call(second, action=SETTLEMENT), call(second).outcome)[1] for _ in range(500)]
    assert outcomes == mixed
    assert 70 < outcomes.count("-202") < 130
    assert 20 < outcomes.count("cut") < 70
    assert outcomes != codes(Sandbox(seed=8, trouble=Trouble(busy=0.2, cut=0.1)), 500)


def test_busy_and_system() -> None:
    """Busy comes as -202 in ``ret``, the system error as -1 in ``errcode``."""
    assert orjson.loads(call(make(busy=1)[0]).body)["ret"] == -202
    assert orjson.loads(call(make(system=1)[0]).body)["errcode"] == -1


def test_expired_token() -> None:
    """A token that expires answers 42001, and is renewed once.

    This holds however many calls still use it. The new one works.
    """
    sandbox, _ = make(expired=1)
    old = sandbox.component_token(sandbox.components[0])
    for _ in range(2):
        target = f"/wxa/getdefaultamsinfo?action={RATIO}&access_token={old}"
        assert sandbox.handle("POST", target, {}, b"{}").outcome == "42001"
    assert sandbox.component_token(sandbox.components[0]) == old.replace("-1", "-2")
    sandbox.trouble = Trouble()
    assert call(sandbox).outcome == "ok"


def test_expired_token_of_nobody() -> None:
    """A call with an unknown token has no token that could expire."""
    sandbox, _ = make(expired=1)
    answer = sandbox.handle("POST", "/wxa/getdefaultamsinfo?action=get_share_ratio&access_token=x", {}, b"{}")
    assert answer.outcome == "40001"


def test_garbage() -> None:
    """A web page, and half an answer, are no JSON."""
    for trouble in ({"html": 1}, {"cut": 1}):
        answer = call(make(**trouble)[0])
        assert answer.body
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(answer.body)


def test_page_cap() -> None:
    """With a cap no page is longer, and the total is unchanged.

    The pages still make up the whole.
    """
    sandbox, _ = make(page_cap=30)
    page = orjson.loads(call(sandbox, SETTLEMENT).body)
    assert (len(page["settlement_list"]), page["total_num"]) == (30, 144)


def test_pay_trouble_spares_the_advertising_side() -> None:
    """Rates of signature flaws do not touch answers that are never signed."""
    assert codes(make(unsigned=1, missigned=1, probe=1)[0], 3) == ["ok"] * 3


# -- scripts ---------------------------------------------------------------------------------------


def test_script_goes_first() -> None:
    """Scripted items happen one to a call, in order, before any rate.

    ``None`` lets a call pass.
    """
    sandbox, _ = make(busy=1)
    sandbox.next(1737, None, 45009, Mishap.HTML, Answer(502, {}, b"bad gateway", outcome="502"))
    assert codes(sandbox, 6) == ["1737", "ok", "45009", "html", "502", "-202"]


def test_script_for_one_action() -> None:
    """An item for one action waits for it."""
    sandbox, _ = make()
    sandbox.next(1737, action=SETTLEMENT)
    assert codes(sandbox, 1) + codes(sandbox, 2, action=SETTLEMENT) == ["ok", "1737", "ok"]


def test_script_waits_for_a_call_it_may_happen_to() -> None:
    """A signature flaw in the script does not use up an advertising call."""
    sandbox, _ = make()
    sandbox.next(Mishap.PROBE, 1737)
    assert codes(sandbox, 2) == ["1737", "ok"]


def test_unknown_forced_code() -> None:
    """A scripted code that the sandbox does not know is sent unchanged."""
    sandbox, _ = make()
    sandbox.next(9999)
    assert orjson.loads(call(sandbox).body)["errcode"] == 9999


@pytest.mark.parametrize(
    ("mishap", "kept"), [(Mishap.DROP_BEFORE, 50), (Mishap.BUSY, 50), (Mishap.DROP_AFTER, 40), (Mishap.HTML, 40), (Mishap.CUT, 40)]
)
def test_before_or_after_the_change(mishap: Mishap, kept: int) -> None:
    """Trouble before the change leaves the ratio as it was.

    Trouble after it does not undo the change.
    """
    sandbox, _ = make()
    sandbox.next(mishap)
    target = f"/wxa/setdefaultamsinfo?action=set_share_ratio&access_token={sandbox.component_token(sandbox.components[0])}"
    sandbox.handle("POST", target, {}, b'{"share_ratio":40}')
    assert orjson.loads(call(sandbox).body)["share_ratio"] == kept


def test_latency_is_an_order_to_the_carrier() -> None:
    """The core does not wait, but says how long to; a scripted answer may say its own."""
    sandbox, _ = make(latency=1.5)
    sandbox.next(None, Answer(200, latency=9.0))
    assert [call(sandbox).latency for _ in range(2)] == [1.5, 9.0]


def test_counters() -> None:
    """Calls are counted by action and outcome."""
    sandbox, _ = make()
    sandbox.next(1737, Mishap.DROP_AFTER)
    codes(sandbox, 4)
    codes(sandbox, 1, action=SETTLEMENT)
    assert sandbox.calls == {(RATIO, "1737"): 1, (RATIO, "drop_after"): 1, (RATIO, "ok"): 2, (SETTLEMENT, "ok"): 1}
