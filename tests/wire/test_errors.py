"""The errors: their tree, their facts, their texts, and their pickles."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any, get_args

import pytest

from wxrevenue import errors as e
from wxrevenue._wire.codes import api_error

PARENTS: dict[type[Exception], tuple[type[Exception], ...]] = {
    e.WxRevenueError: (Exception,),
    e.ConfigurationError: (e.WxRevenueError, ValueError),
    e.ClientStateError: (e.WxRevenueError, RuntimeError),
    e.TransportError: (e.WxRevenueError,),
    e.NotSentError: (e.TransportError,),
    e.ResponseLostError: (e.TransportError,),
    e.OutcomeUnknownError: (e.TransportError,),
    e.DecodeError: (e.WxRevenueError,),
    e.ApiError: (e.WxRevenueError,),
    e.TooFastError: (e.ApiError,),
    e.QuotaExceededError: (e.ApiError,),
    e.ServerBusyError: (e.ApiError,),
    e.InvalidParameterError: (e.ApiError,),
    e.AgreementUnsignedError: (e.ApiError,),
    e.AccountNotOpenError: (e.ApiError,),
    e.TokenError: (e.ApiError,),
    e.PermissionDeniedError: (e.ApiError,),
    e.TokenUnavailableError: (e.WxRevenueError,),
    e.SignatureError: (e.WxRevenueError,),
    e.LedgerError: (e.WxRevenueError,),
    e.PageDriftError: (e.WxRevenueError,),
    e.DeadlineExceededError: (e.WxRevenueError, TimeoutError),
}
ARGUMENTS: dict[type[Exception], dict[str, Any]] = {
    e.NotSentError: {"reason": "dns", "retryable": False},
    e.ResponseLostError: {"reason": "reset"},
    e.OutcomeUnknownError: {"last": e.ResponseLostError("cut", reason="timeout")},
    e.DecodeError: {"path": "$.settlement_list[3].order", "retryable": True},
    e.SignatureError: {"is_probe": True},
    e.PageDriftError: {"got": 7},
}
API_ARGUMENTS: dict[str, Any] = {"code": 1737, "status": 429, "detail": {"field": ["/x"]}, "request_id": "6a-1", "retry_after": 60.0}
CLASSES = [
    kind for kind in vars(e).values() if inspect.isclass(kind) and issubclass(kind, e.WxRevenueError) and not kind.__name__.startswith("_")
]
EVERY = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)


def make(kind: type[Any]) -> Any:
    """Return an error of that class with every fact filled in."""
    arguments = API_ARGUMENTS if issubclass(kind, e.ApiError) else ARGUMENTS.get(kind, {})
    return kind("what happened", **arguments)


def facts(error: BaseException) -> dict[str, Any]:
    """Return an error's attributes, with those of the errors among them."""
    return {name: facts(value) if isinstance(value, BaseException) else value for name, value in vars(error).items()}


# -- the tree --------------------------------------------------------------------------------------


@EVERY
def test_tree_is_as_documented(kind: type[Exception]) -> None:
    """Every public class stands in the table of parents.

    It also stands in the tree that the module's docstring draws.
    """
    assert all(issubclass(kind, parent) for parent in PARENTS[kind])
    assert kind.__name__ in (e.__doc__ or "").replace("─", " ").split()
    assert kind.__dict__.get("__doc__")


def test_siblings_do_not_catch_each_other() -> None:
    """A class is caught by its ancestors in the table.

    No other class of the tree catches it.
    """
    for kind in CLASSES:
        ancestors: set[type[Exception]] = {kind}
        for _ in range(3):
            ancestors |= {parent for one in ancestors for parent in PARENTS.get(one, ())}
        assert {other for other in CLASSES if issubclass(kind, other)} == ancestors & set(CLASSES)


@EVERY
def test_errors_are_plain_classes(kind: type[Exception]) -> None:
    """Errors have no slots: notes and attributes can be added."""
    error = make(kind)
    error.add_note("seen while sweeping")
    error.job = 5
    assert vars(error)["job"] == 5


@EVERY
def test_every_error_has_the_common_facts(kind: type[Any]) -> None:
    """``retryable`` and ``ambiguous`` are bools; the others are ``None`` until known."""
    error = make(kind)
    assert type(error.retryable) is bool
    assert type(error.ambiguous) is bool
    assert (error.attempts, error.endpoint, error.cursor) == (None, None, None)


@pytest.mark.parametrize(
    ("error", "retryable", "ambiguous"),
    [
        (e.WxRevenueError(), False, False),
        (e.ConfigurationError(), False, False),
        (e.NotSentError(reason="connect"), True, False),
        (e.NotSentError(reason="connect", retryable=False), False, False),
        (e.ResponseLostError(reason="reset"), True, True),
        (e.ResponseLostError(reason="protocol", retryable=False), False, True),
        (e.OutcomeUnknownError(last=e.TooFastError()), False, True),
        (e.DecodeError(), False, True),
        (e.DecodeError(retryable=True), True, True),
        (e.ApiError(), False, False),
        (e.TooFastError(), False, False),
        (e.QuotaExceededError(), False, False),
        (e.ServerBusyError(), True, False),
        (e.SignatureError(), False, True),
        (e.SignatureError(is_probe=True), True, True),
        (e.LedgerError(), False, False),
        (e.PageDriftError(), False, False),
        (e.DeadlineExceededError(), False, False),
    ],
    ids=repr,
)
def test_what_may_be_repeated_and_what_may_have_acted(error: e.WxRevenueError, *, retryable: bool, ambiguous: bool) -> None:
    """The retry rule reads two facts, and every class has the right defaults."""
    assert (error.retryable, error.ambiguous) == (retryable, ambiguous)


@pytest.mark.parametrize("kind", [e.NotSentError, e.ResponseLostError])
@pytest.mark.parametrize("reason", get_args(e.Reason))
def test_some_reasons_are_hopeless(kind: type[Any], reason: e.Reason) -> None:
    """Bad TLS and an answer that is too large are never retried.

    They would come again, whatever the caller says.
    """
    assert kind("x", reason=reason, retryable=True).retryable is (reason not in {"tls", "too_large"})
    assert kind("x", reason=reason).reason == reason


# -- pickles ---------------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_keep_type_and_facts(kind: type[Any], protocol: int) -> None:
    """The exception of a worker process reaches its parent unchanged.

    Class, text and every attribute are the same.
    """
    error = make(kind)
    error.retryable, error.ambiguous = True, True
    error.attempts, error.endpoint, error.cursor = 3, "get_share_ratio", "v1.abc"
    twin = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301  (our own bytes)
    assert type(twin) is kind
    assert facts(twin) == facts(error)
    assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)


@EVERY
def test_pickles_keep_what_the_class_says(kind: type[Any]) -> None:
    """A fact of the class needs no attribute in the pickle."""
    error = kind("what happened", **(ARGUMENTS.get(kind, {})))
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (twin.retryable, twin.ambiguous, twin.attempts) == (error.retryable, error.ambiguous, None)


@EVERY
def test_copies_keep_type_and_facts(kind: type[Any]) -> None:
    """Shallow and deep copies are errors of the same class with the same facts."""
    error = make(kind)
    for twin in (copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is kind
        assert facts(twin) == facts(error)


def test_pickles_leave_the_chain_behind() -> None:
    """The ``__context__`` of an error is not pickled."""
    error = e.ApiError("no", code=1700)
    error.__cause__ = error.__context__ = KeyError("fake-token-chain")
    assert b"fake-token" not in pickle.dumps(error)


# -- texts -----------------------------------------------------------------------------------------


@EVERY
def test_text_begins_with_the_endpoint_once_it_is_known(kind: type[Any]) -> None:
    """Every text has the message, after the endpoint once that is known."""
    error = make(kind)
    assert "what happened" in str(error)
    bare = str(error)
    error.endpoint = "get_share_ratio"
    assert str(error) == f"get_share_ratio: {bare}"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_errors_need_no_message(kind: type[Any]) -> None:
    """Every class can be made without a message, and prints."""
    error = kind(**{name: value for name, value in ARGUMENTS.get(kind, {}).items() if name in {"reason", "last"}})
    assert error.message == ""
    assert str(error) == error.explained()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (e.NotSentError("refused", reason="connect"), "refused (connect)"),
        (e.ResponseLostError(reason="timeout"), "timeout"),
        (e.DecodeError("expected an integer, got null", path="$.order"), "expected an integer, got null @ $.order"),
        (
            e.OutcomeUnknownError(last=e.ResponseLostError("cut", reason="reset")),
            "it is unknown whether the call took effect; last error: cut (reset)",
        ),
        (e.OutcomeUnknownError("who knows", last=e.TooFastError(code=9)), "who knows; last error: code 9"),
        (e.ApiError("nope", code=987, status=200), "code 987; server said 'nope'"),
        (e.ApiError(status=418), "HTTP 418"),
        (
            e.TooFastError("a turn comes too late", code=987, status=0, retry_after=59.6),
            "code 987; a turn comes too late; retry after 60 s",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_texts_say_what_happened(error: e.WxRevenueError, text: str) -> None:
    """An error's text is one line made of the facts.

    What the limiter said is not reported as the server's words.
    """
    assert str(error) == text


def test_a_known_code_explains_itself() -> None:
    """The text of a known code is one line.

    It has code, meaning, WeChat's words, the server's message, the wait and the remedy, in this
    order.
    """
    text = str(api_error("inner", code=1737, status=200, retry_after=60.0))
    parts = ["code 1737", "operating too fast (操作过快)", "server said 'inner'", "retry after 60 s", "what to do: Wait one minute"]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)
    assert "\n" not in text


@EVERY
def test_every_class_says_what_to_do(kind: type[Any]) -> None:
    """An error without a solution of its own has its class's.

    This holds also after a pickle, and in a subclass of a user's.
    """
    error = kind("what happened", **{name: value for name, value in ARGUMENTS.get(kind, {}).items() if name in {"reason", "last"}})
    own: Any = type("MineError", (kind,), {})
    assert error.solution.endswith(".")
    assert pickle.loads(pickle.dumps(error)).solution == error.solution  # noqa: S301
    assert own.solution == kind.solution


@pytest.mark.parametrize("reason", get_args(e.Reason))
def test_every_reason_says_what_to_do(reason: e.Reason) -> None:
    """Each failure below HTTP has a remedy of its own.

    The text of a call's error says it.
    """
    error = e.ResponseLostError("broken", reason=reason)
    error.attempts = 1
    assert str(error) == f"broken ({reason}); what to do: {error.solution}"
    assert error.solution != e.ResponseLostError.solution


@pytest.mark.parametrize(
    ("attempts", "duration", "text"),
    [(3, 0.94, "x: 3 attempts in 0.9 s: gone"), (1, 30.0, "x: 1 attempt in 30.0 s: gone"), (1, 0.2, "x: gone"), (0, 2.0, "x: gone")],
)
def test_texts_say_how_often_it_was_tried(attempts: int, duration: float, text: str) -> None:
    """Several attempts, or a long one, are in the text with their seconds."""
    error = e.ConfigurationError("gone")
    error.endpoint, error.attempts, error.duration = "x", attempts, duration
    assert str(error) == text


def test_meaning_and_solution() -> None:
    """A known code has meaning and solution; an unknown one has those of its class.

    WeChat Pay's codes have no original in brackets.
    """
    known, unknown, pay, bare = (api_error("", code=code, status=200) for code in (2056, 424242, "NO_AUTH", None))
    assert known.meaning == "the provider has no account in the monetization zone (服务商未在变现专区开通账户)"
    assert known.solution is not None
    assert pay.meaning == "the merchant may not use funds distribution"
    assert (unknown.meaning, unknown.solution, bare.meaning, bare.solution) == (None, e.ApiError.solution, None, e.ApiError.solution)


# -- helpers ---------------------------------------------------------------------------------------


def test_without_history_cuts_everything_off() -> None:
    """Traceback, cause and context are removed; the error is the same object."""
    with pytest.raises(e.ApiError) as caught:
        raise e.ApiError("outer") from KeyError("inner")
    found = caught.value
    found.__context__ = KeyError("context")
    assert None not in (found.__traceback__, found.__cause__)
    assert e.without_history(found) is found
    assert found.__traceback__ is None
    assert found.__cause__ is None
    assert found.__context__ is None


@pytest.mark.parametrize(("names", "text"), [(["a"], "'a'"), (["a", "b"], "'a' or 'b'"), (["a", "b", "c"], "'a', 'b' or 'c'")])
def test_one_of_lists_what_is_allowed(names: list[str], text: str) -> None:
    """``one_of`` lists the allowed names, with 'or' before the last."""
    assert e.one_of(names) == text
