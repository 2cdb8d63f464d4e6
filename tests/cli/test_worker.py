"""``wxrevenue worker`` and ``wxrevenue sync --redis``: processes and refusals.

The processes are real.
"""

from __future__ import annotations

import base64
import logging
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.leaks import assert_no_leak
from support.processes import started
from support.redis import admin
from typer.testing import CliRunner

from wxrevenue._base import extras
from wxrevenue.cli import _app
from wxrevenue.cli._ledger import screen, worker
from wxrevenue.fleet.workers import FleetProgress, QueueState
from wxrevenue.ledger import Progress

if TYPE_CHECKING:
    from pathlib import Path

KEY = base64.b64encode(bytes(range(32))).decode()
PASSWORD = "fake-redis-password"
APPID = "wx0000000000000001"


def command(*args: str) -> list[str]:
    """Return a command, as a program of its own."""
    return [sys.executable, "-m", "wxrevenue", *args]


def invoke(*args: str) -> tuple[int, str, str]:
    """Run a command in this process."""
    result = CliRunner().invoke(_app.app, [*args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine's own environment may have."""
    for name in ("COMPONENT_TOKEN", "COMPONENT_SECRET", "COMPONENT_APPID", "TICKET_FILE", "STORE_KEY", "REDIS", "LEDGER", "BASE_URL"):
        monkeypatch.delenv(f"WXREVENUE_{name}", raising=False)


@pytest.mark.slow("starts the command line several times, and waits for a worker's start")
async def test_a_worker_fetches_what_sync_queues(redis_path: str, tmp_path: Path) -> None:
    """Sync ends when a worker has fetched all, and its last line says what changed.

    A worker that is told to stop ends well. Told twice, it ends at once.
    """
    async with admin(redis_path) as client:
        for key in [key async for key in client.scan_iter(match="*wxrevenue:wxc*")]:
            await client.delete(key)
    url, ledger = f"unix://{redis_path}", str(tmp_path / "revenue.db")
    with started(command("worker", "--sandbox", "--redis", url, "--ledger", ledger)) as worker:
        assert worker.stderr is not None
        assert worker.stderr.readline().startswith("The worker fetches up to 16 jobs at once, from Redis at")
        run = command("sync", "--sandbox", "--redis", url, "--ledger", ledger, "--from", "2026-01-01", "--to", "2026-06-30")
        owners = ["--owners", "wxa000000000000000,wxc000000000000000"]
        done = subprocess.run([*run, *owners], capture_output=True, text=True, timeout=120, check=False)  # noqa: S603, ASYNC221
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith(" new statements\n")
        worker.send_signal(signal.SIGTERM)
        _, err = worker.communicate(timeout=60)
        assert (worker.returncode, err) == (0, "Stopping: the running jobs end first; a second time stops at once.\nStopped.\n")


@pytest.mark.parametrize(
    ("args", "environment", "told"),
    [
        (["worker", "--ledger", "a.db"], {}, "WXREVENUE_STORE_KEY is not set"),
        (["worker", "--ledger", "a.db"], {"STORE_KEY": KEY}, "WXREVENUE_COMPONENT_APPID"),
        (["worker", "--ledger", "a.db"], {"STORE_KEY": KEY, "COMPONENT_APPID": APPID}, "WXREVENUE_COMPONENT_SECRET"),
        (["worker", "--ledger", "a.db"], {"STORE_KEY": "fake-private-key"}, "WXREVENUE_STORE_KEY: expected 32 bytes in base64"),
        (["worker", "--ledger", "a.txt"], {"STORE_KEY": KEY}, "--ledger: expected"),
        (["sync", "--ledger", "a.db", "--from", "2024-01-01"], {}, "WXREVENUE_STORE_KEY is not set"),
        (["sync", "--ledger", "a.db", "--from", "2024-01-01", "--owners", "none.txt"], {"COMPONENT_TOKEN": "t"}, "--owners"),
        (["worker", "--ledger", "a.db"], {"COMPONENT_TOKEN": "t", "COMPONENT_APPID": APPID}, "did not serve the job queue"),
    ],
)
def test_what_is_missing_is_told_first(
    args: list[str], environment: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A missing key, credential or file is named before anything is connected to.

    No password and no key is shown.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WXREVENUE_REDIS", f"redis://:{PASSWORD}@127.0.0.1:1/0")
    for name, value in environment.items():
        monkeypatch.setenv(f"WXREVENUE_{name}", value)
    code, out, err = invoke(*args)
    assert code == (75 if "serve" in told else 2)
    assert told in err.replace("\n", " ")
    assert [*tmp_path.iterdir()] == []
    assert_no_leak(out, err, secrets=[PASSWORD, KEY, "fake-private-key"])


def test_a_redis_that_cannot_be(tmp_path: Path) -> None:
    """A URL that cannot be right is refused without showing a part of its password."""
    given = ("--sandbox", "--redis", f"redis://:{PASSWORD}/x@host/0", "--ledger", str(tmp_path / "a.db"))
    for command in (("worker", *given), ("sync", *given, "--from", "2026-01-01")):
        code, _, err = invoke(*command)
        assert code == 2
        assert err.startswith("--redis: expected redis://host")
        assert_no_leak(err, secrets=[PASSWORD])


def test_what_a_run_by_workers_shows(capsys: pytest.CaptureFixture[str]) -> None:
    """Progress shows the queue and the ledger.

    Where no worker takes the jobs, that is said once, also without a terminal.
    """
    shown = screen.Screen()
    ledger = Progress(3, 40, 5, 6, None, 70)
    (task,) = shown.progress.tasks
    for queue, told in (
        (QueueState(1000, 2, 16, 4), "1,000 jobs wait, 16 run, 2 are put off, 4 workers"),
        (None, "Redis is away"),
        *[(QueueState(1000, 2, 0, 0), "1,002 jobs wait for a worker: start `wxrevenue worker`")] * 12,
    ):
        shown.fleet(FleetProgress(1018, queue, ledger))
        assert task.description == f"{told}; ledger: 3 owners, 40 half-months, 70 changes"
    assert capsys.readouterr().err == "No worker takes the jobs: start `wxrevenue worker`.\n"


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the workers' packages one sentence says how to get them."""

    def find_spec(name: str) -> None:
        assert name in {"streaq", "redis"}

    monkeypatch.setattr("wxrevenue.fleet._job_queue.find_spec", find_spec)
    code, _, err = invoke("worker", "--sandbox", "--redis", "redis://127.0.0.1:1", "--ledger", str(tmp_path / "a.db"))
    assert (code, err) == (2, extras.missing("JobQueue", "streaq", "workers") + "\n")


def test_lines_of_the_log_stand_above_the_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What workers log is printed whole; a terminal that is closed ends no worker."""

    def broken(*_args: object, **_given: object) -> None:
        raise BrokenPipeError

    shown = screen.Screen()
    log = logging.getLogger("wxrevenue.fleet")
    with worker._logging(shown.progress.console):  # pyright: ignore[reportPrivateUsage]
        log.warning("[red]Redis is away; %s", "x" * 200)
        monkeypatch.setattr(logging, "raiseExceptions", False)
        monkeypatch.setattr(shown.progress.console, "print", broken)
        log.warning("more")
    assert capsys.readouterr().err.endswith(f"[red]Redis is away; {'x' * 200}\n")
