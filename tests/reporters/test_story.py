"""An experiment's story, and what the journals still tell of one that was cut short."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_koderz.core.experiment import Advice, Experiment, Status
from pytest_koderz.core.iteration import FeedbackPolicy, Outcome, Verdict
from pytest_koderz.core.money import Ledger
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.journal import Journal
from pytest_koderz.records.reader import archived, experiments_in, folders_in, in_order, with_ledger
from pytest_koderz.reporters.overview import is_meant, state_of
from pytest_koderz.reporters.story import circumstances_of, story_lines
from pytest_koderz.testing import ScriptedModel
from tests.core.worlds import ADD, KODERZ, RIGHT, START, run, wrong


@pytest.fixture
def experiment() -> Experiment:
    return run(local=ScriptedModel([wrong(1), "no code", wrong(2), wrong(1), RIGHT]))


def test_a_story_shows_what_changed_and_what_came_of_it(experiment: Experiment) -> None:
    """The first candidate whole, later ones by their difference; repeated and missing code by name; 80 columns."""
    lines = list(story_lines(experiment, "SIMULATED "))
    text = "\n".join(lines)
    assert lines[:2] == ["SIMULATED exp_1a2b3c4d: own/add with arm koderz", "SIMULATED solved in 5 iterations"]
    assert "    def add(x, y):\n        return x - y - 1\n  the model was told:\n" in text
    assert "    (the reply held no code)\n" in text
    assert "    --- iteration 1\n    +++ iteration 3\n" in text
    assert "    -    return x - y - 1\n    +    return x - y - 2\n" in text
    assert "    (the same code as in iteration 1)\n" in text
    assert text.index("iteration 2:") < text.index("checkpoint 1 by") < text.index("iteration 3:")
    assert "    words for checkpoint" in lines
    assert [line.split()[:3] for line in lines[-3:-1]] == [["local", "local", "5"], ["checkpoint", "frontier", "2"]]
    assert max(map(len, lines)) <= 80


def test_what_the_model_was_not_told_is_said() -> None:
    """Without feedback the story still says why a candidate failed."""
    silent = run(local=ScriptedModel([wrong(1), RIGHT]), feedback=FeedbackPolicy.NONE)
    assert any(line.startswith("  the model was told nothing of it: ") for line in story_lines(silent))


def test_what_else_had_a_part_in_it_is_told(experiment: Experiment) -> None:
    """Advice and where it came from, what the audit flagged, who wrote an iteration, what the plus tests said."""
    assert experiment.spec is not None
    last = replace(experiment.iterations[-1], fallback=True)
    one = replace(
        experiment.with_advice(Advice("Mind zero.", "exp_00000000", "own/other", 1, ("a hidden value: 123456789",))),
        spec=replace(experiment.spec, leaks=("a complete solution",)),
        iterations=(*experiment.iterations[:-1], last),
        graded=Verdict(Outcome.WRONG, 3, 9),
        status=Status.UNSOLVED,
    )
    text = "\n".join(story_lines(one, "SIMULATED "))
    assert "words for spec\nSIMULATED   flagged: it tells a complete solution\n" in text
    advice = "SIMULATED advice from the memory: what helped exp_00000000 on own/other\n    Mind zero.\n"
    assert advice + "SIMULATED   flagged: it tells a hidden value: 123456789\n" in text
    assert text.index("iteration 1:") < text.index("Mind zero.") < text.index("iteration 2:")
    assert "iteration 5: passed, by the fallback model;" in text
    assert "\nSIMULATED graded on the plus tests: wrong, 3 of 9 assertions passed\n" in text


def test_what_a_model_asked_its_reviewer_is_told(experiment: Experiment) -> None:
    """With the iteration that it came with."""
    first = replace(experiment.iterations[0], question="Which sign?")
    text = "\n".join(story_lines(replace(experiment, iterations=(first, *experiment.iterations[1:]))))
    assert (
        text.index("iteration 1:")
        < text.index("  it asked its reviewer:\n    Which sign?")
        < text.index("iteration 2:")
    )


def test_a_spec_that_came_late_stands_where_it_came(experiment: Experiment) -> None:
    """After the first failure."""
    assert experiment.spec is not None
    text = "\n".join(story_lines(replace(experiment, spec=replace(experiment.spec, after_iteration=1))))
    assert text.index("iteration 1:") < text.index("spec by") < text.index("iteration 2:")


def _written(folder: Path, experiment: Experiment, *, ended: bool) -> Path:
    journal = Journal(folder / experiment.benchmark_id, "main", {"id": experiment.benchmark_id, "items": 1})
    assert experiment.spec is not None
    journal.pytest_koderz_began(experiment, ADD, KODERZ)
    journal.pytest_koderz_spec_written(experiment, experiment.spec)
    for iteration in experiment.iterations:
        journal.pytest_koderz_iterated(experiment, iteration)
    for advice in experiment.advice:
        journal.pytest_koderz_advised(experiment, advice)
    for guidance in experiment.checkpoints:
        journal.pytest_koderz_checkpointed(experiment, guidance)
    if ended:
        journal.pytest_koderz_ended(experiment)
    assert state_of(archived(journal.path.parent)) == "at work"
    journal.close()
    return journal.path.parent


def test_an_experiment_that_was_cut_short_is_put_together(tmp_path: Path, experiment: Experiment) -> None:
    """Its steps and what they cost are there; only the end is missing, and the benchmark counts as interrupted."""
    found = archived(_written(tmp_path, experiment, ended=False))
    (cut,) = found.experiments
    assert cut.status is Status.RUNNING
    assert cut.spec == experiment.spec
    assert (cut.iterations, cut.checkpoints) == (experiment.iterations, experiment.checkpoints)
    assert cut.ledger.cost == experiment.ledger.cost
    assert cut.ledger.calls == experiment.ledger.calls
    assert state_of(found) == "interrupted, 0 of 1 ended"
    assert "not ended" in "\n".join(story_lines(cut))


def test_what_was_recalled_and_who_fell_back_is_put_together(tmp_path: Path, experiment: Experiment) -> None:
    """Of one that was cut short: the advice, and the fallback model's cost under its role."""
    last = replace(experiment.iterations[-1], fallback=True)
    cut = replace(experiment, iterations=(*experiment.iterations[:-1], last))
    cut = cut.with_advice(Advice("Mind zero.", "exp_00000000", "own/other", 1))
    (found,) = archived(_written(tmp_path, cut, ended=False)).experiments
    assert (found.advice, found.ledger.of_role("fallback").calls) == (cut.advice, 1)


def test_an_experiment_that_ended_is_the_same_again(tmp_path: Path, experiment: Experiment) -> None:
    """From the folder as it went in."""
    folder = _written(tmp_path, experiment, ended=True)
    assert folders_in(tmp_path) == [folder]
    assert experiments_in(folder) == {experiment.id}
    assert archived(folder).experiments == (experiment,)
    assert state_of(archived(folder)) == "complete"
    assert [is_meant(archived(folder), text) for text in ("own/", "koderz", "b*", "live")] == [True, True, True, False]


def test_a_line_of_another_version_is_named(tmp_path: Path, experiment: Experiment) -> None:
    """File and line, not a traceback."""
    folder = _written(tmp_path, experiment, ended=True)
    path = folder / "main.jsonl"
    path.write_text(path.read_text().replace('"status":"solved"', '"status":"done"'))
    with pytest.raises(UsageError, match=r"main.jsonl:\d+: "):
        archived(folder)


def test_a_recalled_spec_is_not_paid_again(experiment: Experiment) -> None:
    """What an experiment that was cut short cost holds only what it paid for itself."""
    assert experiment.spec is not None
    recalled = replace(experiment.with_spec(replace(experiment.spec, recalled_from="exp_0")), ledger=Ledger())
    assert not with_ledger(recalled).ledger.of_role("spec").spendings


def test_the_order_is_that_of_the_arms(experiment: Experiment) -> None:
    """Then of the problems' numbers, then of the epochs."""
    names = [("b", "x/10", 1), ("a", "x/10", 1), ("a", "x/2", 2), ("a", "x/2", 1)]
    mixed = [replace(experiment, arm=arm, problem_id=problem, epoch=epoch) for arm, problem, epoch in names]
    assert [(one.arm, one.problem_id, one.epoch) for one in in_order(mixed, ["b", "a"])] == [names[0], *names[:0:-1]]


@pytest.mark.parametrize(
    ("started", "told"),
    [("2026-11-28T06:50:13.507+01:00", "began 2026-11-28 05:50:13 UTC, "), ("long ago", "began long ago, ")],
)
def test_a_story_tells_when_it_began(started: str, told: str) -> None:
    """To the second, as the list of benchmarks does to the minute; what is no time stays as it is."""
    assert told in circumstances_of(replace(START, started=started))
