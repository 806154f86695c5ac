"""A whole benchmark over real protocols: the Anthropic SDK and Ollama's API against servers on this machine."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.testing import Answer, AnthropicServer, Dropped, OllamaServer, Request, Status
from tests.conftest import Run

from .killing import suite_of

PROFILE = """
profiles:
  loopback:
    description: loopback servers
    arms: [koderz, frontier-only]
    models: {spec: opus, local: coder, checkpoint: sonnet, frontier: opus}
    max_iterations: 4
    checkpoint_interval: 2
"""
MODELS = """
models:
  opus: {backend: anthropic, model: claude-opus-5-5}
  sonnet: {backend: anthropic, model: claude-sonnet-5-5}
  coder: {backend: ollama, model: "qwen2.5-coder:7b"}
"""
PRICES = """
prices:
  claude-opus-5-5: {input: 4, output: 20, as_of: 2026-11-22, source: the test}
  claude-sonnet-5-5: {input: 2, output: 10, as_of: 2026-11-22, source: the test}
"""
SETTINGS = PROFILE + MODELS + PRICES + "cortex: {enabled: false}\n"
SUITE = '''
problems:
  - id: own/add
    entry_point: add
    prompt: |
      def add(x, y):
          """Add two numbers.
          >>> add(1, 2)
          3
          """
    tests: |
      def check(candidate):
          assert candidate(2, 3) == 5
    canonical_solution: |
      def add(x, y):
          return x + y
'''
SECRET = "sk-ant-made-up-0123456789"


def furnish(folder: Path, settings: str) -> None:
    """A suite of one problem and settings for two loopback servers."""
    (folder / "problems").mkdir()
    (folder / "problems" / "own.yaml").write_text(SUITE)
    (folder / "koderz.yaml").write_text(settings)
    (folder / ".env").write_text(f"ANTHROPIC_API_KEY={SECRET}\n")


@pytest.fixture
def world(pytester: pytest.Pytester, run: Run) -> Run:
    """Runs in such a folder, without cortex."""
    furnish(pytester.path, SETTINGS)
    return run


@pytest.fixture
def remembering(pytester: pytest.Pytester, run_apart: Run) -> Run:
    """Runs with cortex, each in a process of its own."""
    furnish(pytester.path, PROFILE + MODELS + PRICES)
    return run_apart


def _frontier(request: Request) -> Answer:
    """Words for a spec or a review; code only when code is asked for."""
    asked = json.dumps(request.body)
    text = "```python\ndef add(x, y):\n    return x + y\n```" if "Write the whole function" in asked else "Add them."
    return Answer(text, input_tokens=100, output_tokens=50)


def _coder(request: Request) -> Answer:
    """Subtracts until a review tells it otherwise."""
    operator = "+" if "senior reviewer" in json.dumps(request.body) else "-"
    tries = json.dumps(request.body).count("## Attempt")
    return Answer(
        f"```python\ndef add(x, y):\n    return x {operator} y  # {tries}\n```", input_tokens=30, output_tokens=20
    )


def test_a_full_experiment_with_figures_checked_by_hand(
    remembering: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec $0.0014, two free failures, a checkpoint $0.0007, a free success; the control's one try $0.0014."""
    with AnthropicServer(_frontier) as anthropic, OllamaServer(_coder) as ollama:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        monkeypatch.setenv("OLLAMA_HOST", ollama.url)
        result = remembering("--koderz", "--koderz-profile", "loopback", "--koderz-json", "r.json", "-v")
        assert anthropic.billed.calls == 3
        assert ollama.billed.calls == 3
    result.assert_outcomes(passed=2)
    results = json.loads((pytester.path / "r.json").read_text())
    koderz, control = results["arms"]["koderz"], results["arms"]["frontier-only"]
    # 100 tokens in and 50 out: at $4 and $20 a million $0.0014, at $2 and $10 $0.0007
    assert koderz["cost_usd_by_role"] == {"spec": 0.0014, "local": 0.0, "checkpoint": 0.0007}
    assert (koderz["cost_usd"], control["cost_usd"]) == (0.0021, 0.0014)
    assert koderz["iterations"] == 3
    # The arm costs more than the control, and the summary says so.
    text = result.stdout.str()
    assert "measured: -$0.0007 (-50.0 %)" in text
    # On a busy machine the memory may take longer to start than it is waited for.
    assert re.search("on (2 attempts from cortex|the loop's own record)", text)
    assert "cortex: 9 stored, 9 verified" in text


def test_secrets_stay_where_they_are(
    remembering: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key reaches the provider, and no file, no line, no other process."""
    with AnthropicServer(_frontier) as anthropic, OllamaServer(_coder) as ollama:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        monkeypatch.setenv("OLLAMA_HOST", ollama.url)
        result = remembering("--koderz", "--koderz-profile", "loopback", "--koderz-json", "r.json", "-v")
        keys = {request.headers["authorization"] for request in anthropic.requests}
    assert keys == {f"Bearer {SECRET}"}
    assert SECRET not in result.stdout.str() + result.stderr.str()
    for path in pytester.path.rglob("*"):
        assert path.name == ".env" or not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_an_outage_is_invalid_and_never_unsolved(
    world: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest reports an error; the arm has nothing settled; --lf runs it again."""
    with AnthropicServer(lambda _: Status(401)) as anthropic:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        result = world(
            "--koderz", "--koderz-profile", "loopback", "--koderz-arm", "frontier-only", "--koderz-json", "r.json"
        )
    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    arm = json.loads((pytester.path / "r.json").read_text())["arms"]["frontier-only"]
    assert (arm["settled"], arm["invalid"], arm["solved"]) == (0, 1, 0)
    with AnthropicServer(_frontier) as anthropic:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        again = world("--koderz", "--koderz-profile", "loopback", "--koderz-arm", "frontier-only", "--lf")
    again.assert_outcomes(passed=1)


def test_the_invalid_alone_can_be_run_again(
    world: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resumed benchmark asks for what the outage took, and for nothing that is settled; an iteration was not lost."""

    def without_code(request: Request) -> Answer | Status:
        return Status(401) if "Write the whole function" in json.dumps(request.body) else _frontier(request)

    with AnthropicServer(without_code) as anthropic, OllamaServer(_coder) as ollama:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        monkeypatch.setenv("OLLAMA_HOST", ollama.url)
        world("--koderz", "--koderz-profile", "loopback").assert_outcomes(passed=1, errors=1)
    with AnthropicServer(_frontier) as anthropic, OllamaServer() as ollama:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        monkeypatch.setenv("OLLAMA_HOST", ollama.url)
        result = world("--koderz", "--koderz-resume", "--koderz-json", "r.json")
        assert anthropic.billed.calls == len(anthropic.requests) == 1
        assert not ollama.requests
    result.assert_outcomes(passed=2)
    rows = json.loads((pytester.path / "r.json").read_text())["experiments"]
    assert [(row["arm"], row["iterations"], row["cost_usd"]) for row in rows] == [
        ("koderz", 3, 0.0021),
        ("frontier-only", 1, 0.0014),
    ]


def test_nothing_is_bought_for_a_model_that_is_not_there(
    world: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not answer, or has not pulled the model, is named before a spec is paid for; nothing stays."""
    with AnthropicServer(_frontier) as anthropic:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
        dead = world("--koderz", "--koderz-profile", "loopback")
        with OllamaServer(models=["codellama:70b"]) as ollama:
            monkeypatch.setenv("OLLAMA_HOST", ollama.url)
            other = world("--koderz", "--koderz-profile", "loopback")
        assert not anthropic.requests
    assert dead.ret == other.ret == pytest.ExitCode.USAGE_ERROR
    named = "ERROR: model 'coder' of profile 'loopback': http://127.0.0.1:*"
    dead.stderr.fnmatch_lines([f"{named} does not answer; run `ollama serve` there*"])
    other.stderr.fnmatch_lines([f"{named} does not have the model; run `ollama pull qwen2.5-coder:7b` there"])
    assert not (pytester.path / ".koderz").exists()


def test_no_more_specs_are_bought_once_the_local_server_is_known_to_be_dead(
    world: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without patience: after three calls without an answer the other experiments are invalid at no cost."""
    options = "model: coder, patience: 0, options: {retries: 0}"
    settings = SETTINGS.replace('model: "qwen2.5-coder:7b"', options).replace(
        "arms: [koderz, frontier-only]", "arms: [koderz]"
    )
    (pytester.path / "koderz.yaml").write_text(settings)
    (pytester.path / "problems" / "own.yaml").write_text(suite_of(5))
    with AnthropicServer(_frontier) as anthropic, OllamaServer([Dropped()] * 3) as ollama:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        monkeypatch.setenv("OLLAMA_HOST", ollama.url)
        world("--koderz", "--koderz-profile", "loopback").assert_outcomes(errors=5)
        assert anthropic.billed.calls == len(ollama.requests) == 3


def test_the_journal_holds_all_that_was_paid_for(
    world: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each billed call is a line with its prompt, its reply and its tokens."""
    with AnthropicServer(_frontier) as anthropic, OllamaServer(_coder) as ollama:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        monkeypatch.setenv("OLLAMA_HOST", ollama.url)
        world("--koderz", "--koderz-profile", "loopback")
        billed = anthropic.billed.calls + ollama.billed.calls
    (journal,) = pytester.path.glob(".koderz/bench_*/main.jsonl")
    calls = [line for line in _lines(journal) if line["event"] == "called"]
    assert len(calls) == billed == 6
    assert all(re.fullmatch("[0-9a-f]{64}", call["prompt"]["digest"]) for call in calls)
    tokens = sum(call["reply"]["usage"]["output"] for call in calls)
    assert tokens == 3 * 50 + 3 * 20
    ended = [line["record"] for line in _lines(journal) if line["event"] == "ended"]
    assert sum(Decimal(row["cost"]) for one in ended for row in one["ledger"]["spendings"]) == Decimal("0.0035")


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_of_several_attempts_the_last_counts_and_all_are_charged(
    world: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong, run again by pytest-rerunfailures, right: table, steps, journal, JUnit and later questions agree."""
    right = "```python\ndef add(x, y):\n    return x + y\n```"
    answers = [Answer("def add(x, y): return 0", 100, 50), Answer(right, 100, 50)]
    with AnthropicServer(answers) as anthropic:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        arguments = ("--koderz-profile", "loopback", "--koderz-arm", "frontier-only", "--koderz-json", "r.json")
        result = world("--koderz", *arguments, "--reruns", "1", "--junitxml", "j.xml")
        assert anthropic.billed.calls == 2
    assert result.ret == pytest.ExitCode.OK
    arm = json.loads((pytester.path / "r.json").read_text())["arms"]["frontier-only"]
    assert (arm["solved"], arm["settled"], arm["cost_usd"], arm["paid_usd"]) == (1, 1, 0.0014, 0.0028)
    assert arm["cost_per_solved_usd"] == arm["paid_usd"]
    assert sum(step["step_usd"] for step in arm["steps"]) == arm["cost_usd"]
    properties = re.findall(r'name="koderz.(\w+)" value="([^"]*)"', (pytester.path / "j.xml").read_text())
    case = [row for row in properties if row[0] in ("outcome", "iterations", "cost_usd", "paid_usd")]
    # Of each attempt a case, which has nothing of the other's.
    assert len(case) == 8
    assert case[4:] == [("outcome", "solved"), ("iterations", "1"), ("cost_usd", "0.0014"), ("paid_usd", "0.0028")]
    (folder,) = pytester.path.glob(".koderz/bench_*")
    charged = "  not counted: earlier attempts at 1 experiment (but per solved); charged in all $0.0028"
    note = "note: 1 experiment ran more than once; the last attempt counts"
    result.stdout.fnmatch_lines([charged, note])
    world("--koderz-analyze", folder.name).stdout.fnmatch_lines(["*frontier-only * 1/1 *$0.0014 *$0.0028", charged])
