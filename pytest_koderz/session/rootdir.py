"""Whether pytest took the value of one of our options for the path of a test."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from pytest_koderz.files.usage_error import UsageError

PATHS = (
    *("--koderz-config", "--koderz-json", "--koderz-html", "--koderz-markdown"),
    *("--koderz-baseline", "--koderz-compare"),
)
"""The options whose values are paths."""
_INI_FILES = {
    "pytest.toml": "",
    ".pytest.toml": "",
    "pytest.ini": "",
    ".pytest.ini": "",
    "pyproject.toml": "[tool.pytest",
    "tox.ini": "[pytest]",
    "setup.cfg": "[tool:pytest]",
}
"""Files that make a folder pytest's root, and what must stand in them."""


def check_root(config: pytest.Config) -> None:
    """Raises UsageError where the root folder is another one because of an option's value.

    pytest looks for its root before it knows the options of plugins: an existing path behind one of them, after a
    space, counts as the path of a test. Other problems and settings would be found than those that are meant.
    """
    if hasattr(config, "workerinput") or config.getoption("rootdir", default=None):
        return
    given = config.invocation_params.args
    here, root = config.invocation_params.dir, config.rootpath
    for option, value in pairwise(given):
        if option in PATHS and (here / value).exists() and _is_moved(here, root):
            raise UsageError(
                f"{option} {value}: after a space pytest takes this path for a test's, and {root} for the root folder; "
                f"write {option}={value}"
            )


def _is_moved(here: Path, root: Path) -> bool:
    """True where *root* is not what pytest would find from *here* alone."""
    if root == here:
        return False
    if root not in here.parents:
        return True
    between = [here, *here.parents][: here.parents.index(root) + 1]
    return any(map(_is_root, between)) or not (_is_root(root) or (root / "setup.py").exists())


def _is_root(folder: Path) -> bool:
    return any(
        (folder / name).is_file() and mark in (folder / name).read_text(errors="replace")
        for name, mark in _INI_FILES.items()
    )
