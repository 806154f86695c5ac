"""A repository's files as a harvest sorts them: modules, tests, where modules are imported from, what tells answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pytest_koderz.core.place import ModuleText, body_lines
from pytest_koderz.files.source_tree import files_of_tree

from .covered_functions import module_text
from .near_copies import texts_with

_TESTS = ("tests", "test", "testing")
_BESIDE = ("docs", "examples", "benchmarks")
_COPIES = (".rst", ".md", ".txt", ".html", ".ipynb", ".pyi", ".diff", ".patch", ".in")


def modules_of(root: Path) -> dict[str, ModuleText]:
    """By file, those that this Python can read."""
    texts = {name: module_text(root / name) for name in files_of_tree(root) if name.endswith(".py")}
    return {name: text for name, text in texts.items() if text is not None}


def is_test(file: str) -> bool:
    """Whether it is there for tests, or for nothing that a package is."""
    return is_for_tests(file) or file.rpartition("/")[2] == "setup.py" or _lies_in(file, _BESIDE)


def is_for_tests(file: str) -> bool:
    """Whether it holds tests, or what they share."""
    return is_file_of_tests(file) or file.rpartition("/")[2] == "conftest.py" or _lies_in(file, _TESTS)


def is_file_of_tests(file: str) -> bool:
    """By its name alone, as pytest has it."""
    name = file.rpartition("/")[2]
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def folder_of_tests(file: str) -> str:
    """The outermost one that it lies in; empty where it lies in none."""
    folders = file.split("/")[:-1]
    inside = [number for number, folder in enumerate(folders, 1) if folder in _TESTS]
    return "/".join(folders[: inside[0]]) if inside else ""


def _lies_in(file: str, names: tuple[str, ...]) -> bool:
    return any(folder in names for folder in file.split("/")[:-1])


def import_folders(root: Path, files: Iterable[str]) -> tuple[str, ...]:
    """Of these modules, without tests."""
    return tuple(sorted({_import_folder(root, file) for file in files if not is_test(file)} or {""}))


def _import_folder(root: Path, file: str) -> str:
    folder = (root / file).parent
    while (folder / "__init__.py").is_file() and folder != root:
        folder = folder.parent
    relative = folder.relative_to(root).as_posix()
    return "" if relative == "." else relative


def copies_in_texts(
    root: Path, functions: Mapping[str, Iterable[str]], modules: Mapping[str, ModuleText]
) -> tuple[str, ...]:
    """Files that are no modules and hold the body of one of *functions*: they are not there for candidates."""
    names = [name for name in files_of_tree(root) if name.endswith(_COPIES) and (root / name).is_file()]
    texts = [(name, (root / name).read_text(encoding="utf-8", errors="replace")) for name in names]
    found: set[str] = set()
    for file, known in functions.items():
        module = modules[file]
        for name in known:
            first, last = body_lines(module.functions[name])
            found.update(texts_with("".join(module.lines[first - 1 : last]), texts))
    return tuple(sorted(found))
