"""A user's mistakes: one line that says where, what, and what would be right, and exit status 4."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_koderz.config import Choice, load_settings
from pytest_koderz.core.errors import UsageError

from .conftest import Run

BASE = """
profile: mine
profiles:
  mine: {arms: [solo], models: {local: coder}}
arms:
  solo: {local: local}
models:
  coder: {backend: ollama, model: "qwen2.5-coder:7b"}
"""

MISTAKES = {
    "unknown key": ("profil: mine\n", "koderz.yaml:1: profil: no such key (did you mean 'profile'?)"),
    "unknown key of an arm": (
        "arms:\n  solo: {local: local, max_iteration: 3}\n",
        "koderz.yaml:2: arms.solo.max_iteration: no such key (did you mean 'max_iterations'?)",
    ),
    "unknown key of a model": (
        "models:\n  coder:\n    backend: ollama\n    model: x\n    temprature: 1\n",
        "koderz.yaml:5: models.coder.temprature: no such key (did you mean 'temperature'?)",
    ),
    "unknown key of the sandbox": (
        "sandbox: {timeot: 3}\n",
        "koderz.yaml:1: sandbox.timeot: no such key (did you mean 'timeout'?)",
    ),
    "missing key": ("arms:\n  solo: {spec: spec}\n", "koderz.yaml:2: arms.solo: local is missing"),
    "a key that is nowhere": (
        BASE + "iterations: 3\n",
        "koderz.yaml:9: iterations: no such key (there is: allow_unknown_price, arms, ",
    ),
    "a word for a number": (
        "arms:\n  solo: {local: local, max_iterations: fifty}\n",
        (
            "koderz.yaml:2: arms.solo.max_iterations: input should be a valid integer, unable to parse string as an "
            "integer, not 'fifty'"
        ),
    ),
    "zero iterations": (
        "arms:\n  solo: {local: local, max_iterations: 0}\n",
        "koderz.yaml:2: arms.solo.max_iterations: input should be greater than or equal to 1, not 0",
    ),
    "a negative price": (
        "prices:\n  x: {input: -1, output: 1, as_of: 2026-11-22, source: me}\n",
        "koderz.yaml:2: prices.x.input: input should be greater than or equal to 0, not -1",
    ),
    "a price without a date": (
        "prices:\n  x: {input: 1, output: 1, source: me}\n",
        "koderz.yaml:2: prices.x: as_of is missing",
    ),
    "an unknown feedback policy": (
        "arms:\n  solo: {local: local, feedback: everything}\n",
        (
            "koderz.yaml:2: arms.solo.feedback: input should be 'none', 'outcome', 'visible', 'assertion' or 'all', "
            "not 'everything'"
        ),
    ),
    "a list for a mapping": (
        "arms: [solo]\n",
        "koderz.yaml:1: arms: input should be a valid dictionary, not ['solo']",
    ),
    "a text for the whole file": ("hello\n", "koderz.yaml:1: the file must hold keys such as `arms:`, not str"),
    "a YAML error": ("arms: [\n", "koderz.yaml:2: not valid YAML: "),
    "a key twice": ("arms: {}\narms: {}\n", "koderz.yaml:2: arms: given twice, first in line 1"),
    "a tab": ("arms:\n\tsolo: {}\n", "koderz.yaml:2: not valid YAML: "),
    "no such profile": (
        "profile: embeded\n",
        "koderz.yaml:1: profile: no profile named 'embeded' (did you mean 'embedded'?)",
    ),
    "no such arm": (
        "profile: mine\nprofiles:\n  mine: {arms: [kodrez], models: {}}\n",
        "koderz.yaml:3: profiles.mine.arms: no arm named 'kodrez' (did you mean 'koderz'?)",
    ),
    "a slot that nothing fills": (
        "profile: mine\nprofiles:\n  mine: {arms: [local-only], models: {}}\n",
        "arms.local-only.local: no model named 'local', and profile 'mine' fills no such slot",
    ),
    "a slot with a misspelt model": (
        "profile: mine\nprofiles:\n  mine: {arms: [local-only], models: {local: qwen-codr}}\n",
        "koderz.yaml:3: profiles.mine.models.local: no model named 'qwen-codr' (did you mean 'qwen-coder'?)",
    ),
    "an unknown control": ("control: frontier\n", "koderz.yaml:1: control: no arm named 'frontier'"),
    "an unknown price": (
        (
            "profile: mine\nprofiles:\n  mine: {arms: [local-only], models: {local: new}}\n"
            "models:\n  new: {backend: anthropic, model: claude-zeta-99}\n"
        ),
        "koderz.yaml:5: models.new: no price is known for 'claude-zeta-99'; add it under `prices: claude-zeta-99:`",
    ),
    "an unknown control model": (
        "profile: mine\nprofiles:\n  mine: {arms: [local-only], models: {local: smollm2}, control_model: gpt-zeta}\n",
        "koderz.yaml:3: profiles.mine.control_model: no price is known for 'gpt-zeta'",
    ),
    "a margin of 200 per cent": (
        "margin: 2\n",
        "koderz.yaml:1: margin: input should be less than or equal to 1, not 2",
    ),
    "a timeout of no time": (
        "sandbox: {timeout: 0}\n",
        "koderz.yaml:1: sandbox.timeout: input should be greater than 0, not 0",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_koderz_yaml(name: str, tmp_path: Path) -> None:
    """File, line, key, and the nearest valid name, in one line."""
    text, expected = MISTAKES[name]
    (tmp_path / "koderz.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load_settings(None, tmp_path, {}, Choice())
    message = str(caught.value).removeprefix(f"{tmp_path}/")
    assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--koderz-profile", "simulatd"), "--koderz-profile: no profile named 'simulatd' (did you mean 'simulated'?)"),
        (("--koderz-arm", "kodrez"), "--koderz-arm: no arm named 'kodrez' (did you mean 'koderz'?)"),
        (("--koderz-config", "nowhere.yaml"), "nowhere.yaml: no such file"),
        (("--koderz-epochs", "0"), "--koderz-epochs: 0 is less than 1"),
        (("--koderz-profile", "live"), "ANTHROPIC_API_KEY is not set"),
        (("--koderz-profile", "simulated", "--koderz-problems", "999"), "--koderz-problems: '999': no such problem"),
    ],
)
def test_a_mistake_on_the_command_line(run: Run, arguments: tuple[str, ...], expected: str) -> None:
    """pytest's usage error: exit status 4, one line, no traceback of ours, nothing run."""
    result = run("--koderz", *arguments)
    text = result.stdout.str() + result.stderr.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {expected}" in text or expected in text
    assert "Traceback" not in text
    assert "SOLVED" not in text


def test_a_memory_server_that_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """CORTEX_PATH is checked before anything is spent."""
    monkeypatch.setenv("CORTEX_PATH", "/nowhere/index.js")
    result = run("--koderz", "--koderz-profile", "simulated")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: CORTEX_PATH: no such file: /nowhere/index.js*"])


def test_a_broken_suite_is_named(run: Run, pytester: pytest.Pytester) -> None:
    """File, line and key; the other suites are not run by accident."""
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "own.yaml").write_text("problems:\n  - id: own/x\n    entrypoint: x\n")
    result = run("--koderz", "--koderz-profile", "simulated")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*own.yaml:*entrypoint*"])
    assert "Traceback" not in result.stdout.str()


def test_the_environment_is_above_the_env_file(tmp_path: Path) -> None:
    """And both are secrets: a representation of the settings does not show them."""
    (tmp_path / "koderz.yaml").write_text("profile: embedded\n")
    (tmp_path / ".env").write_text("ANTHROPIC_API_KEY=sk-file\nOLLAMA_HOST=http://file\n")
    settings = load_settings(None, tmp_path, {"ANTHROPIC_API_KEY": "sk-environment"}, Choice())
    assert settings.environment["ANTHROPIC_API_KEY"] == "sk-environment"
    assert settings.environment["OLLAMA_HOST"] == "http://file"
    assert "sk-" not in repr(settings)


def test_three_lines_define_an_arm(tmp_path: Path) -> None:
    """What a user's file does not say comes from the shipped one."""
    (tmp_path / "koderz.yaml").write_text("arms:\n  haiku-alone: {local: claude-haiku, max_iterations: 1}\n")
    settings = load_settings(None, tmp_path, {}, Choice(arms=("haiku-alone",)))
    (arm,) = settings.arms
    assert arm.local.model == "claude-haiku-5-5"
    assert arm.local.price is not None
    assert arm.local.price.input > 0


def test_an_unknown_price_can_be_allowed(tmp_path: Path) -> None:
    """It stays unknown; it does not become 0."""
    (tmp_path / "koderz.yaml").write_text(
        "allow_unknown_price: true\nmodels:\n  new: {backend: anthropic, model: claude-zeta-99}\n"
        "arms:\n  alone: {local: new}\n"
    )
    settings = load_settings(None, tmp_path, {}, Choice(arms=("alone",)))
    assert settings.arms[0].local.price is None


@pytest.mark.parametrize("model", ["claude-opus-4-5", "claude-sonnet-4-5"])
def test_older_model_names_are_accepted(tmp_path: Path, model: str) -> None:
    """Any name that the price list knows can stand in koderz.yaml."""
    (tmp_path / "koderz.yaml").write_text(
        f"models:\n  old: {{backend: anthropic, model: {model}}}\narms:\n  alone: {{local: old}}\n"
    )
    settings = load_settings(None, tmp_path, {}, Choice(arms=("alone",)))
    assert settings.arms[0].local.price is not None
