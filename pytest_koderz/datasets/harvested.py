"""A suite of a repository's own functions, as --koderz-harvest writes it and a user may edit it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from pytest_koderz.core.function_traits import traits_in
from pytest_koderz.core.place import FunctionPlace, Misplaced, ModuleText, tests_of
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.syntax import UNREADABLE
from pytest_koderz.files.git_history import GitFault, text_at
from pytest_koderz.files.source_tree import digest_of_tree
from pytest_koderz.files.usage_error import Mistakes, UsageError
from pytest_koderz.files.yaml_lines import KeyPath, Located

_TREE_KEYS = {
    "imports": "folders of it that modules are imported from",
    "options": "pytest's, of its own addopts",
    "hidden": "files of it that no candidate may read",
}
REPOSITORY_KEYS = {
    "path": "the repository's folder, from this file's folder on",
    "digest": "16 hex digits that its code and configuration must have",
    "python": "the version that it was harvested with",
    **_TREE_KEYS,
    "commits": "instead of a digest: those of its history whose files the tasks are about, by their hash",
}
COMMIT_KEYS = {"published": "the day of the commit, such as 2021-07-07", **_TREE_KEYS}
PLACED_KEYS = {
    "id": "its name: the module and the function",
    "file": "where the function stands, from the repository's folder on",
    "entry_point": "the function's name",
    "prompt": "the task as models are sent it",
    "tests": "node ids of the tests that ran it, which all have to pass",
    "adequacy": "the share of wrong versions of it that these tests refuse, from 0 to 1",
    "callers": "how many other functions and modules use its name",
    "commit": "of `repository: commits` the one that mended it",
    "earlier": "the function as it was before, which is to be mended",
}
_HASH = re.compile("[0-9a-f]{40}([0-9a-f]{24})?")
REQUIRED_PLACED = ("id", "file", "entry_point", "prompt", "tests")


def read_harvested(suite: Located) -> tuple[Problem, ...]:
    """The problems of a suite with the key `repository`. Raises UsageError with file, line and key."""
    places = _places(suite)
    entries = suite.plain.get("problems")
    if not isinstance(entries, list) or not entries:
        raise _wrong(suite, ("problems",), "must be a list of problems")
    problems, mistakes, modules = [], Mistakes(), _Modules(suite)
    for number in range(len(entries)):
        with mistakes.noted():
            problems.append(_problem(suite, ("problems", number), places, modules))
            if len({problem.id for problem in problems}) < len(problems):
                raise _wrong(suite, ("problems", number, "id"), f"{problems.pop().id!r} stands there already")
    mistakes.tell()
    return tuple(problems)


@dataclass(frozen=True, slots=True)
class _Place:
    """A repository, without a function, and the day when all could read it so; None: not told."""

    tree: FunctionPlace
    published: date | None = None


def _places(suite: Located) -> dict[str, _Place]:
    """By commit; an empty name has the repository as it lies there."""
    key: KeyPath = ("repository",)
    of_history = isinstance(suite.plain["repository"], dict) and "commits" in suite.plain["repository"]
    left_out = {"digest", *_TREE_KEYS} if of_history else {"commits"}
    known = tuple(name for name in REPOSITORY_KEYS if name not in left_out)
    required = ("path", "commits" if of_history else "digest")
    told = _mapping(suite, key, suite.plain["repository"], known, required)
    root = (suite.path.parent / _text(suite, (*key, "path"), told["path"])).resolve()
    if not root.is_dir():
        raise _wrong(suite, (*key, "path"), f"no such folder: {root}")
    if of_history:
        return {name: _of_commit(suite, (*key, "commits", name), root) for name in _commits(suite, (*key, "commits"))}
    digest = suite.written((*key, "digest")) or ""
    if (now := digest_of_tree(root)) != digest:
        words = f"the repository is not as it was harvested ({now} now); harvest it again with --koderz-harvest"
        raise _wrong(suite, (*key, "digest"), words)
    return {"": _Place(_tree(suite, key, told, str(root), digest, ""))}


def _commits(suite: Located, key: KeyPath) -> list[str]:
    told = _at(suite, key)
    if not isinstance(told, dict) or not told:
        raise _wrong(suite, key, "must hold commits by their hash")
    for name in told:
        if not (isinstance(name, str) and _HASH.fullmatch(name)):
            raise _wrong(suite, (*key, name), "must be the whole hash of a commit, in quotes")
    return list(told)


def _of_commit(suite: Located, key: KeyPath, root: Path) -> _Place:
    told = _mapping(suite, key, _at(suite, key), tuple(COMMIT_KEYS), ())
    try:
        day = date.fromisoformat(suite.written((*key, "published")) or "") if "published" in told else None
    except ValueError:
        raise _wrong(suite, (*key, "published"), "must be a day such as 2021-07-07") from None
    return _Place(_tree(suite, key, told, str(root), "", str(key[-1])), day)


def _tree(suite: Located, key: KeyPath, told: Mapping[str, Any], root: str, digest: str, commit: str) -> FunctionPlace:
    imports, options, hidden = (_texts(suite, (*key, name), told.get(name, [])) for name in _TREE_KEYS)
    return FunctionPlace(root, digest, "", "", imports or ("",), options, hidden, commit)


class _Modules:
    """The repository's modules, each read once."""

    def __init__(self, suite: Located) -> None:
        self._suite = suite
        self._read: dict[tuple[str, str], ModuleText] = {}

    def of(self, tree: FunctionPlace, file: str, key: KeyPath) -> ModuleText:
        known = tree.commit, file
        if known not in self._read:
            try:
                self._read[known] = ModuleText(_text_of(tree, file))
                _ = self._read[known].functions
            except (OSError, GitFault, *UNREADABLE) as fault:
                raise _wrong(self._suite, key, f"cannot be read: {fault}") from None
        return self._read[known]


def _text_of(tree: FunctionPlace, file: str) -> str:
    root = Path(tree.root)
    return text_at(root, tree.commit, file) if tree.commit else (root / file).read_text(encoding="utf-8-sig")


def _problem(suite: Located, key: KeyPath, places: Mapping[str, _Place], modules: _Modules) -> Problem:
    required = REQUIRED_PLACED if "" in places else (*REQUIRED_PLACED, "commit", "earlier")
    entry = _mapping(suite, key, _at(suite, key), tuple(PLACED_KEYS), required)
    place = _place_of(suite, key, entry, places)
    file, name = (_text(suite, (*key, part), entry[part]) for part in ("file", "entry_point"))
    identifier = _text(suite, (*key, "id"), entry["id"])
    qualname = identifier.rpartition(":")[2]
    if qualname.rpartition(".")[2] != name:
        raise _wrong(suite, (*key, "id"), f"must end with a colon and the function's name, as `module:{name}`")
    module = modules.of(place.tree, file, (*key, "file"))
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
        place=replace(place.tree, file=file, qualname=qualname, earlier=_earlier(suite, key, entry, module, qualname)),
        function=traits_in(module, qualname, file, callers, adequacy),
        published=place.published,
    )


def _place_of(suite: Located, key: KeyPath, entry: Mapping[str, Any], places: Mapping[str, _Place]) -> _Place:
    commit = suite.written((*key, "commit")) or "" if "commit" in entry else ""
    if commit not in places:
        words = "the repository has no `commits`" if "" in places else f"is none of `repository: commits`: {commit!r}"
        raise _wrong(suite, (*key, "commit"), words)
    return places[commit]


def _earlier(suite: Located, key: KeyPath, entry: Mapping[str, Any], module: ModuleText, qualname: str) -> str:
    """Empty where none is told. Raises UsageError where it does not fit in the module."""
    if "earlier" not in entry:
        return ""
    text = _text(suite, (*key, "earlier"), entry["earlier"])
    try:
        module.filled(qualname, text)
    except Misplaced as fault:
        raise _wrong(suite, (*key, "earlier"), str(fault)) from None
    return text


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
