"""The first run that ends red says what that means."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.session import first_run


class World:
    """A run in a folder of its own, of which so many experiments are unsolved and solved."""

    def __init__(self, folder: Path, unsolved: int, solved: int = 1) -> None:
        ended = [Status.UNSOLVED] * unsolved + [Status.SOLVED] * solved
        experiments = tuple(Experiment(f"exp_{n}", f"p/{n}", "koderz", status=each) for n, each in enumerate(ended))
        self.printed: list[str] = []
        self.features: list[Any] = []
        self.id, self.mark, self.is_worker = "bench_1a2b3c4d", "", False
        self.settings = SimpleNamespace(folder=folder)
        self.experiments = SimpleNamespace(in_order=lambda: experiments)
        reporter = SimpleNamespace(verbosity=0, isatty=False, line=self.printed.append)
        plugins = SimpleNamespace(get_plugin=lambda _: reporter, hasplugin=lambda _: True)
        self.config = SimpleNamespace(pluginmanager=plugins, stash=pytest.Stash())

    def register(self, feature: object, name: str) -> None:
        self.features.append(feature)

    def end(self, failed: int) -> list[str]:
        """What is printed where so many items failed."""
        first_run.register(self)  # type: ignore[arg-type]  # the part of a run that it looks at
        session = SimpleNamespace(exitstatus=1 if failed else 0, testsfailed=failed)
        for feature in self.features:
            list(feature.pytest_sessionfinish(session))
        return self.printed


def test_it_says_that_unsolved_is_a_result(tmp_path: Path) -> None:
    """With how many."""
    assert World(tmp_path, unsolved=2).end(failed=2) == [
        "2 of 3 experiments unsolved: pytest calls that failed, here it is the result; nothing is broken"
    ]


def test_it_is_silent_where_more_than_that_failed_or_nothing(tmp_path: Path) -> None:
    """A test of the user's own, or an invalid experiment, is another matter."""
    assert World(tmp_path, unsolved=2).end(failed=3) == []
    assert World(tmp_path, unsolved=0).end(failed=0) == []


@pytest.mark.parametrize(
    ("name", "status", "lines"),
    [("bench_1a2b3c4d", "unsolved", 1), ("bench_00000000", "solved", 1), ("bench_00000000", "unsolved", 0)],
)
def test_who_has_seen_it_is_not_told_again(tmp_path: Path, name: str, status: str, lines: int) -> None:
    """An earlier run in which all was solved told nobody; one that goes on with the first is no second one."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "main.jsonl").write_text(f'{{"event":"ended","record":{{"status":"{status}"}}}}\n')
    assert len(World(tmp_path, unsolved=1).end(failed=1)) == lines
