"""Gates for CI: the exit status is theirs, the items stay as they are."""

from __future__ import annotations

import json

import pytest

from .conftest import Run

ARM = ("--koderz-problems", "0-9", "--koderz-arm", "frontier-only")


def test_a_gate_decides_the_exit_status(simulate: Run, pytester: pytest.Pytester) -> None:
    """Eight of ten suffice for 0.7 and not for 0.9; the failed items are shown all the same; so with workers."""
    result = simulate(*ARM, "--koderz-min-solved", "0.7", "--koderz-json", "r.json")
    solved = json.loads((pytester.path / "r.json").read_text())["arms"]["frontier-only"]["solved"]
    assert 7 <= solved < 9
    assert result.parseoutcomes()["failed"] == 10 - solved
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["gate min-solved of frontier-only: holds (solved * of 10 settled, *"])
    result = simulate(*ARM, "--koderz-min-solved", "0.9", "-n", "2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["gate min-solved of frontier-only: DOES NOT HOLD (solved * of 10 settled, *"])


def test_a_gate_that_cannot_be_decided_fails(simulate: Run) -> None:
    """Stopped at the first failure: too few are settled to say."""
    result = simulate(*ARM, "--koderz-min-solved", "0.7", "-x")
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["gate min-solved of frontier-only: DOES NOT HOLD (undecided: *"])


def test_a_change_is_held_against_a_baseline(simulate: Run, pytester: pytest.Pytester) -> None:
    """The same run is not worse than itself; it is worse than one that solved everything."""
    simulate(*ARM, "--koderz-json", "r.json")
    gate = ("--koderz-max-worse", "0.02", "--koderz-baseline", "r.json", "--koderz-max-cost-per-solved", "0.01")
    assert simulate(*ARM, *gate).ret == pytest.ExitCode.OK
    results = json.loads((pytester.path / "r.json").read_text())
    for row in results["experiments"]:
        row["outcome"] = "solved"
    (pytester.path / "r.json").write_text(json.dumps(results))
    result = simulate(*ARM, *gate)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["gate max-worse of frontier-only: DOES NOT HOLD (-*points on 10 problems*"])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--koderz-min-solved", "85"), "--koderz-min-solved: '85' is not a number from 0 to 1"),
        (("--koderz-max-cost-per-solved", "cheap"), "--koderz-max-cost-per-solved: 'cheap' is not a number from 0"),
        (("--koderz-max-worse", "0.1"), "--koderz-max-worse and --koderz-baseline go together"),
        (
            ("--koderz-max-worse", "0.1", "--koderz-baseline", "nowhere.json"),
            "nowhere.json: No such file",
        ),
    ],
)
def test_a_limit_that_is_none(simulate: Run, arguments: tuple[str, ...], expected: str) -> None:
    """A usage error before anything is run."""
    result = simulate(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert expected in result.stderr.str() + result.stdout.str()
