"""The specs of one benchmark: what one arm has paid for, every other arm works from."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.experiment import Experiment, Spec, spec_seed
from pytest_koderz.core.loop import spec_of
from pytest_koderz.core.money import Spending
from pytest_koderz.core.ports import Reply
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.prompts import spec_prompt
from pytest_koderz.files.locks import lock
from pytest_koderz.files.secret_values import NO_SECRETS, Redaction
from pytest_koderz.records.codec import Malformed, dumped, parsed, plain, value_of
from pytest_koderz.records.conditions import conditions_of, conditions_of_role, digest_of
from pytest_koderz.records.events import Called, Event
from pytest_koderz.records.private_files import make_private_folder, open_private
from pytest_koderz.records.recorded import Recorded
from pytest_koderz.records.redacted_values import redacted


class Shelf:
    """A folder with a file for each spec, used by all processes of a benchmark.

    Who finds no spec has the right to write it, and the others wait: otherwise two arms that start together would
    work from two texts, and their comparison would measure that too. The kernel takes the right from a process that
    ends, and an experiment that ends hands it on, also where it ended while it waited and is given it afterwards.
    Epochs have specs of their own, or they would not be independent.
    """

    def __init__(self, folder: Path, redaction: Redaction = NO_SECRETS) -> None:
        self._folder = folder
        self._redaction = redaction
        self._rights: dict[str, _Slot] = {}
        """By experiment: what it may write, or waits for."""
        self._handing = threading.Lock()
        self._closed = False

    def restore(self, recorded: Recorded, arms: Iterable[Arm]) -> None:
        """Make it hold what was paid for before the benchmark was cut short. For the controller, before any item runs.

        The journals are the record: a spec that they have lost is asked for again, or its cost would be missing.
        """
        paid = [_paid_spec(event) for event in recorded.calls()]
        self._forget_all_but({each.payer for each in paid if each is not None})
        for arm in arms:
            for found in (_paid_spec(event) for event in recorded.calls_for_spec(arm)):
                if found is not None:
                    self._put_back(found, arm)

    def _put_back(self, found: _PaidSpec, arm: Arm) -> None:
        slot = self._slot(found.prompt_digest, arm)
        slot.wait()
        if slot.read() is None:
            slot.write(found.payer, found.spec)
        slot.close()

    def _forget_all_but(self, payers: set[str]) -> None:
        for path in self._folder.glob("*.json"):
            slot = _Slot(path)
            slot.wait()
            found = slot.read()
            if found is not None and found[0] not in payers:
                slot.clear()
            slot.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_recall_spec(self, experiment: Experiment, problem: Problem, arm: Arm) -> Spec | None:
        """The spec that another arm has paid for. None: there is none yet, and this experiment may write it, unless it
        was ended while it waited.
        """
        if arm.spec is None:
            return None
        prompt = spec_prompt(problem, spec_seed(problem.id, experiment.epoch), arm.prompt_set)
        slot = self._slot(prompt.rewritten(self._redaction).digest, arm)  # as the journals have it
        if not self._granted(experiment, slot):
            return None
        found = slot.read()
        if found is None:
            return None
        self._give_up(experiment)
        payer, spec = found
        return replace(spec, recalled_from=payer)

    @pytest.hookimpl(wrapper=True)
    def pytest_koderz_before_call(self, experiment: Experiment) -> Iterator[None]:
        """Who may not ask for a spec lets another arm try."""
        try:
            return (yield)
        except BaseException:
            self._give_up(experiment)
            raise

    def pytest_koderz_called(self, experiment: Experiment, role: Role, reply: Reply, spending: Spending) -> None:
        """The journal has the reply already: where a kill comes in between, `restore` finds it there."""
        if role is Role.SPEC:
            self._put(experiment, experiment.id, spec_of(reply, spending.cost))

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_spec_written(self, experiment: Experiment, spec: Spec) -> None:
        """One that another memory knew, from an earlier benchmark, serves all arms too."""
        self._put(experiment, spec.recalled_from or experiment.id, replace(spec, recalled_from=None, leaks=()))

    def pytest_koderz_lost(self, experiment: Experiment) -> None:
        """It asks again, and must not wait for itself."""
        self._give_up(experiment)

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_ended(self, experiment: Experiment) -> None:
        """With the right still in hand it has failed to write one: another arm may try."""
        self._give_up(experiment)

    def close(self) -> None:
        """Hand on every right: experiments that the end of the session has cut short did not end."""
        self._closed = True
        for experiment_id in list(self._rights):
            self._hand_on(experiment_id)

    def _granted(self, experiment: Experiment, slot: _Slot) -> bool:
        """Wait for the right; False where it was given up meanwhile: it has gone on to the next then."""
        self._rights[experiment.id] = slot
        try:
            slot.wait()
        except BaseException:
            self._give_up(experiment)
            slot.close()
            raise
        with self._handing:
            slot.held = not self._closed and self._rights.get(experiment.id) is slot
        if not slot.held:
            slot.close()
        return slot.held

    def _give_up(self, experiment: Experiment) -> None:
        self._hand_on(experiment.id)

    def _hand_on(self, experiment_id: str) -> None:
        """Who still waits closes its slot itself, once it gets it: the number of an open file may not be used again
        while another thread waits for it.
        """
        with self._handing:
            slot = self._rights.pop(experiment_id, None)
            if slot is not None and slot.held:
                slot.close()

    def _put(self, experiment: Experiment, payer: str, spec: Spec) -> None:
        with self._handing:
            slot = self._rights.pop(experiment.id, None)
        if slot is not None and slot.held:
            try:
                slot.write(payer, redacted(spec, self._redaction))
            finally:
                slot.close()

    def _slot(self, prompt_digest: str, arm: Arm) -> _Slot:
        """Two arms share a spec of one prompt and one model."""
        make_private_folder(self._folder)
        model = digest_of(conditions_of_role(conditions_of(None, arm), Role.SPEC))
        return _Slot(self._folder / f"{sha256(f'{prompt_digest} {model}'.encode()).hexdigest()[:24]}.json")


class _Slot:
    """A file with one spec or none, locked from `wait` until it is closed."""

    def __init__(self, path: Path) -> None:
        self._descriptor: int | None = open_private(path, os.O_RDWR | os.O_CREAT)
        self.held = False
        """Whether an experiment has the right to write it."""

    @property
    def _open(self) -> int:
        assert self._descriptor is not None  # noqa: S101 - nobody uses a closed one
        return self._descriptor

    def wait(self) -> None:
        """Until nobody else has it."""
        lock(self._open)

    def read(self) -> tuple[str, Spec] | None:
        """Who paid for it, and the spec. None: it is empty, or was cut by a kill or a full disk."""
        try:
            values = parsed(os.pread(self._open, os.fstat(self._open).st_size, 0))
            return str(values["experiment"]), value_of(Spec, values["spec"])
        except (Malformed, KeyError, TypeError):
            return None

    def write(self, payer: str, spec: Spec) -> None:
        content = dumped({"experiment": payer, "spec": plain(spec)}).encode()
        self.clear()
        os.pwrite(self._open, content, 0)

    def clear(self) -> None:
        os.ftruncate(self._open, 0)

    def close(self) -> None:
        """Whoever closes it again does no harm to a file that has its number by then."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class _PaidSpec:
    """A spec that stands in the journals."""

    payer: str
    prompt_digest: str
    spec: Spec


def _paid_spec(event: Event) -> _PaidSpec | None:
    """None for a call of another role."""
    call = event.what
    if not isinstance(call, Called) or call.role is not Role.SPEC or event.about is None:
        return None
    written = call.reply.taken
    spec = replace(written, leaks=()) if isinstance(written, Spec) else spec_of(call.reply, call.spending.cost)
    return _PaidSpec(event.about.experiment, call.prompt.digest, spec)
