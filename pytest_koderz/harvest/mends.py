"""What a commit mended, by its files alone: functions that were there before, and files of tests that changed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_koderz.core.place import Function, ModuleText, is_docstring
from pytest_koderz.core.syntax import UNREADABLE
from pytest_koderz.files.git_history import Commit, FileChange, GitFault, changes_of, said_of, text_at

from .code_files import folder_of_tests, is_file_of_tests, is_for_tests, is_test
from .function_trials import LeftOut


@dataclass(frozen=True, slots=True)
class Mend:
    """What may become tasks."""

    commit: Commit
    said: str
    """What people said of it."""
    changes: tuple[FileChange, ...]
    earlier: Mapping[tuple[str, str], str]
    """By file and function of the commit, the function as it was before."""
    tests: tuple[str, ...]
    """Files and folders whose tests may tell the two apart."""


def mend_of(root: Path, commit: Commit, source: str, tests: str) -> Mend:
    """Of functions and tests beneath these two folders, from *root* on; empty names are all. Raises LeftOut."""
    if not commit.parents:
        raise LeftOut("nothing was before it")
    if commit.author.endswith("[bot]"):
        raise LeftOut("its author is a program")
    try:
        changes, said = changes_of(root, commit), said_of(root, commit)
    except GitFault as fault:
        raise LeftOut(str(fault)) from None
    of_tests = [each for each in changes if each.after and is_for_tests(each.after) and _is_in(each.after, tests)]
    changed = [each.after or "" for each in of_tests if _says_else(root, commit, each)]
    places = sorted({place for file in changed if (place := _place_of(file))})
    if not places:
        raise LeftOut("it changes no test")
    code = [each for each in changes if each.after and not is_test(each.after) and _is_in(each.after, source)]
    earlier = {(each.after or "", name): text for each in code for name, text in _changed(root, commit, each)}
    if not earlier:
        raise LeftOut("it changes no function that was there before")
    return Mend(commit, said, tuple(changes), earlier, tuple(places))


def _is_in(file: str, folder: str) -> bool:
    return not folder or file == folder or file.startswith(f"{folder}/")


def _place_of(file: str) -> str:
    """Where pytest finds the tests that *file* is about: itself, where it is for others its folder, and of what is no
    module, as cases that are read from it, the folder of all tests. Empty: none.
    """
    if file.endswith(".py"):
        return file if is_file_of_tests(file) else file.rpartition("/")[0]
    return folder_of_tests(file)


def _says_else(root: Path, commit: Commit, change: FileChange) -> bool:
    """Whether it is more than its comments that changed."""
    if not (change.after or "").endswith(".py"):
        return True
    after = _module_at(root, commit.id, change.after)
    return ast.dump(after.tree) != ast.dump(_module_at(root, commit.parents[0], change.before).tree)


def _changed(root: Path, commit: Commit, change: FileChange) -> Iterator[tuple[str, str]]:
    """Functions that were there and say something else than before, each as it was."""
    after = _module_at(root, commit.id, change.after)
    before = _module_at(root, commit.parents[0], change.before)
    for name, node in after.functions.items():
        was = before.functions.get(name)
        if was is not None and _said(was) != _said(node):
            yield name, before.text_of(name)


def _module_at(root: Path, commit: str, file: str | None) -> ModuleText:
    """An empty one where there is none that this Python can read."""
    if file is None or not file.endswith(".py"):
        return ModuleText("")
    try:
        module = ModuleText(text_at(root, commit, file))
        _ = module.functions
    except (GitFault, *UNREADABLE):
        return ModuleText("")
    return module


def _said(function: Function) -> list[str]:
    """What it does, however it is written and documented."""
    body = [node for node in function.body if not is_docstring(node)]
    return [ast.dump(part) for part in (function.args, *function.decorator_list, *body)]
