"""Each example in the hooks' descriptions, as the whole conftest.py of a run, does what it says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

import pytest

from pytest_koderz import hookspecs
from tests.conftest import Run

EXAMPLES = {
    name: code[0]
    for name, hook in vars(hookspecs).items()
    if name.startswith("pytest_koderz_")
    and (code := re.findall(r"^(?:import|from|class|def) .*", inspect.getdoc(hook) or "", re.MULTILINE | re.DOTALL))
}
TOML = """
[[problems]]
id = "own/next"
entry_point = "next_of"
prompt = "def next_of(x):\\n    ...\\n"
tests = "def check(candidate):\\n    assert candidate(1) == 2\\n"
canonical_solution = "def next_of(x):\\n    return x + 1\\n"
"""
MARKED = """
import pytest

@pytest.mark.koderz("mine", arm="koderz")
def test_it(koderz_experiment):
    assert koderz_experiment.problem_id == "own/next"
"""
ECHO = """
arms: {echoing: {local: echo, max_iterations: 1}}
models: {echo: {backend: echo, model: echo-1}}
prices: {echo-1: free}
cortex: {enabled: false}
"""

PARROT = """
arms: {parroting: {local: polly, max_iterations: 1}}
models: {polly: {backend: parrot, model: parrot-1, options: {times: 2}}}
profiles: {mine: {arms: [parroting], models: {}}}
cortex: {enabled: false}
"""


@pytest.fixture
def benchmark(forgetful: Run, pytester: pytest.Pytester, request: pytest.FixtureRequest) -> Run:
    """Run with the example of the hook that the test is named after."""
    pytester.makeconftest(EXAMPLES[request.function.__name__.removeprefix("test_")])
    return forgetful


def test_pytest_koderz_load_problems(benchmark: Run, pytester: pytest.Pytester) -> None:
    """A suite in TOML is found in its folder, by its path and by a mark, and nothing else in the folder is one."""
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "mine.toml").write_text(TOML)
    (pytester.path / "problems" / "notes.txt").write_text("not a suite")
    (pytester.path / "elsewhere.toml").write_text(TOML)
    pytester.makepyfile(test_marked=MARKED)
    result = benchmark("--koderz-arm", "koderz", "-v", "problems", "elsewhere.toml", "test_marked.py")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        ["problems/mine.toml::own/next?koderz? *", "elsewhere.toml::own/next?koderz? *", "test_marked.py::test_it*"]
    )


def test_pytest_koderz_backends(benchmark: Run, pytester: pytest.Pytester) -> None:
    """Its options are checked, the doctor looks into it, and its model answers."""
    (pytester.path / "koderz.yaml").write_text(PARROT)
    chosen = ("--koderz-profile", "mine", "--koderz-problems", "0", "-v")
    benchmark(*chosen, "--koderz-doctor").stdout.fnmatch_lines(["ok *model polly (parrot): a parrot needs nothing"])
    benchmark(*chosen).stdout.fnmatch_lines(["*HumanEval/0?parroting? UNSOLVED*"])
    (journal,) = pytester.path.glob(".koderz/bench_*/*.jsonl")
    assert '"model_id":"parrot-1"' in journal.read_text()


def test_pytest_koderz_open_model(benchmark: Run, pytester: pytest.Pytester) -> None:
    """The model behind the entry answers: with its prompt, which is no solution."""
    (pytester.path / "koderz.yaml").write_text(ECHO)
    result = benchmark("--koderz-problems", "0", "--koderz-arm", "echoing", "-v")
    result.stdout.fnmatch_lines(["*HumanEval/0?echoing? UNSOLVED*"])
    (journal,) = pytester.path.glob(".koderz/bench_*/*.jsonl")
    assert '"model_id":"echo-1"' in journal.read_text()


def test_pytest_koderz_open_engine(benchmark: Run, pytester: pytest.Pytester) -> None:
    """Its threads work on the experiments, four at once."""
    result = benchmark("--koderz-problems", "0-1", "--koderz-arm", "koderz", "--koderz-executor", "threads", "-v")
    result.assert_outcomes(passed=2)


def test_pytest_koderz_before_call(benchmark: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard skips what would call for a spec, with its reason, where the condition holds."""
    arguments = ("--koderz-problems", "0", "--koderz-arm", "koderz", "-rs", "--tb=no")
    benchmark(*arguments).stdout.no_fnmatch_line("*no specs in office hours*")
    monkeypatch.setenv("OFFICE_HOURS", "1")
    result = benchmark(*arguments)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*no specs in office hours*"])


def test_pytest_koderz_called(benchmark: Run) -> None:
    """It prints who was asked, and what that cost."""
    result = benchmark("--koderz-problems", "0", "--koderz-arm", "koderz", "-s", "--tb=no")
    result.stdout.re_match_lines(
        [r".*HumanEval/0 spec simulated-frontier \d+ 0\.00\d+", r".*HumanEval/0 local \S+ \d+ 0"]
    )


def test_pytest_koderz_iterated(benchmark: Run) -> None:
    """It prints a line for each iteration, in its order."""
    result = benchmark("--koderz-problems", "0", "--koderz-arm", "koderz", "-s", "--tb=no")
    result.stdout.fnmatch_lines(["*HumanEval/0 1 *"])


def test_pytest_koderz_summary(benchmark: Run) -> None:
    """Its line stands in the summary."""
    result = benchmark("--koderz-problems", "0-1", "--koderz-arm", "koderz", "--tb=no")
    result.stdout.fnmatch_lines(["hardest: HumanEval/*, * iteration*"])


def test_no_example_is_left_out() -> None:
    """Each has a test of its hook's name."""
    tests: dict[str, Callable[..., None]] = globals()
    assert EXAMPLES
    assert {f"test_{name}" for name in EXAMPLES} <= tests.keys()
