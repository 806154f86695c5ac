"""The specs of one benchmark: what one arm has paid for, every other arm works from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.experiment import Experiment, Spec, spec_seed
from pytest_koderz.core.loop import spec_of
from pytest_koderz.core.money import cost_of
from pytest_koderz.core.ports import Reply
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.prompts import spec_prompt
from pytest_koderz.files.locks import lock
from pytest_koderz.records.codec import plain, value_of
from pytest_koderz.records.conditions import conditions_of_arm
from pytest_koderz.records.recorded import Recorded

SPEC_MODEL = f"{Role.SPEC} model"
"""The condition that two arms must have in common to share a spec, beside its prompt."""


class Shelf:
    """A folder with a file for each spec, used by all processes of a benchmark.

    Who finds no spec has the right to write it, and the others wait: otherwise two arms that start together would
    work from two texts, and their comparison would measure that too. The kernel takes the right from a process that
    ends. Epochs have specs of their own, or they would not be independent.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing: dict[str, _Slot] = {}
        """By experiment that may write."""

    def restore(self, recorded: Recorded) -> None:
        """Make it hold what was paid for before the benchmark was cut short. For the controller, before any item runs.

        The journals are the record: a spec that they have lost is asked for again, or its cost would be missing.
        """
        self._forget_all_but({call.values["experiment"] for call in recorded.calls() if _called_for_spec(call.values)})
        for runs in recorded.experiments.values():
            for run in runs.values():
                model = next((event.values["under"][SPEC_MODEL] for event in run if _began_with_spec(event.values)), "")
                for values in (event.values for event in run if _called_for_spec(event.values)):
                    slot = self._slot(values["prompt"]["digest"], model)
                    if slot.read() is None:
                        slot.write(values["experiment"], values["reply"])
                    slot.close()

    def _forget_all_but(self, payers: set[str]) -> None:
        for path in self._folder.glob("*.json"):
            slot = _Slot(path)
            found = slot.read()
            if found is not None and found[0] not in payers:
                slot.clear()
            slot.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_recall_spec(self, experiment: Experiment, problem: Problem, arm: Arm) -> Spec | None:
        """The spec that another arm has paid for. None: there is none yet, and this experiment may write it."""
        if arm.spec is None:
            return None
        prompt = spec_prompt(problem, spec_seed(problem.id, experiment.epoch))
        slot = self._slot(prompt.digest, conditions_of_arm(arm)[SPEC_MODEL])
        found = slot.read()
        if found is None:
            self._writing[experiment.id] = slot
            return None
        slot.close()
        payer, reply = found
        return replace(spec_of(reply, cost_of(reply.usage, arm.spec.price)), recalled_from=payer)

    def pytest_koderz_called(self, experiment: Experiment, role: Role, reply: Reply) -> None:
        """The journal has the reply already: where a kill comes in between, `restore` finds it there."""
        if role is Role.SPEC:
            self._put(experiment, experiment.id, reply)

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_spec_written(self, experiment: Experiment, spec: Spec) -> None:
        """One that another memory knew, from an earlier benchmark, serves all arms too."""
        known = Reply(spec.text, spec.usage, spec.model_id, spec.stop_reason, spec.seconds, spec.gpu_seconds)
        self._put(experiment, spec.recalled_from or experiment.id, known)

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_ended(self, experiment: Experiment) -> None:
        """With the right still in hand it has failed to write one: another arm may try."""
        slot = self._writing.pop(experiment.id, None)
        if slot is not None:
            slot.close()

    def _put(self, experiment: Experiment, payer: str, reply: Reply) -> None:
        slot = self._writing.pop(experiment.id, None)
        if slot is not None:
            try:
                slot.write(payer, plain(reply))
            finally:
                slot.close()

    def _slot(self, prompt_digest: str, model: str) -> _Slot:
        self._folder.mkdir(parents=True, exist_ok=True)
        return _Slot(self._folder / f"{sha256(f'{prompt_digest} {model}'.encode()).hexdigest()[:24]}.json")


class _Slot:
    """A file with one spec or none, locked until it is closed; opening it waits for whoever has it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            lock(self._descriptor)
        except BaseException:
            self.close()
            raise

    def read(self) -> tuple[str, Reply] | None:
        """Who paid for it, and the reply. None: it is empty, or was cut by a kill or a full disk."""
        try:
            values = json.loads(os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0))
            return str(values["experiment"]), value_of(Reply, values["reply"])
        except (ValueError, KeyError, TypeError):
            return None

    def write(self, payer: str, reply: Any) -> None:
        content = json.dumps({"experiment": payer, "reply": reply}).encode()
        self.clear()
        os.pwrite(self._descriptor, content, 0)

    def clear(self) -> None:
        os.ftruncate(self._descriptor, 0)

    def close(self) -> None:
        os.close(self._descriptor)


def _began_with_spec(values: Mapping[str, Any]) -> bool:
    return values["event"] == "began" and SPEC_MODEL in (values.get("under") or ())


def _called_for_spec(values: Mapping[str, Any]) -> bool:
    return values["event"] == "called" and bool(values["role"] == Role.SPEC)
