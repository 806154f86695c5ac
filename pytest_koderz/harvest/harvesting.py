"""A repository's functions turned into tasks, as they lie there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.place import FunctionPlace
from pytest_koderz.files.source_tree import digest_of_tree
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.sandbox.repository_tests import Repository

from .code_files import copies_in_texts, import_folders, is_test, modules_of
from .covered_functions import covered_in, tested_lines
from .function_trials import MEMORY, FunctionTrials, Harvest, Notify, TestedTree
from .pytest_options import own_options

_TESTS_SECONDS = 900.0
"""For all tests once, with coverage."""


def harvest(source: Path, root: Path, tests: Path | None, notify: Notify) -> Harvest:
    """The tasks of the functions beneath *source*. Raises UsageError where the repository's tests cannot be run."""
    modules = modules_of(root)
    searched = {name: module for name, module in modules.items() if (root / name).is_relative_to(source)}
    imports = import_folders(root, searched)
    place = FunctionPlace(str(root), digest_of_tree(root), "", "", imports, tuple(own_options(root)))
    notify(f"running the tests of {root.name} once, to see what runs what")
    given = [str(tests)] if tests else []
    folders = [root / each for each in place.imports]
    tested = tested_lines(root, source, given, folders, list(place.options), seconds=_TESTS_SECONDS)
    if tested.faults:
        notify(f"passed over, failing here: {tested.told}")
    code = {file: module for file, module in searched.items() if not is_test(file)}
    covered, imported = covered_in(root, code, tested.lines)
    place = replace(place, hidden=copies_in_texts(root, covered, modules))
    try:
        repository = Repository(place, MEMORY)
    except SandboxFault as fault:
        raise UsageError(f"--koderz-harvest: {fault}") from None
    try:
        return FunctionTrials(repository, TestedTree(place, modules, covered, imported, tested.made), notify).harvest()
    finally:
        repository.close()
