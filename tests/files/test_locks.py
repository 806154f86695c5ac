"""Locks on files."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from pytest_koderz.files.locks import lock, locked

HOLDER = """
import sys
from pathlib import Path
from pytest_koderz.files.locks import locked

with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_at_a_time_and_any_number_of_shared_ones(tmp_path: Path) -> None:
    """Two openings of a file exclude each other within a process as they do between two; closing one lets go."""
    path = tmp_path / "lock"
    with path.open("w") as first, path.open() as second, path.open() as third:
        assert lock(first)
        assert not lock(second, wait=False)
        assert not lock(second.fileno(), wait=False, shared=True)
        first.close()
        assert lock(second, wait=False, shared=True)
        assert lock(third, wait=False, shared=True)
        assert not lock(third, wait=False)


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    """Who finds the lock taken is told once, waits, and gets it from the kernel."""
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        told: list[str] = []

        def kill() -> None:
            told.append("taken")
            holder.send_signal(signal.SIGKILL)

        with locked(path, kill):
            assert told == ["taken"]
    with locked(path, lambda: told.append("again")):
        assert told == ["taken"]
