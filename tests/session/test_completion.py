"""A shell completes the values of our options, where argcomplete is installed."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from pytest_koderz.core.iteration import FeedbackPolicy
from pytest_koderz.core.problem import GradingSet
from pytest_koderz.plugin import pytest_addoption

YAML = """\
profiles:
  own: {arms: [mine], models: {local: small}}
arms:
  mine: {local: local}
models:
  small: {backend: simulated, model: small}
"""
SUITE = """\
problems:
  - {id: own/rotate, entry_point: rotate, prompt: Rotate., tests: assert rotate() == 1}
  - {id: own/turn, entry_point: turn, prompt: Turn., tests: assert turn() == 1}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root folder with settings, a suite and a benchmark; the shell stands in a folder within it."""
    (tmp_path / "koderz.yaml").write_text(YAML)
    for folder in ("problems", "below", ".koderz/bench_1a2b3c4d"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "problems/own.yaml").write_text(SUITE)
    (tmp_path / "problems/notes.yaml").write_text("dataset: [")
    (tmp_path / ".koderz/bench_1a2b3c4d/main.jsonl").write_text('{"experiment":"exp_0a1b2c3d"}\n')
    monkeypatch.chdir(tmp_path / "below")
    return tmp_path


class Options(argparse.ArgumentParser):
    """What pytest's parser is to a plugin that adds options."""

    def getgroup(self, *_: str) -> Any:
        return self

    addoption = argparse.ArgumentParser.add_argument


def completed(option: str, typed: str = "", **given: object) -> list[str]:
    """As argcomplete asks the option's action."""
    options: Any = Options()
    pytest_addoption(options)
    action = next(each for each in options._actions if option in each.option_strings)
    found: list[str] = action.completer(prefix=typed, parsed_args=argparse.Namespace(**given), action=action)
    return found


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("option", "typed", "values"),
    [
        ("--koderz-profile", "ow", ["own"]),
        ("--koderz-profile", "simulat", ["simulated"]),
        ("--koderz-arm", "m", ["mine"]),
        ("--koderz-model", "lo", ["local="]),
        ("--koderz-model", "local=sma", ["local=small"]),
        ("--koderz-model", "local=olla", ["local=ollama/"]),
        ("--koderz-set", "arms.mine.ca", ["arms.mine.candidates="]),
        ("--koderz-set", "sandbox.ti", ["sandbox.timeout="]),
        ("--koderz-set", "wrong", ["wrong_accept="]),
        ("--koderz-problems", "own/r", ["own/rotate"]),
        ("--koderz-problems", "own/rotate,own/", ["own/rotate,own/rotate", "own/rotate,own/turn"]),
        ("--koderz-prompt", "own/t", ["own/turn"]),
        ("--koderz-analyze", "bench_", ["bench_1a2b3c4d"]),
        ("--koderz-analyze", "exp_", ["exp_0a1b2c3d"]),
        ("--koderz-whatif", "", ["bench_1a2b3c4d"]),
        ("--koderz-watch", "", ["bench_1a2b3c4d"]),
        ("--koderz-resume", "", ["bench_1a2b3c4d"]),
        ("--koderz-compare", "b", ["bench_1a2b3c4d"]),
        ("--koderz-compare", "newest:mi", ["newest:mine"]),
        ("--koderz-compare", "../koderz", ["../koderz.yaml"]),
        ("--koderz-results", "min", ["mine"]),
        ("--koderz-guide", "sett", ["settings"]),
        ("--koderz-export", "in", ["inspect"]),
        ("--koderz-grade-on", "", list(get_args(GradingSet))),
        ("--koderz-feedback", "", [str(policy) for policy in FeedbackPolicy]),
    ],
)
def test_an_option_completes_to_what_there_is(option: str, typed: str, values: list[str]) -> None:
    """In the root folder's files, with what is shipped behind one's own; a suite that is broken is passed over."""
    assert completed(option, typed) == values


def test_the_settings_that_are_named_count(home: Path) -> None:
    (home / "other.yaml").write_text("arms: {theirs: {local: small}}\n")
    assert "theirs" in completed("--koderz-arm", koderz_config=str(home / "other.yaml"))


def test_settings_that_cannot_be_read_complete_to_what_is_shipped(home: Path) -> None:
    (home / "koderz.yaml").write_text("arms: [")
    assert completed("--koderz-arm", "frontier") == ["frontier-only", "frontier-retries"]


def test_values_add_up_and_leave_the_default_alone() -> None:
    """As with argparse's own `append`."""
    options: Any = Options()
    pytest_addoption(options)
    assert options.parse_args(["--koderz-arm=koderz", "--koderz-arm=local-only"]).koderz_arm == ["koderz", "local-only"]
    assert options.parse_args([]).koderz_arm == []


@pytest.mark.slow
@pytest.mark.sample
def test_a_shell_is_answered(home: Path, tmp_path: Path) -> None:
    """By argcomplete's own protocol, in a process of its own that imports nothing heavy."""
    pytest.importorskip("argcomplete")
    line = "pytest --koderz --koderz-arm mine --koderz-model local=simulated"
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_COMP_WORDBREAKS": " \t\n\"'><=;|&(:",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "answer"),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "PYTHONPROFILEIMPORTTIME": "1",
    }
    told = subprocess.run(
        [sys.executable, "-m", "pytest"], cwd=home, env=os.environ | asked, capture_output=True, text=True, check=False
    )
    answer = (tmp_path / "answer").read_text().splitlines()
    assert answer == ["simulated-local", "simulated-second", "simulated-frontier", "simulated-small", "simulated/"]
    imported = {row.rpartition("|")[2].strip() for row in told.stderr.splitlines()}
    assert "pytest_koderz.session.completion" in imported
    assert not {"anthropic", "scipy", "numpy", "requests", "mcp", "pydantic", "jinja2", "xllamacpp"} & imported
