"""What the README shows is what happens."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pytest_koderz.core.iteration import FeedbackPolicy
from pytest_koderz.settings import shipped_path
from tests.conftest import Run
from tests.recomputing import numbers_in, script_of

PATH = Path(__file__).parents[1] / "README.md"
README = PATH.read_text()


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


_OF_THE_MACHINE = (
    "rootdir",
    "plugins",
    "configfile",
    "testpaths",
    "platform",
    "koderz: SIMULATED sandbox",
    "verdicts:",
)
"""Lines that differ from machine to machine; the last is of this checkout's conftest.py."""


def _masked(line: str) -> str:
    """Without what differs from run to run: ids, seconds, versions, days."""
    line = re.sub(r"bench_[0-9a-f]{8}", "bench_", line)
    line = re.sub(r"\b[\d,]+\.\d+ ?s\b", "0.0 s", line)
    line = re.sub(r"(genai-prices|as of) [\d.-]+", r"\1", line)
    return re.sub(r"=+", "=", line).rstrip()


def test_the_output_is_that_of_a_run(run_apart: Run) -> None:
    """The command stands above the block; run it and compare line by line. UPDATE_GOLDEN=1 writes the block anew."""
    command = re.search(r"<!-- output: (.*?) -->\n```text\n(.*?)```", README, re.DOTALL)
    assert command is not None
    result = run_apart("-p", "no:cacheprovider", *shlex.split(command[1]))
    printed = [line for line in result.outlines if not line.startswith(_OF_THE_MACHINE)]
    if os.environ.get("UPDATE_GOLDEN"):
        PATH.write_text(PATH.read_text().replace(command[2], "\n".join(printed).strip() + "\n"))
        return
    shown = [_masked(line) for line in command[2].splitlines() if line]
    assert shown == [_masked(line) for line in printed if line]


def test_the_judge_can_be_used_as_shown(tmp_path: Path) -> None:
    """The example runs as it stands."""
    source = next(block for block in _blocks("python") if "open_sandbox" in block)
    shown = subprocess.run([sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert shown.stdout == "passed 7 7\n"


def test_the_summary_can_be_recomputed_as_shown(simulate: Run, pytester: pytest.Pytester) -> None:
    """Each number of a two-arm summary, in its order, from the results alone."""
    (pytester.path / "koderz.yaml").write_text("local_rate: 0.60\ncortex: {enabled: false}\n")
    (pytester.path / "recompute.py").write_text(script_of(README))
    arms = ("--koderz-arm", "koderz", "--koderz-arm", "frontier-only")
    result = simulate(*arms, "--koderz-problems", "0-9", "--koderz-json", "results.json", "--tb=no", "-rN")
    first = next(place for place, line in enumerate(result.outlines) if "1st try" in line)
    said = "\n".join(line for line in result.outlines[first + 1 :] if line.startswith("SIMULATED"))
    recomputed = pytester.run(sys.executable, "recompute.py", "results.json")
    assert numbers_in(recomputed.stdout.str()) == numbers_in(said)


def test_a_back_end_in_ten_lines_works(run: Run, pytester: pytest.Pytester) -> None:
    """conftest.py, model, price: as shown, with a problem that it happens to solve."""
    (pytester.path / "conftest.py").write_text(next(block for block in _blocks("python") if "class Echo" in block))
    (pytester.path / "koderz.yaml").write_text(
        "models: {echo: {backend: echo, model: echo-1}}\nprices: {echo-1: free}\narms: {alone: {local: echo}}\n"
        "cortex: {enabled: false}\n"
    )
    result = run("--koderz", "--koderz-arm", "alone", "--koderz-problems", "53")
    result.assert_outcomes(passed=1, deselected=163)


def test_a_test_of_a_users_own_asks_for_experiments(forgetful: Run, pytester: pytest.Pytester) -> None:
    """Ten of them, as shown; what they find is theirs to say."""
    (pytester.path / "test_own.py").write_text(next(block for block in _blocks("python") if "mark.koderz" in block))
    result = forgetful("test_own.py", "--tb=no")
    found = result.parseoutcomes()
    assert found.get("passed", 0) + found.get("failed", 0) == 10
    assert "errors" not in found


@pytest.mark.parametrize("block", _blocks("yaml"))
def test_settings_and_problems_are_valid_as_shown(block: str, run: Run, pytester: pytest.Pytester) -> None:
    """Each block is a koderz.yaml or a suite."""
    if "problems" in yaml.safe_load(block):
        (pytester.path / "problems").mkdir()
        (pytester.path / "problems" / "own.yaml").write_text(block)
        result = run("--koderz-list", "--koderz-profile", "simulated", "--koderz-problems", "own/*")
    else:
        (pytester.path / "koderz.yaml").write_text(block)
        profile = next(iter(yaml.safe_load(block)["profiles"]))
        result = run("--koderz-list", "--koderz-profile", profile, "--koderz-problems", "0")
    assert result.ret == pytest.ExitCode.OK, result.stdout.str()


def test_every_option_is_in_the_table(run: Run) -> None:
    """And nothing else is."""
    offered = set(re.findall(r"--koderz[a-z-]*", run("--help").stdout.str()))
    assert offered == set(re.findall(r"^\| `(--koderz[a-z-]*)", README, re.MULTILINE))


def test_arms_profiles_and_policies_are_the_shipped_ones() -> None:
    """The tables name what koderz.yaml holds."""
    shipped = yaml.safe_load(shipped_path("koderz.yaml").read_text())
    named = set(re.findall(r"^\| `([a-z-]+)`", README, re.MULTILINE))
    assert set(shipped["arms"]) | set(shipped["profiles"]) <= named
    assert all(f"`{policy}`" in README for policy in FeedbackPolicy)
