"""What a run is opened with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_koderz.records.codec import value_of
from pytest_koderz.records.events import Head
from pytest_koderz.records.recorded import Recorded
from pytest_koderz.session.head import definitions_of, head_of
from pytest_koderz.session.items import benchmark_key
from pytest_koderz.session.resume import resume_lines
from pytest_koderz.settings import Choice, load_settings
from pytest_koderz.testing import OllamaServer

from .test_features import OwnJudge

SETTINGS = """
cortex: {{enabled: false}}
profiles:
  own: {{arms: [alone], models: {{local: coder}}}}
models:
  coder: {{backend: ollama, model: llama3.2, hosts: ["{url}"]}}
arms:
  alone: {{local: local}}
"""


def test_what_servers_say_of_their_weights_is_recorded_when_a_run_begins(pytester: pytest.Pytester) -> None:
    """It is part of the arm, so that a change is noticed; who only looks asks nobody."""
    pytester.plugins.append(OwnJudge())
    with OllamaServer(models=["llama3.2:latest"]) as server:
        (pytester.path / "koderz.yaml").write_text(SETTINGS.format(url=server.url))
        given = ("--koderz", "--koderz-profile", "own")
        settings = pytester.parseconfigure(*given).stash[benchmark_key].settings
        looked = pytester.parseconfigure(*given, "--collect-only").stash[benchmark_key].settings
    told = {"digest": "0" * 64, "quantization": "Q4_0", "server": "Ollama 0.12.0"}
    assert [arm.local.identity for arm in settings.arms] == [told]
    assert [arm.local.identity for arm in looked.arms] == [{}]
    assert head_of(settings, "bench_1")["servers"] == {"coder": told}


def test_nor_is_a_key_kept_that_a_server_repeats_there(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In what it calls its weights: that goes into the files of results."""
    key = "sk-live-0123456789abcdef"
    monkeypatch.setenv("OLLAMA_API_KEY", key)
    pytester.plugins.append(OwnJudge())
    with OllamaServer(models=["llama3.2:latest"]) as server:
        server.digests["llama3.2:latest"] = f"\x1b[2J{key}"
        (pytester.path / "koderz.yaml").write_text(SETTINGS.format(url=server.url))
        settings = pytester.parseconfigure("--koderz", "--koderz-profile", "own").stash[benchmark_key].settings
    assert [arm.local.identity["digest"] for arm in settings.arms] == ["\\x1b[2J[redacted]"]


def test_who_goes_on_is_told_of_another_version_of_a_server(tmp_path: Path) -> None:
    """Which is no reason to run anything anew."""
    settings = load_settings(None, tmp_path, {}, Choice(profile="simulated"))
    was, now = (
        replace(settings, arms=tuple(replace(arm, local=replace(arm.local, identity=told)) for arm in settings.arms))
        for told in ({"server": "Ollama 0.11.0"}, {"server": "Ollama 0.12.0"})
    )
    head = value_of(Head, {**head_of(was, "bench_1"), **definitions_of(was)})
    lines = resume_lines(Recorded(heads=(head,)), now, "bench_1")
    name = settings.arms[0].local.name
    assert f"the server of model '{name}' was Ollama 0.11.0, is Ollama 0.12.0" in lines
    assert not any("run anew" in line for line in lines)


def test_who_goes_on_is_told_how_many_are_not_begun(tmp_path: Path) -> None:
    """Of those that were planned; nothing where that is not recorded."""
    settings = load_settings(None, tmp_path, {}, Choice(profile="simulated"))
    head = value_of(Head, {**head_of(settings, "bench_1"), **definitions_of(settings)})
    for items, said in ((5, ", 5 not begun"), (None, "")):
        first, *_ = resume_lines(Recorded(heads=(replace(head, items=items),)), settings, "bench_1")
        assert first == f"resuming bench_1: 0 settled, 0 cut short, invalid or skipped{said}"
