"""Twenty rounds of each trouble with workers, on SQLite and PostgreSQL.

Run it with ``python tests/nightly/killed_workers.py``.

Workers may be silent for as long as they really may. Prints, for each, the most seconds from the
trouble to the end of the run. A ledger that differs from that of a run that was left alone ends it
with the difference; a run that does not end within five minutes ends it as well.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path.insert(0, str(TESTS))

from support.killed_workers import TROUBLES  # noqa: E402
from support.postgres import new_database, running_postgres  # noqa: E402

ROUNDS = "20"

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        for kind in TROUBLES:
            for url in (f"{folder}/{kind}.db", new_database(server, kind)):
                command = [sys.executable, "-m", "support.killed_workers", kind, url, ROUNDS]
                done = subprocess.run(command, cwd=TESTS, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
                sys.stdout.write(f"{kind} {url.partition(':')[0] if '://' in url else 'sqlite'}: {done.stdout}")
                sys.stdout.flush()
