"""A copy of a repository for candidates, and what else their tests may read: the packages that are installed here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cached_property
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.place import FunctionPlace
from pytest_koderz.files.git_history import GitFault, exported
from pytest_koderz.files.source_tree import files_of_tree

from .fork_server import HOME

_COMPILE = f"import sys; sys.path.append({HOME!r}); from pytest_koderz.sandbox.compiled_ahead import main; main()"
_COMPILE_SECONDS = 300
_LARGEST_FILE = 16 << 20
"""Bytes, in a scratch folder."""
_USUAL = ("unittest.mock", "decimal", "datetime", "random", "doctest", "difflib", "tempfile", "json", "logging")
"""What tests import most."""
_NO_NAME = re.compile(r"\W")
_VENDORS = re.compile(r"^_?(vendor|extern|third_?party)")
_DEPTH_OF_VENDORS = 3
_WHEELS = ("ensurepip/_bundled", "test/wheeldata", "test/*.whl", "virtualenv/seed/wheels/embed")
"""Where the standard library and virtualenv keep other packages, such as pip with all that pip brings."""
_NEEDED_BY_PYTEST = frozenset({"pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments"})


class RepositoryCopy:
    """Of the place's repository, without what is hidden. Raises SandboxFault where it cannot be made."""

    def __init__(self, place: FunctionPlace) -> None:
        self._holder = Path(os.path.realpath(tempfile.mkdtemp(prefix="koderz")))
        self.place = place
        self.root = self._holder / (Path(place.root).name or "repository")
        try:
            with _files_of(place) as source:
                for name in files_of_tree(source):
                    if not _is_hidden(name, place.hidden):
                        _copy(source / name, self.root / name)
            self._compile()
        except (OSError, GitFault) as error:
            self.close()
            raise SandboxFault(f"the repository {place.root} cannot be copied: {error}") from None

    @property
    def packages(self) -> tuple[str, ...]:
        """Top-level modules that are imported from the copy, not from where they may be installed as well."""
        folders = [self.root / folder for folder in self.place.imports]
        return tuple(sorted({name for folder in folders if folder.is_dir() for name in _modules(folder)}))

    @cached_property
    def uses_hypothesis(self) -> bool:
        """Which draws."""
        return find_spec("hypothesis") is not None and any(map(_speaks_of_hypothesis, self.root.rglob("*.py")))

    def settings(self, memory_limit: int) -> dict[str, Any]:
        """Of a fork server whose children run the tests in it."""
        paths = list(_folders_of_packages(Path(self.place.root)))
        return {
            "kind": "repository",
            "preload": list(_preloaded(self.packages)),
            "plugins": _offered(self.packages),
            "paths": paths,
            "shown": [str(self.root)],
            "covered": [*_wheels(paths), *(entry for path in paths for entry in _installed(path, self.packages))],
            "memory_limit": memory_limit,
            "file_limit": _LARGEST_FILE,
        }

    def _compile(self) -> None:
        """So that no child has to, of which each has only its own candidate to compile."""
        command = [sys.executable, "-P", "-W", "ignore", "-c", _COMPILE, str(self.root)]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(command, timeout=_COMPILE_SECONDS, capture_output=True, check=False)  # noqa: S603 - our own

    def close(self) -> None:
        shutil.rmtree(self._holder, ignore_errors=True)


def _files_of(place: FunctionPlace) -> AbstractContextManager[Path]:
    """The folder that they lie in."""
    root = Path(place.root)
    return exported(root, place.commit) if place.commit else nullcontext(root)


def _speaks_of_hypothesis(place: Path) -> bool:
    return b"import hypothesis" in (text := place.read_bytes()) or b"from hypothesis" in text


def needed_by_pytest(packages: tuple[str, ...]) -> list[str]:
    """Those of which a child has one already, which cannot be parted with."""
    return sorted(_NEEDED_BY_PYTEST.intersection(packages))


def _is_hidden(name: str, hidden: tuple[str, ...]) -> bool:
    return any(name == each or name.startswith(f"{each}/") for each in hidden)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink() or source.is_file():
        shutil.copy2(source, target, follow_symlinks=False)


def _modules(folder: Path) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.suffix == ".py" and entry.stem.isidentifier():
            yield entry.stem
        elif entry.name.isidentifier() and entry.is_dir() and any(entry.glob("*.py")):
            yield entry.name


def _folders_of_packages(root: Path) -> Iterator[str]:
    """Whence this process imports what is installed; not the standard library, this package nor the repository."""
    library = Path(os.__file__).parent
    for path in dict.fromkeys(map(os.path.realpath, filter(None, sys.path))):
        place = Path(path)
        if not place.is_dir() or (path == HOME and place.name != "site-packages"):
            continue
        ours = place.is_relative_to(root) and place.name not in {"site-packages", "dist-packages"}
        in_library = place.is_relative_to(library) and place.name not in {"site-packages", "dist-packages"}
        if not (ours or in_library or root.is_relative_to(place)):
            yield path


def _wheels(folders: Iterable[str]) -> list[str]:
    places = [Path(os.__file__).parent, *map(Path, folders)]
    return [str(wheel) for place in places for pattern in _WHEELS for wheel in place.glob(pattern)]


def _installed(folder: str, packages: tuple[str, ...]) -> Iterator[str]:
    """Other copies of *packages*, also compiled ones and within other packages; what tells of their version stays."""
    for place in (folder, *_folders_of_vendors(folder, _DEPTH_OF_VENDORS)):
        for inside in (place, f"{place}/__pycache__"):
            for entry in _names_in(inside):
                if _NO_NAME.split(entry)[0] in packages and not entry.endswith((".dist-info", ".egg-info")):
                    yield f"{inside}/{entry}"


def _folders_of_vendors(folder: str, depth: int) -> Iterator[str]:
    """Folders in which packages keep copies of others, such as pip's `_vendor`."""
    for entry in _names_in(folder) if depth else ():
        place = f"{folder}/{entry}"
        if entry.isidentifier() and os.path.isdir(place):  # noqa: PTH112 - there are many
            if _VENDORS.search(entry):
                yield place
            yield from _folders_of_vendors(place, depth - 1)


def _names_in(folder: str) -> list[str]:
    with suppress(OSError):
        return sorted(os.listdir(folder))  # noqa: PTH208 - names are wanted
    return []


def _offered(packages: tuple[str, ...]) -> list[str]:
    """Plugins that pytest finds by itself, whether this process has them or was told to leave them: some change pytest
    when they are imported, which must not look as if the candidate did.
    """
    names = {point.value.partition(":")[0] for point in entry_points(group="pytest11")}
    return sorted(name for name in names if name.partition(".")[0] not in {*packages, "pytest_koderz"})


def _preloaded(packages: tuple[str, ...]) -> Iterator[str]:
    """What pytest consists of, as far as this process has it."""
    for name in list(sys.modules):
        if (head := name.partition(".")[0]) in {"pytest", "_pytest", "pluggy"} and head not in packages:
            yield name
    yield from _USUAL
    if find_spec("hypothesis"):  # its plugin imports it in the end, used or not, which takes a second
        yield "hypothesis"
