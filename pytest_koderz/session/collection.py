"""Which files are suites, and which of their problems are run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .completion import OneCompleted, several_problems
from .option_types import count, part

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from pytest_koderz.core.problem import Problem
    from pytest_koderz.datasets.sampling import RandomSample

    from .context import BenchmarkRun
    from .items import ExperimentItem, ShippedSuite, Suite


def add_options(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--koderz-problems",
        metavar="0-9,42",
        action=OneCompleted,
        completer=several_problems,
        help="Pick problems by number, id or pattern.",
    )
    group.addoption("--koderz-sample", metavar="N[@SEED]", help="Draw N of these problems at random.")
    group.addoption("--koderz-shard", metavar="I/N", type=part, help="Run the I-th of N equal parts of these problems.")
    group.addoption("--koderz-epochs", metavar="N", type=count, help="Run each arm on each problem N times.")


def register(run: BenchmarkRun) -> None:
    from .start_checks import choose_paths

    choose_paths(run.config, run.root)
    run.register(Collection(run), "collection")


def collection_of(config: pytest.Config) -> Collection:
    plugin = config.pluginmanager.get_plugin("koderz-collection")
    assert isinstance(plugin, Collection)  # noqa: S101 - it is always registered
    return plugin


class Collection:
    """Also for verbs that only look."""

    def __init__(self, run: BenchmarkRun) -> None:
        self._run = run
        self._suites: list[Suite] = []
        """All that are asked for, whatever `--lf` and others pass over."""
        self._beside: list[Suite] = []
        """Others in their folders: pytest looks at every file of a folder of which one is named."""
        self._contents: dict[str, Sequence[Problem]] = {}
        """What the suites of the items hold."""
        self._selected: dict[str, Sequence[Problem]] = {}
        """As far as it is selected."""
        self._sample: RandomSample | None = None
        self._whole: set[str] = set()
        """The ids of the problems of all shards; empty where this is none."""

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> Suite | ShippedSuite | None:
        from .items import ShippedSuite
        from .suites import suite_at

        suite = suite_at(file_path, parent)
        if suite is not None:
            named = any(parent.session.isinitpath(place) for place in (file_path, *file_path.parents))
            known = self._suites if named else self._beside
            known.append(suite.home if isinstance(suite, ShippedSuite) else suite)
        return suite

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Narrow to the selected problems, and of these to those that are drawn, in the order of the sample."""
        narrowed = self._narrow(config, items)
        self._draw(config, items, narrowed=narrowed)
        self._share(config, items)

    def _narrow(self, config: pytest.Config, items: list[pytest.Item]) -> bool:
        """Whether a selection was taken. A profile's own selection gives way to `-k`, to node ids, and to suites that
        were named and hold none of it; a shipped profile's to all suites that hold none of it.
        """
        from pytest_koderz.files.usage_error import UsageError

        ours = {item: item.problem for item in _experiments(items)}
        settings = self._run.settings
        self._run.benchmark.problems.update({problem.id: problem for problem in ours.values()})
        asked = config.getoption("koderz_problems") is not None
        named = any("::" in arg for arg in config.args)
        if not (ours or (asked and self._held)) or settings.problems is None or (named and not asked):
            return False
        try:
            chosen = self._chosen(ours, settings.problems, strictly=asked)
        except UsageError as error:
            pointed = config.option.keyword or config.args_source is pytest.Config.ArgsSource.ARGS
            if asked or not pointed:
                where = "--koderz-problems" if asked else settings.problems_at
                mistake = self._elsewhere(settings.problems) or str(error).removeprefix("problems: ")
                self._refuse(items, f"{where}: {mistake}")
            return False
        _deselect(config, items, ours.keys() - chosen)
        return True

    def _elsewhere(self, wanted: str) -> str | None:
        """Where a problem stands that no suite of this run has; None: nowhere beside them."""
        from pytest_koderz.datasets.selection import select_known

        for suite in self._beside:
            for problem in select_known(suite.problems, wanted):
                return f"{problem.id!r} stands in {suite.nodeid}, which is not among what is run; name that file too"
        return None

    def _draw(self, config: pytest.Config, items: list[pytest.Item], *, narrowed: bool) -> None:
        """From what the suites hold, whatever -k, --lf and node ids leave of it: the sample is the same for all."""
        from pytest_koderz.datasets.sampling import WHOLE, RandomSample, drawn, sample_named

        ours, wanted = _experiments(items), self._run.settings.problems if narrowed else None
        self._contents = {item.suite.nodeid: item.suite.problems for item in ours}
        self._selected = {item.suite.nodeid: _selected(item.suite, wanted) for item in ours}
        settings = self._run.settings
        if settings.sample is None and not settings.stops_when_decided and settings.max_cost is None:
            return
        # Whoever may stop early takes all in a random order, so that what was run by then is a sample.
        self._sample = RandomSample(WHOLE) if settings.sample is None else sample_named(settings.sample)
        places = drawn(self._selected, self._sample)
        self._run.places.update(places)
        picked = set(places) & self._run.picked if self._run.picked else set(places)
        self._run.picked.clear()
        self._run.picked.update(picked)
        _deselect(config, items, {item for item in ours if item.problem.id not in places})
        # All arms of a problem come before the next one: a run that is cut short is a smaller sample.
        ordered = iter(sorted(_experiments(items), key=lambda item: places[item.problem.id]))
        items[:] = [next(ordered) if item in set(ours) else item for item in items]

    def _share(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave those of this shard: every N-th problem in the order of the sample or of the suites, whatever -k and
        --lf leave of them, so that each shard has as many easy and hard ones.
        """
        from .shards import problem_id_of, shard_of

        shard = shard_of(config)
        if shard is None:
            return
        named = {item: name for item in items if (name := problem_id_of(item)) is not None}
        self._whole = set(named.values())
        mine = {name for place, name in enumerate(self._order) if shard.has(place)}
        _deselect(config, items, {item for item, name in named.items() if name not in mine})

    @property
    def _order(self) -> list[str]:
        """The ids of all problems that there may be: of the sample, or of what is selected, as the suites hold them."""
        picked = self._run.picked
        held = [problem.id for problem in self._held if not picked or problem.id in picked]
        return list(dict.fromkeys([*(self._run.places or held), *self._run.benchmark.problems]))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """How many there will be: without that nobody can tell later whether the benchmark came to its end."""
        from .marks import FIXTURE

        marked = sum(FIXTURE in getattr(item, "fixturenames", ()) for item in session.items)
        ours = _experiments(session.items)
        self._run.head["items"] = marked + len(ours)
        self._plan({item.problem.id for item in ours} if not marked else set())
        lacking = {item.path for item in ours} - {item.path for item in ours if item.gradable}
        if lacking:
            what = f"no problem of {min(lacking).name} has the tests that `grade_on` asks for"
            where = self._run.settings.path
            self._refuse(session.items, f"{where}: {what}; suites of humanevalplus and mbppplus do")

    def pytest_report_collectionfinish(self, config: pytest.Config, items: list[pytest.Item]) -> list[str]:
        """Why nothing of what the command line names is run, of which pytest tells no more than a number."""
        if config.getoption("koderz_problems") is None or _experiments(items):
            return []
        left = "`-k`, node ids, --lf or a plugin leave nothing of --koderz-problems"
        why = left if self._suites else "--koderz-problems picks of suites, and none is collected"
        return [f"koderz: {self._run.mark}no experiment is run: {why}"]

    def _plan(self, chosen: set[str]) -> None:
        """How many problems there will be, and which; tests of a user's own may take any."""
        from pytest_koderz.datasets.sampling import words_for

        if chosen:
            whole = self._whole or chosen
            words = words_for(whole, self._selected.values(), self._contents.values(), self._sample)
            self._run.head["planned"] = len(chosen)
            self._run.head["whole"] = len(whole)
            self._run.head["selection"] = words or None

    @property
    def faults(self) -> Sequence[str]:
        """What is wrong with the suites that cannot be read, in lines."""
        faults = (suite.fault for suite in self._suites if suite.fault is not None)
        return [line for fault in faults for line in (str(fault) or repr(fault)).splitlines()]

    @property
    def head(self) -> Mapping[str, Any]:
        """What the journals of what was collected would begin with."""
        return self._run.head

    @property
    def held(self) -> Mapping[str, tuple[str, Problem]]:
        """By id each problem of the suites, whatever was chosen of them, with its suite's file as ids have it."""
        return {problem.id: (suite.nodeid, problem) for suite in self._suites for problem in suite.problems}

    @property
    def _held(self) -> tuple[Problem, ...]:
        """What the suites hold, whatever `-k`, node ids, `--lf` or other plugins have chosen of it."""
        return tuple({problem.id: problem for suite in self._suites for problem in suite.problems}.values())

    def _chosen(self, ours: Mapping[ExperimentItem, Problem], wanted: str, *, strictly: bool) -> set[ExperimentItem]:
        """What is selected. What a profile selects may stand in suites that this run does not read."""
        from pytest_koderz.datasets.selection import select, select_known

        if not strictly and self._run.settings.problems_at is None:
            # Shipped: written without knowledge of the user's suites.
            chosen = {item for path in {item.path for item in ours} for item in _known_of(path, ours, wanted)}
            self._run.picked.update(item.problem.id for item in chosen)
            return chosen
        problems = self._held if strictly else tuple(self._run.benchmark.problems.values())
        known = () if strictly else select_known(problems, wanted)
        ids = {problem.id for problem in known or select(problems, wanted)}
        self._run.picked.update(ids)
        return {item for item, problem in ours.items() if problem.id in ids}

    def _refuse(self, items: list[pytest.Item], mistake: str) -> None:
        """Run nothing for a user's mistake that shows when all is collected. A worker tells the controller of it."""
        from .worker_messages import MISTAKE, tell_controller

        if not self._run.is_worker:
            raise pytest.UsageError(mistake)
        # Raised here, xdist would call it an internal error.
        items.clear()
        tell_controller(self._run.config, MISTAKE, mistake)


def _experiments(items: list[pytest.Item]) -> list[ExperimentItem]:
    from .items import ExperimentItem

    return [item for item in items if isinstance(item, ExperimentItem)]


def _selected(suite: Suite, wanted: str | None) -> Sequence[Problem]:
    """The problems of *suite* that *wanted* names; all where it names none, or there is no selection."""
    from pytest_koderz.datasets.selection import select_known

    return (wanted is not None and select_known(suite.problems, wanted)) or suite.problems


def _deselect(config: pytest.Config, items: list[pytest.Item], left_out: AbstractSet[pytest.Item]) -> None:
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def _known_of(suite: Path, items: Mapping[ExperimentItem, Problem], wanted: str) -> list[ExperimentItem]:
    """The items of a suite that *wanted* names; all where it names none."""
    from pytest_koderz.datasets.selection import select_known

    here = {item: problem for item, problem in items.items() if item.path == suite}
    ids = {problem.id for problem in select_known(tuple(here.values()), wanted)}
    return [item for item, problem in here.items() if not ids or problem.id in ids]
