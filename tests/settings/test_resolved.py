"""From koderz.yaml to arms."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import date
from pathlib import Path

import pytest

from pytest_koderz.core.arm import Arm, ModelSettings, Role
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.settings import Choice, load_settings
from pytest_koderz.settings.schema import ArmEntry, ModelEntry, ProfileEntry


def test_each_key_of_an_arm_is_one_of_arm_itself() -> None:
    """A new one needs a line in both and none between; where neither arm nor profile gives it, `Arm` decides."""
    known = {item.name: item.default for item in fields(Arm)}
    shared = {item.name for item in fields(ProfileEntry)}
    for item in fields(ArmEntry):
        assert item.name in known
        if item.name not in {*Role, *shared}:
            assert item.default in (None, known[item.name]), f"{item.name} has two defaults"


def test_each_key_of_a_model_is_one_of_its_settings() -> None:
    """But for the name of its price; the defaults are the same, and that of `patience` is the file's."""
    known = {item.name: item.default for item in fields(ModelSettings)}
    for item in fields(ModelEntry):
        if item.name not in ("priced_as", "patience"):
            assert known[item.name] == item.default or MISSING in (known[item.name], item.default)


@pytest.mark.parametrize(("file", "model", "waits"), [("", "", 600), ("90", "", 90), ("90", "5", 5), ("", "0", 0)])
def test_patience_is_the_models_else_the_files(tmp_path: Path, file: str, model: str, waits: float) -> None:
    """Else ten minutes."""
    own = f", patience: {model}" if model else ""
    (tmp_path / "koderz.yaml").write_text(
        (f"patience: {file}\n" if file else "")
        + f"models: {{mine: {{backend: simulated, model: m{own}}}}}\narms: {{one: {{local: mine}}}}\n"
        + "profiles: {p: {arms: [one], models: {}}}\n"
    )
    settings = load_settings(None, tmp_path, {}, Choice(profile="p"))
    assert settings.models[0].patience == waits


@pytest.mark.parametrize(("own", "known"), [("", date(2026, 6, 1)), (", cutoff: 2027-01-31", date(2027, 1, 31))])
def test_a_models_training_ends_when_its_publisher_says(tmp_path: Path, own: str, known: date) -> None:
    """Or when koderz.yaml does; of a model of which nobody says it, it is not known."""
    (tmp_path / "koderz.yaml").write_text(
        f"models:\n  opus: {{backend: anthropic, model: claude-opus-5-5{own}}}\n"
        "  mine: {backend: simulated, model: m}\n"
        "arms: {one: {local: opus}, two: {local: mine}}\nprofiles: {p: {arms: [one, two], models: {}}}\n"
    )
    settings = load_settings(None, tmp_path, {}, Choice(profile="p"))
    assert [arm.local.cutoff for arm in settings.arms] == [known, None]


@pytest.mark.parametrize("name", ["koderz.yaml", "koderz.yml"])
@pytest.mark.parametrize(
    "make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("nowhere")]
)
def test_settings_that_are_no_file_are_not_passed_over(
    tmp_path: Path, name: str, make: Callable[[Path], object]
) -> None:
    """Whoever has put something there means it to be read."""
    make(tmp_path / name)
    with pytest.raises(UsageError, match=rf"^{tmp_path / name}: "):
        load_settings(None, tmp_path, {}, Choice())


WINDOWS = {"qwen3-coder": 262_144, "gpt-oss": 131_072, "qwen-coder": 32_768, "codellama": 2_048}
"""In tokens, as Ollama's library has the models of the shipped settings; a server refuses more."""


@pytest.mark.parametrize("name", WINDOWS)
def test_the_shipped_models_of_ollama_fit_their_windows(name: str, tmp_path: Path) -> None:
    """A reply at its longest leaves a prompt 1,000 tokens at least."""
    choice = Choice(profile="live", arms=("local-only",), models=(f"local={name}",))
    (model,) = load_settings(None, tmp_path, {}, choice).models
    assert model.context_tokens is not None
    assert model.max_tokens + 1000 <= model.context_tokens <= WINDOWS[name]
