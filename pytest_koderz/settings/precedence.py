"""The user's koderz.yaml over the shipped one, the environment over .env, and the command line over all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from pytest_koderz.backends import OURS
from pytest_koderz.backends.backend import Registry
from pytest_koderz.files.jsonl import text_of
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.files.yaml_lines import read_yaml

from .overrides import Assignment, assigned, model_for_slot, only, overridden
from .prices import PriceBook
from .resolved import Choice, Names, Settings
from .schema import FileEntry, entry_of


def shipped_path(name: str) -> Path:
    """A file or folder that is shipped with the package: in a wheel inside of it, in a checkout beside it."""
    package = Path(__file__).parents[1]
    inside = package / name
    return inside if inside.exists() else package.parent / name


def load_settings(
    path: Path | None, root: Path, environment: Mapping[str, str], choice: Choice, backends: Registry = OURS
) -> Settings:
    """Read *path* (None: koderz.yaml in *root*, else the shipped one). Raises UsageError, one line each."""
    own = path or _own_file(root)
    sources = [read_yaml(shipped_path("koderz.yaml"))]
    if own is not None and os.path.realpath(own) != os.path.realpath(sources[0].path):
        sources.insert(0, read_yaml(own))
    entry = entry_of(sources[-1])
    if len(sources) > 1:
        entry = entry_of(sources[0]).over(entry)
    assignments = _assignments(choice, entry, backends)
    if assignments:
        said = overridden(sources, assignments)
        entry = entry_of(said).over(entry)
    if choice.looking:
        entry = replace(entry, allow_unknown_price=True)
    folder = sources[0].path.parent if own is not None else root
    secrets = environment_of(folder, environment)
    prices = PriceBook(entry.prices, datetime.now(UTC).date())
    return Names(tuple(sources), entry, backends, prices, secrets, assignments).settings(choice, root)


def _assignments(choice: Choice, entry: FileEntry, backends: Registry) -> tuple[Assignment, ...]:
    """What the command line changes of the file, in the order in which it counts: the most general first."""
    sets = [assigned(text, entry) for text in choice.sets]
    chosen = [str(each.value) for each in sets if each.key_path == ("profile",)]
    profile = choice.profile or (chosen or [entry.profile or ""])[-1]
    words = only(
        {
            ("margin",): ("--koderz-margin", choice.margin),
            ("grade_on",): ("--koderz-grade-on", choice.grade_on),
            ("profiles", profile, "max_iterations"): ("--koderz-max-iterations", choice.max_iterations),
            ("profiles", profile, "checkpoint_interval"): ("--koderz-checkpoint-interval", choice.checkpoint_interval),
            ("profiles", profile, "feedback"): ("--koderz-feedback", choice.feedback),
        }
    )
    models = [each for text in choice.models for each in model_for_slot(text, profile, entry, backends)]
    # A profile that is not there is named by whoever looks it up.
    return tuple(each for each in (*sets, *words, *models) if _is_there(each, entry))


def _is_there(assignment: Assignment, entry: FileEntry) -> bool:
    section, *rest = assignment.key_path
    return section != "profiles" or len(rest) < 2 or rest[0] in entry.profiles


def _own_file(root: Path) -> Path | None:
    """Whatever has that name: what cannot be read is told, and not passed over."""
    if os.path.lexists(root / "koderz.yaml"):
        return root / "koderz.yaml"
    if os.path.lexists(root / "koderz.yml"):
        raise UsageError(f"{root / 'koderz.yml'}: is not read under this name; call it koderz.yaml")
    return None


def environment_of(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """*environment* with the .env file of *folder* beneath it. Raises UsageError."""
    return {**_dotenv(folder / ".env"), **environment}


def _dotenv(path: Path) -> dict[str, str]:
    from dotenv import dotenv_values

    # A virtual environment has that name, too, and is no mistake.
    if not os.path.lexists(path) or (path / "pyvenv.cfg").exists():
        return {}
    text = StringIO(text_of(path, MOST_OF_DOTENV), newline=None)
    return {key: value for key, value in dotenv_values(stream=text).items() if value}


MOST_OF_DOTENV = 1 << 20
"""Bytes of it: many times what any has."""
