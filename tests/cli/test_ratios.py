"""The commands that show, plan and set ratios."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from support.provider import TODAY
from typer.testing import CliRunner

from wxrevenue import GateEvent, Sandbox
from wxrevenue.cli import _app, _client
from wxrevenue.cli._ratios import job as _job

if TYPE_CHECKING:
    from pathlib import Path

SET, SET_CUSTOM = "set_share_ratio", "agency_set_custom_share_ratio"
RETURN = "https://provider.example/authorized"
LINK = (
    "https://mp.weixin.qq.com/cgi-bin/componentloginpage?component_appid=wxc000000000000000&pre_auth_code=sandbox-pre-auth-code%40%40%401"
    "&redirect_uri=https%3A%2F%2Fprovider.example%2Fauthorized&auth_type=2"
)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return the sandbox that ``--sandbox`` will use.

    The environment holds no credentials.
    """
    found = Sandbox(seed=7, today=TODAY)
    monkeypatch.setattr(_client, "Sandbox", lambda: found)
    for name in [name for name in os.environ if name.startswith("WXREVENUE_")]:
        monkeypatch.delenv(name)
    return found


@pytest.fixture
def file(sandbox: Sandbox, tmp_path: Path) -> Path:
    """Return a file with 45 % by default, and 40 % for all but the last Mini Program."""
    found = tmp_path / "ratios.csv"
    rows = "".join(f"{appid},40\n" for appid in sandbox.programs(sandbox.components[0])[:-1])
    found.write_text(f"appid,share_ratio\ndefault,45\n{rows}")
    return found


def invoke(*args: str | Path, answer: str | None = None) -> tuple[int, list[str], list[str]]:
    """Run ``wxrevenue ratios``; return exit code and the lines of stdout and stderr."""
    result = CliRunner().invoke(_app.app, ["ratios", *map(str, args)], input=answer)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout.splitlines(), result.stderr.splitlines()


# -- show ------------------------------------------------------------------------------------------


def test_all_that_authorized_the_provider_are_shown(sandbox: Sandbox) -> None:
    """Without a file there is a row for each, and a last line that counts them."""
    status, out, err = invoke("show", "--sandbox")
    assert (status, err) == (0, [])
    assert out[0].split() == ["Mini", "Program", "default", "custom", "in", "force"]
    programs = sandbox.programs(sandbox.components[0])
    assert sorted(line.split()[0] for line in out[1:-1]) == [*programs]
    assert out[1].split()[1:] == ["50", "%", "-", "50", "%", "in", "force"]
    assert out[-1] == "4 in force, 0 awaiting the merchant's confirmation, 0 failed"


def test_the_file_says_whom_to_show(sandbox: Sandbox, tmp_path: Path) -> None:
    """The file says which are shown, and its ratios do not count.

    A merchant that has not signed awaits the same link. A failure makes the exit code 1.
    """
    file = tmp_path / "who.csv"
    unsigned = sandbox.unsigned_program(sandbox.components[0])
    file.write_text(f"note,appid\nx,{unsigned}\n\n,wx1\ny,{sandbox.programs(sandbox.components[0])[0]}\n")
    status, out, _ = invoke("show", file, "--sandbox", "--redirect-uri", RETURN)
    assert status == 1
    assert f"{unsigned}  50 %     -        -        the merchant has not signed" in out
    assert any(line.startswith("wx1                 50 %     -        -        failed: get_share_ratio: code 1701") for line in out)
    assert out[-1] == f"1 in force, 1 awaiting the merchant's confirmation (renew the authorization: {LINK}), 1 failed"


# -- plan ------------------------------------------------------------------------------------------


def test_a_plan_changes_nothing(sandbox: Sandbox, file: Path) -> None:
    """``plan`` shows what differs, and sets nothing."""
    one, two, three, _ = sandbox.programs(sandbox.components[0])
    status, out, err = invoke("plan", file, "--sandbox")
    assert (status, err) == (0, [])
    expected = ["default  50 % -> 45 %", *(f"{appid}  none -> 40 %" for appid in (one, two, three)), "4 to set, 0 unchanged"]
    assert out == expected
    assert {action for action, _ in sandbox.calls} & {SET, SET_CUSTOM} == set()


def test_a_plan_that_rests_on_a_failure_exits_1(sandbox: Sandbox, tmp_path: Path) -> None:
    """A Mini Program whose ratios cannot be read is reported on stderr."""
    file = tmp_path / "a.csv"
    file.write_text("appid,share_ratio\nwx1,40\n")
    status, out, err = invoke("plan", file, "--sandbox")
    assert (status, out) == (1, ["wx1  none -> 40 %", "1 to set, 0 unchanged"])
    assert "code 1701" in err[0]


# -- apply -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_it_asks_first(answer: str, sandbox: Sandbox, file: Path) -> None:
    """Anything but a yes sets nothing and exits 1.

    So does the lack of a terminal.
    """
    status, out, _ = invoke("apply", file, "--sandbox", answer=answer)
    assert status == 1
    assert out[-1].startswith("Set 4 ratios? [y/N]:")
    assert sandbox.calls[SET, "ok"] == sandbox.calls[SET_CUSTOM, "ok"] == 0


@pytest.mark.parametrize(("options", "answer"), [(("--yes",), None), ((), "y\n")])
def test_it_sets_what_differs(options: tuple[str, ...], answer: str | None, sandbox: Sandbox, file: Path) -> None:
    """With a yes all is set and awaits its confirmation, with the link.

    Done again nothing is left, confirmed all is in force.
    """
    status, out, err = invoke("apply", file, "--sandbox", "--redirect-uri", RETURN, *options, answer=answer)
    assert (status, err) == (0, [])
    assert out[-1] == f"the default is set; 0 in force, 3 awaiting the merchant's confirmation (renew the authorization: {LINK}), 0 failed"
    assert (sandbox.calls[SET, "ok"], sandbox.calls[SET_CUSTOM, "ok"]) == (1, 3)
    sandbox.confirm_ratio(sandbox.components[0])
    status, out, _ = invoke("apply", file, "--sandbox")  # nothing to set: nothing to ask
    assert (status, out) == (0, ["0 to set, 4 unchanged", "3 in force, 0 awaiting the merchant's confirmation, 0 failed"])
    assert (sandbox.calls[SET, "ok"], sandbox.calls[SET_CUSTOM, "ok"]) == (1, 3)


def test_without_a_place_to_return_to_there_is_no_link(sandbox: Sandbox, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option that makes the link is named.

    The environment may hold it. A refusal of the code is shown instead.
    """
    assert "(renew the authorization: --redirect-uri makes the link)" in invoke("apply", file, "--sandbox", "--yes")[1][-1]
    monkeypatch.setenv("WXREVENUE_REDIRECT_URI", RETURN)
    sandbox.next(48001, action="api_create_preauthcode")
    assert "no link, because of api_create_preauthcode: code 48001" in invoke("show", file, "--sandbox")[1][-1]
    assert f"(renew the authorization: {LINK})" in invoke("show", file, "--sandbox")[1][-1]


def test_what_fails_makes_it_exit_1(sandbox: Sandbox, file: Path) -> None:
    """A refused default and a refused ratio are printed on stderr and counted.

    The others are set.
    """
    sandbox.next(1700, action=SET)
    sandbox.next(None, 1700, action=SET_CUSTOM)
    status, out, err = invoke("apply", file, "--sandbox", "--yes")
    assert status == 1
    assert out[-1].startswith("0 in force, 2 awaiting ")
    assert out[-1].endswith(" 2 failed")
    assert [line.partition(": ")[0] for line in err] == [
        "default  50 % -> 45 %",
        f"{sandbox.programs(sandbox.components[0])[1]}  none -> 40 %",
    ]
    assert invoke("apply", file, "--sandbox", "--yes")[0] == 0
    assert (sandbox.calls[SET, "ok"], sandbox.calls[SET_CUSTOM, "ok"]) == (1, 3)


def test_what_could_not_be_read_is_set_and_read_again(sandbox: Sandbox, file: Path) -> None:
    """A failed read does not fail the run if the ratio is then set and read."""
    sandbox.next(1700, action="agency_get_custom_share_ratio")
    status, out, err = invoke("apply", file, "--sandbox", "--yes")
    assert status == 0
    assert out[-1].startswith("the default is set; 0 in force, 3 awaiting ")
    assert len(err) == 1
    assert "failed: agency_get_custom_share_ratio: code 1700" in err[0]


def test_a_file_with_the_default_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    """The default is read even if the file has no Mini Program."""
    file = tmp_path / "a.csv"
    file.write_text("appid,share_ratio\ndefault,50\n")
    assert invoke("apply", file, "--sandbox")[1][0] == "0 to set, 1 unchanged"
    file.write_text("appid,share_ratio\ndefault,45\n")
    assert invoke("apply", file, "--sandbox", "--yes")[1][0] == "default  50 % -> 45 %"
    assert sandbox.calls[SET, "ok"] == 1


def test_ctrl_c_says_how_to_go_on(sandbox: Sandbox, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted run exits 130 and says that the same command continues it."""

    def interrupted(_job: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_job.Job, "apply", interrupted)
    status, _, err = invoke("apply", file, "--sandbox", "--yes")
    assert (status, err) == (130, ["What is set stays set; the same command goes on with the rest.", "Stopped."])


@pytest.mark.parametrize(
    ("options", "variables", "said"),
    [
        (["--redirect-uri=ftp://a", "--sandbox"], {}, "--redirect-uri: expected an http(s) URL"),
        ([], {}, "Credentials come from the environment; --sandbox tries the command without any."),
        ([], {"WXREVENUE_COMPONENT_TOKEN": "fake-token"}, "set the environment variable WXREVENUE_COMPONENT_APPID"),
    ],
)
def test_what_is_missing_is_named(
    *, options: list[str], variables: dict[str, str], said: str, sandbox: Sandbox, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options and credentials that are not right exit 2 before anything is sent."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    status, _, err = invoke("show", file, *options)
    assert status == 2
    assert said in err[-1]
    assert not sandbox.calls


@pytest.mark.usefixtures("sandbox")
def test_other_variables_are_no_credentials(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is no credential is named without advice about credentials."""
    monkeypatch.setenv("WXREVENUE_COMPONENT_TOKEN", "fake-token")
    monkeypatch.setenv("WXREVENUE_LOG", "loud")
    status, _, err = invoke("show", file)
    assert (status, err[-1]) == (2, "the environment variable WXREVENUE_LOG: expected 'debug' or 'info'")


def test_a_terminal_shows_progress() -> None:
    """On a terminal a bar counts, and says that WeChat wants a pause."""
    bar = _job.ProgressBar()
    with bar.showing("setting", 2):
        bar.advance()
        bar.waits(GateEvent(endpoint="set_share_ratio", account="wx", scope="wx/-/a", verdict="too_fast", closed_for=60.0))
        (task,) = bar.bars.tasks
        assert (task.description, task.completed, task.total) == ("setting", 1, 2)
        assert bar.waits.column in bar.bars.columns
        assert bar.waits.left == "1737, 60 s left"


# -- the file --------------------------------------------------------------------------------------


def test_a_wrong_file_sends_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    """A file with a problem exits 2, and no call is made.

    A missing file exits 2 too.
    """
    file = tmp_path / "a.csv"
    file.write_text("appid,share_ratio\nwx1,101\n")
    for command in ("plan", "apply"):
        status, out, err = invoke(command, file, "--sandbox")
        assert (status, out) == (2, [])
        assert err == [f"{file}, line 2, column share_ratio: expected a whole number from 0 to 100, got '101'"]
    assert not sandbox.calls
    assert invoke("show", tmp_path / "none.csv", "--sandbox")[0] == 2


# -- a crash ---------------------------------------------------------------------------------------


@pytest.mark.slow("kills a real process")
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system kills otherwise")
async def test_a_killed_run_is_resumed(tmp_path: Path) -> None:
    """After ``kill -9`` the same command sets the rest.

    All are set. Only those that were on the wire are set twice.
    """
    sandbox = Sandbox(seed=7, today=TODAY, programs=200)
    component = sandbox.components[0]
    programs = sandbox.programs(component)
    file = tmp_path / "a.csv"
    file.write_text("appid,share_ratio\ndefault,45\n" + "".join(f"{appid},40\n" for appid in programs))
    async with sandbox.serve() as url:
        variables = {
            "WXREVENUE_COMPONENT_TOKEN": sandbox.component_token(component),
            "WXREVENUE_COMPONENT_APPID": component,
            "WXREVENUE_BASE_URL": url,
        }

        async def started() -> asyncio.subprocess.Process:
            command = [sys.executable, "-m", "wxrevenue", "ratios", "apply", str(file), "--yes"]
            pipe = asyncio.subprocess.PIPE
            return await asyncio.create_subprocess_exec(*command, env={**os.environ, **variables}, stdout=pipe, stderr=pipe)

        killed = await started()
        while sandbox.calls[SET_CUSTOM, "ok"] < 50:
            assert killed.returncode is None
            await asyncio.sleep(0.001)
        killed.kill()
        await killed.communicate()
        assert killed.returncode == -signal.SIGKILL
        before = sandbox.calls[SET_CUSTOM, "ok"]  # a call may be on its way to the sandbox still
        assert before < 200
        again = await started()
        out, err = await asyncio.wait_for(again.communicate(), 60)
        assert (again.returncode, err) == (0, b"")
        lines = out.decode().splitlines()
        assert 200 - before - 4 <= int(lines[-2].split()[0]) <= 200 - before
        assert lines[-1].startswith("0 in force, 200 awaiting the merchant's confirmation ")
    assert sandbox.calls[SET, "ok"] == 1
    assert sandbox.calls[SET_CUSTOM, "ok"] == 200
