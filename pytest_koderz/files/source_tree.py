"""A repository's own files: not its history, nor what was built, installed or cached in its folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

_LEFT_OUT = frozenset(
    (
        *("build", "dist", "node_modules", "site-packages", "htmlcov", "wheelhouse", "__pycache__", "__pypackages__"),
        *("venv", "env", ".venv"),
    )
)
"""Folders by name; those with a dot before it are left out as well."""
_ARCHIVES = (".pyc", ".pyo", ".whl", ".egg", ".gz", ".bz2", ".xz", ".zip", ".tar", ".tgz", ".orig", ".rej", ".bundle")
_CODE = (".py", ".pyi", ".toml", ".ini", ".cfg")
"""What decides what the tests say, but for data that they read."""
_MARKS = ("pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", "tox.ini", ".git")


def files_of_tree(root: Path) -> Iterator[str]:
    """Paths from *root* on with slashes, in order. Links are named, not followed."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not _is_left_out(Path(folder), name))
        for name in sorted(names):
            if not name.endswith(_ARCHIVES):
                yield (Path(folder) / name).relative_to(root).as_posix()


def _is_left_out(folder: Path, name: str) -> bool:
    return name in _LEFT_OUT or name.startswith(".") or (folder / name / "pyvenv.cfg").is_file()


def digest_of_tree(root: Path) -> str:
    """16 hex digits: the same for the same code and configuration at the same places."""
    digest = sha256()
    for name in files_of_tree(root):
        if name.endswith(_CODE):
            content = sha256((root / name).read_bytes()).hexdigest() if (root / name).is_file() else ""
            digest.update(f"{name}\0{content}\0".encode(errors="surrogatepass"))
    return digest.hexdigest()[:16]


def root_of_tree(place: Path) -> Path:
    """The repository that *place* lies in: the nearest folder that says so, else its own."""
    start = place if place.is_dir() else place.parent
    marked = (folder for folder in (start, *start.parents) if any((folder / name).exists() for name in _MARKS))
    return next(marked, start)
