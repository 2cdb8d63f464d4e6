"""The commands that keep a ledger: what they fetch, what they say, how they fail."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import typer
from rich.progress import Task
from typer.testing import CliRunner

from wxrevenue import (
    AdRow,
    CallEvent,
    GateEvent,
    HalfMonth,
    PageEvent,
    RevenueClient,
    Sandbox,
    Settlement,
    TokenUnavailableError,
    WxRevenueError,
    open_ledger,
)
from wxrevenue._base.calendar import beijing_day
from wxrevenue.cli import _app, _client
from wxrevenue.cli._ledger import failures, screen, sync
from wxrevenue.ledger import FetchJob

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

TODAY = date(2026, 6, 30)


def invoke(*args: str) -> tuple[int, str, str]:
    """Run a command; return exit code, stdout and stderr."""
    result = CliRunner().invoke(_app.app, [*args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return the sandbox that ``--sandbox`` will use."""
    found = Sandbox(today=TODAY, years=3)
    monkeypatch.setattr(_client, "Sandbox", lambda: found)
    return found


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """Return the path of a ledger."""
    return str(tmp_path / "revenue.db")


def run(ledger: str, *args: str) -> tuple[int, str, str]:
    """Run ``wxrevenue sync`` in the sandbox, over the year 2025 and the half of 2026."""
    return invoke("sync", "--sandbox", "--ledger", ledger, "--from", "2025-01-01", "--to", "2026-06-15", *args)


def test_the_last_line_says_what_changed(ledger: str, sandbox: Sandbox) -> None:
    """The last line says what changed.

    The first run reports new statements. Later ones report what was paid, settled or revised, and
    then nothing.
    """
    appid = sandbox.components[0]
    code, out, err = run(ledger, appid)
    assert (code, err) == (0, "")
    assert out.strip() == f"{sandbox.totals(appid, '2025-01-01', '2026-06-15').rows} new statements"
    sandbox.today = date(2026, 12, 31)
    code, out, _ = run(ledger, appid)
    assert code == 0
    assert "paid" in out
    assert run(ledger, appid)[1] == "nothing changed\n"
    assert run(ledger, appid, "--again")[1] == "nothing changed\n"


def test_owners_come_from_a_file(ledger: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """A file has one appid per line, with comments and blank lines.

    A file and arguments may be given together.
    """
    programs = [*sandbox.programs(sandbox.components[0])]
    file = tmp_path / "owners.txt"
    file.write_text(f"\ufeff{programs[0]}  # the first\n\n# none\n{programs[1]}\n", encoding="utf-8")
    assert run(ledger, "--owners", str(file), sandbox.components[0])[0] == 0
    assert {owner for owner, _ in kept(ledger)} == {programs[0], programs[1], sandbox.components[0]}


def kept(ledger: str) -> list[tuple[str, Any]]:
    """Return a ledger's settlements."""

    async def read() -> list[tuple[str, Any]]:
        async with open_ledger(ledger) as opened:
            return [one async for one in opened.settlements()]

    return asyncio.run(read())


def test_all_that_authorized(ledger: str, sandbox: Sandbox) -> None:
    """Without owners, the provider and all that authorized it are fetched.

    One without a publisher account is told, and is no failure.
    """
    program = [*sandbox.programs(sandbox.components[0])][-1]
    told = f"1 without a publisher account (1807), so without settlements: {program}. The next run asks again.\n"
    code, out, err = run(ledger)
    assert (code, err) == (0, told)
    assert out.endswith(" new statements\n")
    asked = refusals(sandbox)
    assert run(ledger)[::2] == (0, told)
    assert refusals(sandbox) == 2 * asked > 0


def refusals(sandbox: Sandbox) -> int:
    """Return how many calls were refused for want of a publisher account."""
    return sum(count for (_, outcome), count in sandbox.calls.items() if outcome == "1807")


def test_what_failed_is_named(ledger: str, sandbox: Sandbox) -> None:
    """What failed for another reason is named, and the exit code is 1."""
    appid, last = sandbox.components[0], [*sandbox.programs(sandbox.components[0])][-1]
    sandbox.next(1735, action="agency_get_settlement")
    code, _, err = run(ledger, appid, next(iter(sandbox.programs(appid))), last)
    assert code == 1
    assert "code 1735" in err
    assert f"1 without a publisher account (1807), so without settlements: {last}." in err
    assert err.endswith("1 jobs failed; the same command fetches them again.\n")


@pytest.mark.parametrize("has_token", [True, False])
def test_a_fixed_token_reads_the_provider_alone(
    has_token: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A fixed component token cannot read Mini Programs.

    The last line says what to set in its place.
    """
    monkeypatch.setenv("WXREVENUE_COMPONENT_TOKEN", "fake-token" if has_token else "")
    found = failures.Failures()
    found.add(FetchJob.parse("wx1/2025-01-1..2025-06-2"), TokenUnavailableError("no authorizer token was given for wx1"))
    assert found.tell() == 1
    err = capsys.readouterr().err
    assert "no authorizer token was given for wx1" in err
    assert ("set WXREVENUE_COMPONENT_SECRET and WXREVENUE_TICKET_FILE in its place" in err) is has_token
    assert "fake-token" not in err


@pytest.mark.parametrize(
    ("reason", "is_none"),
    [
        ("agency_get_settlement: code 1807; not a valid publisher account", True),
        ("agency_get_settlement: code 2009; not a valid publisher account", True),
        ("agency_get_settlement: code 2056; no account", False),
        ("agency_get_settlement: code 1735; server said 'x: code 1807;'", False),
        ("the engine failed", False),
    ],
)
def test_what_a_worker_noted(reason: str, is_none: object) -> None:
    """A worker's reason is a text; it begins with the interface and the code."""
    assert failures.has_no_publisher(WxRevenueError(reason)) is is_none


def test_many_without_an_account(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten are named, each once however many jobs it has; the rest is counted."""
    found = failures.Failures()
    for number in range(12):
        for job in ("2024-01-1..2024-06-2", "2024-07-1..2024-12-2"):
            found.add(FetchJob.parse(f"wx{number}/{job}"), WxRevenueError("x: code 1807;"))
    assert found.tell() == 0
    named = ", ".join(f"wx{number}" for number in range(10))
    told = f"12 without a publisher account (1807), so without settlements: {named} and 2 more. The next run asks again.\n"
    assert capsys.readouterr().err == told


def test_ad_data_and_ratios(ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--ads`` and ``--ratios`` record ad data by Mini Program and day, and ratios."""
    sandbox = Sandbox(years=3)  # today is today: the last days are counted from it
    monkeypatch.setattr(_client, "Sandbox", lambda: sandbox)
    program = next(iter(sandbox.programs(sandbox.components[0])))
    assert run(ledger, program, "--ads", "3", "--ratios")[0] == 0

    async def read() -> tuple[list[Any], list[Any]]:
        async with open_ledger(ledger) as opened:
            return [one async for one in opened.ads(program)], [one async for one in opened.ratios(program)]

    ads, ratios = asyncio.run(read())
    assert len({row.date for _, row in ads}) == 3
    assert len(ratios) == 1


def test_ad_data_that_are_gone(ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--ads`` clears a day that it asks for, and of which nothing comes any more.

    Else a reconciliation would go on counting it.
    """
    sandbox = Sandbox(years=3)
    monkeypatch.setattr(_client, "Sandbox", lambda: sandbox)
    today = beijing_day(None)
    kept, gone = today - timedelta(days=4), [today - timedelta(days=number) for number in (1, 3)]

    async def record() -> None:
        async with open_ledger(ledger) as opened:
            for day in (kept, *gone):
                await opened.record_ads("wxgone", day, [AdRow(date=day, publisher_appid="wxgone", income=7)])

    async def read() -> list[Any]:
        async with open_ledger(ledger) as opened:
            return [row.date async for _, row in opened.ads("wxgone")]

    asyncio.run(record())
    assert run(ledger, sandbox.components[0], "--ads", "3")[0] == 0
    assert asyncio.run(read()) == [kept]


def test_ad_data_of_nobody(ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of ad data that name no Mini Program or no day are counted on stderr."""
    sandbox, nobodys = Sandbox(years=3), [AdRow(income=7), AdRow(date=beijing_day(None)), AdRow(appid="wx1")]
    monkeypatch.setattr(_client, "Sandbox", lambda: sandbox)

    @asynccontextmanager
    async def rows(*_: Any, **__: Any) -> AsyncGenerator[AsyncGenerator[AdRow]]:
        yield _each(nobodys)

    monkeypatch.setattr(RevenueClient, "iter_agency_ads_stat", rows)
    code, _, err = run(ledger, sandbox.components[0], "--ads", "3")
    assert (code, err.splitlines()[-1]) == (0, "3 rows of ad data name no Mini Program or no day: they are left out.")


async def _each(rows: list[AdRow]) -> AsyncGenerator[AdRow]:
    for row in rows:
        yield row


def test_changes_are_printed(ledger: str, sandbox: Sandbox) -> None:
    """``wxrevenue changes`` prints one line per change after the given number."""
    run(ledger, sandbox.components[0])
    code, out, _ = invoke("changes", "--ledger", ledger, "--since", "2")
    lines = [line.split("\t") for line in out.splitlines()]
    assert (code, lines[0][:3]) == (0, ["3", sandbox.components[0], "2025-02-1"])
    assert lines[0][4] == "new"
    assert lines[0][5].startswith("- -> ")
    assert invoke("changes", "--ledger", "revenue.txt")[0] == 2


def test_a_change_is_one_line(ledger: str) -> None:
    """A statement's number breaks no line, shifts no column and steers no terminal."""

    async def record() -> None:
        async with open_ledger(ledger) as opened:
            row = Settlement(month="202403", order=1, settled_revenue=7, sett_no="1\t2\n3\x1b[31m\u202e")
            await opened.record("wx1", HalfMonth(2024, 3, 1), [row])

    asyncio.run(record())
    code, out, _ = invoke("changes", "--ledger", ledger)
    assert (code, out) == (0, "1\twx1\t2024-03-1\t1\ufffd2\ufffd3\ufffd[31m\ufffd\tnew\t- -> 0.07 yuan, no status\n")


def test_changes_of_no_ledger(tmp_path: Path) -> None:
    """``wxrevenue changes`` makes no file: a missing one is an error.

    The exit code is 2.
    """
    file = tmp_path / "typo.db"
    code, out, err = invoke("changes", "--ledger", str(file))
    assert (code, out) == (2, "")
    assert f"{file}: there is no such ledger" in err
    assert not file.exists()


@pytest.mark.parametrize("written", [b"wxa\nwx b  # two words\n", b"wxa\n\xff\xfe\n"])
def test_a_file_of_owners_that_is_wrong(written: bytes, ledger: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """A line that is not an appid is named, with its file.

    That is before anything is fetched or made.
    """
    file = tmp_path / "owners.txt"
    file.write_bytes(written)
    code, out, err = run(ledger, "--owners", str(file))
    assert (code, out) == (2, "")
    assert f"{file}, line 2: expected" in err
    assert not (tmp_path / "revenue.db").exists()
    assert not sandbox.calls


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--from", "2025-1-1"), "--from: expected zero-padded"),
        (("--from", "2025-01-02", "--to", "2025-02-30"), "--to: expected zero-padded"),
        (("--from", "2025-01-02", "--to", "2025-01-01"), "--to: expected --from or a later day: 2025-01-01 comes before 2025-01-02"),
        (("--from", "9999-01-02"), "--from: expected today or an earlier day, or a later --to: "),
        (("--from", "2025-01-02", "--ads", "3661"), "--ads"),
        (("--from", "2025-01-02", "foo"), "APPID: 'foo' is not an appid such as wx0123456789abcdef"),
        (("--from", "2025-01-02", "wx1,wx2"), "APPID: 'wx1,wx2' is not an appid such as"),
    ],
)
def test_options_that_are_refused(args: tuple[str, ...], said: str, ledger: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """An option is refused by its name, before anything is made."""
    code, out, err = invoke("sync", "--sandbox", "--ledger", ledger, *args)
    assert (code, out) == (2, "")
    assert said in " ".join(err.replace("\u2502", " ").split())
    assert not (tmp_path / "revenue.db").exists()


@pytest.mark.parametrize("ledger_", ["revenue.txt", "mysql://u:fake-password@h/x"])
def test_a_ledger_that_is_none(ledger_: str, sandbox: Sandbox) -> None:
    """An invalid name of a ledger exits 2, and its password is not shown."""
    code, out, err = run(ledger_)
    assert (code, out) == (2, "")
    assert err.startswith("--ledger: expected ")
    assert "fake-password" not in err


def test_it_is_repeated(ledger: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--watch`` runs again after a pause, until it is stopped, failures or not."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(sync, "asyncio", type("Module", (), {"run": staticmethod(asyncio.run), "sleep": staticmethod(sleep)}))
    code, out, _ = run(ledger, "--watch", "6h")
    assert (code, pauses) == (130, [21_600, 21_600])
    assert out.splitlines()[1] == "nothing changed"


@pytest.mark.parametrize("text", ["6", "h", "0h", "6 h", "-1h", "1w"])
def test_durations_that_are_none(text: str) -> None:
    """A duration is a number and its unit."""
    with pytest.raises(typer.BadParameter):
        sync.seconds(text)


def test_what_is_shown_meanwhile() -> None:
    """Progress shows owners, rows and calls, and a wait."""
    shown = screen.Screen()
    common: Any = {"endpoint": "x", "account": "wx1"}
    shown(PageEvent(**common, page=1, rows=12, fresh=12, total=12, drift=False))
    shown(CallEvent(**common, attempts=1, waited=0.0, duration=0.1, request_id=None, outcome="ok", ambiguous=False))
    shown(GateEvent(**common, scope="x", verdict="too_fast", closed_for=43.2))
    (task,) = shown.progress.tasks
    assert task.description == "0 owners, 12 rows, 1 calls"
    assert isinstance(task, Task)
    assert shown.waits.column in shown.progress.columns
    assert shown.waits.column.render(task).plain == shown.waits.left == "1737, 43 s left"
