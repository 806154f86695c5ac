"""Each option of ours beside each verb does what it says, or is refused in a line that says why."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_koderz.commands.accepted_options import BELONGS, RUN, VERB_OPTIONS, refusal
from pytest_koderz.commands.guide import chapter
from pytest_koderz.commands.prompt import prompts_of
from pytest_koderz.commands.quote import high_calls
from pytest_koderz.commands.verbs import VERBS
from pytest_koderz.core.iteration import FeedbackPolicy
from tests.conftest import Run
from tests.core.worlds import ADD, KODERZ

VALUES = {"koderz-set": "folder=elsewhere"}
"""Of options that are taken for some values alone."""


def options_of(config: pytest.Config) -> list[str]:
    """All of ours, without dashes, as pytest knows them."""
    group = config._parser.getgroup("koderz")
    return [name.removeprefix("--") for option in group.options for name in option.names()]


def test_the_matrix_is_whole(pytestconfig: pytest.Config) -> None:
    """Every verb has a row; each option is taken by a verb, or is one; no row names an option that is not there."""
    options = set(options_of(pytestconfig))
    verbs = set(VERB_OPTIONS)
    assert verbs == {RUN, "koderz-init", "koderz-harvest", "koderz-guide", *(name.replace("_", "-") for name in VERBS)}
    taken = {option for row in VERB_OPTIONS.values() for option in (*row.takes, *row.needs)}
    assert taken <= options
    assert options - taken - verbs == set()
    assert {verb: set() for verb in verbs} == {verb: {*row.takes} & {*row.needs} for verb, row in VERB_OPTIONS.items()}


def test_each_cell_is_taken_or_refused_in_a_line(pytestconfig: pytest.Config) -> None:
    """That names both and says why."""
    for verb, option in itertools.product(VERB_OPTIONS, options_of(pytestconfig)):
        row, value = VERB_OPTIONS[verb], VALUES.get(option, "")
        fault = refusal(verb, option, value)
        if option in row.takes or option in (RUN, verb):
            assert fault is None, (verb, option)
        else:
            assert fault is not None
            assert fault.startswith(f"--{option} does nothing "), fault
            assert "\n" not in fault
            assert BELONGS.get(option) or f"--{verb}" in fault
            known = row.needs.get(option)
            assert known is None or refusal(verb, option, value, frozenset({known})) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            ("--koderz-analyze", "bench_1", "--koderz-margin=0.1"),
            "--koderz-margin does nothing beside --koderz-analyze, *",
        ),
        (("--koderz-list", "--koderz-quote"), "--koderz-quote does nothing beside --koderz-list: one verb at a time"),
        (("--koderz", "--koderz-only=unsolved"), "--koderz-only does nothing without --koderz-analyze"),
        (("--koderz-sort", "cost"), "--koderz-sort does nothing without --koderz-results"),
        (("--koderz-guide", "--koderz-json", "g.json"), "--koderz-json does nothing beside --koderz-guide, *"),
        (("--koderz-init", "--koderz-profile=live"), "--koderz-profile does nothing beside --koderz-init, *"),
        (("--koderz", "--koderz-resume", "--koderz-quote"), "--koderz-resume does nothing beside --koderz-quote, *"),
        (
            ("--koderz-list", "--koderz-margin", "0.1"),
            "--koderz-margin does nothing beside *list without --koderz-json",
        ),
        (("--koderz-watch", "--koderz-set", "margin=1"), "--koderz-set margin=1 does nothing beside --koderz-watch, *"),
    ],
)
def test_what_would_be_ignored_is_a_mistake(given: tuple[str, ...], words: str, run: Run) -> None:
    """Before anything is looked at or spent."""
    result = run(*given)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {words}"])


def test_what_waits_in_addopts_hinders_no_verb(run: Run, pytester: pytest.Pytester) -> None:
    """It is for runs: their files are not written over either."""
    pytester.makeini("[pytest]\naddopts = --koderz-json=r.json --koderz-max-cost=5 --koderz-profile=simulated")
    (pytester.path / "r.json").write_text("of a run")
    for verb in ("--koderz-list", "--koderz-results", "--koderz-prune", "--koderz-guide"):
        assert run(verb).ret == pytest.ExitCode.OK
    assert (pytester.path / "r.json").read_text() == "of a run"


def listed(run: Run, pytester: pytest.Pytester, *given: str) -> Any:
    """What --koderz-list says of HumanEval/0 and 4, to whom an id and a version say nothing."""
    result = run("--koderz-list", "--koderz-profile=simulated", "--koderz-problems=0,4", "--koderz-json=l.json", *given)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["listing: l.json"])
    return json.loads((pytester.path / "l.json").read_text())


def test_a_list_has_the_experiments_as_json(run: Run, pytester: pytest.Pytester) -> None:
    """As they would be run, and what their journals would say of them; nothing is begun."""
    told = listed(run, pytester, "--koderz-arm=koderz", "--koderz-epochs=2", "--koderz-max-iterations=3")
    ids = [f"problems/humaneval.yaml::HumanEval/{n}[koderz-{epoch}]" for n in (0, 4) for epoch in (1, 2)]
    assert [one["nodeid"] for one in told["experiments"]] == ids
    assert told["experiments"][3] == {"nodeid": ids[3], "problem": "HumanEval/4", "arm": "koderz", "epoch": 2}
    assert told["problems"][1] == {
        "problem": "HumanEval/4",
        "suite": "problems/humaneval.yaml",
        "line": 1,
        "dataset": "humaneval",
        "entry_point": "mean_absolute_deviation",
        "tests": ["visible", "base"],
    }
    head = told["benchmark"]
    assert (head["arms"], head["epochs"], head["planned"], head["items"]) == (["koderz"], 2, 2, 4)
    assert head["overrides"] == ["profiles.simulated.max_iterations=3"]
    assert not list(pytester.path.glob(".koderz/bench_*"))


def test_prompts_are_those_of_the_arm_as_it_is_changed() -> None:
    """Iterations, interval and policy decide which there are."""

    def titles(**changes: Any) -> list[str]:
        return [title for title, _ in prompts_of(replace(KODERZ, **changes), ADD)]

    assert titles(max_iterations=1) == ["spec", "first candidate"]
    assert "checkpoint, every 3 iterations" in titles(max_iterations=9, checkpoint_interval=3)
    assert titles(max_iterations=3, checkpoint_interval=3) == titles(max_iterations=3, checkpoint=None)
    told = {policy: list(prompts_of(replace(KODERZ, feedback=policy), ADD)) for policy in FeedbackPolicy}
    assert all(one != other for one, other in itertools.combinations(told.values(), 2))


def test_a_quote_has_no_feedback_that_is_never_told() -> None:
    """So that its high figure follows --koderz-feedback."""
    silent, plain = (
        sum(len(prompt.user) for prompt in high_calls(replace(KODERZ, feedback=policy), ADD))
        for policy in (FeedbackPolicy.NONE, FeedbackPolicy.ASSERTION)
    )
    assert silent < plain


def test_the_guide_has_the_matrix() -> None:
    """A line for each verb, in the chapter `usage`."""
    lines = {line for line in chapter("usage").splitlines() if line.startswith("| `--koderz")}
    missing = [line for line in map(row_of, VERB_OPTIONS) if line not in lines]
    assert missing == []


def row_of(verb: str) -> str:
    """As the guide has it."""
    row = VERB_OPTIONS[verb]
    taken = ", ".join(f"`{option.removeprefix('koderz-')}`" for option in sorted(row.takes)) or "none"
    needs = sorted(set(row.needs.values()))
    more = [
        f"; with `--{needed}`: "
        + ", ".join(f"`{one.removeprefix('koderz-')}`" for one in sorted(row.needs) if row.needs[one] == needed)
        for needed in needs
    ]
    keys = f"; of `set`: {', '.join(f'`{key}`' for key in sorted(row.keys))}" if row.keys else ""
    return f"| `--{verb}` | {taken}{''.join(more)}{keys} |"
