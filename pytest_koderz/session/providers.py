"""Our own datasets, back ends and judge, offered through the same hooks as anyone's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from pytest_koderz.backends import OURS
from pytest_koderz.backends.backend import Backend, Surroundings
from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.ports import Model, Sandbox
from pytest_koderz.core.problem import Problem
from pytest_koderz.settings import Settings

from .replay import BACKEND as REPLAY


class OurBackends:
    """Registered with --koderz, before the settings are read: koderz.yaml is checked against what there is."""

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_backends(self) -> Iterable[Backend]:
        return (*OURS.values(), REPLAY)


class Providers:
    """Registered with --koderz. Each hook comes last, so that anyone else's answer is taken first."""

    def __init__(
        self,
        settings: Settings,
        problems: Mapping[str, Problem],
        worker: int,
        notify: Callable[[str], None],
        *,
        draws: str,
        sleep: Callable[[float], None],
    ) -> None:
        """*notify* takes what a back end or a download has to say while the user waits, and *sleep* is how they wait;
        by *draws* tests draw.
        """
        self.settings = settings
        self.problems = problems
        self.worker = worker
        self.notify = notify
        self.draws = draws
        self.sleep = sleep

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_load_problems(self, config: pytest.Config, suite: Path) -> Iterable[Problem] | None:
        from pytest_koderz.datasets import load_suite

        # The doctor stores nothing.
        return load_suite(suite, None if config.getoption("koderz_doctor") else self.notify)

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_open_model(self, model: ModelSettings) -> Model | None:
        backend = self.settings.backends.get(model.backend)
        surroundings = Surroundings(
            environment=self.settings.environment,
            worker=self.worker,
            problems=self.problems,
            notify=self.notify,
            sleep=self.sleep,
        )
        return None if backend is None else backend.opened(model, surroundings)

    @pytest.hookimpl(trylast=True)
    def pytest_koderz_open_sandbox(self) -> Sandbox:
        from pytest_koderz.sandbox import open_sandbox

        limits = self.settings.sandbox
        return open_sandbox(
            timeout=limits.timeout, memory_limit=limits.memory_mb << 20, strict=limits.strict, draws=self.draws
        )


def worker_number(config: pytest.Config) -> int:
    """K in a worker gwK of pytest-xdist, else 0: a pytest that runs inside of a worker's test is none itself."""
    name = str(getattr(config, "workerinput", {}).get("workerid", ""))
    digits = name.removeprefix("gw")
    return int(digits) if digits.isdigit() else 0
