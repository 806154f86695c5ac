"""A repository's own functions made a suite."""

from __future__ import annotations

import re
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from pytest_koderz.harvest.function_trials import Harvest, Task
    from pytest_koderz.harvest.history import History


def add_options(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--koderz-harvest",
        metavar="SRC",
        help="Make a suite of the functions in SRC that its tests run, and exit.",
    )
    group.addoption("--koderz-tests", metavar="DIR", help="Which tests --koderz-harvest runs; all without it.")
    group.addoption(
        "--koderz-commits",
        metavar="N",
        help="Have --koderz-harvest look for what the last N commits mended, not at what lies there.",
    )


def asked_for(options: Namespace) -> bool:
    return bool(getattr(options, "koderz_harvest", None))


def leave_addopts(config: pytest.Config, args: list[str]) -> None:
    """Take the options of the configuration's `addopts` out of *args*: since SRC is a path, pytest has taken the
    repository's own for this session, too, and some may be of plugins that are not here.
    """
    addopts = config.getini("addopts")
    for start in range(len(args)):
        if addopts and args[start : start + len(addopts)] == addopts:
            del args[start : start + len(addopts)]


def begin(config: pytest.Config) -> int:
    """--koderz-harvest: writes problems/NAME.yaml. It needs no session and no settings."""
    from pytest_koderz.files.usage_error import UsageError, permitted

    from .accepted_options import check_options

    check_options(config, "koderz-harvest")
    try:
        with permitted():
            return _begun(config)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def _begun(config: pytest.Config) -> int:
    from pytest_koderz.files.atomic import write_output
    from pytest_koderz.files.source_tree import root_of_tree

    from .printing import print_lines

    source, tests = _places(config)
    root, most = root_of_tree(source), _commits(config)
    folder = config.invocation_params.dir  # for pytest itself the option may have moved the root
    place = folder / "problems" / f"{_name(root)}{'-history' if most else ''}.yaml"
    try:
        found, text = _harvested(config, source, root, tests, most, place.parent)
    except KeyboardInterrupt:
        print_lines(config, ["stopped before anything was tried: nothing is written"])
        return int(pytest.ExitCode.INTERRUPTED)
    if found.tasks:
        write_output(place, text)
    print_lines(config, _told(found, place, folder))
    if found.untried:
        return int(pytest.ExitCode.INTERRUPTED)
    return int(pytest.ExitCode.OK if found.tasks else pytest.ExitCode.NO_TESTS_COLLECTED)


def _harvested(
    config: pytest.Config, source: Path, root: Path, tests: Path | None, most: int | None, folder: Path
) -> tuple[Harvest | History, str]:
    """With the suite's text, as of a file in *folder*."""
    from pytest_koderz.harvest.harvesting import harvest
    from pytest_koderz.harvest.history import harvest_history
    from pytest_koderz.harvest.suite_text import history_text, suite_text

    from .printing import print_lines

    def notify(words: str) -> None:
        print_lines(config, [words])

    if most is None:
        found = harvest(source, root, tests, notify)
        return found, suite_text(found, folder)
    history = harvest_history(source, root, tests, most, notify)
    return history, history_text(history, folder)


def _commits(config: pytest.Config) -> int | None:
    """None: the repository as it lies there is meant."""
    given = config.getoption("koderz_commits")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and int(given)):
        raise pytest.UsageError(f"--koderz-commits: must be a number of commits, 1 or more, not {given!r}")
    return int(given)


def _places(config: pytest.Config) -> tuple[Path, Path | None]:
    """SRC and DIR, from where pytest was called."""
    given = {name: config.getoption(name) for name in ("koderz_harvest", "koderz_tests")}
    paths = {name: (config.invocation_params.dir / text).resolve() for name, text in given.items() if text}
    for name, path in paths.items():
        if not path.exists():
            raise pytest.UsageError(f"--{name.replace('_', '-')}: no such folder: {given[name]}")
    return paths["koderz_harvest"], paths.get("koderz_tests")


def _name(root: Path) -> str:
    """Of the folder, without a version."""
    return re.sub(r"-\d[\w.+]*$", "", root.name) or "repository"


def _told(found: Harvest | History, place: Path, folder: Path) -> Iterator[str]:
    functions = {name: why for name, why in found.left_out.items() if ":" in name}
    commits = Counter(" ".join(why.split()) for name, why in found.left_out.items() if name not in functions)
    yield from (f"left out: {_counted(count, 'commit')}: {why}" for why, count in commits.most_common())
    yield from (f"left out: {name}: {' '.join(why.split())}" for name, why in sorted(functions.items()))
    more = f", {_counted(commits.total(), 'commit')}" if commits else ""
    yield f"{_counted(len(found.tasks), 'task')}, {_counted(len(functions), 'function')}{more} left out"
    if found.untried:
        more_of_them = _counted(found.untried, f"more {found.kind}")
        yield f"stopped before {more_of_them} had been tried"
    if found.tasks:
        yield f"{place.relative_to(folder)}: written"
        yield from _weak(found.tasks)


def _counted(count: int, kind: str) -> str:
    return f"{count} {kind}{'' if count == 1 else 's'}"


def _weak(tasks: tuple[Task, ...]) -> Iterator[str]:
    from pytest_koderz.core.function_traits import WEAK

    weak = [task for task in tasks if task.adequacy is not None and task.adequacy < WEAK]
    if weak:
        yield f"{len(weak)} of them with weak tests, such as {min(weak, key=lambda task: task.adequacy or 0).id}"
