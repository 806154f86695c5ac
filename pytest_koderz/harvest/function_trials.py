"""Functions tried with their tests: those are tasks whose tests tell right from wrong, alone and again."""

from __future__ import annotations

import ast
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import ClassVar

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.function_traits import code_lines
from pytest_koderz.core.place import FunctionPlace, Misplaced, ModuleText, body_lines
from pytest_koderz.sandbox.repository_tests import TAMPERING, Repository, TestsRun

from .callers import Callers
from .code_files import is_test
from .covered_functions import Covered
from .definitions import Definitions
from .mutants import mutants_of
from .near_copies import near_copy_of, shapes_of
from .other_files import OtherFiles
from .task_prompt import Known, prompt_of
from .test_choice import MOST_SECONDS, MOST_TESTS, in_order
from .trying import Versions

LEAST_LINES = 2
"""Of a body: what is shorter asks for nothing."""
LEAST_ADEQUACY = 0.5
TIMES = 3
_RUN_SECONDS = 120.0
MEMORY = 1 << 30
"""Bytes, of a process of the sandbox."""
_WORKERS = 2
_TELLING_SECONDS = 60.0
_BROKEN = ("INTERNALERROR>", "ERROR")
"""What pytest begins a line with that says why there are no tests."""
Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Task:
    """A function that is worth to be asked for."""

    id: str
    file: str
    entry_point: str
    prompt: str
    tests: tuple[str, ...]
    adequacy: float | None
    """The share of its mutants that the tests refuse. None: there is nothing in it to change."""
    callers: int | None = None
    """See `core.function_traits`."""
    earlier: str = ""
    """See `core.place`."""


@dataclass(frozen=True, slots=True)
class TestedTree:
    """A repository's files, and what of them tests run."""

    __test__ = False

    place: FunctionPlace
    modules: Mapping[str, ModuleText]
    """By file, tests among them."""
    covered: Covered
    """Of the functions that are to be tried."""
    imported: AbstractSet[tuple[str, str]]
    """File and name of functions that run while they are imported."""
    made: Mapping[str, str]
    """See `TestedLines`."""


@dataclass(frozen=True, slots=True)
class Harvest:
    """What came of a tree."""

    place: FunctionPlace
    tasks: tuple[Task, ...]
    left_out: Mapping[str, str]
    """By function why it is no task."""
    untried: int = 0
    """Functions that were left when it was stopped."""
    kind: ClassVar[str] = "function"
    """What is tried."""


class LeftOut(Exception):
    """Why a function, or a commit, is no task."""


class FunctionTrials:
    """Of the functions of one tree."""

    def __init__(self, repository: Repository, tree: TestedTree, notify: Notify) -> None:
        self._repository = repository
        self._place = tree.place
        self._modules = modules = tree.modules
        self._covered = covered = tree.covered
        self._imported = tree.imported
        self._made = tree.made
        self._shapes = shapes_of(modules)
        own = {file: module for file, module in modules.items() if not is_test(file)}
        self._callers, self._other_files, self._definitions = Callers(own), OtherFiles(own), Definitions(own)
        self._notify = notify
        self._good: dict[str, float] = {}
        """Seconds of each test that passes again and again, in any order."""
        self._bad: dict[str, str] = {}
        self._breadth = Counter(
            test for functions in covered.values() for tests in functions.values() for test in tests
        )
        """How many functions each test runs."""
        self._methods: dict[str, list[tuple[ModuleText, str]]] = {}
        """By name alone."""
        for module in modules.values():
            for name in module.functions:
                self._methods.setdefault(name.rpartition(".")[2], []).append((module, name))

    def harvest(self) -> Harvest:
        wanted = {test for functions in self._covered.values() for tests in functions.values() for test in tests}
        self._sift(sorted(wanted))
        names = [(file, name) for file, functions in self._covered.items() for name in functions]
        self._notify(f"trying {len(names)} functions with {len(self._good)} tests that can be run in the sandbox")
        found = self._found(names)
        tasks = [task for task in found.values() if isinstance(task, Task)]
        left_out = {self._id(*key): each for key, each in found.items() if isinstance(each, str)}
        return Harvest(self._place, tuple(tasks), left_out, len(names) - len(found))

    def _found(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Task | str]:
        """What came of each function of a file; after Ctrl-C of those alone that had come to their end by then."""
        with (
            Versions(self._repository, self._good, _WORKERS, self._notify) as self._versions,
            ThreadPoolExecutor(_WORKERS) as threads,
        ):
            trials = [threads.submit(self._tried, *each) for each in names]
            try:
                self._follow(trials)
            except KeyboardInterrupt:
                self._notify("stopping, once the functions that are being tried have come to their end")
                threads.shutdown(wait=False, cancel_futures=True)
        return {name: trial.result() for name, trial in zip(names, trials, strict=True) if not trial.cancelled()}

    def _follow(self, trials: Sequence[Future[Task | str]]) -> None:
        """As they come to their end; once a minute it is told how far they are."""
        began = told = time.monotonic()
        for number, each in enumerate(trials, 1):
            each.result()
            if (now := time.monotonic()) - told >= _TELLING_SECONDS:
                told, left = now, (now - began) / number * (len(trials) - number)
                self._notify(f"{number} of {len(trials)} functions tried, about {left / 60:.0f} min left")

    def _sift(self, tests: Sequence[str]) -> None:
        """Which tests the sandbox can run: all at once, and by file those that then fail, may be because of others."""
        self._sift_together(tests)
        by_file: dict[str, list[str]] = {}
        for test in self._bad:
            by_file.setdefault(test.partition("::")[0], []).append(test)
        with ThreadPoolExecutor(_WORKERS) as threads:
            list(threads.map(self._sift_together, by_file.values()))

    def _sift_together(self, tests: Sequence[str]) -> None:
        """Three times, once of them in reverse."""
        orders = (tests, tests[::-1], tests)
        with ThreadPoolExecutor(_WORKERS) as threads:
            runs = list(threads.map(lambda order: self._run("", (), "", order, _RUN_SECONDS), orders))
        for test in tests:
            words = [run.words.get(test, "not run") for run in runs]
            if words == ["passed"] * TIMES:
                self._good[test] = max(run.durations.get(test, 0.0) for run in runs)
                self._bad.pop(test, None)
            else:
                told = [each for run in runs for each in run.failures if each["assertion"] == test]
                why = told[0]["summary"] if told else end_of(runs[0]) or ", ".join(words)
                self._bad[test] = str(why)

    def _id(self, file: str, name: str) -> str:
        module = file.removesuffix(".py").removesuffix("/__init__")
        folders = sorted(self._place.imports, key=len, reverse=True)
        inside = next((module[len(each) :] for each in folders if each and module.startswith(f"{each}/")), module)
        return f"{inside.strip('/').replace('/', '.')}:{name}"

    def _tried(self, file: str, name: str) -> Task | str:
        try:
            return self._task(file, name)
        except LeftOut as why:
            return str(why)
        except (SandboxFault, Misplaced) as fault:
            return f"the sandbox failed: {fault}"

    def _task(self, file: str, name: str) -> Task:
        module = self._modules[file]
        node = module.functions[name]
        _check_body(module, name)
        if copy := near_copy_of(f"{file}:{name}", self._shapes):
            raise LeftOut(f"{copy} says nearly the same")
        tests = self._tests(file, name)
        original = module.text_of(name)
        self._check_original(file, name, original, tests)
        adequacy = self._adequacy(file, name, original, tests)
        if adequacy is not None and adequacy < LEAST_ADEQUACY:
            raise LeftOut(f"weak tests: they refuse {adequacy:.0%} of wrong versions")
        prompt = self._prompt(file, name, tests)
        callers = self._callers.of(file, name)
        return Task(self._id(file, name), file, node.name, prompt, tests, adequacy, callers)

    def _check_original(self, file: str, name: str, original: str, tests: Sequence[str]) -> None:
        place = replace(self._place, file=file, qualname=name)
        run = self._repository.judge(place, original, _joined(tests), 0, self._limit(tests), at_once=True)
        if run.timed_out:
            raise LeftOut("its tests take too long where all that the original does is looked at")
        if run.answer is not None and run.answer["failures"]:
            words = run.answer["failures"][0]["summary"]
            if words.startswith(TAMPERING):
                raise LeftOut(f"the original does what no candidate may: it {words.removeprefix(TAMPERING)}")
            raise LeftOut(f"the original fails its tests alone: {words}")

    def _limit(self, tests: Sequence[str]) -> float:
        """Seconds for a run of its own."""
        return max(3.0, 10 * sum(self._good[test] for test in tests) + 2)

    def _prompt(self, file: str, name: str, tests: Sequence[str]) -> str:
        return prompt_of(file, self._modules[file], name, self._known(file, name, tests))

    def _tests(self, file: str, name: str) -> tuple[str, ...]:
        """The first ones that together take not too long."""
        return self._taken(self._in_order(self._covered[file][name]))

    def _in_order(self, ran: Mapping[str, set[int]]) -> list[str]:
        """The good ones of those that ran it. Raises LeftOut where there are none."""
        good = {test: lines for test, lines in ran.items() if test in self._good}
        if not good:
            raise LeftOut(f"the sandbox cannot run its tests: {self._bad.get(next(iter(ran)), 'they fail')}")
        return in_order(good, self._good, self._breadth)

    def _taken(self, tests: Sequence[str]) -> tuple[str, ...]:
        """Up to where they take too long together."""
        taken, seconds = [], 0.0
        for test in tests[:MOST_TESTS]:
            seconds += self._good[test]
            if seconds > MOST_SECONDS:
                break
            taken.append(test)
        if not taken:
            raise LeftOut(f"its tests take more than {MOST_SECONDS:g} s")
        return tuple(sorted(taken))

    def _adequacy(self, file: str, name: str, original: str, tests: Sequence[str]) -> float | None:
        """Raises LeftOut where they do not even refuse an empty body."""
        module = self._modules[file]
        mutants = mutants_of(original, f"{file}:{name}")
        wrong = [module.emptied(name)] * TIMES + [module.filled(name, each).source for each in mutants]
        passed = self._passing(file, name, wrong, tests)
        if any(passed[:TIMES]):
            raise LeftOut("its tests pass without a body")
        return round(passed[TIMES:].count(False) / len(mutants), 2) if mutants else None

    def _passing(self, file: str, name: str, sources: Sequence[str], tests: Sequence[str]) -> list[bool]:
        """Of each version whether it passes: the quickest test is the first, and the first that fails the last."""
        quickest = sorted(tests, key=lambda test: self._good[test])
        found = self._versions.passing(file, name, self._modules[file].source, sources, quickest)
        if (file, name) in self._imported:  # what it did then was the original's doing
            found = [None if each else each for each in found]
        return [
            self._passes(file, source, quickest) if each is None else each
            for source, each in zip(sources, found, strict=True)
        ]

    def _passes(self, file: str, source: str, tests: Sequence[str]) -> bool:
        run = self._run(source, (), file, tests, self._limit(tests), first=True)
        return all(run.words.get(test) == "passed" for test in tests) and run.whole

    def _run(
        self,
        source: str,
        written: Sequence[tuple[int, int]],
        file: str,
        tests: Sequence[str],
        seconds: float,
        *,
        first: bool = False,
    ) -> TestsRun:
        return self._repository.run(source, written, file, tests, 0, seconds, first=first)

    def _known(self, file: str, name: str, tests: Sequence[str]) -> Known:
        examples = self._examples(name, {test: self._covered[file][name][test] for test in tests})
        uses, definitions = self._callers.lines(file, name), self._definitions.of(file, name)
        return Known(examples, uses, self._other_files.of(file, name), definitions)

    def _examples(self, name: str, ran: Mapping[str, set[int]]) -> list[str]:
        """The tests' texts: those that speak of the function first, then those that run lines which none before does,
        then those that run the fewest functions. *ran* has by test the lines of the function.
        """
        owner, _, alone = name.rpartition(".")
        word = owner if alone.startswith("__") else alone
        lines: dict[str, set[int]] = {}
        breadth: dict[str, int] = {}
        for test, numbers in ran.items():
            if text := self._text_of(test):
                lines[text] = lines.get(text, set()) | numbers
                breadth[text] = self._breadth[test]
        found: list[str] = []
        seen: set[int] = set()
        while lines:
            best = min(lines, key=lambda each: (word not in each, -len(lines[each] - seen), breadth[each], len(each)))
            seen |= lines.pop(best)
            found.append(best)
        return found

    def _text_of(self, test: str) -> str:
        file, _, rest = test.partition("::")
        name = rest.partition("[")[0].replace("::", ".")
        module = self._modules.get(file)
        if module and name in module.functions:
            return module.text_of(name)
        # A method that the class of tests inherits stands elsewhere.
        found = self._methods.get(name.rpartition(".")[2], []) if "." in name else []
        return found[0][0].text_of(found[0][1]) if len(found) == 1 else self._made.get(test, "")


def end_of(run: TestsRun) -> str:
    """Why pytest ended before the tests; empty where it did not."""
    if run.timed_out:
        return "takes too long"
    errors = [line for line in f"{run.stdout}\n{run.stderr}".splitlines() if line.startswith(_BROKEN)]
    return "" if run.words or not errors else errors[-1].removeprefix(_BROKEN[0]).strip()


def _joined(tests: Sequence[str]) -> str:
    return "\n".join(tests) + "\n"


def _check_body(module: ModuleText, name: str) -> None:
    node = module.functions[name]
    first, _ = body_lines(node)
    if first <= node.lineno or code_lines(module, name) < LEAST_LINES:
        raise LeftOut("too short to be asked for")
    named = {ast.unparse(each).rpartition(".")[2].partition("(")[0] for each in node.decorator_list}
    if named & {"overload", "abstractmethod", "setter", "deleter"}:
        raise LeftOut(f"is decorated with {min(named)}")
