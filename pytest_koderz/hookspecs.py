"""The doors: hooks through which back ends, datasets, judges, memories and reporters come in.

Implement any of them in a conftest.py or a plugin, with as few of the arguments as you need; the examples are whole
files, and run in our own tests. Mark implementations in a conftest.py with `@pytest.hookimpl(optionalhook=True)`, or
pytest refuses to start where this plugin is not installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # without --koderz nothing of the core is imported
    from pathlib import Path

    from .backends.backend import Backend
    from .core.arm import Arm, ModelSettings, Role
    from .core.experiment import Advice, Experiment, Guidance, Spec
    from .core.iteration import Iteration
    from .core.money import Spending
    from .core.ports import Model, Prompt, Reply, Sandbox
    from .core.problem import Problem
    from .session.cluster.orders import Engine, Send


@pytest.hookspec(firstresult=True)
def pytest_koderz_load_problems(config: pytest.Config, suite: Path) -> Iterable[Problem] | None:
    """Provide the problems of a suite file; None: not mine.

    It is asked for each file in `problems/` and each that is named, on the command line or by a mark; what nobody
    provides problems for is no suite. Raise UsageError for one of yours that is wrong.

    import tomllib
    from pytest_koderz.core.problem import Problem

    def pytest_koderz_load_problems(suite):
        if suite.suffix == ".toml":
            return [Problem(**row) for row in tomllib.loads(suite.read_text())["problems"]]
    """


@pytest.hookspec
def pytest_koderz_backends(config: pytest.Config) -> Iterable[Backend]:  # type: ignore[empty-body]
    """Provide back ends, each as one object, by the door that ours come in by. Its options are checked in koderz.yaml;
    its models are priced by its rule, looked into by --koderz-doctor, and their errors and names repeat no secret.

    One that posts JSON to a server names it with a `Service` and opens a `ServedModel`, of
    `pytest_koderz.backends.http`, which brings deadlines, retries and limits: see `pytest_koderz/backends/ollama.py`.

    def pytest_koderz_backends():
        from pytest_koderz.backends.backend import OWN_MACHINE, Backend, never, nothing_required, ready
        from pytest_koderz.backends.options import Option
        from pytest_koderz.core.money import Usage
        from pytest_koderz.core.ports import Reply

        class Parrot:
            def __init__(self, times):
                self.times = times

            def complete(self, prompt):
                return Reply(prompt.text * self.times, Usage(), "parrot-1")

        parrot = Backend(
            name="parrot",
            service=None,
            options={"times": Option(int, least=1)},
            cost=OWN_MACHINE,
            frontier=False,
            simulated=never,
            requirements=nothing_required,
            findings=ready("a parrot needs nothing"),
            open=lambda settings, surroundings: Parrot(settings.options.get("times", 1)),
        )
        return [parrot]
    """


@pytest.hookspec(firstresult=True)
def pytest_koderz_open_model(config: pytest.Config, model: ModelSettings, role: Role) -> Model | None:
    """Provide the model behind an entry of koderz.yaml; None: not mine.

    It is asked once for each model and process; a `close()` method is called at the end if there is one. Of a back end
    that is known by this hook alone nothing can be checked or priced beforehand: see `pytest_koderz_backends`.

    from pytest_koderz.core.money import Usage
    from pytest_koderz.core.ports import Reply

    class Echo:
        def complete(self, prompt):
            return Reply(text=prompt.user, usage=Usage(), model_id="echo-1")

    def pytest_koderz_open_model(model):
        if model.backend == "echo":
            return Echo()
    """


@pytest.hookspec(firstresult=True)
def pytest_koderz_open_sandbox(config: pytest.Config) -> Sandbox | None:
    """Provide the judge of this process; a `close()` method is called at the end if there is one."""


@pytest.hookspec(firstresult=True)
def pytest_koderz_open_engine(config: pytest.Config, name: str, send: Send) -> Engine | None:
    """Provide what `--koderz-executor NAME` runs experiments on; None: not mine.

    A thread waits in `run` for each experiment in flight. `perform` works on one wherever it is called: in another
    process or on another machine, with a `send` that takes what it asks to the one here, and the answer back.

    from concurrent.futures import ThreadPoolExecutor
    from pytest_koderz.session.cluster import perform

    class Threads:
        jobs = 4

        def __init__(self, send):
            self.send, self.pool = send, ThreadPoolExecutor(self.jobs)

        def run(self, order):
            return self.pool.submit(perform, order, self.send).result()

        def close(self):
            self.pool.shutdown()

    def pytest_koderz_open_engine(name, send):
        if name == "threads":
            return Threads(send)
    """


@pytest.hookspec(firstresult=True)
def pytest_koderz_recall_spec(config: pytest.Config, experiment: Experiment, problem: Problem, arm: Arm) -> Spec | None:
    """Provide a spec that was written before; None: write a new one."""


@pytest.hookspec(firstresult=True)
def pytest_koderz_recall_iterations(
    config: pytest.Config, experiment: Experiment, limit: int
) -> Sequence[Iteration] | None:
    """Provide the last *limit* iterations of *experiment*, oldest first, for a checkpoint; None: cannot be asked."""


@pytest.hookspec(firstresult=True)
def pytest_koderz_recall_guidance(config: pytest.Config, experiment: Experiment) -> Sequence[Advice] | None:
    """Provide what helped other experiments, on other problems, out of a failure like the latest of *experiment*.

    Only asked for arms with `recall_guidance: true`, after a failure, until there is any or the frontier's guidance.
    """


@pytest.hookspec
def pytest_koderz_before_call(config: pytest.Config, experiment: Experiment, role: Role, prompt: Prompt) -> None:
    """Guard a call to a model. Raise OutOfBudget to skip the experiment; every implementation is asked.

    import os
    from pytest_koderz.core.errors import OutOfBudget

    def pytest_koderz_before_call(role):
        if role == "spec" and "OFFICE_HOURS" in os.environ:
            raise OutOfBudget("no specs in office hours")
    """


@pytest.hookspec
def pytest_koderz_began(config: pytest.Config, experiment: Experiment, problem: Problem, arm: Arm) -> None:
    """Observe an experiment that begins, or goes on where it was cut short, in the process that runs it."""


@pytest.hookspec
def pytest_koderz_called(
    config: pytest.Config, experiment: Experiment, role: Role, prompt: Prompt, reply: Reply, spending: Spending
) -> None:
    """Observe an answered call and what it cost, worked out once; the ledger of *experiment* holds it already.

    def pytest_koderz_called(experiment, role, spending):
        print(experiment.problem_id, role, spending.model, spending.usage.output, spending.cost)
    """


@pytest.hookspec
def pytest_koderz_spec_written(config: pytest.Config, experiment: Experiment, spec: Spec) -> None:
    """Observe a spec, written or recalled."""


@pytest.hookspec
def pytest_koderz_iterated(config: pytest.Config, experiment: Experiment, iteration: Iteration) -> None:
    """Observe an iteration that was judged.

    def pytest_koderz_iterated(experiment, iteration):
        print(experiment.problem_id, iteration.number, iteration.verdict.outcome)
    """


@pytest.hookspec
def pytest_koderz_advised(config: pytest.Config, experiment: Experiment, advice: Advice) -> None:
    """Observe advice that was recalled and will be shown to the local model."""


@pytest.hookspec
def pytest_koderz_checkpointed(config: pytest.Config, experiment: Experiment, guidance: Guidance) -> None:
    """Observe the frontier's guidance."""


@pytest.hookspec
def pytest_koderz_lost(config: pytest.Config, experiment: Experiment) -> None:
    """Observe that a cluster has lost the worker of an experiment, which is worked on again from what is recorded."""


@pytest.hookspec
def pytest_koderz_ended(config: pytest.Config, experiment: Experiment) -> None:
    """Observe an experiment that has ended, live, in the process that ran it."""


@pytest.hookspec
def pytest_koderz_finished(config: pytest.Config, experiment: Experiment) -> None:
    """Observe an experiment that has ended, once, on the controller: the only process, or that of pytest-xdist."""


@pytest.hookspec
def pytest_koderz_summary(  # type: ignore[empty-body]  # a hook's specification has none
    config: pytest.Config, experiments: Sequence[Experiment]
) -> list[str]:
    """Provide lines for the end of the terminal summary, on the controller.

    def pytest_koderz_summary(experiments):
        longest = max(experiments, key=lambda experiment: len(experiment.iterations))
        return [f"hardest: {longest.problem_id}, {len(longest.iterations)} iterations"]
    """
