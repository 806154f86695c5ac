"""A repository's own options of pytest, without what measures, repeats, distributes or stops."""

from __future__ import annotations

import configparser
import shlex
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

_DROPPED = (
    *("--cov", "--no-cov", "-n", "--numprocesses", "--dist", "--maxprocesses", "--reruns", "--junit", "--html"),
    *("--self-contained-html", "-x", "--exitfirst", "--maxfail", "--lf", "--ff", "--pdb", "--koderz", "--flake8"),
    *("--mypy", "--black", "--ruff", "--isort", "--pylint", "--doctest", "--xdoctest", "--codspeed", "--report-log"),
    *("--benchmark", "--strict-config"),
)
_WITH_VALUE = frozenset(
    (
        *(
            "--cov",
            "--cov-report",
            "--cov-config",
            "--cov-fail-under",
            "--cov-context",
            "-n",
            "--numprocesses",
            "--dist",
        ),
        *(
            "--dist",
            "--maxprocesses",
            "--maxfail",
            "--reruns",
            "--reruns-delay",
            "--junitxml",
            "--junit-xml",
            "--junit-prefix",
        ),
        *("--html", "--report-log", "--doctest-report", "--doctest-glob", "--pdbcls", "--benchmark-json"),
        *("--benchmark-sort", "--benchmark-columns", "--benchmark-group-by", "--benchmark-storage"),
    )
)
"""Of those that are dropped, they drop the word that follows as well."""


def own_options(root: Path) -> list[str]:
    """`-o addopts=...` with those that are left; empty where there are none."""
    kept = _kept(_addopts(root))
    return [] if kept is None else ["-o", f"addopts={shlex.join(kept)}"]


def _kept(told: list[str] | None) -> list[str] | None:
    if told is None:
        return None
    kept, skip = [], False
    for position, word in enumerate(told):
        if skip:
            skip = False
        elif word.startswith(_DROPPED):
            follows = told[position + 1 : position + 2]
            skip = word in _WITH_VALUE and bool(follows) and not follows[0].startswith("-")
        else:
            kept.append(word)
    return kept


def _addopts(root: Path) -> list[str] | None:
    """Of the file that pytest takes. None: none of them has any."""
    for name, read in _FILES.items():
        found = None
        with suppress(OSError, ValueError, configparser.Error, KeyError):
            found = read(root / name)
        if found is not None:
            return [str(word) for word in found] if isinstance(found, list) else shlex.split(str(found))
    return None


def _toml(path: Path) -> Any:
    tool = tomllib.loads(path.read_text(encoding="utf-8"))["tool"]["pytest"]
    return tool.get("ini_options", tool).get("addopts")


def _ini(section: str) -> Any:
    def read(path: Path) -> Any:
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(path.read_text(encoding="utf-8"))
        return parser[section].get("addopts")

    return read


_FILES = {
    "pytest.ini": _ini("pytest"),
    ".pytest.ini": _ini("pytest"),
    "pyproject.toml": _toml,
    "tox.ini": _ini("pytest"),
    "setup.cfg": _ini("tool:pytest"),
}
