"""Outages pause a benchmark, and a refusal for good stops an arm before anybody else is paid."""

from __future__ import annotations

import json
import re
from pathlib import Path
from threading import Event, Thread

import pytest

from pytest_koderz.core.errors import ModelRefused, OutOfBudget
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Reply
from pytest_koderz.session.items import benchmark_key
from pytest_koderz.session.refusals import Refusals, WatchedModel
from pytest_koderz.testing import Answer, AnthropicServer, Dropped, OllamaServer, Request, ScriptedModel, Status
from tests.backends.worlds import a_prompt
from tests.conftest import Run

from .killing import suite_of
from .test_loopback import SETTINGS

LASTING = ModelRefused("http://box: there is no such model")
PASSING = ModelRefused("http://box: prompt and `max_tokens` do not fit", lasting=False)
OVERFLOW = Reply("", Usage(), "coder", StopReason.CONTEXT, warnings=("the prompt does not fit: 600 tokens",))
KEY = "coder http://box"


def watched(folder: Path, *replies: Reply | str | Exception, key: str = KEY) -> WatchedModel:
    """As another process opens it."""
    return WatchedModel(ScriptedModel(replies), key, Refusals(folder))


def asked(model: WatchedModel) -> None:
    try:
        model.complete(a_prompt())
    except ModelRefused:
        return


@pytest.mark.parametrize("refusal", [LASTING, PASSING, OVERFLOW])
def test_a_model_that_did_nothing_but_refuse_is_not_worked_for(tmp_path: Path, refusal: Reply | Exception) -> None:
    """Whichever process asked it; on another server it may be there."""
    asked(watched(tmp_path, refusal))
    with pytest.raises(ModelRefused, match=r"no such model|do not fit|does not fit"):
        watched(tmp_path).admit(served=True)
    watched(tmp_path, key="coder http://other").admit(served=True)


def test_it_may_be_tried_where_that_costs_nothing(tmp_path: Path) -> None:
    """The next prompt may be a shorter one; but who has no key needs not try another."""
    asked(watched(tmp_path, OVERFLOW))
    watched(tmp_path).admit(served=False)
    asked(watched(tmp_path, LASTING))
    with pytest.raises(ModelRefused, match="no such model"):
        watched(tmp_path).admit(served=False)


def test_a_model_that_has_answered_refuses_prompts_and_not_all_work(tmp_path: Path) -> None:
    """But a key that is withdrawn, or a model that is removed, is gone."""
    model = watched(tmp_path, "words", PASSING, OVERFLOW, LASTING)
    for _ in range(3):
        asked(model)
        watched(tmp_path).admit(served=True)
    asked(model)
    with pytest.raises(ModelRefused, match="no such model"):
        watched(tmp_path).admit(served=True)


def test_who_goes_on_has_another_look(tmp_path: Path) -> None:
    """The user may have mended what was wrong."""
    asked(watched(tmp_path, LASTING))
    Refusals(tmp_path).forget()
    watched(tmp_path).admit(served=True)


def test_refusals_can_be_read_by_their_owner_alone(tmp_path: Path) -> None:
    """Servers may say more than others should know."""
    asked(watched(tmp_path / "refusals", LASTING))
    (path,) = (tmp_path / "refusals").iterdir()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def frontier(request: Request) -> Answer:
    del request
    return Answer("Add them.", input_tokens=100, output_tokens=50)


@pytest.fixture
def served(run: Run, judged: None, pytester: pytest.Pytester) -> Run:
    """Five problems for an arm with a spec."""
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "own.yaml").write_text(suite_of(5))
    (pytester.path / ".env").write_text("ANTHROPIC_API_KEY=sk-ant-made-up-0123456789\n")
    settings = SETTINGS.replace("arms: [koderz, frontier-only]", "arms: [koderz]")
    coder = 'model: "qwen2.5-coder:7b", patience: 60, options: {retries: 0}'
    (pytester.path / "koderz.yaml").write_text(settings.replace('model: "qwen2.5-coder:7b"', coder))
    return run


@pytest.mark.parametrize("workers", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)])
def test_specs_are_bought_until_the_local_model_refuses(
    served: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    """One, or one for each experiment in flight; the others are invalid at no cost, with the model's own words."""
    with AnthropicServer(frontier) as anthropic, OllamaServer(lambda _: Status(401)) as ollama:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        monkeypatch.setenv("OLLAMA_HOST", ollama.url)
        result = served("--koderz", "--koderz-profile", "loopback", "--koderz-json", "r.json", *workers)
        assert anthropic.billed.calls == len(ollama.requests) <= (2 if workers else 1)
    result.assert_outcomes(errors=5)
    rows = json.loads((pytester.path / "r.json").read_text())["experiments"]
    assert all("the server refuses access" in row["reason"] for row in rows)


def test_an_outage_is_waited_for_and_told(
    served: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two calls without an answer cost nobody an experiment, nor the model time; the summary says how long it was."""
    answers: list[Dropped | Answer] = [Dropped(), Dropped(), *[Answer("I do not know.", 10, 5)] * 5]
    with AnthropicServer(frontier) as anthropic, OllamaServer(answers) as ollama:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        monkeypatch.setenv("OLLAMA_HOST", ollama.url)
        arguments = ("--koderz-profile", "loopback", "--koderz-json", "r.json")
        path = pytester.path / "koderz.yaml"
        path.write_text(path.read_text().replace("max_iterations: 4", "max_iterations: 1"))
        result = served("--koderz", *arguments)
    result.assert_outcomes(failed=5)
    text = result.stdout.str()
    assert re.search(r"koderz: http://127.0.0.1:\d+: .*; experiments wait for it, for 60 s at most", text)
    assert re.search(r"warning: .*http://127.0.0.1:\d+ did not answer for \d+ s and was waited for\n", text)
    rows = json.loads((pytester.path / "r.json").read_text())["experiments"]
    local = [row["seconds"] for one in rows for row in one["spent"] if row["role"] == "local"]
    assert sum(local) < max(one["seconds"] for one in rows)


def test_nothing_is_bought_for_a_server_that_was_never_there(
    served: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked at before the first spec is paid, where a question costs nothing."""
    path = pytester.path / "koderz.yaml"
    there = 'coder: {backend: openai, hosts: ["http://127.0.0.1:1"], priced_as: free-one, '
    mine = path.read_text().replace("coder: {backend: ollama, ", there).replace("patience: 60", "patience: 1")
    path.write_text(mine.replace("prices:", "prices:\n  free-one: free"))
    with AnthropicServer(frontier) as anthropic:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", anthropic.url)
        result = served("--koderz", "--koderz-profile", "loopback")
        assert not anthropic.requests
    result.assert_outcomes(errors=5)


def test_a_stop_ends_what_waits(pytester: pytest.Pytester) -> None:
    """Also in threads, which Ctrl-C does not reach."""
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    config = pytester.parseconfigure("--koderz", "--koderz-profile", "simulated", "--collect-only")
    benchmark = config.stash[benchmark_key]
    ended = Event()

    def wait() -> None:
        with pytest.raises(OutOfBudget, match="the run was stopped"):
            benchmark.sleep(3600.0)
        ended.set()

    thread = Thread(target=wait, daemon=True)
    thread.start()
    benchmark.stopping.set()
    assert ended.wait(60.0)
