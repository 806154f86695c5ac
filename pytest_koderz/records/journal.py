"""The record of a benchmark: a line of JSON for every event, written before the next step is taken."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.errors import JournalFault
from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.money import cost_of
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.problem import Problem

from .codec import plain
from .conditions import conditions_of, digest_of

VERSION = 2
"""Of the lines' format. 1 had neither `began` nor `conditions`."""

ROOM = 1 << 16
"""Bytes that must fit on the disk before an experiment begins: more than the line of a usual call."""


class Journal:
    """One append-only file, written by one process; several threads may share it.

    Every method that writes raises JournalFault where it cannot. A call is written before any other observer hears of
    it; the other events after all of them, so that what stands in the journal need not be told again.
    """

    def __init__(self, folder: Path, process: str, head: Mapping[str, object]) -> None:
        """*process* names the file; *head* is what the benchmark's first line says."""
        self.path = folder / f"{process}.jsonl"
        self._head = head
        self._descriptor: int | None = None
        self._lock = threading.Lock()
        self._conditions: dict[str, str] = {}
        """By experiment: the digest of its conditions."""
        self._arms: dict[str, Arm] = {}
        """By experiment."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_began(self, experiment: Experiment, problem: Problem, arm: Arm) -> None:
        """Raises JournalFault where the disk has no room left: nothing is paid for yet."""
        conditions = conditions_of(problem, arm)
        self._conditions[experiment.id] = digest_of(conditions)
        self._arms[experiment.id] = arm
        self._write("began", experiment, started=experiment.started, under=conditions)
        self._try_room()

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_called(self, experiment: Experiment, role: Role, prompt: Prompt, reply: Reply) -> None:
        asked = {"digest": prompt.digest, "system": prompt.system, "user": prompt.user, "seed": prompt.seed}
        cost = self._cost(experiment, role, reply)
        self._write("called", experiment, role=str(role), prompt=asked, reply=plain(reply), cost=cost)
        if reply.seconds and self._descriptor is not None:
            # What took a model's time is worth waiting for the disk, in case the power fails.
            os.fdatasync(self._descriptor)

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_spec_written(self, experiment: Experiment, spec: Spec) -> None:
        self._write("spec_written", experiment, spec=plain(spec))

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_iterated(self, experiment: Experiment, iteration: Iteration) -> None:
        self._write("iterated", experiment, iteration=plain(iteration))

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_advised(self, experiment: Experiment, advice: Advice) -> None:
        self._write("advised", experiment, advice=plain(advice))

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_checkpointed(self, experiment: Experiment, guidance: Guidance) -> None:
        self._write("checkpointed", experiment, guidance=plain(guidance))

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_ended(self, experiment: Experiment) -> None:
        self._write("ended", experiment, record=plain(experiment))

    def close(self) -> None:
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _cost(self, experiment: Experiment, role: Role, reply: Reply) -> str | None:
        """US dollars, at the price of this day. None: not known."""
        arm = self._arms.get(experiment.id)
        model = None if arm is None else arm.model_of(role)
        cost = None if model is None else cost_of(reply.usage, model.price)
        return None if cost is None else str(cost)

    def _write(self, event: str, experiment: Experiment, **values: object) -> None:
        about = {"experiment": experiment.id, "problem": experiment.problem_id, "arm": experiment.arm}
        under = {"epoch": experiment.epoch, "conditions": self._conditions.get(experiment.id, "")}
        self._append(_encoded({**_stamp(event), **about, **under, **values}))

    def _append(self, content: bytes, *, stays: bool = True) -> None:
        """Write *content* whole or not at all, in one write: a process that is killed tears at most the last line."""
        try:
            with self._lock:
                if self._descriptor is None:
                    self._descriptor = self._open()
                end = os.lseek(self._descriptor, 0, os.SEEK_END)
                written = False
                try:
                    _write_all(self._descriptor, content)
                    written = True
                finally:
                    if not (written and stays):
                        os.ftruncate(self._descriptor, end)
        except OSError as fault:
            raise JournalFault(f"the journal cannot be written: {fault.strerror or fault}: {self.path}") from fault

    def _try_room(self) -> None:
        self._append(b" " * ROOM, stays=False)

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            # Held for life, so that a resumed benchmark can see whether a process of the former run is still writing.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, _whole(self.path.read_bytes()))
            _write_all(descriptor, _encoded({**_stamp("benchmark"), **self._head}))
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor


def _whole(content: bytes) -> int:
    """The length of *content* without a torn or broken last line, which readers pass over where it is the last."""
    end = content.rfind(b"\n") + 1
    start = content.rfind(b"\n", 0, max(end - 1, 0)) + 1
    try:
        json.loads(content[start:end])
    except ValueError:
        return start
    return end


def _stamp(event: str) -> dict[str, object]:
    return {"v": VERSION, "event": event, "at": datetime.now(UTC).isoformat(timespec="milliseconds")}


def _encoded(line: Mapping[str, object]) -> bytes:
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
