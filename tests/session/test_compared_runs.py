"""Which runs are held beside each other."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.files.jsonl import MOST_VALUES
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


@pytest.mark.parametrize(
    ("now", "models", "told"), [("2", "m", ["koderz.yaml had"]), ("1", "m", []), ("2", "n", ["model"])]
)
def test_that_something_differs_is_told(now: str, models: str, told: list[str]) -> None:
    """A temperature stands in no head; where what differs is named already, no more is said."""
    before = _side("a", "x", settings="1", models={"m": "ollama:m"})
    after = _side("b", "x", settings=now, models={"m": f"ollama:{models}"})
    _, _, notes = changes_between(before, after, pairs_of(before, after), 0.05, None)
    assert [note[: len(word)] for note, word in zip(notes, told, strict=True)] == told


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


def _told(key: tuple[str | int, ...], value: object) -> str:
    """A file of two results in which *value* stands at *key*; an Ellipsis: nothing does."""
    frame = Frame("bench_1a2b3c4d", ("koderz",), "frontier-only", 0.05, None)
    head = {"prompt_version": "4", "grade_on": "base", "models": {"m": "ollama:1"}}
    results = results_of(frame, head, [ran(0, spec="0.1", gpu=2.0), ran(1)])
    section: Any = results
    for part in key[:-1]:
        section = section[part]
    if value is ...:
        del section[key[-1]]
    else:
        section[key[-1]] = value
    return json.dumps(results)


FIRST = ("experiments", 0)
OTHERS = {
    "missing": _told((*FIRST, "spent"), ...),
    "no number": _told((*FIRST, "seconds"), math.nan),
    "endless": _told((*FIRST, "spent", 0, "cost_usd"), math.inf),
    "negative": _told((*FIRST, "spent", 0, "cost_usd"), -1),
    "negative seconds": _told((*FIRST, "spent", 0, "gpu_seconds"), -0.5),
    "huge": _told((*FIRST, "spent", 0, "tokens_in"), 10**30),
    "huge dollars": _told((*FIRST, "spec", "cost_usd"), 1e300),
    "huge seconds": _told((*FIRST, "seconds"), 1e308),
    "true": _told((*FIRST, "epoch"), True),
    "a list for a name": _told((*FIRST, "problem"), []),
    "a list for an id": _told((*FIRST, "id"), ["exp_1"]),
    "no outcome": _told((*FIRST, "outcome"), "perfect"),
    "no policy": _told((*FIRST, "accept_on"), []),
    "no steps": _told((*FIRST, "steps"), 7),
    "a share of two": _told((*FIRST, "traits", "function"), {"file": "a", "lines": 1, "branches": 1, "adequacy": 2}),
    "models in a list": _told(("benchmark", "models"), [1]),
    "servers in a text": _told(("benchmark", "servers"), {"m": "x"}),
    "a number for an id": _told(("benchmark", "id"), 7),
    "a text for experiments": _told(("experiments",), "none"),
    "nothing": "",
    "garbage": "\x00{",
    "deep": '{"a":' * 100_000,
    "digits": "9" * 10_000,
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS.keys())
def test_what_no_run_can_have_written_is_no_file_of_results(text: str, tmp_path: Path) -> None:
    """Its types, ranges and keys are looked at before anything is worked out."""
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(UsageError, match=r"^--koderz-compare: \S*r.json is not a file that --koderz-json wrote$"):
        run_named(str(tmp_path / "r.json"), tmp_path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (_told(("version",), 99), "has format 99, and this version reads 1; write it anew"),
        (_told(("experiments",), []), "holds no experiment"),
        ("[" * (MOST_VALUES + 1), "holds more than 4,000,000 values, which no results do"),
    ],
)
def test_a_file_of_results_that_cannot_be_compared_says_why(text: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(UsageError, match=rf"r.json {fault}$"):
        run_named(str(tmp_path / "r.json"), tmp_path)


def test_names_in_a_file_of_results_are_shown_in_one_short_line(tmp_path: Path) -> None:
    """Where they are part of a mistake."""
    for name, arm in (("a.json", "x\n\x1b[31m" * 9_000), ("b.json", "y")):
        (tmp_path / name).write_text(
            _told(("experiments",), [json.loads(_told((*FIRST, "arm"), arm))["experiments"][0]])
        )
    sides = [run_named(str(tmp_path / name), tmp_path) for name in ("a.json", "b.json")]
    before, after = (replace(side, id=side.label, arms={**side.arms, side.label: ()}) for side in sides)
    with pytest.raises(UsageError) as told:
        pairs_of(before, after)
    assert "\n" not in str(told.value)
    assert "\x1b" not in str(told.value)
    assert len(str(told.value)) < 1_000


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
