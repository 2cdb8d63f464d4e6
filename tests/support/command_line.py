"""Running the command line in the test's own process."""

from __future__ import annotations

from typer.testing import CliRunner

from wxrevenue.cli._app import app


def invoke(*args: str) -> tuple[int, str, str]:
    """Run the command line; return exit code, stdout and stderr.

    Line breaks and runs of blanks become one blank.
    """
    result = CliRunner().invoke(app, args)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.stdout.split()), " ".join(result.stderr.split())
