"""A suite of a repository's own functions, as --koderz-harvest writes it and a user may edit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_koderz.core.function_traits import traits_in
from pytest_koderz.core.place import FunctionPlace, ModuleText, tests_of
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.syntax import UNREADABLE
from pytest_koderz.files.source_tree import digest_of_tree
from pytest_koderz.files.usage_error import Mistakes, UsageError
from pytest_koderz.files.yaml_lines import KeyPath, Located

REPOSITORY_KEYS = {
    "path": "the repository's folder, from this file's folder on",
    "digest": "16 hex digits that its code and configuration must have",
    "python": "the version that it was harvested with",
    "imports": "folders of it that modules are imported from",
    "options": "pytest's, of its own addopts",
    "hidden": "files of it that no candidate may read",
}
PLACED_KEYS = {
    "id": "its name: the module and the function",
    "file": "where the function stands, from the repository's folder on",
    "entry_point": "the function's name",
    "prompt": "the task as models are sent it",
    "tests": "node ids of the tests that ran it, which all have to pass",
    "adequacy": "the share of wrong versions of it that these tests refuse, from 0 to 1",
    "callers": "how many other functions and modules use its name",
}
REQUIRED_PLACED = ("id", "file", "entry_point", "prompt", "tests")


def read_harvested(suite: Located) -> tuple[Problem, ...]:
    """The problems of a suite with the key `repository`. Raises UsageError with file, line and key."""
    place = _repository(suite)
    entries = suite.plain.get("problems")
    if not isinstance(entries, list) or not entries:
        raise _wrong(suite, ("problems",), "must be a list of problems")
    problems, mistakes, modules = [], Mistakes(), _Modules(suite)
    for number in range(len(entries)):
        with mistakes.noted():
            problems.append(_problem(suite, ("problems", number), place, modules))
            if len({problem.id for problem in problems}) < len(problems):
                raise _wrong(suite, ("problems", number, "id"), f"{problems.pop().id!r} stands there already")
    mistakes.tell()
    return tuple(problems)


def _repository(suite: Located) -> FunctionPlace:
    key: KeyPath = ("repository",)
    told = _mapping(suite, key, suite.plain["repository"], tuple(REPOSITORY_KEYS), ("path", "digest"))
    root = (suite.path.parent / _text(suite, (*key, "path"), told["path"])).resolve()
    if not root.is_dir():
        raise _wrong(suite, (*key, "path"), f"no such folder: {root}")
    digest = suite.written((*key, "digest")) or ""
    if (now := digest_of_tree(root)) != digest:
        words = f"the repository is not as it was harvested ({now} now); harvest it again with --koderz-harvest"
        raise _wrong(suite, (*key, "digest"), words)
    lists = {name: _texts(suite, (*key, name), told.get(name, [])) for name in ("imports", "options", "hidden")}
    return FunctionPlace(str(root), digest, "", "", lists["imports"] or ("",), lists["options"], lists["hidden"])


class _Modules:
    """The repository's modules, each read once."""

    def __init__(self, suite: Located) -> None:
        self._suite = suite
        self._read: dict[Path, ModuleText] = {}

    def of(self, path: Path, key: KeyPath) -> ModuleText:
        if path not in self._read:
            try:
                self._read[path] = ModuleText(path.read_text(encoding="utf-8"))
                _ = self._read[path].functions
            except (OSError, *UNREADABLE) as fault:
                raise _wrong(self._suite, key, f"cannot be read: {fault}") from None
        return self._read[path]


def _problem(suite: Located, key: KeyPath, repository: FunctionPlace, modules: _Modules) -> Problem:
    entry = _mapping(suite, key, _at(suite, key), tuple(PLACED_KEYS), REQUIRED_PLACED)
    file, name = (_text(suite, (*key, part), entry[part]) for part in ("file", "entry_point"))
    identifier = _text(suite, (*key, "id"), entry["id"])
    qualname = identifier.rpartition(":")[2]
    if qualname.rpartition(".")[2] != name:
        raise _wrong(suite, (*key, "id"), f"must end with a colon and the function's name, as `module:{name}`")
    module = modules.of(Path(repository.root) / file, (*key, "file"))
    if qualname not in module.functions:
        raise _wrong(suite, (*key, "file"), f"defines no {qualname}")
    adequacy, callers = _adequacy(suite, (*key, "adequacy"), entry), _callers(suite, (*key, "callers"), entry)
    tests = tests_of("\n".join(_texts(suite, (*key, "tests"), entry["tests"])))
    if not tests:
        raise _wrong(suite, (*key, "tests"), "must be a list of node ids such as tests/test_x.py::test_y")
    return Problem(
        id=identifier,
        prompt=_text(suite, (*key, "prompt"), entry["prompt"]),
        entry_point=name,
        tests="\n".join(tests) + "\n",
        # Read where it stands, and written down nowhere.
        canonical_solution=module.text_of(qualname),
        dataset=suite.path.stem,
        isolation="in-process",
        place=replace(repository, file=file, qualname=qualname),
        function=traits_in(module, qualname, file, callers, adequacy),
    )


def _adequacy(suite: Located, key: KeyPath, entry: Mapping[str, Any]) -> float | None:
    share = entry.get("adequacy")
    if share is None:
        return None
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise _wrong(suite, key, "must be a share from 0 to 1")
    return float(share)


def _callers(suite: Located, key: KeyPath, entry: Mapping[str, Any]) -> int | None:
    number = entry.get("callers")
    if number is not None and (type(number) is not int or number < 0):
        raise _wrong(suite, key, "must be a whole number, 0 or more")
    return number


def _at(suite: Located, key: KeyPath) -> Any:
    value = suite.plain
    for step in key:
        value = value[step]
    return value


def _mapping(
    suite: Located, key: KeyPath, value: Any, known: tuple[str, ...], required: tuple[str, ...]
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(suite, key, f"must hold {', '.join(required)}")
    for name in value:
        if name not in known:
            raise _wrong(suite, (*key, name), f"no such key; known are {', '.join(known)}")
    for name in required:
        if name not in value:
            raise _wrong(suite, (*key, name), "missing")
    return value


def _text(suite: Located, key: KeyPath, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(suite, key, "must be a text")
    return value


def _texts(suite: Located, key: KeyPath, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _wrong(suite, key, "must be a list of texts")
    return tuple(value)


def _wrong(suite: Located, key: KeyPath, words: str) -> UsageError:
    return UsageError(f"{suite.at(key)}: {words}")
