"""What a model may have known beforehand, and what was published of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.problem import Traits
from pytest_koderz.evidence.contamination import SCORES
from pytest_koderz.evidence.findings import Frame, findings_of
from pytest_koderz.reporters.claim_lines import note_lines
from pytest_koderz.settings.cutoffs import CUTOFFS
from tests.core.worlds import FRONTIER, LOCAL
from tests.evidence.experiments import ran

TRAINED = replace(FRONTIER, cutoff=date(2026, 6, 1))
QWEN = replace(LOCAL, name="qwen-coder", model="qwen2.5-coder:7b")
CONTROL = Arm("frontier-only", local=TRAINED, max_iterations=1)
ALONE = Arm("local-only", local=QWEN)
FRAME = Frame(
    "bench_1a2b3c4d", ("local-only", "frontier-only"), "frontier-only", 0.05, None, definitions=(ALONE, CONTROL)
)
HUMANEVAL = Traits("humaneval", date(2021, 7, 7))


def _world(solved: int, problems: int = 164, traits: Traits = HUMANEVAL) -> list[Experiment]:
    both = [
        ran(number, arm, 1 if number < share else None)
        for arm, share in (("local-only", solved), ("frontier-only", problems))
        for number in range(problems)
    ]
    return [replace(one, traits=traits) for one in both]


def _notes(frame: Frame, experiments: list[Experiment]) -> list[str]:
    said = note_lines(frame, findings_of(frame, experiments))
    return [line for line in said if "training" in line or "published" in line]


def test_a_model_that_was_trained_later_than_the_problems_came_out_is_named() -> None:
    """Once, in one line; of a model without a known day nothing is said."""
    (line,) = _notes(FRAME, _world(15, 20))
    assert line == "note: the training of frontier may hold humaneval (2021-07-07)"
    assert not _notes(FRAME, _world(15, 20, Traits("own", date(2026, 7, 1))))
    assert not _notes(FRAME, _world(15, 20, Traits("own")))
    assert not _notes(replace(FRAME, simulated=True), _world(15, 20))


def test_a_first_try_is_held_against_what_was_published() -> None:
    """88.4 % of Qwen2.5-Coder 7B: 60 % are too few, 145 of 164 are as many, and the frontier model has no score."""
    exposed, line = _notes(FRAME, _world(98))
    assert line == (
        "note: local-only's first tries solve 59.8 % [52, 67]; published of qwen-coder are 88.4 % (arXiv:2409.12186)"
    )
    assert _notes(FRAME, _world(145)) == [exposed]


@pytest.mark.parametrize(
    ("selection", "told"),
    [
        ("", False),
        ("the first 50 of 164", False),
        ("a random sample of 50 of 164, seed 0", True),
        ("a random sample of 50 of the first 60 of 164, seed 0", False),
    ],
)
def test_only_a_whole_set_or_a_random_sample_is_held_against_it(selection: str, told: bool) -> None:
    """The first problems are easier; those that somebody picked may be anything."""
    assert len(_notes(replace(FRAME, selection=selection), _world(20, 50))) == 1 + told


def test_other_tests_have_other_scores() -> None:
    """The plus tests refuse more."""
    plus = (replace(ALONE, grade_on="plus"), CONTROL)
    said = _notes(replace(FRAME, definitions=plus), _world(98, traits=replace(HUMANEVAL, dataset="humanevalplus")))
    assert "are 84.1 %" in said[-1]


def test_each_fact_has_a_source() -> None:
    """Scores name theirs; days are those of a month, as publishers tell them."""
    assert all(score.source.startswith("arXiv:") and 0 < score.share < 1 for score in SCORES.values())
    assert all(day.day == 1 for day in CUTOFFS.values())
