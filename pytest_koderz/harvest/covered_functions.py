"""Which tests of a repository run which of its functions: its own pytest under coverage.py, on a copy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pytest_koderz.core.place import ModuleText, body_lines
from pytest_koderz.core.syntax import UNREADABLE
from pytest_koderz.files.usage_error import UsageError

from .test_contexts import OUT, SOURCE

_PLUGIN = "pytest_koderz.harvest.test_contexts"


Lines = dict[str, dict[str, list[int]]]


@dataclass(frozen=True, slots=True)
class TestedLines:
    """What came of a repository's tests under coverage.py."""

    __test__ = False

    lines: Lines
    """By file, and by test that passed, the lines that it ran; an empty name has those that ran outside of tests."""
    passed: int
    faults: Mapping[str, str]
    """By test that failed, or file that could not be collected, the error."""
    made: Mapping[str, str]
    """By test that a function made its text, and what it was made for."""

    @property
    def told(self) -> str:
        """The faults in one line, empty where there are none."""
        name, why = next(iter(self.faults.items()), ("", ""))
        others = f" and {len(self.faults) - 1} more" if len(self.faults) > 1 else ""
        return name and f"{name}{others}: {why}"


def tested_lines(
    root: Path,
    source: Path,
    tests: list[str],
    imports: list[Path],
    options: list[str],
    *,
    seconds: float,
) -> TestedLines:
    """Of all *tests* once. Raises UsageError where pytest cannot do it within *seconds*, or no test passes."""
    if find_spec("coverage") is None:
        raise UsageError("--koderz-harvest: needs coverage.py: pip install coverage")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "contexts.json"
        ours = str(Path(__file__).parents[2])
        paths = os.pathsep.join([*map(str, imports), ours])
        measured = source if source.is_dir() else source.parent
        environment = {**os.environ, SOURCE: str(measured), OUT: str(out), "PYTHONPATH": paths}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_STORAGE_DIRECTORY": f"{folder}/hypothesis"}
        command = [sys.executable, "-m", "pytest", *tests, *options, f"--rootdir={root}", "-q", "--tb=short"]
        command += ["--continue-on-collection-errors", "-Wignore::pytest.PytestConfigWarning"]
        command += ["-p", "no:cacheprovider", "-p", "no:koderz", "-p", "no:randomly", "-p", _PLUGIN]
        try:
            run = subprocess.run(  # noqa: S603 - the user's own tests, as the user runs them
                command, cwd=root, env=environment, timeout=seconds, capture_output=True, text=True, check=False
            )
        except subprocess.TimeoutExpired:
            raise UsageError(f"--koderz-harvest: the tests take more than {seconds:g} s") from None
        if not out.is_file():
            words = (run.stdout + run.stderr).strip().splitlines()[-1:] or ["it said nothing"]
            raise UsageError(f"--koderz-harvest: pytest cannot run the tests: {words[0]}")
        found = TestedLines(**json.loads(out.read_text(encoding="utf-8")))
    if not found.passed:
        place = tests[0] if tests else root
        why = f"no test passes here: {found.told}" if found.faults else f"pytest finds no tests under {place}"
        raise UsageError(f"--koderz-harvest: {why}")
    return found


def tests_by_function(module: ModuleText, lines: Mapping[str, list[int]]) -> dict[str, dict[str, set[int]]]:
    """Of each of the module's functions the tests that ran lines of its body, and which."""
    found: dict[str, dict[str, set[int]]] = {}
    for name, node in module.functions.items():
        first, last = body_lines(node)
        ran = {test: {number for number in numbers if first <= number <= last} for test, numbers in lines.items()}
        if those := {test: numbers for test, numbers in ran.items() if test and numbers}:
            found[name] = those
    return found


def functions_of_import(module: ModuleText, lines: Mapping[str, list[int]]) -> set[str]:
    """Those of the module's functions that ran outside of all tests, as decorators do."""
    bodies = {name: body_lines(node) for name, node in module.functions.items()}
    ran = lines.get("", ())
    return {name for name, (first, last) in bodies.items() if any(first <= number <= last for number in ran)}


Covered = dict[str, dict[str, dict[str, set[int]]]]
"""By file and function the tests that run it, and which lines of it."""


def covered_in(root: Path, modules: Mapping[str, ModuleText], lines: Lines) -> tuple[Covered, set[tuple[str, str]]]:
    """Of the functions of *modules*, by file: what tests run them, and those that run while they are imported."""
    ran = {file: lines.get(str(root / file), {}) for file in modules}
    covered = {file: tests_by_function(module, ran[file]) for file, module in modules.items()}
    imported = {(file, name) for file, module in modules.items() for name in functions_of_import(module, ran[file])}
    return covered, imported


def module_text(path: Path) -> ModuleText | None:
    """None: it is no Python of this version."""
    try:
        module = ModuleText(path.read_text(encoding="utf-8-sig"))
        _ = module.functions
    except (OSError, *UNREADABLE):
        return None
    return module
