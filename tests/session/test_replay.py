"""A recorded benchmark, played back."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from pytest_koderz.testing import AnthropicServer, OllamaServer
from tests.conftest import Run

from .killing import results
from .test_loopback import PRICES, PROFILE, SECRET, SETTINGS, SUITE, _coder, _frontier

PLAYED = """
models:
  opus: {backend: replay, model: recording, priced_as: claude-opus-5-5}
  sonnet: {backend: replay, model: recording, priced_as: claude-sonnet-5-5}
  coder: {backend: replay, model: recording, priced_as: "qwen2.5-coder:7b"}
"""
REPLAYED = PROFILE + PLAYED + PRICES + '  "qwen2.5-coder:7b": free\ncortex: {enabled: false}\n'


def summary(result: pytest.RunResult) -> list[str]:
    """The lines of the summary, without what no two runs share: times."""
    lines = result.outlines
    first = next(number for number, line in enumerate(lines) if line.startswith("arm "))
    last = next(number for number, line in enumerate(lines) if line.startswith("journal: "))
    return [re.sub(r"[\d.,]+ (GPU-)?s(econds)?\b", "TIME", line) for line in lines[first:last]]


def test_a_replay_needs_no_network_and_comes_to_the_same(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes, tokens, dollars by model and the summary; a changed prompt is an error that shows the difference."""
    suite = pytester.path / "problems" / "own.yaml"
    suite.parent.mkdir()
    suite.write_text(SUITE)
    own = pytester.path / "koderz.yaml"
    own.write_text(SETTINGS)
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    asked = ("--koderz", "--koderz-profile", "loopback", "--koderz-json")
    with AnthropicServer(_frontier) as anthropic, OllamaServer(_coder) as ollama:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        monkeypatch.setenv("OLLAMA_HOST", ollama.url)
        recorded = run(*asked, "r.json")
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "OLLAMA_HOST"):
        monkeypatch.delenv(name)
    (folder,) = pytester.path.glob(".koderz/bench_*")
    shutil.move(folder, pytester.path / "recording")
    own.write_text(REPLAYED)
    replayed = run(*asked, "again.json", "-n", "2")
    replayed.assert_outcomes(passed=2)
    assert results(pytester.path / "again.json") == results(pytester.path / "r.json")
    assert summary(replayed) == summary(recorded)
    assert _ledgers(pytester.path) == _ledgers(pytester.path, "recording")

    suite.write_text(SUITE.replace("Add two numbers.", "Add both numbers."))
    missed = run(*asked, "missed.json")
    missed.assert_outcomes(errors=2)
    missed.stdout.fnmatch_lines(["*recording: this spec prompt of own/add is not recorded; the nearest one differs:*"])
    missed.stdout.fnmatch_lines(["*-*Add two numbers.*", "*+*Add both numbers.*"])


def _ledgers(folder: Path, name: str = ".koderz/bench_*") -> dict[str, list[tuple[str, str, str]]]:
    """By arm the role, model and dollars of each row."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for path in folder.glob(f"{name}/*.jsonl"):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            if event["event"] == "ended":
                rows = event["record"]["ledger"]["spendings"]
                found[event["arm"]] = [(row["role"], row["model"], row["cost"]) for row in rows]
    return found


def test_what_simulated_models_said_stays_marked(forgetful: Run, pytester: pytest.Pytester) -> None:
    """Played back, its figures are as little measured as they were."""
    arguments = ("--koderz-arm", "local-only", "--koderz-problems", "0-1", "--tb=no")
    forgetful(*arguments)
    (folder,) = pytester.path.glob(".koderz/bench_*")
    played = (
        f"models:\n  simulated-local: {{backend: replay, model: {folder}, priced_as: own}}\nprices: {{own: free}}\n"
    )
    (pytester.path / "koderz.yaml").write_text(f"{played}cortex: {{enabled: false}}\n")
    result = forgetful(*arguments)
    result.stdout.fnmatch_lines(["koderz: SIMULATED profile simulated:*", "SIMULATED local-only *"])
    assert not any("INVALID" in line for line in result.outlines)
