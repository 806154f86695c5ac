"""In GitHub Actions what was not solved stands at its problem's line, also where the suite lies deeper."""

from __future__ import annotations

import pytest

from pytest_koderz.testing import Answer, OpenAIServer
from tests.conftest import Run

from .test_hostile_text import ACTING, COMMANDS, SETTINGS, SUITE, acting


@pytest.fixture
def in_a_step(pytester: pytest.Pytester, forgetful: Run, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Of a job, with a suite of two problems."""
    (pytester.path / "problems").mkdir()
    second = SUITE.partition("problems:\n")[2].replace("own/order", "own/again")
    (pytester.path / "problems" / "own.yaml").write_text(SUITE + second)
    (pytester.path / "koderz.yaml").write_text(SETTINGS)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(pytester.path.parent))
    return run


def test_what_was_not_solved_stands_at_its_line(
    in_a_step: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a gate that does not hold above all; nothing that a model wrote is a command."""
    code = f"```python\ndef order(words):\n    raise ValueError({ACTING + COMMANDS!r})\n```"
    with OpenAIServer(lambda _: Answer(code)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = in_a_step("--koderz", "--koderz-profile=own", "--koderz-min-solved=0.5")
    lines = (pytester.path / "problems" / "own.yaml").read_text().splitlines()
    told = [line for line in result.outlines if line.startswith("::")]
    file = f"file={pytester.path.name}/problems/own.yaml"
    assert told[0].startswith("::error title=koderz::gate min-solved of local-only: DOES NOT HOLD")
    for line, name in zip(told[1:], ("order", "again"), strict=True):
        number = lines.index(f"  - id: own/{name}") + 1
        assert line.startswith(
            f"::warning {file},line={number},title=unsolved%3A own/{name}[local-only]::unsolved after 2"
        )
    assert acting("\n".join(result.outlines)) == told
