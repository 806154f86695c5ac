"""Which runs are held beside each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.reporters.results import results_of
from pytest_koderz.session.compared_runs import ComparedSide, changes_between, pairs_of, run_named
from tests.conftest import Run
from tests.evidence.experiments import ran


def _side(name: str, *arms: str, arm: str = "", **head: object) -> ComparedSide:
    experiments: dict[str, Sequence[Experiment]] = {each: (ran(0, each),) for each in arms}
    return ComparedSide(name, name, arm, experiments, (), head)


@pytest.mark.parametrize(
    ("before", "after", "pairs"),
    [
        (_side("a", "x", "y"), _side("b", "y", "x"), ["a:y b:y", "a:x b:x"]),
        (_side("a", "x"), _side("b", "y"), ["a:x b:y"]),
        (_side("a", "x", "y", arm="x"), _side("b", "x", "y"), ["a:x b:x"]),
        (_side("a", "x", "y"), _side("b", "z", arm="z"), None),
        (_side("a", "x"), _side("b", "z", "y", arm="z"), ["a:x b:z"]),
        (_side("a", "x", "y", arm="x"), _side("a", "x", "y", arm="y"), ["a:x a:y"]),
        (_side("a", "x", "y", arm="x"), _side("a", "x", "y"), None),
        (_side("a", "x"), _side("a", "x"), None),
        (_side("a", "x", "y"), _side("b", "z"), None),
    ],
)
def test_arms_are_paired(before: ComparedSide, after: ComparedSide, pairs: list[str] | None) -> None:
    """By name, or as they are meant; where that is not clear it is asked for."""
    if pairs is None:
        with pytest.raises(UsageError, match="--koderz-compare: "):
            pairs_of(before, after)
    else:
        assert [f"{one.label} {other.label}" for one, other in pairs_of(before, after)] == pairs


def test_what_else_differs_is_named() -> None:
    """Models, the tests that decide, and what was changed for one run."""
    servers = {"m": {"digest": "1a", "server": "ollama 1"}}, {"m": {"digest": "2b", "server": "ollama 1"}, "n": {}}
    before = _side("a", "x", models={"m": "ollama:1"}, grade_on="base", profile="live", servers=servers[0])
    after = _side(
        "b",
        "x",
        models={"m": "ollama:2"},
        grade_on="plus",
        profile="live",
        overrides=("margin=0.1",),
        servers=servers[1],
    )
    _, _, notes = changes_between(before, after, pairs_of(before, after), 0.05, None)
    assert notes == [
        "graded on plus instead of base",
        "b changed its koderz.yaml: margin=0.1",
        "model m: ollama:2 instead of ollama:1",
        "model m: digest 2b instead of 1a",
    ]


def test_a_file_of_results_is_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One arm of it too, with the nearest name where there is none such; what is no such file is called that."""
    frame = Frame("bench_1a2b3c4d", ("koderz",), "frontier-only", 0.05, None)
    (tmp_path / "r.json").write_text(json.dumps(results_of(frame, {"prompt_version": "4"}, [ran(0), ran(1, "other")])))
    (tmp_path / "no.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    found = run_named("r.json:other", tmp_path)
    assert (found.id, found.label, found.arm, list(found.arms)) == (
        "bench_1a2b3c4d",
        "r.json",
        "other",
        ["koderz", "other"],
    )
    with pytest.raises(UsageError, match=r"r.json has no arm named 'kodrz' \(did you mean 'koderz'\?\)"):
        run_named("r.json:kodrz", tmp_path)
    with pytest.raises(UsageError, match=r"no.json is not a file that --koderz-json wrote"):
        run_named("no.json", tmp_path)
    with pytest.raises(UsageError, match=r"gone.json: no such file"):
        run_named("gone.json", tmp_path)
    with pytest.raises(UsageError, match=r"newest is not in the journals"):
        run_named("newest", tmp_path)


@pytest.mark.slow
@pytest.mark.sample
def test_a_run_is_held_beside_an_earlier_one(forgetful: Run, run: Run, pytester: pytest.Pytester) -> None:
    """At its end, and afterwards by the verb, which writes all three files; workers have nothing to do with it."""
    forgetful("--koderz-problems", "0-1", "--koderz-json=a.json")
    seen = forgetful("--koderz-problems", "0-1", "--koderz-compare=a.json", "--koderz-markdown=r.md", "-n", "1")
    seen.stdout.fnmatch_lines(["SIMULATED since a.json:", "SIMULATED bench_*:koderz against a.json:koderz, *"])
    assert "since a.json" in (pytester.path / "r.md").read_text()
    told = run("--koderz-compare=a.json", "--koderz-json=c.json", "--koderz-markdown=c.md", "--koderz-html=c.html")
    told.stdout.fnmatch_lines(["SIMULATED bench_*:koderz against a.json:koderz, *", "comparison: c.json"])
    assert len(json.loads((pytester.path / "c.json").read_text())["changes"]) == 3
    assert "a.json:koderz" in (pytester.path / "c.md").read_text()
    assert "a.json:koderz" in (pytester.path / "c.html").read_text()
    assert run("--koderz-compare=gone.json").ret == pytest.ExitCode.USAGE_ERROR
