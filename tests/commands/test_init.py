"""What --koderz-init writes is right as it stands, and fits what is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest

from pytest_koderz.backends.found_servers import FoundModel, found_model
from pytest_koderz.commands.init import settings_text, suite_text
from pytest_koderz.datasets import read_suite
from pytest_koderz.files.yaml_lines import read_yaml
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.settings import Choice, Settings, load_settings
from pytest_koderz.testing import OllamaServer, OpenAIServer
from pytest_koderz.testing.script import HttpStatus
from pytest_koderz.testing.server import Body, Request, json_body
from tests.samples import GUIDE

KEY = {"ANTHROPIC_API_KEY": "sk-ant-0123456789abcdef"}
NOWHERE = {"OLLAMA_HOST": "127.0.0.1:1"}
OURS = FoundModel("ollama", "qwen2.5-coder:7b", (), "Ollama at http://127.0.0.1:11434")


class LlamaCpp(OpenAIServer):
    """Says what it is."""

    def plain(self, request: Request) -> Body | HttpStatus:
        models = [
            {"id": "bge-m3", "owned_by": "llamacpp"},
            {"id": "qwen3", "owned_by": "llamacpp", "meta": {"n_ctx": 4096}},
        ]
        return json_body({"data": models}) if request.path == "/v1/models" else super().plain(request)


def _settings(folder: Path, found: FoundModel | None, environment: Mapping[str, str]) -> Settings:
    """As the file's own checks read it, and editors by its schema."""
    place = folder / "koderz.yaml"
    place.write_text(settings_text(place, found, environment))
    schema = json.loads((GUIDE / "koderz.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(read_yaml(place).plain)
    assert KEY["ANTHROPIC_API_KEY"] not in place.read_text()
    assert max(map(len, place.read_text().splitlines())) <= 200
    return load_settings(None, folder, environment, Choice())


def test_a_local_model_and_a_key_make_the_set_up_in_question(tmp_path: Path) -> None:
    """With a limit of what it may spend."""
    settings = _settings(tmp_path, OURS, KEY)
    assert settings.profile == "mine"
    assert [arm.name for arm in settings.arms] == ["koderz", "frontier-only"]
    assert settings.arms[0].local.model == "qwen2.5-coder:7b"
    assert settings.max_cost == 5


def test_a_local_model_alone_fills_every_role(tmp_path: Path) -> None:
    """And the frontier is estimated."""
    settings = _settings(tmp_path, OURS, {})
    assert {model.name for model in settings.models} == {"my-local"}
    assert settings.control_model == "claude-opus-5-5"


def test_a_key_alone_lets_a_small_frontier_model_write(tmp_path: Path) -> None:
    """Under a large one."""
    assert _settings(tmp_path, None, KEY).arms[0].local.name == "claude-haiku"


def test_where_nothing_is_found_the_shipped_profile_runs(tmp_path: Path) -> None:
    """Its model comes with a package."""
    assert _settings(tmp_path, None, {}).profile == "embedded"


def test_ollama_is_asked_for_a_model_that_writes_code() -> None:
    """None that makes vectors, or answers elsewhere."""
    with OllamaServer(
        models=["nomic-embed-text:latest", "gpt-oss:120b-cloud", "llama3:8b", "qwen2.5-coder:7b"]
    ) as server:
        found = found_model({"OLLAMA_HOST": server.url})
    assert found is not None
    assert (found.backend, found.model, found.hosts) == ("ollama", "qwen2.5-coder:7b", ())


def test_a_server_at_a_usual_port_is_named_in_the_file(tmp_path: Path) -> None:
    """That of OPENAI_BASE_URL is the environment's."""
    with LlamaCpp() as server:
        found = found_model(NOWHERE, usual=[server.url])
        named = found_model({**NOWHERE, "OPENAI_BASE_URL": server.url}, usual=[])
        assert found is not None
        assert named is not None
        assert (found.model, found.hosts, named.hosts) == ("qwen3", (server.url,), ())
        settings = _settings(tmp_path, found, NOWHERE)
    assert settings.arms[0].local.hosts == (server.url,)
    assert settings.arms[0].local.price is not None
    assert settings.arms[0].local.context_tokens == 4096, "the window that the server has"


def test_a_server_that_does_not_say_what_it_is_is_passed_over() -> None:
    """Or an answer of its might cost something."""
    with OpenAIServer() as server:
        assert found_model(NOWHERE, usual=[server.url, "http://127.0.0.1:1"]) is None


def test_its_problem_can_be_judged(tmp_path: Path) -> None:
    """The answer that is given passes, and editors accept the file."""
    place = tmp_path / "first.yaml"
    place.write_text(suite_text(place))
    schema = json.loads((GUIDE / "suite.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(read_yaml(place).plain)
    (problem,) = read_suite(place)
    assert problem.canonical_solution is not None
    assert problem.visible
    with open_sandbox() as judge:
        from pytest_koderz.core.iteration import Candidate

        assert judge(problem, Candidate(problem.canonical_solution)).passed


def test_it_writes_once_and_overwrites_nothing(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line names what was there; a suite of another name is one too."""
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    with OllamaServer(models=["qwen2.5-coder:7b"]) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        first = pytester.runpytest_inprocess("--koderz-init")
    assert first.ret == pytest.ExitCode.OK
    assert first.outlines[:2] == ["koderz.yaml: written", "problems/first.yaml: written"]
    (pytester.path / "koderz.yaml").write_text("mine")
    (pytester.path / "problems" / "first.yaml").rename(pytester.path / "problems" / "own.yaml")
    again = pytester.runpytest_inprocess("--koderz-init")
    assert again.outlines[:2] == [
        "koderz.yaml: is there already, and left as it is",
        "problems/own.yaml: is there already, and left as it is",
    ]
    assert (pytester.path / "koderz.yaml").read_text() == "mine"
    assert not (pytester.path / "problems" / "first.yaml").exists()


def test_what_it_writes_runs_at_once(pytester: pytest.Pytester) -> None:
    """Green or red."""
    (pytester.path / "problems").mkdir()
    for place, text in (
        ("koderz.yaml", settings_text(pytester.path / "koderz.yaml", OURS, KEY)),
        ("problems/first.yaml", suite_text(pytester.path)),
    ):
        (pytester.path / place).write_text(text + ("cortex: {enabled: false}\n" if place == "koderz.yaml" else ""))
    result = pytester.runpytest_inprocess(
        "--koderz", "--koderz-profile", "simulated", "--koderz-arm", "frontier-only", "--tb=no"
    )
    assert result.ret in (0, 1)
    assert sum(result.parseoutcomes().values()) == 1
