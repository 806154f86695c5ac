"""What a command costs as a whole process: its start, its end and all processes that it waited for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# An installed package is compiled: where the caller forbids that, each start would compile it anew.
_OTHERS = ("PYTEST", "KODERZ", "COV", "PYTHONDONTWRITEBYTECODE")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system."""
    megabytes: float
    """Of memory, at the peak of the largest process."""

    def __str__(self) -> str:
        return f"{self.wall:.2f} s, CPU {self.cpu:.2f} s, {self.megabytes:.0f} MB"

    def __truediv__(self, other: Cost) -> Cost:
        return Cost(self.wall / other.wall, self.cpu / other.cpu, self.megabytes / other.megabytes)


def cost_of(
    command: Sequence[str], folder: Path, expected: tuple[int, ...] = (0,), more: Mapping[str, str] = {}
) -> Cost:
    """Run *command* in *folder*. Raises CalledProcessError for another exit status than *expected*."""
    with (folder / "output.txt").open("w+") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, env=ENVIRONMENT | dict(more))
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in expected:
            output.seek(0)
            print(output.read()[-5000:])
            raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def pytest_command(*arguments: str) -> list[str]:
    """pytest as it is installed beside this."""
    return [sys.executable, "-m", "pytest", *arguments]


def median_of(costs: Sequence[Cost]) -> Cost:
    """Figure by figure."""
    middle = len(costs) // 2
    columns = ([one.wall for one in costs], [one.cpu for one in costs], [one.megabytes for one in costs])
    return Cost(*(sorted(column)[middle] for column in columns))
