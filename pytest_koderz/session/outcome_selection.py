"""A caution where outcomes decided what was run: its share of solved is not that of the problems."""

from __future__ import annotations

import pytest

from .context import BenchmarkRun


def register(run: BenchmarkRun) -> None:
    option = run.config.getoption
    if (option("lf", default=False) or option("maxfail")) and not run.is_worker:
        run.register(OutcomeSelection(), "outcome-selection")


class OutcomeSelection:
    """Looks at pytest's own ways to choose by outcome: --lf, and -x or --maxfail."""

    def __init__(self) -> None:
        self._again = False
        """Only what failed before is run."""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Before the cache is written anew; where nothing failed, --lf runs everything."""
        cache = getattr(session.config, "cache", None)  # none with `-p no:cacheprovider`
        if cache is not None and session.config.getoption("lf"):
            self._again = bool(cache.get("cache/lastfailed", {}))

    def pytest_koderz_summary(self, config: pytest.Config) -> list[str]:
        if self._again:
            return ["note: --lf chose what was not solved before: these figures are not those of the suite"]
        session = config.pluginmanager.get_plugin("session")
        most = config.getoption("maxfail")
        if isinstance(session, pytest.Session) and most and session.testsfailed >= most:
            return ["note: the run stopped at a failure: these figures are not those of the suite"]
        return []
