"""Which calls may be repeated: Cloud Storage's scenarios on our three classes.

The scenarios, their methods and their faults are those of the Cloud Storage clients' retry
conformance tests: 315 rows of a method and a sequence of faults, after which the server is well
again. A method that reads is SAFE here; one that may be repeated, by its nature or thanks to a
precondition, is REPEATABLE; every other is UNSAFE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import attrs
import pytest
from support.fakes import BY_SAFETY, ams_client, answer
from support.virtual import run_virtual, virtual

from wxrevenue import AmsRequest, Endpoint, OutcomeUnknownError, ResponseLostError, RetryPolicy, Safety, WxRevenueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SAFE, REPEATABLE, UNSAFE = Safety.SAFE, Safety.REPEATABLE, Safety.UNSAFE

READS = [
    "bucket_acl.get",
    "bucket_acl.list",
    "buckets.get",
    "buckets.getIamPolicy",
    "buckets.list",
    "buckets.testIamPermissions",
    "default_object_acl.get",
    "default_object_acl.list",
    "hmacKey.get",
    "hmacKey.list",
    "notifications.get",
    "notifications.list",
    "object_acl.get",
    "object_acl.list",
    "objects.get",
    "objects.list",
    "serviceaccount.get",
]
REPEATABLE_BY_NATURE = ["buckets.delete", "buckets.insert", "buckets.lockRetentionPolicy", "hmacKey.delete", "notifications.delete"]
REPEATABLE_ON_A_CONDITION = [
    "buckets.patch",
    "buckets.setIamPolicy",
    "buckets.update",
    "hmacKey.update",
    "objects.compose",
    "objects.copy",
    "objects.delete",
    "objects.insert",
    "objects.patch",
    "objects.rewrite",
    "objects.update",
]
NEVER = [
    "bucket_acl.delete",
    "bucket_acl.insert",
    "bucket_acl.patch",
    "bucket_acl.update",
    "default_object_acl.delete",
    "default_object_acl.insert",
    "default_object_acl.patch",
    "default_object_acl.update",
    "hmacKey.create",
    "notifications.insert",
    "object_acl.delete",
    "object_acl.insert",
    "object_acl.patch",
    "object_acl.update",
]


class Scenario(NamedTuple):
    """Sequences of faults and the methods to which they are played.

    It also says whether these carry a precondition, and whether the calls succeed.
    """

    cases: list[list[str]]
    methods: list[str]
    conditional: bool
    succeeds: bool


BUSY, RESET, BROKEN = "return-503", "return-reset-connection", "return-broken-stream"
TWICE = [[BUSY, BUSY], [RESET, RESET], [RESET, BUSY]]
ONCE = [[BUSY], [RESET]]

TABLE: Mapping[str, Scenario] = {
    "1 always idempotent": Scenario(TWICE, READS + REPEATABLE_BY_NATURE, conditional=False, succeeds=True),
    "2 idempotent thanks to a precondition": Scenario(TWICE, REPEATABLE_ON_A_CONDITION, conditional=True, succeeds=True),
    "3 precondition absent": Scenario(ONCE, REPEATABLE_ON_A_CONDITION, conditional=False, succeeds=False),
    "4 not idempotent": Scenario(ONCE, NEVER, conditional=False, succeeds=False),
    "5 errors that are not retryable": Scenario(
        [["return-400"], ["return-401"]],
        READS + REPEATABLE_BY_NATURE + REPEATABLE_ON_A_CONDITION + NEVER,
        conditional=False,
        succeeds=False,
    ),
    "6 retryable, then not": Scenario(
        [[BUSY, "return-400"], [RESET, "return-401"]],
        READS + REPEATABLE_BY_NATURE + REPEATABLE_ON_A_CONDITION,
        conditional=True,
        succeeds=False,
    ),
    "7 resumable uploads": Scenario(
        [[RESET, BUSY], ["return-408"], ["return-503-after-256K"], ["return-503-after-8192K", "return-408"]],
        ["objects.insert"],
        conditional=True,
        succeeds=True,
    ),
    "8 downloads": Scenario([[BROKEN, BROKEN], ["return-broken-stream-after-256K"]], ["objects.get"], conditional=False, succeeds=True),
}

DIFFERENT: Mapping[tuple[str, Safety], str] = {}
"""Where we differ on purpose, by scenario and class, and why.

We differ nowhere: an UNSAFE call is repeated only when it was never sent, and their faults all
strike after that.
"""


def class_of(method: str, scenario: Scenario) -> Safety:
    """Return our class of a method of theirs."""
    if method in READS:
        return SAFE
    repeatable = method in REPEATABLE_BY_NATURE or (method in REPEATABLE_ON_A_CONDITION and scenario.conditional)
    return REPEATABLE if repeatable else UNSAFE


FAULTS: Mapping[str, Callable[[], Any]] = {
    BUSY: lambda: answer(b"", 503),
    RESET: lambda: ResponseLostError(reason="reset"),
    BROKEN: lambda: ResponseLostError(reason="reset"),
    "return-broken-stream-after-256K": lambda: ResponseLostError(reason="reset"),
    "return-503-after-256K": lambda: answer(b"", 503),
    "return-503-after-8192K": lambda: answer(b"", 503),
    "return-400": lambda: answer(b"", 400),
    "return-401": lambda: answer(b"", 401),
    "return-408": lambda: answer(b"", 408),
}


def rows() -> Iterator[tuple[str, str, list[str]]]:
    """Yield every scenario with each of its methods and each of its cases."""
    for name, scenario in TABLE.items():
        for method in scenario.methods:
            for case in scenario.cases:
                yield name, method, case


async def succeeds(safety: Safety, case: list[str]) -> bool:
    """Return whether a call of that class succeeds after the faults.

    The answer after the faults is good.
    """
    script = [FAULTS[fault]() for fault in case]
    client, _ = ams_client(*script, answer(), retry=RetryPolicy(jitter=lambda: 1.0))
    try:
        await client.send(BY_SAFETY[safety])
    except WxRevenueError:
        return False
    return True


@pytest.mark.parametrize("name", TABLE)
def test_every_scenario(name: str) -> None:
    """R-00: a call's class decides what is repeated, and never its HTTP verb.

    All calls of the package are POST.
    """
    scenario = TABLE[name]
    for method in scenario.methods:
        safety = class_of(method, scenario)
        assert BY_SAFETY[safety].endpoint.method == "POST"
        for case in scenario.cases:
            expected = scenario.succeeds is not ((name, safety) in DIFFERENT)
            assert run_virtual(succeeds(safety, case)) is expected, (method, case)


@attrs.frozen
class AddByGet(AmsRequest[None]):
    """A user's own call that must not be made twice, although it is a GET."""

    endpoint: ClassVar[Endpoint] = Endpoint(path="/fake/add", action="fake_add", method="GET")


@virtual
async def test_the_verb_decides_nothing() -> None:
    """R-00: after a lost answer a reading POST is sent again, an adding GET is not."""
    client, transport = ams_client(FAULTS[RESET](), answer(), FAULTS[RESET]())
    await client.send(BY_SAFETY[SAFE])
    with pytest.raises(OutcomeUnknownError):
        await client.send(AddByGet())
    assert [request.method for request in transport.requests] == ["POST", "POST", "GET"]


def test_agreement() -> None:
    """Every row agrees but the listed ones, and these differ."""
    found = [
        (run_virtual(succeeds(class_of(method, TABLE[name]), case)) is TABLE[name].succeeds, name, class_of(method, TABLE[name]))
        for name, method, case in rows()
    ]
    assert {(name, safety) for agrees, name, safety in found if not agrees} == set(DIFFERENT)
    assert len(found) == 315
    print(f"idempotency: {sum(agrees for agrees, *_ in found)} of {len(found)} rows agree")  # noqa: T201


def test_methods_are_told_apart() -> None:
    """Each of the 47 methods is of one kind."""
    assert len({*READS, *REPEATABLE_BY_NATURE, *REPEATABLE_ON_A_CONDITION, *NEVER}) == 47 == 17 + 5 + 11 + 14
