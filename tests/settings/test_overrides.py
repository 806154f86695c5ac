"""koderz.yaml, changed in a word on the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_koderz.core.arm import Role
from pytest_koderz.core.iteration import FeedbackPolicy
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.settings import Choice, Settings, load_settings

SIMULATED = Choice(profile="simulated", arms=("koderz", "local-resample", "cascade"))


def _settings(folder: Path, **changes: object) -> Settings:
    return load_settings(None, folder, {}, replace(SIMULATED, **changes))  # type: ignore[arg-type]  # by name


def test_numbers_of_the_profile_give_way_and_an_arms_own_stay(tmp_path: Path) -> None:
    """As where they stood in the profile."""
    koderz, resample, cascade = _settings(tmp_path, max_iterations=3, checkpoint_interval=2, feedback="outcome").arms
    assert (koderz.max_iterations, cascade.max_iterations) == (3, 5)
    assert koderz.checkpoint_interval == 2
    assert (koderz.feedback, resample.feedback) == (FeedbackPolicy.OUTCOME, FeedbackPolicy.NONE)


def test_a_slot_takes_a_model_that_is_named(tmp_path: Path) -> None:
    """Wherever an arm uses that slot."""
    koderz, resample, _ = _settings(tmp_path, models=("local=simulated-small",)).arms
    assert {koderz.local.name, resample.local.name} == {"simulated-small"}
    assert koderz.spec is not None
    assert koderz.spec.name == "simulated-frontier"


def test_a_slot_takes_a_back_end_and_its_model(tmp_path: Path) -> None:
    """With a server of its own where one is named."""
    made = ("local=ollama/qwen2.5-coder:32b@http://gpu1:8000",)
    model = _settings(tmp_path, models=made).arms[0].models[Role.LOCAL]
    assert (model.backend, model.model, model.hosts) == ("ollama", "qwen2.5-coder:32b", ("http://gpu1:8000",))


def test_any_key_can_be_set(tmp_path: Path) -> None:
    """In the file's own terms; the rest of its entry stays, and a user's file counts before the shipped one."""
    (tmp_path / "koderz.yaml").write_text(
        "sandbox: {timeout: 7}\nmodels: {gpt-4.1: {backend: openai, model: gpt-4.1, max_tokens: 77}}\n"
    )
    sets = ("arms.koderz.candidates=4", "sandbox.memory_mb=512", "models.gpt-4.1.temperature=0.5", "margin=0.1")
    settings = _settings(tmp_path, sets=sets, models=("local=gpt-4.1",))
    assert (settings.sandbox.timeout, settings.sandbox.memory_mb, settings.margin) == (7, 512, 0.1)
    koderz = settings.arms[0]
    assert (koderz.candidates, koderz.local.max_tokens, koderz.local.temperature) == (4, 77, 0.5)
    assert koderz.spec is not None


def test_what_was_changed_says_it_again(tmp_path: Path) -> None:
    """As --koderz-set takes it, so that a journal can go on with it."""
    changed = _settings(tmp_path, models=("local=ollama/a:b",), max_iterations=2, margin=0.1)
    again = _settings(tmp_path, sets=changed.overrides)
    assert again.arms == changed.arms
    assert (again.margin, again.overrides) == (0.1, changed.overrides)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"models": ("lokal=x",)},
            "--koderz-model lokal=x: no arm has a slot 'lokal' (did you mean 'local'?)",
        ),
        ({"models": ("local",)}, "--koderz-model local: must be SLOT=MODEL, such as "),
        ({"models": ("local=small",)}, "--koderz-model local=small: no model named 'small'"),
        ({"models": ("local=olama/x",)}, "no back end named 'olama' (did you mean 'ollama'?)"),
        ({"feedback": "some"}, "--koderz-feedback some: profiles.simulated.feedback: input should be "),
        ({"margin": 2.0}, "--koderz-margin 2.0: margin: input should be less than or equal to 1, not 2.0"),
        ({"grade_on": "both"}, "--koderz-grade-on both: grade_on: input should be 'base' or 'plus', not 'both'"),
        ({"sets": ("arms.koderz",)}, "--koderz-set arms.koderz: must be KEY=VALUE"),
        ({"sets": ("arms.koderz.candidate=4",)}, "arms.koderz.candidate: no such key (did you mean 'candidates'?)"),
        ({"sets": ("arms.koderz.candidates=0",)}, "arms.koderz.candidates: input should be greater than or equal to 1"),
        ({"sets": ("sandbox.timeout=[",)}, "--koderz-set sandbox.timeout=[:1: not valid YAML: "),
        ({"sets": ("arms.koderz.local.x=1",)}, "--koderz-set arms.koderz.local.x=1: arms.koderz.local holds no keys"),
        (
            {"sets": ("arms.new.spec=spec",), "arms": ("new",)},
            "--koderz-set arms.new.spec=spec: arms.new: local is miss",
        ),
        ({"profile": "simulate", "max_iterations": 2}, "--koderz-profile: no profile named 'simulate'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_mistake_names_the_option_and_the_key(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    """In one line, as the file's own mistakes do."""
    with pytest.raises(UsageError) as fault:
        _settings(tmp_path, **changes)
    assert words in str(fault.value)
    assert "\n" not in str(fault.value)
