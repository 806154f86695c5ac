"""Unsolved experiments take a line each in place of FAILURES, and a line per arm in pytest's short summary."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_koderz.session.unsolved_lines import UnsolvedLines
from tests.conftest import Run

RUN = ("--koderz-problems", "4,9", "--koderz-arm", "frontier-only")
FOREIGN = """
import pytest

def test_of_somebody_else():
    assert [1, 2] == [1, 3]

@pytest.mark.koderz("humaneval", arm="frontier-only", problems="4")
def test_of_an_experiment(koderz_experiment):
    assert koderz_experiment.solved, "my own words"
"""
CODE = re.compile(r"^ +1  ")
"""A candidate's first line."""


def _sections(lines: list[str]) -> list[str]:
    return [line.strip("= ") for line in lines if re.match("={3,} [^=]", line)]


def _held(result: pytest.RunResult, pattern: str) -> int:
    return sum(fnmatch(line, pattern) for line in result.outlines)


@pytest.mark.parametrize("more", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)], ids=["plain", "workers"])
def test_the_summary_is_the_last_thing_on_the_screen(
    forgetful: Run, pytester: pytest.Pytester, more: tuple[str, ...]
) -> None:
    """Other tests are shown as they always are, those too that hold an experiment; and the counts are whole."""
    pytester.makepyfile(test_foreign=FOREIGN)
    files = ("--junitxml=j.xml", "--koderz-json=r.json")
    result = forgetful(*RUN, *files, "test_foreign.py", "problems/humaneval.yaml", *more)
    result.assert_outcomes(failed=4)
    *_, failures, lines, short, summary, last = _sections(result.outlines)
    assert (failures, lines, short) == ("FAILURES", "SIMULATED 2 experiments unsolved", "short test summary info")
    assert (summary[:22], last[:8]) == ("SIMULATED koderz bench", "4 failed")
    assert _held(result, "SIMULATED HumanEval/?[[]frontier-only] exp_*: 1 iteration, *(0/?): *") == 2
    assert _held(result, "E * my own words") == 1
    assert _held(result, "FAILED test_foreign.py::test_of_somebody_else - *") == 1
    assert _held(result, "* problems/humaneval.yaml - frontier-only: 2 unsolved: HumanEval/4*") == 1
    assert not any(CODE.match(line) for line in result.outlines)
    assert len(json.loads((pytester.path / "r.json").read_text())["experiments"]) == 2
    assert (pytester.path / "j.xml").read_text().count("E   unsolved after 1 iteration") == 2


@pytest.mark.parametrize("below", [False, True], ids=["root", "folder below"])
def test_on_a_narrow_terminal_arm_and_number_come_first(
    below: bool, forgetful: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suite is left out where there is no room for both."""
    monkeypatch.setenv("COLUMNS", "48")
    folder = pytester.mkdir("below") if below else pytester.path
    (pytester.path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(folder)
    result = forgetful(*RUN, "--tb=no")
    assert [line for line in result.outlines if "UNSOLVED" in line] == [
        "SIMULATED UNSOLVED frontier-only: 2: HumanEva..."
    ]


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (60, ["SIMULATED HumanEval/4[koderz] exp_1a2b3c4d: 10 iterations..."]),
        (44, ["SIMULATED HumanEval/4[koderz] exp_1a2b3c4d"]),
        (40, ["SIMULATED HumanEval/4[koderz]", "    exp_1a2b3c4d"]),
    ],
)
def test_the_id_of_an_experiment_is_never_cut(columns: int, lines: list[str]) -> None:
    """It is what `--koderz-analyze` is to be asked for."""
    reporter = SimpleNamespace(isatty=True, _tw=SimpleNamespace(fullwidth=columns))
    option = SimpleNamespace(koderz_show="lines", no_summary=False, tbstyle="auto", reportchars="fE")
    plugins = SimpleNamespace(get_plugin=lambda _: reporter)
    told = SimpleNamespace(option=option, pluginmanager=plugins, stash=pytest.Stash())
    told.invocation_params = SimpleNamespace(args=())
    run: Any = SimpleNamespace(config=told, mark="SIMULATED ")
    line = "SIMULATED HumanEval/4[koderz] exp_1a2b3c4d: 10 iterations, wrong (2/7): assert 1 == 2"
    assert UnsolvedLines(run)._in_columns(line, columns) == lines


SHOWN = {
    # Options: candidates, lines, arms and names that are shown.
    "": (0, 2, 1, 0),
    "-q": (0, 2, 1, 0),
    "-qq": (0, 2, 1, 0),
    "-v": (2, 0, 0, 2),
    "-rA": (2, 0, 0, 2),
    "--koderz-show=stories": (2, 0, 0, 2),
    "--koderz-show=none": (0, 0, 1, 0),
    "-rf": (0, 2, 0, 2),
    "-rfE": (0, 2, 0, 2),
    "-rN": (0, 2, 0, 0),
    "--tb=no": (0, 0, 1, 0),
    "--tb=short": (0, 2, 1, 0),
    "--tb=long": (2, 0, 1, 0),
    "--tb=line": (0, 0, 1, 0),
    "--no-summary": (0, 0, 0, 0),
}


@pytest.mark.parametrize("options", [("", "-rA", "-rfE"), pytest.param(tuple(SHOWN), marks=pytest.mark.slow)])
def test_who_asks_for_more_or_less_is_given_it(options: tuple[str, ...], forgetful: Run, run: Run) -> None:
    """What pytest's own options mean, they still mean."""
    forgetful(*RUN)
    told = {}
    for option in options:
        result = run("--koderz", "--koderz-profile=simulated", "--koderz-resume", *option.split())
        candidates = sum(bool(CODE.match(line)) for line in result.outlines)
        lines = _held(result, "SIMULATED HumanEval/?[[]frontier-only] exp_*: 1 iteration, *")
        arms = _held(result, "* - frontier-only: 2 unsolved: *")
        names = _held(result, "SIMULATED UNSOLVED problems/humaneval.yaml::HumanEval/?[[]frontier-only]*")
        told[option] = (candidates, lines, arms, names)
        assert any("= SIMULATED koderz bench_" in line for line in result.outlines) or option == "-qq"
    assert told == {option: SHOWN[option] for option in options}


def test_what_was_unsolved_can_be_run_again(forgetful: Run, pytester: pytest.Pytester) -> None:
    """--lf knows every one of them."""
    forgetful(*RUN)
    remembered = json.loads((pytester.path / ".pytest_cache" / "v" / "cache" / "lastfailed").read_text())
    assert list(remembered) == [f"problems/humaneval.yaml::HumanEval/{n}[frontier-only]" for n in (4, 9)]


def test_a_log_holds_longer_lines(forgetful: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pytest's own are in CI, where nobody's terminal is their measure."""
    monkeypatch.setenv("CI", "true")
    result = forgetful(*RUN)
    lines = [line for line in result.outlines if "exp_" in line]
    assert 80 < max(map(len, lines)) <= 300
