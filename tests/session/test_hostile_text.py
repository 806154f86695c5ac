"""Secrets and hostile text that a server sends: what is judged, and what a file, a person or another server gets."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from pytest_koderz.files.secret_values import Redaction
from pytest_koderz.testing import Answer, OpenAIServer, Request, Status
from tests.conftest import Run

from .worlds import recorded

KEY = "sk-live-4f9A/x+7Qz81Lm03"
PASSWORD = "hunter-of-37-geese"
SETTINGS = """
profiles:
  own: {arms: [local-only], models: {local: coder}, max_iterations: 2}
models:
  coder: {backend: openai, model: coder-1, priced_as: own-1, options: {retries: 0}}
prices:
  own-1: free
cortex: {enabled: false}
"""
SUITE = '''
problems:
  - id: own/order
    entry_point: order
    prompt: |
      def order(words):
          """Sort words by their length."""
    tests: |
      assert order(["bb", "a"]) == ["a", "bb"]
      assert order([]) == []
    canonical_solution: |
      def order(words):
          return sorted(words, key=len)
'''
ECHOES = [
    KEY,
    KEY.upper(),
    " ".join(KEY),
    quote(KEY, safe=""),
    KEY.encode().hex(),
    base64.b64encode(f"Bearer {KEY}".encode()).decode(),
    base64.b64encode(PASSWORD.encode()).decode(),
]
FORMS = [KEY, KEY.upper(), " ".join(KEY), quote(KEY, safe=""), KEY.encode().hex()]
FORMS += [base64.b64encode(f"Bearer {KEY}".encode()).decode()[12:-4], PASSWORD]
RIGHT = "```python\ndef order(words):\n    return sorted(words, key=len)\n```"
ACTING = "\x1b[2J\x1b]0;pwned\x07\x9b31m\u202eevil"
COMMANDS = "::error file=a::pwned\n##vso[task.setvariable variable=a]b\n##teamcity[buildStop comment='x']\n"
SHOWN = ("koderz.html", "junit.xml")


@pytest.fixture
def world(pytester: pytest.Pytester, run: Run, judged: None, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A suite of one problem, and a model that stands behind OPENAI_BASE_URL."""
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "own.yaml").write_text(SUITE)
    (pytester.path / "koderz.yaml").write_text(SETTINGS)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("BACKUP_PASSWORD", PASSWORD)
    return run


def benchmark(world: Run, *arguments: str) -> pytest.RunResult:
    files = ("--koderz-json=koderz.json", "--koderz-html=koderz.html", "--junitxml=junit.xml")
    return world("--koderz", "--koderz-profile=own", *files, *arguments)


def everything_written(folder: Path, result: pytest.RunResult) -> str:
    """What a person can see or a file holds, but for the suite itself."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".yaml", ".pyc"}]
    texts = [path.read_bytes().decode(errors="replace") for path in files]
    return "\n".join([result.stdout.str(), result.stderr.str(), *texts])


def test_a_key_is_judged_as_it_is_and_leaves_nowhere(world: Run, pytester: pytest.Pytester) -> None:
    """Whatever form a server echoes it in: no file, line or other request holds it, and the answer is judged whole."""
    echoes = "\n".join(f"    # {echo}" for echo in ECHOES)
    wrong = f"def order(words):\n{echoes}\n    raise ValueError({KEY!r})\n"
    right = f"def order(words):\n    assert len({KEY!r}) == {len(KEY)}\n    return sorted(words, key=len)\n"
    with (
        pytest.MonkeyPatch.context() as patch,
        OpenAIServer([Answer(f"```python\n{wrong}```", model=KEY), Answer(f"```python\n{right}```")]) as server,
    ):
        patch.setenv("OPENAI_BASE_URL", server.url)
        result = benchmark(world, "-v", "-rA")
        second = json.dumps(server.requests[1].body)
    result.assert_outcomes(passed=1)
    text = everything_written(pytester.path, result)
    for form in FORMS:
        assert form not in text, form
        assert form not in second, form
    assert "[redacted]" in text
    (line, _) = recorded(pytester.path, "called")
    assert line["reply"]["text"].count("[redacted]") == len(ECHOES) + 1


def test_a_benchmark_with_a_redacted_reply_goes_on_from_it(
    world: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was paid for is found again, though neither reply nor prompt is recorded as it was."""
    wrong = f"```python\ndef order(words):\n    return words or [{KEY!r}]\n```"
    with OpenAIServer([Answer(wrong), Status(400, "no more")]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        benchmark(world).assert_outcomes(errors=1)
    with OpenAIServer([Answer(RIGHT)]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = benchmark(world, "--koderz-resume")
        assert server.billed.calls == 1
    result.assert_outcomes(passed=1)
    (row,) = json.loads((pytester.path / "koderz.json").read_text())["experiments"]
    assert row["iterations"] == 2
    assert KEY not in everything_written(pytester.path, result)


@pytest.mark.parametrize("key", ["key", "1", "x", "none", "EMPTY", "ollama", "sk-no-key-required", "token-abc123"])
def test_a_word_in_the_place_of_a_key_is_no_secret(key: str) -> None:
    """Local servers want any; it is not searched for, in whatever text."""
    text = f"sorted(words, {key}=len, x=1)  # none of EMPTY"
    assert Redaction.of({"OPENAI_API_KEY": key, "MY_TOKEN": key})(text) == text


def test_a_right_answer_stays_right_with_a_word_for_a_key(
    world: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`key=len` is judged, kept and shown as it was written."""
    with OpenAIServer([Answer(RIGHT)]) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = benchmark(world)
    result.assert_outcomes(passed=1)
    (line,) = recorded(pytester.path, "called")
    assert line["reply"]["text"] == RIGHT


TALKER = """
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Reply


class Talker:
    def complete(self, prompt):
        assert "KEY" not in prompt.user
        if "Attempt" in prompt.user:
            raise ModelUnavailable("no answer for KEY")
        code = "def order(words):\\n    return 'KEY'\\n"
        return Reply(code, Usage(), "m-KEY", warnings=("KEY?",))


def pytest_koderz_open_model(model):
    return Talker()
"""


def test_a_model_of_a_hook_alone_is_held_to_it_too(
    world: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows which key it uses: what the environment holds by its names is kept."""
    (pytester.path / "conftest.py").write_text(TALKER.replace("KEY", KEY))
    result = benchmark(world, "-v")
    result.assert_outcomes(errors=1)
    assert "no answer for ***" in result.stdout.str()
    (pytester.path / "conftest.py").unlink()
    assert KEY not in everything_written(pytester.path, result)


def hostile(request: Request) -> Answer | Status:
    """Code, its exceptions and the model's own name act on whatever shows them; then an error does."""
    if len(json.dumps(request.body).split("Attempt")) > 2:
        return Status(400, ACTING + COMMANDS)
    said = f"{ACTING} {COMMANDS}"
    code = f"def order(words):\n    '''{said}\n{COMMANDS}'''\n    raise ValueError({said!r})  # {ACTING}\n"
    return Answer(f"```python\n{code}```", model=f"m {ACTING}\n{COMMANDS}")


def acting(text: str) -> list[str]:
    """Its lines that would act."""
    found = [line for line in text.split("\n") if any(letter in line for letter in "\x1b\x07\x9b\u202e")]
    commands = ("::error", "##vso[", "##teamcity[")
    return found + [
        line for line in text.split("\n") if line.lstrip().startswith("::") or any(c in line for c in commands[1:])
    ]


@pytest.mark.parametrize("iterations", [2, 3], ids=["unsolved", "an error"])
def test_nothing_that_a_server_sends_acts_on_who_looks(
    world: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, iterations: int
) -> None:
    """FAILURES, progress, summary, page, JUnit and both verbs show escapes instead."""
    with OpenAIServer(hostile) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        (pytester.path / "koderz.yaml").write_text(SETTINGS.replace("iterations: 2", f"iterations: {iterations}"))
        result = benchmark(world, "-v", "-rA")
    result.assert_outcomes(**({"failed": 1} if iterations == 2 else {"errors": 1}))
    (began,) = recorded(pytester.path, "began")
    story = world("--koderz-analyze", began["experiment"])
    listed = world("--koderz-results")
    shown = [result.stdout.str(), result.stderr.str(), story.stdout.str(), listed.stdout.str()]
    shown += [(pytester.path / name).read_text() for name in SHOWN]
    for text in shown:
        assert not acting(text)
    assert "\\x1b[2J" in shown[0]
    assert "\\x1b[2J" in shown[2]
