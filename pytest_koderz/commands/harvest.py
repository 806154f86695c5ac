"""A repository's own functions made a suite."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from pytest_koderz.harvest.harvesting import Harvest, Task


def add_options(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--koderz-harvest",
        metavar="SRC",
        help="Make a suite of the functions in SRC that its tests run, and exit.",
    )
    group.addoption("--koderz-tests", metavar="DIR", help="Which tests --koderz-harvest runs; all without it.")


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
    from pytest_koderz.files.atomic import write_output
    from pytest_koderz.files.source_tree import root_of_tree
    from pytest_koderz.files.usage_error import UsageError
    from pytest_koderz.harvest.harvesting import harvest
    from pytest_koderz.harvest.suite_text import suite_text

    from .accepted_options import check_options
    from .printing import print_lines

    check_options(config, "koderz-harvest")
    source, tests = _places(config)
    root = root_of_tree(source)
    folder = config.invocation_params.dir  # for pytest itself the option may have moved the root
    place = folder / "problems" / f"{_name(root)}.yaml"
    try:
        found = harvest(source, root, tests, lambda words: print_lines(config, [words]))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    if found.tasks:
        write_output(place, suite_text(found, place.parent))
    print_lines(config, _told(found, place, folder))
    return int(pytest.ExitCode.OK if found.tasks else pytest.ExitCode.NO_TESTS_COLLECTED)


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


def _told(found: Harvest, place: Path, folder: Path) -> Iterator[str]:
    for name, why in sorted(found.left_out.items()):
        yield f"left out: {name}: {' '.join(why.split())}"
    yield f"{len(found.tasks)} tasks, {len(found.left_out)} functions left out"
    if found.tasks:
        yield f"{place.relative_to(folder)}: written"
        yield from _weak(found.tasks)


def _weak(tasks: tuple[Task, ...]) -> Iterator[str]:
    from pytest_koderz.core.function_traits import WEAK

    weak = [task for task in tasks if task.adequacy is not None and task.adequacy < WEAK]
    if weak:
        yield f"{len(weak)} of them with weak tests, such as {min(weak, key=lambda task: task.adequacy or 0).id}"
