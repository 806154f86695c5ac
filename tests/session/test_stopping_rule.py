"""`stop: decided`: no further problem is begun once there is a claim."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_koderz.session.stopping_rule import Queue
from tests.conftest import Run

from .worlds import recorded

SETTINGS = """
profile: unequal
control: strong
profiles: {{unequal: {{arms: [weak, strong], models: {{}}{stop}}}}}
arms: {{weak: {{local: dull, max_iterations: 1}}, strong: {{local: bright, max_iterations: 1}}}}
models:
  dull: {{backend: simulated, model: dull, priced_as: claude-haiku-5-5, options: {{strength: 0.0001}}}}
  bright: {{backend: simulated, model: bright, priced_as: claude-haiku-5-5, options: {{strength: 0.9999}}}}
cortex: {{enabled: false}}
"""
PROBLEMS = 30
QUIET = ("--koderz", "--tb=no", "-rs", "problems")


@pytest.fixture
def unequal(judged: None, run: Run, pytester: pytest.Pytester) -> Run:
    """Thirty problems that one arm solves and the other one does not."""
    rows = [
        {
            "task_id": f"Sum/{number}",
            "prompt": f'def add(a: int) -> int:\n    """Add {number}."""\n',
            "entry_point": "add",
            "canonical_solution": f"    return a + {number}\n",
            "test": f"def check(candidate):\n    assert candidate(1) == {number + 1}\n",
        }
        for number in range(PROBLEMS)
    ]
    folder = pytester.mkdir("problems")
    (folder / "sums.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (pytester.path / "koderz.yaml").write_text(SETTINGS.format(stop=", stop: decided"))
    return run


def _began(root: Path) -> set[tuple[str, str]]:
    return {(line["problem"], line["arm"]) for line in recorded(root, "began")}


def test_what_was_begun_goes_on_and_nothing_else(tmp_path: Path) -> None:
    """Whichever process asks; the first decision stays."""
    queue, other = Queue(tmp_path / "queue.db"), Queue(tmp_path / "queue.db")
    assert (queue.decision(), queue.items(), queue.begun()) == ("", [], set())
    queue.enter([("Sum/1", "a"), ("Sum/2", "b")])
    assert queue.admit("Sum/1") == ""
    other.close("decided")
    other.close("decided again")
    assert (queue.admit("Sum/1"), queue.admit("Sum/2")) == ("", "decided")
    queue.begin(["Sum/2"])
    assert other.admit("Sum/2") == ""
    assert other.items() == [("Sum/1", "a"), ("Sum/2", "b")]


@pytest.mark.parametrize("how", [(), ("--koderz-jobs", "4"), pytest.param(("-n", "2"), marks=pytest.mark.slow)])
def test_once_decided_no_further_problem_is_begun(
    unequal: Run, pytester: pytest.Pytester, how: tuple[str, ...]
) -> None:
    """Fourteen losses and no win of 30 are below the level there; each problem that was begun is run in both arms."""
    result = unequal(*QUIET, *how)
    began = _began(pytester.path)
    problems = {problem for problem, _ in began}
    assert began == {(problem, arm) for problem in problems for arm in ("weak", "strong")}
    assert 10 <= len(problems) < PROBLEMS
    left = PROBLEMS - len(problems)
    result.stdout.fnmatch_lines(
        [
            "SKIPPED * decided at * of 30 problems (worse): no further problem is begun",
            "SIMULATED weak against strong, measured on * problems (stopped when decided): WORSE",
            f"SIMULATED note: decided at * of 30: {left} problems not begun, which saved about $0.*",
        ]
    )
    result.stdout.no_fnmatch_line("go on with:*")
    result.assert_outcomes(passed=len(problems), failed=len(problems), skipped=2 * left)


@pytest.mark.slow
def test_a_decided_benchmark_goes_on_without_the_key_alone(unequal: Run, pytester: pytest.Pytester) -> None:
    """And what it looked at is paid for then."""
    unequal(*QUIET)
    begun = _began(pytester.path)
    result = unequal(*QUIET, "--koderz-resume")
    result.stdout.fnmatch_lines(["koderz: SIMULATED decided at * of 30 problems (worse)*; remove `stop: decided`*"])
    assert _began(pytester.path) == begun
    (pytester.path / "koderz.yaml").write_text(SETTINGS.format(stop=""))
    result = unequal(*QUIET, "--koderz-resume")
    assert len(_began(pytester.path)) == 2 * PROBLEMS
    result.stdout.fnmatch_lines(["SIMULATED weak against strong, measured on 30 problems: WORSE"])
    result.stdout.no_fnmatch_line("*not begun*")


def test_a_gate_asks_for_no_problem_that_was_not_to_be_begun(unequal: Run) -> None:
    """It decides by those that were."""
    result = unequal(*QUIET, "--koderz-min-solved", "0.5")
    result.stdout.fnmatch_lines(["*gate min-solved of weak: DOES NOT HOLD (solved 0 of *"])
    result.stdout.no_fnmatch_line("*undecided*")


def test_one_arm_has_nothing_to_decide(unequal: Run, pytester: pytest.Pytester) -> None:
    """Which is said, and all is run."""
    result = unequal(*QUIET, "--koderz-arm", "strong", "-k", "Sum/1[ or Sum/2[")
    result.stdout.fnmatch_lines(["koderz: SIMULATED stop: decided has nothing to decide, since one arm runs"])
    result.assert_outcomes(passed=2, deselected=28)


OWN = """
import pytest

@pytest.mark.koderz("problems/sums.jsonl", problems="Sum/0,Sum/1")
def test_mine(koderz_experiment):
    assert koderz_experiment.iterations
"""


@pytest.mark.parametrize("how", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)])
def test_tests_of_a_users_own_have_no_beginning_to_stop_at(
    unequal: Run, pytester: pytest.Pytester, how: tuple[str, ...]
) -> None:
    """Nobody knows which problems they will ask for; that nothing is stopped is said once."""
    pytester.makepyfile(test_own=OWN)
    result = unequal("--koderz", "--tb=no", "test_own.py", *how)
    result.assert_outcomes(passed=4)
    said = [line for line in result.outlines if "stop: decided has nothing to go by in tests of your own" in line]
    assert len(said) == 1


@pytest.mark.slow
def test_workers_with_several_jobs_begin_no_further_problem(unequal: Run, pytester: pytest.Pytester) -> None:
    """Whichever worker, and whichever of its threads: what one of them is at is run in both arms."""
    result = unequal(*QUIET, "-n", "2", "--koderz-jobs", "2")
    began = _began(pytester.path)
    problems = {problem for problem, _ in began}
    assert began == {(problem, arm) for problem in problems for arm in ("weak", "strong")}
    assert 10 <= len(problems) < PROBLEMS
    result.assert_outcomes(passed=len(problems), failed=len(problems), skipped=2 * (PROBLEMS - len(problems)))
    result.stdout.fnmatch_lines(["SIMULATED note: decided at * of 30: * not begun, which saved about $0.*"])
