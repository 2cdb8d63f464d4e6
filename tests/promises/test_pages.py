"""The README files tell the truth.

Links lead to a page, tables and numbers are those of the package, and commands exist.
"""

from __future__ import annotations

import inspect
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import typer
from support.pages import CHINESE, PACKAGE, PAGES, README, ROOT, STORIES, name_of, table, text_of

import wxrevenue
from wxrevenue import AmsRequest, FundsDistributionClient, LocalRateLimiter, RetryPolicy, RevenueClient
from wxrevenue._wire.codes import CODES
from wxrevenue._wire.http import LARGEST_BODY
from wxrevenue.ams import CHAPTERS
from wxrevenue.cli._app import app
from wxrevenue.ledger import _missing
from wxrevenue.limiters._local.gate import QUOTA_PROBE
from wxrevenue.limiters._quota import flight
from wxrevenue.transports._common import KEEP_ALIVE

if TYPE_CHECKING:
    from pathlib import Path

MOST_LINES = 400
WIDEST = 100
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


# -- links and contents ----------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings get, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[tuple[Path, str]]:
    """Return where a page's links lead within the repository: file and anchor."""
    targets = re.findall(r"\]\(((?!https?://)[^)\s]+)\)", text_of(page))
    return [((page.parent / path).resolve() if path else page, anchor) for path, _, anchor in (target.partition("#") for target in targets)]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link leads to a file that exists, and to one of its headings."""
    for target, anchor in links(page):
        assert target.exists(), f"{page}: {target}"
        assert not anchor or anchor in anchors(target), f"{page}: {target}#{anchor}"


def test_the_front_door() -> None:
    """The README is short and lists its sections in order.

    Every other page is one link away.
    """
    text = text_of()
    assert len(text.splitlines()) <= MOST_LINES
    listed = re.findall(r"\]\(#([^)]+)\)", text.partition("## Contents")[2].partition("\n## ")[0])
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings if heading != "Contents"] == listed
    assert set(PAGES) - {target for target, _ in links(README)} == set()


def test_the_tree_is_the_package() -> None:
    """The tree on the package's page has each folder and module, and no other."""
    tree = text_of(PACKAGE / "README.md").partition("wxrevenue/\n")[2].partition("```")[0]
    listed = {word for line in tree.splitlines() for word in re.findall(r"(?<!\S)\w+(?:/|\.py)(?!\S)", line)}
    folders = {path.parent.relative_to(PACKAGE).parts[0] for path in PACKAGE.glob("*/*.*") if path.parent.name != "__pycache__"}
    there = {f"{name}/" for name in folders} | {path.name for path in PACKAGE.glob("*.py")}
    assert listed == there - {"__init__.py", "__main__.py", "_lazy.py", "_version.py"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_prose_is_narrow(page: Path) -> None:
    """No line of prose is longer than 100 columns, apart from the targets of links.

    Tables and code may be wider.
    """
    prose = FENCE.sub("", text_of(page))
    lines = [re.sub(r"\]\([^)]*\)", "]", line) for line in prose.splitlines() if not line.startswith("|")]
    assert [line for line in lines if len(line) > WIDEST] == []


def test_the_chinese_readme_says_the_same() -> None:
    """The Chinese README has the sections, code, tables and links of the English one.

    So both are edited together.
    """
    english, chinese = text_of(), text_of(CHINESE)
    assert FENCE.findall(chinese) == FENCE.findall(english), "copy the code of README.md"
    assert len(re.findall(r"^## ", chinese, re.MULTILINE)) == len(re.findall(r"^## ", english, re.MULTILINE))
    names = re.compile(r"^\| (`\w+`) \|(?: ([\d.]+) \|)?", re.MULTILINE)
    assert names.findall(chinese) == names.findall(english)
    both = {README, CHINESE}
    assert [link for link in links(CHINESE) if link[0] not in both] == [link for link in links(README) if link[0] not in both]


# -- tables ----------------------------------------------------------------------------------------


def test_the_settings_are_those_of_the_client() -> None:
    """The README's table of settings shows the defaults that the client has."""
    parameters = inspect.signature(RevenueClient).parameters
    assert {row[0].strip("`"): float(row[1]) for row in table("Settings")} == {
        name: parameters[name].default for name in ("timeout", "deadline", "page_deadline")
    }


def test_the_variables_are_those_that_are_read() -> None:
    """The README names each environment variable that ``from_env`` reads.

    It names no other.
    """
    source = (ROOT / "wxrevenue" / "tokens" / "_environment.py").read_text(encoding="utf-8")
    assert {row[0].strip("`") for row in table("First call")} == set(re.findall(r'"(WXREVENUE_\w+)"', source))


def test_the_extras_are_those_of_the_package() -> None:
    """The README names each extra that users can install, and no other."""
    wanted = re.search(r"The parts in\nbrackets are optional:(.+?)\n\n", text_of(), re.DOTALL)
    assert wanted is not None
    extras = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text("utf-8").partition("optional-dependencies]")[2], re.MULTILINE)
    assert set(re.findall(r"`(\w+)`\s\(", wanted[1])) - {"wxrevenue"} == set(extras[: extras.index("test")])


def test_the_codes_before_you_start_are_known() -> None:
    """The package explains each code that a missing preparation gives."""
    codes = [int(code) for row in table("Before you start") for code in row[2].split(", ")]
    assert len(codes) > 5
    assert [code for code in codes if code not in CODES] == []


@pytest.mark.parametrize("row", table("Errors and what to do"), ids=lambda row: row[0].strip("`"))
def test_the_codes_are_those_of_the_class(row: list[str]) -> None:
    """A code in the table of errors raises the class of its row."""
    kind = getattr(wxrevenue, row[0].strip("`"))
    numbers = [int(code) for code in re.findall(r"(?<![\w.])-?\d{1,5}\b", row[1].replace("HTTP 429", ""))]
    assert [code for code in numbers if CODES.get(code, CODES[-1]).kind is not kind] == []


def test_the_calls_of_funds_exist() -> None:
    """Every call in the steps from a mark to a bill is a method of the client."""
    rows = [line.split("|") for line in text_of(STORIES[1]).splitlines() if line.startswith("| ")][1:13]
    calls = {name for row in rows for name in re.findall(r"`([a-z]\w+)`", row[3])}
    assert len(calls) > 12
    assert [name for name in calls if not hasattr(FundsDistributionClient, name)] == []


def test_the_calls_of_ams_exist() -> None:
    """Every call in the table of steps is a client's method or a name of the package."""
    rows = [line.split("|") for line in text_of(STORIES[0]).splitlines() if line.startswith("| ")][1:]
    calls = {name for row in rows for name in re.findall(r"`([A-Za-z]\w+)`", row[3])} - {"sett_status"}
    assert len(calls) > 15
    assert [name for name in calls if not hasattr(RevenueClient, name) and not hasattr(wxrevenue, name)] == []


# -- numbers and commands --------------------------------------------------------------------------

STATED = [
    (README, "A call makes three attempts at most", RetryPolicy().max_attempts == 3),
    (README, "the same account and action wait 60 s", inspect.signature(LocalRateLimiter).parameters["cooldown"].default == 60),
    (PACKAGE / "ledger" / "README.md", "until 60 days after their end", vars(_missing)["_ASKED_AGAIN"].days == 60),
    (PACKAGE / "limiters" / "README.md", "begins with three calls at once", vars(flight)["_START"] == 3),
    (PACKAGE / "limiters" / "README.md", "if none comes for 0.7 s", vars(flight)["_NO_ANSWER_S"] == 0.7),
    (PACKAGE / "limiters" / "README.md", "One call tries every ten minutes", QUOTA_PROBE == 600),
    (PACKAGE / "transports" / "README.md", "keep connections for 7 s", KEEP_ALIVE == 7),
    (PACKAGE / "transports" / "README.md", "take 16 MiB at most", LARGEST_BODY == 16 * 2**20),
]
"""A page, its sentence with a number, and whether it is true."""


@pytest.mark.parametrize(("page", "words", "is_so"), STATED, ids=lambda part: part if isinstance(part, str) else "")
def test_the_numbers_are_those_of_the_package(page: Path, words: str, *, is_so: bool) -> None:
    """A number that a page states is the one in the code."""
    assert words in " ".join(text_of(page).split())
    assert is_so


def test_how_many_interfaces_there_are() -> None:
    """The README counts the client's advertising interfaces.

    Those of authorization are left out.
    """
    names = {name for chapter, names in CHAPTERS.items() if not chapter.endswith(".authorization") for name in names.split()}
    classes: list[Any] = [
        kind for kind in (getattr(wxrevenue, name) for name in names) if inspect.isclass(kind) and issubclass(kind, AmsRequest)
    ]
    assert f"Each of the {len(classes)} documented interfaces is a method" in text_of()


SHOWN = re.compile(r"^wxrevenue .+$|(?<=`)wxrevenue [a-z][^`]*(?=`)", re.MULTILINE)
COMMANDS = sorted({line for page in PAGES for line in SHOWN.findall(text_of(page))})


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_are_accepted(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command on a page exists, and has the options that are shown with it."""
    monkeypatch.chdir(tmp_path)
    for name in ("ratios.csv", "shares.csv"):
        (tmp_path / name).touch()
    command: Any = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    while words and (below := getattr(command, "commands", None)):
        command = below[words.pop(0)]
    if words:
        command.make_context(line, words)
