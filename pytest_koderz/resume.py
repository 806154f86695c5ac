"""Which benchmark goes on, and with which of its options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from .config import Settings, nearest
from .core.errors import UsageError
from .opening import settings_of
from .reporters.conditions import conditions_of_arm
from .reporters.recorded import Recorded, read_folder

NEWEST = "newest"
"""What --koderz-resume means without an id."""


def resume(config: pytest.Config, settings: Settings, root: Path) -> tuple[str, Settings, Recorded]:
    """Id, settings and journals of the benchmark that --koderz-resume names. Raises UsageError.

    Profile, arms, problems and epochs are those of the former run where the command line does not give them. All of
    this is kept in the options, which xdist copies to its workers.
    """
    folder = _folder(settings.folder, config.option.koderz_resume)
    recorded = read_folder(folder)
    config.option.koderz_resume = folder.name
    head = recorded.heads[-1] if recorded.heads else {}
    if config.option.koderz_profile is None and head.get("profile") not in (None, settings.profile):
        config.option.koderz_profile = head["profile"]
        settings = settings_of(config, root)
    return folder.name, _with_options(config, settings, root, head), recorded


def _with_options(config: pytest.Config, settings: Settings, root: Path, head: Mapping[str, Any]) -> Settings:
    now = {
        "arms": [arm.name for arm in settings.arms],
        "problems": settings.problems,
        "epochs": settings.epochs,
    }
    option = config.option
    given = {"arms": option.koderz_arm, "problems": option.koderz_problems, "epochs": option.koderz_epochs}
    missing = [name for name in now if head.get(name) is not None and head[name] != now[name] and not given[name]]
    for name in missing:
        setattr(option, "koderz_arm" if name == "arms" else f"koderz_{name}", head[name])
    return settings_of(config, root) if missing else settings


def _folder(parent: Path, name: str) -> Path:
    """Only a folder with a journal counts: a run that was refused leaves none."""
    found = sorted((_age(path), path) for path in parent.glob("bench_*") if any(path.glob("*.jsonl")))
    if not found:
        raise UsageError(f"--koderz-resume: there is no journal of a benchmark in {parent}")
    if name == NEWEST:
        return found[-1][1]
    names = {path.name: path for _, path in found}
    if name not in names:
        raise UsageError(f"--koderz-resume: no benchmark named '{name}' in {parent}{nearest(name, names)}")
    return names[name]


def _age(folder: Path) -> float:
    return max(path.stat().st_mtime for path in folder.glob("*.jsonl"))


def resume_lines(recorded: Recorded, settings: Settings, benchmark_id: str) -> list[str]:
    """For the header: what is there, and which arms cannot go on with it."""
    settled, open_ones = recorded.counts()
    lines = [f"resuming {benchmark_id}: {settled} settled, {open_ones} cut short, invalid or skipped"]
    for arm in settings.arms:
        changed = recorded.changes_of_arm(arm.name, conditions_of_arm(arm))
        if changed:
            lines.append(f"arm '{arm.name}' is run anew, not mixed with its record; changed: {', '.join(changed)}")
    return lines
