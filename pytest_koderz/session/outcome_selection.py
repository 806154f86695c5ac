"""A caution where outcomes or other plugins decided what was run: its share of solved is not that of the problems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.reporters.text import counted

from .context import BenchmarkRun
from .items import ExperimentItem
from .worker_messages import tell_controller, told_by

LEFT_OUT = "koderz_left_out"
"""How many experiments a worker's other plugins left out, among what it tells at its end."""
CHOOSING = ("keyword", "markexpr", "deselect", "lf", "stepwise", "koderz_shard")
"""Options by which a user chooses: what they leave out is no plugin's doing."""
CAUTION = "these figures are not those of the suite"


def register(run: BenchmarkRun) -> None:
    run.register(OutcomeSelection(run), "outcome-selection")


class OutcomeSelection:
    """Looks at pytest's own ways to choose by outcome, and at what other plugins do to the list of items."""

    def __init__(self, run: BenchmarkRun) -> None:
        self._run = run
        self._before: set[str] = set()
        """Which of pytest's ways have an earlier outcome to go by."""
        self._left_out = 0

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Before the cache is written anew; where nothing failed, all of them run everything."""
        cache = getattr(session.config, "cache", None)  # none with `-p no:cacheprovider`
        if cache is not None:
            remembered = {"lf": "cache/lastfailed", "failedfirst": "cache/lastfailed", "stepwise": "cache/stepwise"}
            given = {option: key for option, key in remembered.items() if session.config.getoption(option)}
            self._before = {option for option, key in given.items() if _names_any(cache.get(key, None))}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
        """Around all others: `--koderz-problems` and what pytest chooses by are known, the rest is a plugin's."""
        collected = [item for item in items if isinstance(item, ExperimentItem)]
        result = yield
        kept, picked = {item.nodeid for item in items}, self._run.picked
        left = sum(item.nodeid not in kept and (not picked or item.problem.id in picked) for item in collected)
        if left and not any(config.getoption(name, default=None) for name in CHOOSING):
            self._left_out = left
            if self._run.is_worker:
                tell_controller(config, LEFT_OUT, left)
        return result

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._left_out = max(self._left_out, told_by(node, LEFT_OUT) or 0)

    def pytest_koderz_summary(self, config: pytest.Config, experiments: Sequence[Experiment]) -> list[str]:
        return list(self._notes(config, experiments))

    def _notes(self, config: pytest.Config, experiments: Sequence[Experiment]) -> Iterator[str]:
        if "lf" in self._before:
            yield f"note: --lf chose what was not solved before: {CAUTION}"
        elif "stepwise" in self._before:
            yield f"note: --sw went on where it had stopped at a failure: {CAUTION}"
        session = config.pluginmanager.get_plugin("session")
        if isinstance(session, pytest.Session) and self._stopped(session):
            first = ", and --ff ran first what was not solved before" if "failedfirst" in self._before else ""
            yield f"note: the run stopped at a failure{first}: {CAUTION}"
        if self._left_out:
            yield f"note: another plugin left out {counted(self._left_out, 'experiment')}: {CAUTION}"
        again = sum(one.status.settled and bool(one.earlier.spendings) for one in experiments)
        if again:
            yield f"note: {counted(again, 'experiment')} ran more than once; the last attempt counts"

    def _stopped(self, session: pytest.Session) -> bool:
        most = session.config.getoption("maxfail")
        by_step = session.config.getoption("stepwise", default=False) and session.shouldstop
        return bool((most and session.testsfailed >= most) or by_step)


def _names_any(remembered: Any) -> bool:
    """What `--sw` remembers may be there without the name of a test."""
    if isinstance(remembered, dict) and "last_failed" in remembered:
        return bool(remembered["last_failed"])
    return bool(remembered)
