"""``wxrevenue explain``: codes, WeChat Pay's numbers and classes.

Each is explained in two languages.
"""

from __future__ import annotations

import re

import pytest
from rich.console import Console
from support.command_line import invoke

from wxrevenue import errors
from wxrevenue._wire.codes import CODES
from wxrevenue._wire.pay_numbers import NUMBERS
from wxrevenue.cli._explain import chinese, command


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1737", ["operating too fast", "操作过快", "wxrevenue.TooFastError", "yes, by the rate limiter"]),
        ("-202", ["internal error", "内部错误", "wxrevenue.ServerBusyError", "longer back-off"]),
        ("NO_AUTH", ["may not use funds distribution", "wxrevenue.PermissionDeniedError", "no: the same call would fail again"]),
        ("268443701", ["relation between institution and sub-merchant", "Request-ID", "Check sub_mchid"]),
        ("no_auth", ["may not use funds distribution"]),
        ("SYSTEM_ERROR", ["yes, after a back-off"]),
        ("42001", ["once, with a new token"]),
        ("1736", ["once, on the interface's other path"]),
        ("45009", ["a probe through every ten minutes"]),
    ],
)
def test_a_code_is_explained(code: str, said: list[str]) -> None:
    """A code is explained in all its parts.

    Shown are its meaning, WeChat's words, its class, the remedy, and whether it is retried. -202
    needs no ``--``.
    """
    status, out, _ = invoke("explain", code)
    assert status == 0
    for words in said:
        assert words in out


def test_help_is_no_code() -> None:
    """``-h`` shows the help, also where a code may begin with a minus."""
    status, out, _ = invoke("explain", "-h")
    assert status == 0
    assert "Usage" in out


def test_every_code_can_be_explained() -> None:
    """Every row of the table can be explained."""
    for code, row in CODES.items():
        console = Console(width=500)
        with console.capture() as shown:
            command.execute([str(code)], console, "en")
        assert row.meaning in shown.get()
        assert row.remedy in shown.get()


def test_without_a_code_all_are_listed() -> None:
    """``explain`` alone lists every code with its class."""
    status, out, _ = invoke("explain")
    assert status == 0
    for code, row in CODES.items():
        assert re.search(rf"(^|\s){code} {row.kind.__name__} ", out)


@pytest.mark.parametrize("code", ["9999", "-5", "NO_SUCH_THING", "", "１７３７x"])  # noqa: RUF001
def test_an_unknown_code_is_said_to_be_unknown(code: str) -> None:
    """An unknown code exits 1 with a sentence on stderr."""
    status, out, err = invoke("explain", code)
    assert (status, out) == (1, "")
    assert err.startswith(f"{code!r} is no code or class that wxrevenue knows; `wxrevenue explain` lists")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("1373", "1737"), ("no_auht", "NO_AUTH"), ("TooFastEror", "TooFastError"), ("RATE_LIMIT", "RATE_LIMITED"), ("26844370", "268443701")],
)
def test_near_matches_are_suggested(typed: str, meant: str) -> None:
    """What looks like a known name is answered with that name."""
    status, _, err = invoke("explain", typed)
    assert status == 1
    assert "did you mean " in err
    assert meant in err


def test_several_at_once() -> None:
    """All that are known are printed, in the order typed.

    An unknown one makes the exit code 1.
    """
    status, out, err = invoke("explain", "1737", "nothing-like-it", "-1")
    assert status == 1
    assert out.index("operating too fast") < out.index("system busy")
    assert "'nothing-like-it'" in err


@pytest.mark.parametrize("name", ["TooFastError", "toofasterror", "wxrevenue.TooFastError", "wxrevenue.errors.TooFastError"])
def test_a_class_is_explained(name: str) -> None:
    """A class is shown with its meaning, its parents, its remedy and its codes.

    The name may be spelt in several ways.
    """
    status, out, _ = invoke("explain", name)
    assert status == 0
    for words in ("wxrevenue.TooFastError", "WxRevenueError > ApiError", errors.TooFastError.solution or "?", "1737, 45011"):
        assert words in out


def test_every_class_can_be_explained() -> None:
    """Each public error has a meaning and a remedy in both languages."""
    for name in errors.__all__:
        for lang in ("en", "zh"):
            status, out, _ = invoke("explain", name, "--lang", lang)
            assert (status, name in out) == (0, True)
            assert ("what to do" if lang == "en" else "处理办法") in out


@pytest.mark.parametrize(("code", "said"), [("1737", "操作过快"), ("268443704", "机构调用时没有 sub_mchid"), ("NO_AUTH", "次日生效")])
def test_in_chinese(code: str, said: str) -> None:
    """``--lang zh`` says it in Chinese."""
    assert said in invoke("explain", code, "--lang", "zh")[1]
    assert "操作过快" in invoke("explain", "--lang", "zh")[1]


def test_chinese_is_complete() -> None:
    """Every code, number and class has its row in Chinese, and no row is left over."""
    assert set(chinese.CODES) == set(CODES)
    assert set(chinese.NUMBERS) == set(NUMBERS)
    assert set(chinese.CLASSES) == set(errors.__all__)


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_chinese_is_whole_on_narrow_terminals(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text without blanks goes on in the next line, and is not cut."""
    monkeypatch.setenv("COLUMNS", str(columns))
    for code in ("1737", "NO_AUTH"):
        _, out, _ = invoke("explain", code, "--lang", "zh")
        known: dict[object, tuple[str, str]] = {str(name): row for name, row in chinese.CODES.items()}
        assert "".join(known[code][1].split()) in out.replace(" ", "")
