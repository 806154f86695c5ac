"""A Dask cluster as a site has one: a scheduler and workers, each a process without a nanny that starts it again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from os import environ
from pathlib import Path
from types import TracebackType
from typing import Self

CLI = "distributed.cli.dask_"


class DaskCluster:
    """Its files lie in *folder*."""

    def __init__(self, folder: Path, workers: int, threads: int = 1) -> None:
        import distributed

        self.folder = folder
        self.threads = threads
        self.workers: list[subprocess.Popen[bytes]] = []
        self.address = ""
        self._first = workers
        self._found = folder / "scheduler.json"
        self._distributed = distributed
        self._log = (folder / "cluster.log").open("wb")

    def __enter__(self) -> Self:
        options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(self._found))
        (lacking := self.folder / "lacking").mkdir()
        (lacking / "pytest_koderz.py").write_text("raise ImportError('a scheduler does without it')\n")
        self._scheduler = self._started("scheduler", *options, environment={"PYTHONPATH": str(lacking)})
        for _ in range(self._first):
            self.add()
        self.wait(self._first)
        return self

    def wait(self, workers: int) -> None:
        """Until so many are there."""
        with self._distributed.Client(scheduler_file=str(self._found), set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
            self.address = str(client.scheduler.address)

    def add(self, **environment: str) -> None:
        """One more worker, with *environment* besides."""
        options = ("--no-nanny", "--no-dashboard", "--nthreads", str(self.threads), "--host", "127.0.0.1")
        where = ("--scheduler-file", str(self._found), "--local-directory", str(self.folder / "scratch"))
        self.workers.append(self._started("worker", *options, *where, environment=environment))

    def kill(self, number: int = 0) -> None:
        self.workers[number].kill()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # One after the other: a worker whose scheduler ends with it may wait for that for ever.
        for processes in (self.workers, [self._scheduler]):
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(30)
        self._log.close()

    def _started(
        self, what: str, *options: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"{CLI}{what}", *options]
        return subprocess.Popen(
            command, env={**environ, **(environment or {})}, cwd=self.folder, stdout=self._log, stderr=self._log
        )
