"""A git repository's commits, and its files as they were then. The repository itself is read alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

# Nothing of the user's runs: a hook would, where an index is written, whichever.
_GIT = ("git", "--no-optional-locks", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
_SECONDS = 120


class GitFault(Exception):
    """What git says that it cannot do, in a line."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One of a repository's history."""

    id: str
    """40 hex digits, or 64."""
    parents: tuple[str, ...]
    day: date
    author: str
    message: str

    @property
    def short(self) -> str:
        """As people write it."""
        return self.id[:7]

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.strip().partition("\n")[0]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file before and after a commit, both from the root on; None: it was not there, or is there no more."""

    before: str | None
    after: str | None


def commits_of(root: Path, most: int) -> list[Commit]:
    """The last ones of the branch that is checked out at *root*, newest first; a merge stands for what it brought.

    Raises GitFault.
    """
    plain = ("-z", "--no-show-signature", "--encoding=UTF-8", "--format=%H%n%P%n%cs%n%an%n%B")
    told = _git(root, "log", *plain, "--first-parent", f"--max-count={most}", "HEAD")
    return [_commit(each) for each in told.split("\0") if each.strip()]


def _commit(told: str) -> Commit:
    name, parents, day, author, message = told.split("\n", 4)
    return Commit(name, tuple(parents.split()), date.fromisoformat(day), author, message.strip())


def changes_of(root: Path, commit: Commit) -> list[FileChange]:
    """What it changed beneath *root*, as against its first parent, which it must have. Raises GitFault."""
    told = _git(root, "diff-tree", "-r", "-M", "-z", "--relative", "--name-status", commit.parents[0], commit.id)
    words = iter(told.split("\0"))
    return [_change(kind, words) for kind in words if kind]


def _change(kind: str, words: Iterator[str]) -> FileChange:
    name = next(words)
    match kind[0]:
        case "A":
            return FileChange(None, name)
        case "D":
            return FileChange(name, None)
        case "R" | "C":
            return FileChange(name, next(words))
    return FileChange(name, name)


def said_of(root: Path, commit: Commit) -> str:
    """Its message; of a merge what people said there and in the commits that it brought. Raises GitFault."""
    if len(commit.parents) < 2:
        return commit.message
    body = commit.message.partition("\n")[2] if commit.subject.startswith("Merge ") else commit.message
    plain = ("--no-show-signature", "--encoding=UTF-8", "--format=%s")
    brought = _git(root, "log", *plain, "--no-merges", "--reverse", f"{commit.parents[0]}..{commit.id}")
    return f"{body.strip()}\n\n{brought.strip()}".strip()


def text_at(root: Path, commit: str, file: str) -> str:
    """Of *file*, from *root* on, in a commit. Raises GitFault where it is not there, or no text in UTF-8."""
    try:
        return _run(root, "cat-file", "blob", f"{commit}:./{file}").decode("utf-8-sig")
    except ValueError:
        raise GitFault(f"{file} is no text in UTF-8") from None


@contextmanager
def exported(root: Path, commit: str) -> Iterator[Path]:
    """A folder with what *root* held in a commit, and no history, for a while. Raises GitFault.

    What tells a version, and was generated there, is taken as it is now.
    """
    tree = _git(root, "rev-parse", "--verify", f"{commit}:./").strip()
    store = _git(root, "rev-parse", "--absolute-git-dir").strip()
    with tempfile.TemporaryDirectory(prefix="koderz") as holder:
        folder = Path(os.path.realpath(holder)) / (root.name or "repository")
        folder.mkdir()
        index = {"GIT_INDEX_FILE": f"{holder}/.index", "GIT_DIR": store, "GIT_WORK_TREE": str(folder)}
        _run(folder, "read-tree", tree, more=index)
        # Not `git archive`, which leaves out and changes what a release is to have otherwise.
        _run(folder, "checkout-index", "--all", "--quiet", more=index)
        for name in _generated(root):
            if (folder / name).parent.is_dir() and not (folder / name).exists():
                shutil.copy2(root / name, folder / name)
        yield folder


def _generated(root: Path) -> list[str]:
    """Modules that tell a version: an installation writes them from git's tags, and git ignores them."""
    words = ("--others", "--ignored", "--exclude-standard", "--directory", "-z", "--", "*version*.py")
    return [name for name in _git(root, "ls-files", *words).split("\0") if name.endswith(".py")]


def _git(root: Path, *words: str) -> str:
    return _run(root, *words).decode(errors="replace")


def _run(folder: Path, *words: str, more: dict[str, str] | None = None) -> bytes:
    # Whoever is called by a hook of git has what would lead to another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"LC_ALL": "C.UTF-8", "GIT_TERMINAL_PROMPT": "0", **(more or {})}
    try:
        run = subprocess.run(  # noqa: S603 - git itself, on names of its own
            [*_GIT, *words], cwd=folder, env=environment, capture_output=True, timeout=_SECONDS, check=False
        )
    except FileNotFoundError:
        raise GitFault("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise GitFault(f"git {words[0]} takes more than {_SECONDS} s") from None
    if run.returncode:
        said = run.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {run.returncode}"]
        raise GitFault(f"git {words[0]}: {said[-1].removeprefix('fatal: ')}")
    return run.stdout
