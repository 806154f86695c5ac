"""What a run is opened with."""

from __future__ import annotations

import pytest

from pytest_koderz.session.head import head_of
from pytest_koderz.session.items import benchmark_key
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
