"""A repository's history turned into tasks: functions that a commit mended, whose tests tell that it did."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.place import FunctionPlace
from pytest_koderz.files.git_history import Commit, GitFault, commits_of, exported
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.sandbox.repository_tests import Repository

from .code_files import copies_in_texts, import_folders, is_test, modules_of
from .covered_functions import Covered, covered_in, tested_lines
from .function_trials import MEMORY, TIMES, FunctionTrials, Harvest, LeftOut, Notify, Task, TestedTree, end_of
from .mend_prompt import mend_prompt_of, words_of
from .mends import Mend, mend_of
from .near_copies import texts_with
from .pytest_options import own_options

MOST_SECONDS = 3600.0
"""For all commits; those that are left then are not looked at."""
_TESTS_SECONDS = 120.0
"""For a commit's own tests once, and for those of a file that are tried on the code before it."""
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""Another one each time."""


@dataclass(frozen=True, slots=True)
class History:
    """What came of a repository's commits."""

    root: Path
    commits: tuple[tuple[Commit, Harvest], ...]
    """Those with tasks, the newest first."""
    left_out: Mapping[str, str]
    """By commit, or by the function that one of them changed, why it is no task."""
    untried: int = 0
    """Commits that were left, in part or as a whole, when it was stopped."""
    kind: ClassVar[str] = "commit"

    @property
    def tasks(self) -> tuple[Task, ...]:
        return tuple(task for _, harvest in self.commits for task in harvest.tasks)


def harvest_history(source: Path, root: Path, tests: Path | None, most: int, notify: Notify) -> History:
    """The tasks of the last *most* commits. Raises UsageError where *root* has no history."""
    try:
        commits = commits_of(root, most)
    except GitFault as fault:
        raise UsageError(f"--koderz-commits: {fault}") from None
    notify(f"looking at {len(commits)} commits of {root.name}")
    search = _Search(root, _within(root, source), _within(root, tests or root), notify)
    seen = 0
    try:
        for commit in commits:
            search.look_at(commit)
            seen += 1
    except KeyboardInterrupt:
        pass  # a part of the commits is worth something, too
    return History(root, tuple(search.found), search.left_out, len(commits) - seen)


class _Search:
    """In one commit after the other."""

    def __init__(self, root: Path, source: str, tests: str, notify: Notify) -> None:
        self._root = root
        self._folders = source, tests
        self._notify = notify
        self._end = time.monotonic() + MOST_SECONDS
        self.found: list[tuple[Commit, Harvest]] = []
        self.left_out: dict[str, str] = {}

    def look_at(self, commit: Commit) -> None:
        """Raises KeyboardInterrupt once it is told to stop; what was settled until then is kept."""
        if time.monotonic() > self._end:
            self.left_out[commit.short] = f"not looked at: the others took {MOST_SECONDS:g} s"
            return
        try:
            mend = mend_of(self._root, commit, *self._folders)
            harvest = _harvest(self._root, mend)
        except LeftOut as why:
            self.left_out[commit.short] = str(why)
            return
        self._notify(f"{commit.short} {commit.subject}: {len(harvest.tasks)} of {len(mend.earlier)} functions")
        self.left_out |= harvest.left_out
        if harvest.tasks:
            self.found.append((commit, harvest))
        if harvest.untried:
            raise KeyboardInterrupt


def _within(root: Path, place: Path) -> str:
    """From *root* on; empty for itself, and for what lies elsewhere."""
    return "" if place == root or not place.is_relative_to(root) else place.relative_to(root).as_posix()


def _harvest(root: Path, mend: Mend) -> Harvest:
    try:
        with exported(root, mend.commit.id) as tree:
            return _Commit(root, mend, tree).harvest()
    except (UsageError, GitFault, SandboxFault, OSError) as fault:
        raise LeftOut(str(fault).removeprefix("--koderz-harvest: ")) from None


class _Commit:
    def __init__(self, root: Path, mend: Mend, tree: Path) -> None:
        """*tree*: where the commit's files lie."""
        self._mend = mend
        self._tree = tree
        self._modules = modules_of(tree)
        imports = import_folders(tree, self._modules)
        self._place = FunctionPlace(str(root), "", "", "", imports, tuple(own_options(tree)), commit=mend.commit.id)

    def harvest(self) -> Harvest:
        covered, imported, made = self._covered()
        telling = _failing_before(self._place, self._mend, self._tree, _running(covered))
        place = replace(self._place, hidden=copies_in_texts(self._tree, covered, self._modules))
        repository = Repository(place, MEMORY)
        try:
            tree = TestedTree(place, self._modules, covered, imported, made)
            return MendTrials(repository, tree, self._mend, telling).harvest()
        finally:
            repository.close()

    def _covered(self) -> tuple[Covered, set[tuple[str, str]], Mapping[str, str]]:
        """Of the functions that the commit changed; with the texts of tests that functions made."""
        folders = [self._tree / each for each in self._place.imports]
        tests, options = list(self._mend.tests), list(self._place.options)
        tested = tested_lines(self._tree, self._tree, tests, folders, options, seconds=_TESTS_SECONDS)
        files = {file: self._modules[file] for file, _ in self._mend.earlier if file in self._modules}
        covered, imported = covered_in(self._tree, files, tested.lines)
        changed = {
            file: {name: ran for name, ran in functions.items() if (file, name) in self._mend.earlier}
            for file, functions in covered.items()
        }
        return changed, imported, tested.made


def _running(covered: Covered) -> list[str]:
    """Tests that run what it changed. Raises LeftOut."""
    ran = {test for functions in covered.values() for tests in functions.values() for test in tests}
    if not ran:
        raise LeftOut("no test in the files of tests that it changed runs a function that it changed")
    return sorted(ran)


def _failing_before(place: FunctionPlace, mend: Mend, tree: Path, tests: Sequence[str]) -> frozenset[str]:
    """Of *tests* those that fail on the code before the commit, again and again. Raises LeftOut."""
    with exported(Path(place.root), mend.commit.parents[0]) as before:
        _bring_tests(mend, tree, before)
        imports = import_folders(before, modules_of(before))
        repository = Repository(FunctionPlace(str(before), "", "", "", imports, tuple(own_options(before))), MEMORY)
        try:
            passed = {test for _ in range(TIMES) for test in _passing(repository, tests)}
        finally:
            repository.close()
    if not set(tests) - passed:
        raise LeftOut("the code before it passes the tests that it changed")
    return frozenset(tests) - passed


def _bring_tests(mend: Mend, tree: Path, before: Path) -> None:
    for change in mend.changes:
        if change.before and is_test(change.before) and (before / change.before).is_file():
            (before / change.before).unlink()
        if change.after and is_test(change.after) and (tree / change.after).is_file():
            (before / change.after).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(tree / change.after, before / change.after)


def _passing(repository: Repository, tests: Sequence[str]) -> list[str]:
    """File by file: one that cannot be collected takes no other one with it."""
    by_file: dict[str, list[str]] = {}
    for test in tests:
        by_file.setdefault(test.partition("::")[0], []).append(test)
    runs = [repository.run("", (), "", each, 0, _TESTS_SECONDS) for each in by_file.values()]
    return [test for run in runs for test, word in run.words.items() if word == "passed"]


class MendTrials(FunctionTrials):
    """Of functions that a commit changed: the tests that tell come first, and refuse what was before."""

    def __init__(self, repository: Repository, tree: TestedTree, mend: Mend, telling: AbstractSet[str]) -> None:
        """*telling*: tests, as the commit left them, that the code before it fails."""
        super().__init__(repository, tree, lambda _: None)
        self._mend = mend
        self._telling = telling
        self._failing: dict[tuple[str, str], tuple[list[str], str]] = {}
        """By function the tests that what was before fails, and which of them says what."""

    def harvest(self) -> Harvest:
        """With those of the commit's functions that nothing runs."""
        found = super().harvest()
        unrun = {key for key in self._mend.earlier if key[1] not in self._covered.get(key[0], {})}
        why = "no test runs it in the files of tests that the commit changed"
        return replace(found, left_out={**found.left_out, **{self._id(*key): why for key in sorted(unrun)}})

    def _id(self, file: str, name: str) -> str:
        return f"{self._mend.commit.short}:{super()._id(file, name)}"

    def _task(self, file: str, name: str) -> Task:
        return replace(super()._task(file, name), earlier=self._mend.earlier[file, name])

    def _tests(self, file: str, name: str) -> tuple[str, ...]:
        good = self._in_order(self._covered[file][name])
        telling = [test for test in good if test in self._telling]
        if not telling:
            raise LeftOut("no test runs it that the code before the commit fails")
        tests = self._taken([*telling, *(test for test in good if test not in self._telling)])
        self._failing[file, name] = self._refusing(file, name, tests)
        return tests

    def _refusing(self, file: str, name: str, tests: Sequence[str]) -> tuple[list[str], str]:
        """Raises LeftOut where what was before passes in the function's place."""
        source = self._modules[file].filled(name, self._mend.earlier[file, name]).source
        runs = [self._run(source, (), file, tests, self._limit(tests)) for _ in range(TIMES)]
        passed = {test for run in runs for test in tests if run.words.get(test) == "passed"}
        failing = [test for test in tests if test in self._telling and test not in passed]
        if not failing:
            raise LeftOut("as it was before it passes the commit's tests")
        said = [each for each in runs[0].failures if each["assertion"] in failing]
        told = f"`{said[0]['assertion']}` says: {said[0]['summary']}" if said else end_of(runs[0])
        return failing, _ADDRESS.sub("", told)

    def _prompt(self, file: str, name: str, tests: Sequence[str]) -> str:
        module, earlier = self._modules[file], self._mend.earlier[file, name]
        if texts_with(module.text_of(name), [("message", words_of(self._mend.said))]):
            raise LeftOut("the commit's message holds the answer")
        failing, failure = self._failing[file, name]
        known = self._known(file, name, [test for test in tests if test in failing])
        return mend_prompt_of(file, module, name, earlier, self._mend.said, known, failure)
