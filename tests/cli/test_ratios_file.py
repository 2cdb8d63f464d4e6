"""The file of the wanted ratios: what it may hold, and how each problem is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wxrevenue import ConfigurationError
from wxrevenue.cli._ratios.file import read_appids, read_ratios

if TYPE_CHECKING:
    from pathlib import Path


HEAD = "appid,share_ratio\n"
WHOLE = "expected a whole number from 0 to 100"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["line 1: expected the names of the columns, appid and share_ratio among them"]),
        ("wx1,40\n", ["line 1: expected the names of the columns, appid and share_ratio among them"]),
        ("appid;share_ratio\nwx1;40\n", ["line 1: expected the names of the columns, appid and share_ratio among them"]),
        ("appid,appid,share_ratio\n", ["line 1: expected the names of the columns, appid and share_ratio among them"]),
        (f"{HEAD}wx1,40\nwx2,\n", [f"line 3, column share_ratio: {WHOLE}, got ''"]),
        (f"{HEAD}wx1\n", [f"line 2, column share_ratio: {WHOLE}, got ''"]),
        (f"{HEAD}wx1,40 %\n", [f"line 2, column share_ratio: {WHOLE}, got '40 %'"]),
        (f"{HEAD}wx1,101\n", [f"line 2, column share_ratio: {WHOLE}, got '101'"]),
        (f"{HEAD}wx1,-1\n", [f"line 2, column share_ratio: {WHOLE}, got '-1'"]),
        (f"{HEAD}wx1,12.5\n", [f"line 2, column share_ratio: {WHOLE}, got '12.5'; --allow-fractions lets fractions pass"]),
        (f"{HEAD}wx1,４０\n", [f"line 2, column share_ratio: {WHOLE}, got '４０'"]),  # noqa: RUF001
        (f"{HEAD}wx1,{'9' * 40}\n", [f"line 2, column share_ratio: {WHOLE}, got '{'9' * 20}…'"]),
        (f"{HEAD},40\n", ["line 2, column appid: expected an appid, or default; the cell is empty"]),
        (
            f"{HEAD}wx1 ,40\n",
            ["line 2, column appid: expected no white space and no character that cannot be printed; there is one at its end: remove it"],
        ),
        (f'{HEAD}="wx1",40\n', ["line 2, column appid: expected an appid: letters, digits, _ and -, got '=\"wx1\"'"]),
        (f"{HEAD}Default,40\n", ["line 2, column appid: expected default in small letters, got 'Default'"]),
        (f"{HEAD}{'w' * 65},40\n", ["line 2, column appid: expected an appid of at most 64 characters, got 65"]),
        (f"{HEAD}wx1,40\n\nwx2,40\nwx1,40\n", ["line 5, column appid: 'wx1' stands in line 2 already"]),
        (f"{HEAD}default,40\ndefault,41\n", ["line 3, column appid: 'default' stands in line 2 already"]),
        (f"{HEAD}wx1,40,x\n", ["line 2: expected 2 cells, got 3"]),
        (f'{HEAD}wx1,40\n"wx2,40\n', ["line 3: expected CSV: unexpected end of data"]),
        (
            f"{HEAD}wx1,x\nwx 2,x\n",
            [
                f"line 2, column share_ratio: {WHOLE}, got 'x'",
                (
                    "line 3, column appid: expected no white space and no character that cannot be printed; "
                    "there is one inside of it: remove it"
                ),
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_file(text: str, problems: list[str], tmp_path: Path) -> None:
    """Every problem is printed with its line and column."""
    file = tmp_path / "a.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_ratios(file, allow_fractions=False)
    assert str(caught.value).splitlines() == [f"{file}, {problem}" for problem in problems]


def test_a_file_without_rows(tmp_path: Path) -> None:
    """A file that wants nothing is refused."""
    file = tmp_path / "a.csv"
    file.write_text(f"{HEAD}\n,\n")
    with pytest.raises(ConfigurationError, match="expected a row below the line that names the columns"):
        read_ratios(file, allow_fractions=False)
    with pytest.raises(ConfigurationError, match="expected a row below"):
        read_appids(file)


def test_ten_problems_are_told(tmp_path: Path) -> None:
    """Of many problems the first ten are printed, and the number of the others."""
    file = tmp_path / "a.csv"
    file.write_text(HEAD + "".join(f"wx{number},x\n" for number in range(12)))
    with pytest.raises(ConfigurationError) as caught:
        read_ratios(file, allow_fractions=False)
    told = str(caught.value).splitlines()
    assert (len(told), told[-1]) == (11, "and 2 more")


def test_fractions_are_let_pass_on_request(tmp_path: Path) -> None:
    """``--allow-fractions`` takes two places.

    Whole numbers may always be written as fractions.
    """
    file = tmp_path / "a.csv"
    file.write_text(f"{HEAD}wx1,12.50\nwx2,40.00\n")
    assert {appid: str(ratio) for appid, ratio in read_ratios(file, allow_fractions=True).items()} == {"wx1": "12.50", "wx2": "40.00"}
    file.write_text(f"{HEAD}wx2,40.00\n")
    assert read_ratios(file, allow_fractions=False) == {"wx2": 40}
    file.write_text(f"{HEAD}wx1,0.125\n")
    with pytest.raises(ConfigurationError, match=r"with at most 2 decimal places, got '0\.125'"):
        read_ratios(file, allow_fractions=True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_what_spreadsheets_write(encoding: str, tmp_path: Path) -> None:
    """UTF-8 with and without its mark, GBK, and either line end are read.

    Other columns are for people.
    """
    file = tmp_path / "a.csv"
    file.write_bytes('appid,share_ratio,名称\r\nwx1,40,"小程序, 一"\r\ndefault,50,默认\r\n'.encode(encoding))
    assert read_ratios(file, allow_fractions=False) == {"wx1": 40, None: 50}
    assert read_appids(file) == ["wx1"]


@pytest.mark.parametrize("mark", ["\u2028", "\x85", "\x0b", "\x1c"])
def test_what_ends_a_line(mark: str, tmp_path: Path) -> None:
    """Other characters that may end a line of text end no row.

    A copied note may hold them. They do not shift the line numbers either.
    """
    file = tmp_path / "a.csv"
    file.write_bytes(f"appid,share_ratio,note\rwx1,40,a{mark}b\rwx2,41,\r".encode())
    assert read_ratios(file, allow_fractions=False) == {"wx1": 40, "wx2": 41}
    file.write_bytes(f"appid,share_ratio,note\nwx1,40,a{mark}b\nwx1,41,\n".encode())
    with pytest.raises(ConfigurationError, match="line 3, column appid: 'wx1' stands in line 2 already"):
        read_ratios(file, allow_fractions=False)
