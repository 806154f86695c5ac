"""Gates for CI: the exit status is theirs, the items stay as they are."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Run

ARM = ("--koderz-problems", "0-9", "--koderz-arm", "frontier-only")


def test_a_gate_decides_the_exit_status(forgetful: Run, pytester: pytest.Pytester) -> None:
    """Eight of ten suffice for 0.7 and not for 0.9; the failed items are shown all the same; so with workers."""
    result = forgetful(*ARM, "--koderz-min-solved", "0.7", "--koderz-json", "r.json")
    solved = json.loads((pytester.path / "r.json").read_text())["arms"]["frontier-only"]["solved"]
    assert 7 <= solved < 9
    assert result.parseoutcomes()["failed"] == 10 - solved
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["gate min-solved of frontier-only: holds (solved * of 10 settled, *"])
    result = forgetful(*ARM, "--koderz-min-solved", "0.9", "-n", "2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["gate min-solved of frontier-only: DOES NOT HOLD (solved * of 10 settled, *"])


@pytest.mark.slow
def test_a_gate_forgives_experiments_alone(forgetful: Run, pytester: pytest.Pytester) -> None:
    """A plain test's failure, an error of a teardown, and one of collection fail the run; so with workers."""
    gate = ("problems", "--koderz-problems", "0-3", *ARM[2:], "--koderz-min-solved", "0")
    (pytester.mkdir("problems") / "a.yaml").write_text("dataset: humaneval\n")
    pytester.makepyfile(test_good="def test_good(): pass", test_bad="def test_bad(): assert 0")
    assert forgetful(*gate, "test_good.py").ret == pytest.ExitCode.OK
    for workers in ((), ("-n", "1"), ("--koderz-jobs", "2")):
        result = forgetful(*gate, "test_bad.py", *workers)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines(["gate * holds *", "failures and errors that no gate speaks for: 1"])
    pytester.makepyfile(
        test_late="import pytest\n@pytest.fixture\ndef late():\n    yield\n    assert 0\ndef test_late(late): pass"
    )
    assert forgetful(*gate, "test_late.py").ret == pytest.ExitCode.TESTS_FAILED
    (pytester.path / "problems" / "z.yaml").write_text("problems: 1\n")
    for workers in ((), ("-n", "1")):
        result = forgetful(*gate, "--continue-on-collection-errors", *workers)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert result.parseoutcomes()["errors"] == 1


def test_a_test_that_fails_after_its_experiment_was_solved(forgetful: Run, pytester: pytest.Pytester) -> None:
    """It is the test that failed then, and not the experiment."""
    mark = "@pytest.mark.koderz('humaneval', arm='frontier-only', problems='0-3')"
    pytester.makepyfile(test_it=f"import pytest\n\n{mark}\ndef test_it(koderz_experiment):\n    assert 0\n")
    result = forgetful("test_it.py", *ARM[2:], "--koderz-min-solved", "0")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["gate * holds *", "failures and errors that no gate speaks for: *"])


def test_a_gate_where_no_experiment_ran(forgetful: Run, pytester: pytest.Pytester) -> None:
    """It cannot be decided, and says so where the exit status is its doing."""
    pytester.makepyfile(test_good="def test_good(): pass")
    for workers in ((), ("-n", "1")):
        result = forgetful("test_good.py", *ARM, "--koderz-min-solved", "0", *workers)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines(
            ["gate min-solved of frontier-only: DOES NOT HOLD (undecided: no experiment of this arm ran)"]
        )


def test_a_gate_that_cannot_be_decided_fails(forgetful: Run) -> None:
    """Stopped at the first failure: too few are settled to say."""
    result = forgetful(*ARM, "--koderz-min-solved", "0.7", "-x")
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["gate min-solved of frontier-only: DOES NOT HOLD (undecided: *"])


def test_a_change_is_held_against_a_baseline(forgetful: Run, pytester: pytest.Pytester) -> None:
    """The same run is not worse than itself; it is worse than one that solved everything."""
    forgetful(*ARM, "--koderz-json", "r.json")
    gate = ("--koderz-max-worse", "0.02", "--koderz-baseline", "r.json", "--koderz-max-cost-per-solved", "0.01")
    assert forgetful(*ARM, *gate).ret == pytest.ExitCode.OK
    results = json.loads((pytester.path / "r.json").read_text())
    for row in results["experiments"]:
        row["outcome"] = "solved"
    (pytester.path / "r.json").write_text(json.dumps(results))
    result = forgetful(*ARM, *gate)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["gate max-worse of frontier-only: DOES NOT HOLD (-*points on 10 of the baseline's 10 problems*"]
    )


@pytest.mark.slow
def test_what_is_not_selected_says_nothing(forgetful: Run, pytester: pytest.Pytester) -> None:
    """A part of the baseline's problems is compared alone, with workers too."""
    forgetful(*ARM, "--koderz-json", "r.json")
    results = json.loads((pytester.path / "r.json").read_text())
    for row in results["experiments"]:
        row["outcome"] = "solved"
    (pytester.path / "r.json").write_text(json.dumps(results))
    gate = ("--koderz-arm", "frontier-only", "--koderz-max-worse", "0.02", "--koderz-baseline", "r.json")
    for workers in ((), ("-n", "2")):
        result = forgetful("--koderz-problems", "0-3", *gate, *workers)
        result.stdout.fnmatch_lines(["gate max-worse of frontier-only: * on 4 of the baseline's 10 problems, *"])
        assert "undecided" not in result.stdout.str()


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        (("version",), 99, "r.json has format 99, and this version reads 1; write it anew"),
        (
            ("benchmark", "grade_on"),
            "plus",
            "r.json was graded on the plus tests, and this run is on the base tests; *",
        ),
    ],
)
def test_a_baseline_of_another_kind(
    key: tuple[str, ...], value: object, expected: str, forgetful: Run, pytester: pytest.Pytester
) -> None:
    """What was decided by other tests, or reads otherwise, is no baseline."""
    forgetful(*ARM, "--koderz-json", "r.json")
    results = json.loads((pytester.path / "r.json").read_text())
    section = results
    for part in key[:-1]:
        section = section[part]
    section[key[-1]] = value
    (pytester.path / "r.json").write_text(json.dumps(results))
    result = forgetful(*ARM, "--koderz-max-worse", "0.02", "--koderz-baseline", "r.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--koderz-baseline: {expected}"])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--koderz-min-solved", "85"), "--koderz-min-solved: '85' is not a number from 0 to 1"),
        (("--koderz-max-cost-per-solved", "cheap"), "--koderz-max-cost-per-solved: 'cheap' is not a number from 0"),
        (("--koderz-max-worse", "0.1"), "--koderz-max-worse and --koderz-baseline go together"),
        (
            ("--koderz-max-worse", "0.1", "--koderz-baseline", "nowhere.json"),
            "nowhere.json: no such file",
        ),
    ],
)
def test_a_limit_that_is_none(forgetful: Run, arguments: tuple[str, ...], expected: str) -> None:
    """A usage error before anything is run."""
    result = forgetful(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert expected in result.stderr.str() + result.stdout.str()
