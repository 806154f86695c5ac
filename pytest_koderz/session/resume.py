"""Which benchmark goes on, and with which of its options."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.files.nearest import nearest
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.conditions import servers_unlike
from pytest_koderz.records.events import Head, head_of_journal, journals_in
from pytest_koderz.records.reader import folders_in
from pytest_koderz.records.recorded import Recorded, read_folder
from pytest_koderz.settings import Choice, Settings, load_settings

from .command_line import changes_settings
from .start_checks import backends_of, settings_of

NEWEST = "newest"
"""What --koderz-resume means without an id."""


def resume(config: pytest.Config, root: Path) -> tuple[str, Settings, Recorded] | None:
    """Id, settings and journals of the benchmark that --koderz-resume names. Raises UsageError.

    None: it names the newest one, and nothing was run yet. A batch system starts and starts again with one line.

    Profile, arms, problems, epochs, limit and what it changed of koderz.yaml are those of the former run where the
    command line does not give them.
    All of this is kept in the options, which xdist copies to its workers.
    """
    path = config.option.koderz_config
    # Without the command line's choice: its arms may need the profile of the former run.
    plain = load_settings(Path(path) if path else None, root, os.environ, Choice(), backends_of(config))
    folder = _folder(plain.folder, config.option.koderz_resume, config.option.koderz_profile)
    if folder is None:
        config.option.koderz_resume = ""
        return None
    recorded = read_folder(folder)
    config.option.koderz_resume = folder.name
    if not recorded.heads:
        raise UsageError(f"--koderz-resume: nothing is recorded of {folder.name}; run it anew without --koderz-resume")
    head = recorded.heads[-1]
    config.option.koderz_profile = config.option.koderz_profile or head.profile
    if not changes_settings(config):
        config.option.koderz_set = list(head.overrides)
    settings = _with_options(config, settings_of(config, root), root, head)
    return folder.name, _as_set_out(settings, recorded.heads), recorded


def _with_options(config: pytest.Config, settings: Settings, root: Path, head: Head) -> Settings:
    limit = None if head.max_cost is None else str(head.max_cost)
    then_and_now: dict[str, tuple[object, object]] = {
        "koderz_arm": (list(head.arms) or None, [arm.name for arm in settings.arms]),
        "koderz_problems": (head.problems, settings.problems),
        "koderz_sample": (head.sample, settings.sample),
        "koderz_shard": (head.part, None),
        "koderz_epochs": (head.epochs, settings.epochs),
        # A limit in koderz.yaml may have been raised since.
        "koderz_max_cost": (limit, settings.max_cost and limit),
    }
    taken = {
        option: then
        for option, (then, now) in then_and_now.items()
        if then not in (None, now) and not getattr(config.option, option)
    }
    for option, value in taken.items():
        setattr(config.option, option, value)
    return settings_of(config, root) if taken else settings


def _as_set_out(settings: Settings, heads: Sequence[Head]) -> Settings:
    """With control, margin and prices as they were first recorded: what is found cannot be measured by a rule that was
    made afterwards.
    """
    first = {name: _first_said(heads, name) for name in ("control", "margin", "local_rate", "wrong_accept")}
    said = {name: value for name, value in first.items() if value is not None}
    priced = next((head for head in heads if head.control_model is not None), None)
    if priced is not None:
        said |= {"control_model": priced.control_model, "control_price": priced.control_price}
    return replace(settings, **said)


def _first_said(heads: Sequence[Head], name: str) -> Any:
    return next((value for head in heads if (value := getattr(head, name)) is not None), None)


def _folder(parent: Path, name: str, profile: str | None) -> Path | None:
    """Only a folder with a journal counts: a run that was refused leaves none. None: there is no newest one.

    And only one of *profile*, where the command line names it: another profile's experiments would all be run anew,
    and stand in the place of those that were recorded.
    """
    found = folders_in(parent)
    if name == NEWEST:
        return next((path for path in found if _is_of(path, profile) and _has_begun(path)), None)
    names = {path.name: path for path in found}
    if name not in names:
        raise UsageError(f"--koderz-resume: no benchmark named '{name}' in {parent}{nearest(name, names)}")
    if not _is_of(names[name], profile):
        advice = "leave --koderz-profile away, or run the profile without --koderz-resume"
        raise UsageError(f"--koderz-resume: {name} is a benchmark of another profile than '{profile}'; {advice}")
    return names[name]


def _has_begun(folder: Path) -> bool:
    """Not where it was killed with its first line. What cannot be read is complained of where it is gone on with."""
    with suppress(UsageError):
        return any(head_of_journal(path) for path in journals_in(folder))
    return True


def _is_of(folder: Path, profile: str | None) -> bool:
    """True where no profile is asked for, or the journal does not say which one it was."""
    if profile is None:
        return True
    recorded: str | None = None
    # One that cannot be read is complained of where it is the one to go on with.
    with suppress(UsageError):
        recorded = next((head.profile for head in reversed(read_folder(folder).heads)), None)
    return recorded in (None, profile)


def nothing_to_resume(config: pytest.Config) -> bool:
    """Whether --koderz-resume was given where there is nothing to go on with."""
    return bool(config.getoption("koderz_resume") == "")


def resume_lines(recorded: Recorded, settings: Settings, benchmark_id: str) -> list[str]:
    """For the header: what is there, and which arms cannot go on with it."""
    settled, open_ones = recorded.counts()
    planned = max((head.items or 0 for head in recorded.heads), default=0)
    left = planned - settled - open_ones
    others = f", {left} not begun" if left > 0 else ""
    lines = [f"resuming {benchmark_id}: {settled} settled, {open_ones} cut short, invalid or skipped{others}"]
    lines.append(f"control {settings.control} and margin {settings.margin:g}, as they were set out")
    for arm in settings.arms:
        changed = recorded.changes_of_arm(arm)
        if changed:
            lines.append(f"arm '{arm.name}' is run anew, not mixed with its record; changed: {'; '.join(changed)}")
    return [*lines, *servers_unlike(recorded.heads[-1].definitions if recorded.heads else (), settings.arms)]
