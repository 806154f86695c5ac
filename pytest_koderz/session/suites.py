"""Which files are suites: those whose problems a plugin provides, our own for YAML and JSONL or anyone's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PosixPath

import pytest

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.settings import shipped_path

from .items import ShippedSuite, Suite
from .start_checks import SUITE_FOLDER


def suite_at(path: Path, parent: pytest.Collector) -> Suite | ShippedSuite | None:
    """The file as a suite; None where it is none. What is wrong with it is told where it is collected.

    In a folder `problems` every file may be one, elsewhere those alone that are named.
    """
    # Python's own files are tests: a plugin that looks at no suffix must not take a conftest.py for a suite.
    if path.suffix == ".py" or not (parent.session.isinitpath(path) or path.parent.name == SUITE_FOLDER):
        return None
    try:
        problems, fault = problems_of(parent.config, path), None
    except Exception as error:  # noqa: BLE001 - raised again by the suite
        problems, fault = [], error
    if problems is None:
        return None
    if path.parent == shipped_path(SUITE_FOLDER) and not path.is_relative_to(parent.config.rootpath):
        return _at_home(path, parent, problems, fault)
    suite: Suite = Suite.from_parent(parent, path=path, problems=problems, fault=fault)
    return suite


class HomePath(PosixPath):
    """Where the user would have a shipped suite. Who asks for its age or kind, as `--nf` does, is told those of the
    file itself.
    """

    source: Path | None = None
    """None: it is a path that was made of one."""

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return (self.source or Path(self)).stat(follow_symlinks=follow_symlinks)


def _at_home(
    path: Path, parent: pytest.Collector, problems: Sequence[Problem], fault: Exception | None
) -> ShippedSuite:
    """The shipped suite at *path*, with its items where the user would have it."""
    config, name = parent.config, f"{SUITE_FOLDER}/{path.name}"
    home = config.rootpath / name
    # pytest asks for the conftest.py files of this place, and has looked for those of folders only that it walks.
    config.pluginmanager._loadconftestmodules(  # noqa: SLF001 - no public way
        home, config.getoption("importmode"), config.rootpath, consider_namespace_packages=False
    )
    shown = HomePath(home)
    shown.source = path
    suite: Suite = Suite.from_parent(
        parent.session, path=shown, name=name, nodeid=name, problems=problems, fault=fault, source=path
    )
    shipped: ShippedSuite = ShippedSuite.from_parent(parent, path=path, nodeid=name, home=suite)
    return shipped


def problems_of(config: pytest.Config, path: Path) -> list[Problem] | None:
    """What a plugin provides for the file; None: it is no suite. Raises UsageError where it is a wrong one."""
    loaded = config.hook.pytest_koderz_load_problems(config=config, suite=path)
    return None if loaded is None else list(loaded)


def problems_named(config: pytest.Config, name: str, folder: Path) -> tuple[Problem, ...]:
    """The problems of a suite by its name, in problems/ or shipped, or by a path from *folder*. Raises UsageError."""
    places = (config.rootpath / SUITE_FOLDER, shipped_path(SUITE_FOLDER))
    named = [path for place in places for path in _whose_stem_is(place / name)]
    for path in (*named, folder / name):
        problems = problems_of(config, path) if path.is_file() else None
        if problems is not None:
            return tuple(problems)
    raise UsageError(f"{name}: no suite of that name in {SUITE_FOLDER}/, and {folder / name} is none")


def problems_reported(config: pytest.Config, suites: Iterable[str]) -> Iterator[Problem]:
    """The problems of suites by the files that the ids of their items name; what can no longer be read is left out."""
    for name in sorted(suites):
        own, shipped = config.rootpath / name, shipped_path(SUITE_FOLDER) / Path(name).name
        for path in (own, shipped):
            if path.is_file() and path.suffix != ".py":
                with suppress(Exception):  # the results are worth more than the texts of problems
                    yield from problems_of(config, path) or ()
                break


def _whose_stem_is(stem: Path) -> list[Path]:
    """YAML first: such a suite may have the file that it names beside it."""
    beside = stem.parent.iterdir() if stem.parent.is_dir() else ()
    return sorted(
        (path for path in beside if path.stem == stem.name and path.is_file()),
        key=lambda path: (path.suffix != ".yaml", path.name),
    )
