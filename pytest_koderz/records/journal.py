"""The record of a benchmark: a line of JSON for every event, written before the next step is taken."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.errors import JournalFault
from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.money import Spending
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.problem import Problem
from pytest_koderz.files.locks import lock
from pytest_koderz.files.secret_values import NO_SECRETS, Redaction

from .codec import Malformed, value_of
from .conditions import conditions_of, digest_of
from .events import (
    About,
    Advised,
    Asked,
    Began,
    Called,
    Checkpointed,
    Ended,
    Event,
    Happening,
    Head,
    Iterated,
    SpecWritten,
    line_of,
)
from .private_files import make_private_folder, open_private

ROOM = 1 << 16
"""Bytes that must fit on the disk before an experiment begins: more than the line of a usual call."""

RunKey = Callable[[str, Problem, Arm], str | None]


def _new_run(experiment_id: str, problem: Problem, arm: Arm) -> str | None:  # noqa: ARG001 - nothing is recorded
    return None


class Journal:
    """One append-only file, written by one process; several threads may share it.

    Every method that writes raises JournalFault where it cannot. A call is written before any other observer hears of
    it; the other events after all of them, so that what stands in the journal need not be told again.
    """

    def __init__(
        self,
        folder: Path,
        process: str,
        head: Mapping[str, object],
        run_key: RunKey = _new_run,
        redaction: Redaction = NO_SECRETS,
    ) -> None:
        """*process* names the file; *head* is the plain data of a Head, read with the first event.

        *run_key* tells what stands for an experiment's conditions where it was recorded under them before. What
        *redaction* takes out is written nowhere.
        """
        self.path = folder / f"{process}.jsonl"
        self._head = head
        self._run_key = run_key
        self._redact = redaction
        self._descriptor: int | None = None
        self._lock = threading.Lock()
        self._conditions: dict[str, str] = {}
        """By experiment: what stands for its conditions."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_began(self, experiment: Experiment, problem: Problem, arm: Arm) -> None:
        """Raises JournalFault where the disk has no room left: nothing is paid for yet."""
        conditions = conditions_of(problem, arm)
        known = self._run_key(experiment.id, problem, arm)
        self._conditions[experiment.id] = digest_of(conditions) if known is None else known
        self._write(experiment, Began(experiment.started, conditions))
        self._try_room()

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_called(
        self, experiment: Experiment, role: Role, prompt: Prompt, reply: Reply, spending: Spending
    ) -> None:
        # As it is made again of what is recorded, so that it is found.
        prompt = prompt.rewritten(self._redact)
        asked = Asked(prompt.digest, prompt.system, prompt.user, prompt.seed)
        self._write(experiment, Called(role, asked, reply, spending))
        if reply.seconds and self._descriptor is not None:
            # What took a model's time is worth waiting for the disk, in case the power fails.
            os.fdatasync(self._descriptor)

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_spec_written(self, experiment: Experiment, spec: Spec) -> None:
        self._write(experiment, SpecWritten(spec))

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_iterated(self, experiment: Experiment, iteration: Iteration) -> None:
        self._write(experiment, Iterated(iteration))

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_advised(self, experiment: Experiment, advice: Advice) -> None:
        self._write(experiment, Advised(advice))

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_checkpointed(self, experiment: Experiment, guidance: Guidance) -> None:
        self._write(experiment, Checkpointed(guidance))

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_ended(self, experiment: Experiment) -> None:
        self._write(experiment, Ended(experiment))

    def close(self) -> None:
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _write(self, experiment: Experiment, what: Happening) -> None:
        key = self._conditions.get(experiment.id, "")
        about = About(experiment.id, experiment.problem_id, experiment.arm, experiment.epoch, key)
        self._append(self._line(lambda: Event(_now(), what, about)))

    def _line(self, event: Callable[[], Event]) -> bytes:
        try:
            return line_of(event(), self._redact)
        except Malformed as fault:
            raise JournalFault(f"what could not be read again is not recorded: {fault}: {self.path}") from None

    @contextmanager
    def still(self) -> Iterator[None]:
        """Nothing is written within the block, so that all of it can be read as it stands."""
        with self._lock:
            yield

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
        make_private_folder(self.path.parent)
        descriptor = open_private(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            # Held for life, so that a resumed benchmark can see whether a process of the former run is still writing.
            _take(descriptor)
            os.ftruncate(descriptor, _whole(self.path.read_bytes()))
            _write_all(descriptor, self._line(lambda: Event(_now(), value_of(Head, dict(self._head)))))
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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _take(descriptor: int) -> None:
    if not lock(descriptor, wait=False):
        raise BlockingIOError(errno.EWOULDBLOCK, "another process is writing it")
