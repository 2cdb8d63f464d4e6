"""``wxrevenue funds``: money moves only with --yes, and no key shows anywhere.

Without --yes the call is shown and not sent.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from wxrevenue import Sandbox
from wxrevenue.cli import _app
from wxrevenue.cli._funds import job as _job
from wxrevenue.cli._serve import write_merchant
from wxrevenue.sandbox._pay.books import day_of
from wxrevenue.sandbox._pay.receivers import Receiver

if TYPE_CHECKING:
    from pathlib import Path

TRADE = "P20150806125346"


class Shell:
    """A shell with a merchant's file and a sandbox behind the commands."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sandbox = Sandbox(seed=7)
        self.file = folder / "merchant.json"
        write_merchant(self.sandbox, self.file)
        monkeypatch.setattr(_job, "transport", self.sandbox.transport)
        monkeypatch.setenv("WXREVENUE_MERCHANT_FILE", str(self.file))

    def run(self, *args: str) -> tuple[int, str, str]:
        """Run a command; return exit code, stdout and stderr. No key may be in either."""
        result = CliRunner().invoke(_app.app, ["funds", *args])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        out, err = result.stdout_bytes.decode(), " ".join(result.stderr.split())
        merchant = self.sandbox.merchant
        for secret in (merchant.apiv3_key, *merchant.private_key.splitlines()[1:-1]):
            assert secret not in out + err
        return result.exit_code, out, err

    def add(self, account: str) -> None:
        """Add a receiver."""
        self.sandbox._pay.receivers._all[None, account] = Receiver({}, 0.0)  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a shell."""
    return Shell(tmp_path, monkeypatch)


def test_the_whole_way(shell: Shell) -> None:
    """Mark, look, distribute, release, look and read the bill: each command works."""
    assert shell.run("mark", TRADE, "--yes") == (0, "Done.\n", "")
    number = shell.sandbox.pay.pay(TRADE, 10_000)
    assert "unsplit_amount: 10000" in shell.run("amounts", number)[1]
    shell.add("1900000001")
    status, out, _ = shell.run("distribute", number, "--order-no=D-1", "--to=1900000001=700", "--yes")
    assert (status, "state: PROCESSING" in out) == (0, True)
    assert "1900000001: 700 fen, SUCCESS" in shell.run("status", number, "--order-no=D-1")[1]
    assert shell.run("unfreeze", number, "--order-no=U-1", "--yes")[0] == 0
    status, out, err = shell.run("bill", day_of(shell.sandbox._now()))  # pyright: ignore[reportPrivateUsage]
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (status, err) == (0, "total_count 2, total_amount 100.00")
    assert [int(row["amount"]) for row in rows] == [700, 9_300]
    assert [row["amount_yuan"] for row in rows] == ["7.00", "93.00"]
    status, out, _ = shell.run("bill", "2026-01-01", "--refunds")
    assert (status, out.partition(",")[0], out.count("\n")) == (0, "create_time", 1)


@pytest.mark.parametrize("name", ["bill.csv", "bill.jsonl", "bill.parquet", "bill.xlsx"])
def test_a_bill_into_a_file(shell: Shell, name: str, tmp_path: Path) -> None:
    """A bill goes into a file of any format that rows are exported to.

    The CSV has fen and yuan beside each other.
    """
    shell.run("mark", TRADE, "--yes")
    number = shell.sandbox.pay.pay(TRADE, 10_001)
    shell.run("unfreeze", number, "--order-no=U-1", "--yes")
    day, file = day_of(shell.sandbox._now()), tmp_path / name  # pyright: ignore[reportPrivateUsage]
    status, out, err = shell.run("bill", day, f"--out={file}")
    assert (status, out, err) == (0, "", "total_count 1, total_amount 100.01")
    if name == "bill.csv":
        (row,) = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
        assert (row["amount"], row["amount_yuan"], row["out_order_no"]) == ("10001", "100.01", "U-1")
        status, out, _ = shell.run("bill", day, "--bom")
        assert (status, out[0]) == (0, "\ufeff")
        assert f"'{number}" in out
    elif name == "bill.jsonl":
        assert json.loads(file.read_text(encoding="utf-8"))["amount"] == 10_001
        assert shell.run("bill", day, "--format=jsonl")[1].encode() == file.read_bytes()
    elif name == "bill.xlsx":
        assert b"xl/worksheets" in file.read_bytes()
    else:
        pyarrow = pytest.importorskip("pyarrow.parquet")
        assert pyarrow.read_table(file).to_pylist()[0]["amount"] == 10_001


def test_formulas_in_a_bill(shell: Shell) -> None:
    """No description in the CSV on stdout becomes a formula in a spreadsheet.

    The same holds for a file.
    """
    shell.run("mark", TRADE, "--yes")
    number = shell.sandbox.pay.pay(TRADE, 10_000)
    shell.run("unfreeze", number, "--order-no=U-1", "--description==1+1", "--yes")
    out = shell.run("bill", day_of(shell.sandbox._now()))[1]  # pyright: ignore[reportPrivateUsage]
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["description"] == "'=1+1"


@pytest.mark.parametrize(
    ("args", "body"),
    [
        (("mark", TRADE), {"out_trade_no": TRADE, "currency": "CNY"}),
        (
            ("distribute", "42", "--order-no=D-1", "--to=19=7", "--unfreeze"),
            {
                "transaction_id": "42",
                "out_order_no": "D-1",
                "unfreeze_unsplit": True,
                "receivers": [{"type": "MERCHANT_ID", "account": "19", "amount": 7, "description": "distribution", "currency": "CNY"}],
            },
        ),
        (("unfreeze", "42", "--order-no=U-1"), {"transaction_id": "42", "out_order_no": "U-1", "description": "release"}),
    ],
)
def test_without_yes_nothing_is_sent(shell: Shell, args: tuple[str, ...], body: dict[str, object]) -> None:
    """What freezes or moves money is shown as it would be sent, and is not sent."""
    status, out, err = shell.run(*args, "--sub-mchid=1901")
    first, second, last = out.splitlines()
    assert (status, err) == (0, "")
    assert first.startswith("POST https://apihk.mch.weixin.qq.com/v3/global/profit-sharing/")
    assert json.loads(second) == {**body, "sub_mchid": "1901"}
    assert last == "Nothing was sent. Add --yes to send it."
    assert not shell.sandbox.calls


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("mark", "short"), 2, "OUT_TRADE_NO: expected 6 to 32 characters, got 5"),
        (("distribute", "42", "--order-no=D-1", "--to=19"), 2, "--to: expected MCHID=FEN, got '19'"),
        (("distribute", "42", "--order-no=D-1", f"--to=19={'9' * 5000}"), 2, "--to: expected MCHID=FEN"),
        (("distribute", "42", "--order-no=D-1", "--to=19=1.5"), 2, "--to: expected MCHID=FEN, got '19=1.5'"),
        (("distribute", "42", "--order-no=D-1", "--to=19=1", "--to=19=2"), 2, "'19' is there twice"),
        (("mark", TRADE, "--base-url=nonsense"), 2, "--base-url: expected http(s)://"),
        (("mark", TRADE, "--sub-mchid="), 2, "--sub-mchid: expected a value that is not empty"),
        (("bill", "2026-03-20", "--format=parquet"), 2, "parquet needs a file"),
        (("bill", "2026-03-20", "--out=bill.txt"), 2, "'bill.txt' ends in none of .csv"),
        (("distribute", "42", "--order-no=D|1", "--to=19=7"), 2, "--order-no: expected 1 to 64"),
        (("amounts", "42"), 1, "ORDER_NOT_EXIST"),
        (("bill", "yesterday"), 2, "DAY: expected zero-padded"),
    ],
)
def test_what_is_wrong_is_told(shell: Shell, args: tuple[str, ...], code: int, says: str) -> None:
    """A wrong argument exits 2, a refusal 1; stderr says why."""
    status, out, err = shell.run(*args)
    assert (status, out) == (code, "")
    assert err.removeprefix("Invalid value for ").startswith(says) if says.startswith(("-", "DAY")) else says in err


def changed(shell: Shell, change: str) -> bytes:
    """Return what the merchant's file holds after a change."""
    facts = json.loads(shell.file.read_text(encoding="utf-8"))
    facts |= {
        "wrong key": {"private_key": "fake text"},
        "literal line ends": {"private_key": facts["private_key"].replace("\n", "\\n")},
        "keys as a list": {"platform_keys": ["fake text"]},
        "keys as a text": {"platform_keys": "fake text"},
        "mchid with a blank": {"mchid": "1 2"},
        "sub_mchid as a number": {"sub_mchid": 5},
        "address as a number": {"base_url": 5},
        "no key that is one": {"apiv3_key": None},
    }.get(change, {})
    if change == "no key":
        del facts["private_key"]
    return {"not json": b"fake text {", "utf-16": json.dumps(facts).encode("utf-16")}.get(change, json.dumps(facts).encode())


@pytest.mark.parametrize("way", [("amounts", "42"), ("mark", TRADE)], ids=["asks", "shows"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("not json", "expected JSON with mchid, serial_no, private_key"),
        ("utf-16", "expected JSON with mchid, serial_no, private_key"),
        ("no key", "it lacks private_key"),
        ("wrong key", ", private_key: expected an unencrypted RSA key"),
        ("literal line ends", "a backslash and an n"),
        ("keys as a list", "platform_keys (PEM by serial number)"),
        ("keys as a text", "platform_keys (PEM by serial number)"),
        ("mchid with a blank", ", mchid: expected no white space"),
        ("sub_mchid as a number", ", sub_mchid: expected a str, got int"),
        ("address as a number", ", base_url: expected a str, got int"),
        ("no key that is one", ", apiv3_key: expected the APIv3 key"),
    ],
)
def test_merchant_files(shell: Shell, change: str, says: str, way: tuple[str, ...]) -> None:
    """A file that is not a merchant's is refused, also where nothing would be sent.

    The file is named. Nothing of it is shown.
    """
    shell.file.write_bytes(changed(shell, change))
    status, _, err = shell.run(*way)
    assert status == 2
    assert err.startswith(str(shell.file))
    assert says in err
    assert "fake text" not in err


def test_a_file_with_a_byte_order_mark(shell: Shell) -> None:
    """A merchant's file that an editor of Windows has saved is read."""
    shell.file.write_bytes(b"\xef\xbb\xbf" + shell.file.read_bytes())
    assert shell.run("mark", TRADE, "--yes")[0] == 0


def test_static_keys(shell: Shell) -> None:
    """A file without an APIv3 key verifies with the keys that it has."""
    facts = json.loads(shell.file.read_text(encoding="utf-8"))
    del facts["apiv3_key"]
    shell.file.write_text(json.dumps(facts), encoding="utf-8")
    assert shell.run("mark", TRADE, "--yes")[0] == 0
    assert ("certificates", "ok") not in shell.sandbox.calls
