"""Experiments for tests of a user's own, by `@pytest.mark.koderz` and the fixture `koderz_experiment`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:  # a session without --koderz comes here too
    from pytest_koderz.core.arm import Arm
    from pytest_koderz.core.experiment import Experiment
    from pytest_koderz.core.problem import Problem

FIXTURE = "koderz_experiment"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each problem and arm that its mark names; skipped where --koderz is not given."""
    if FIXTURE not in metafunc.fixturenames:
        return
    if not metafunc.config.getoption("koderz"):
        skipped = pytest.param(None, marks=pytest.mark.skip(reason="runs experiments: needs --koderz"), id="koderz")
        metafunc.parametrize(FIXTURE, [skipped], indirect=True)
        return
    mark = metafunc.definition.get_closest_marker("koderz")
    if mark is None or not mark.args:
        _refuse(metafunc, "needs a mark such as @pytest.mark.koderz('humaneval', arm='koderz')")
    pairs = [(problem, arm) for problem in _problems(metafunc, mark) for arm in _arms(metafunc, mark)]
    ids = [f"{problem.id}-{arm.name}" for problem, arm in pairs]
    metafunc.parametrize(FIXTURE, pairs, indirect=True, ids=ids)


@pytest.fixture
def koderz_experiment(request: pytest.FixtureRequest) -> Experiment:
    """The experiment that the test's mark `koderz` asks for, ended: solved or unsolved."""
    from pytest_koderz.core.experiment import Status

    from .items import Unsettled, benchmark_key, experiment_key, tell_junit

    problem, arm = request.param
    experiment = request.config.stash[benchmark_key].run(problem, arm, 1)
    request.node.stash[experiment_key] = experiment
    tell_junit(request.node, experiment)
    if experiment.status is Status.SKIPPED:
        raise pytest.skip.Exception(experiment.reason, _use_item_location=True)
    if experiment.status is Status.INVALID:
        raise Unsettled(experiment)
    return experiment


def _problems(metafunc: pytest.Metafunc, mark: pytest.Mark) -> tuple[Problem, ...]:
    from pytest_koderz.datasets.sampling import drawn, sample_named
    from pytest_koderz.datasets.selection import select, select_known
    from pytest_koderz.files.usage_error import UsageError

    from .items import benchmark_key
    from .suites import problems_named

    benchmark = metafunc.config.stash[benchmark_key]
    try:
        problems = problems_named(metafunc.config, str(mark.args[0]), Path(str(metafunc.definition.path)).parent)
        if "problems" in mark.kwargs:
            problems = select(problems, str(mark.kwargs["problems"]))
        elif benchmark.settings.problems is not None:
            problems = select_known(problems, benchmark.settings.problems) or problems
        if "problems" not in mark.kwargs and benchmark.settings.sample is not None:
            places = drawn({str(mark.args[0]): problems}, sample_named(benchmark.settings.sample))
            problems = tuple(sorted((one for one in problems if one.id in places), key=lambda one: places[one.id]))
    except UsageError as error:
        _refuse(metafunc, str(error))
    benchmark.problems.update({problem.id: problem for problem in problems})
    return problems


def _arms(metafunc: pytest.Metafunc, mark: pytest.Mark) -> tuple[Arm, ...]:
    from pytest_koderz.files.nearest import nearest

    from .items import benchmark_key

    arms = {arm.name: arm for arm in metafunc.config.stash[benchmark_key].settings.arms}
    wanted = mark.kwargs.get("arm")
    if wanted is None:
        return tuple(arms.values())
    if wanted not in arms:
        _refuse(metafunc, f"arm '{wanted}' is not among those that run{nearest(str(wanted), arms)}")
    return (arms[wanted],)


def _refuse(metafunc: pytest.Metafunc, what: str) -> NoReturn:
    place = f"{metafunc.definition.path}: {metafunc.definition.name}"
    raise pytest.UsageError(f"{place}: {what}")
