"""The record of a benchmark: a line of JSON for every event, written before the next step is taken."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.ports import Prompt, Reply

from .records import plain

VERSION = 1
"""Of the lines' format."""


class Journal:
    """One append-only file, written by one process; several threads may share it."""

    def __init__(self, folder: Path, process: str, head: Mapping[str, object]) -> None:
        """*process* names the file; *head* is what the benchmark's first line says."""
        self.path = folder / f"{process}.jsonl"
        self._head = head
        self._descriptor: int | None = None
        self._lock = threading.Lock()

    def pytest_koderz_called(self, experiment: Experiment, role: Role, prompt: Prompt, reply: Reply) -> None:
        asked = {"digest": prompt.digest, "system": prompt.system, "user": prompt.user, "seed": prompt.seed}
        self._write("called", experiment, role=str(role), prompt=asked, reply=plain(reply))

    def pytest_koderz_spec_written(self, experiment: Experiment, spec: Spec) -> None:
        self._write("spec_written", experiment, spec=plain(spec))

    def pytest_koderz_iterated(self, experiment: Experiment, iteration: Iteration) -> None:
        self._write("iterated", experiment, iteration=plain(iteration))

    def pytest_koderz_checkpointed(self, experiment: Experiment, guidance: Guidance) -> None:
        self._write("checkpointed", experiment, guidance=plain(guidance))

    def pytest_koderz_ended(self, experiment: Experiment) -> None:
        self._write("ended", experiment, record=plain(experiment))

    def close(self) -> None:
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _write(self, event: str, experiment: Experiment, **values: object) -> None:
        about = {"experiment": experiment.id, "problem": experiment.problem_id, "arm": experiment.arm}
        self._append({**_stamp(event), **about, "epoch": experiment.epoch, **values})

    def _append(self, line: Mapping[str, object]) -> None:
        # One write per line: a process that is killed leaves at most one torn line, the last.
        with self._lock:
            if self._descriptor is None:
                self._descriptor = self._open()
            _write_all(self._descriptor, _encoded(line))

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        _write_all(descriptor, _encoded({**_stamp("benchmark"), **self._head}))
        return descriptor


def _stamp(event: str) -> dict[str, object]:
    return {"v": VERSION, "event": event, "at": datetime.now(UTC).isoformat(timespec="milliseconds")}


def _encoded(line: Mapping[str, object]) -> bytes:
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
