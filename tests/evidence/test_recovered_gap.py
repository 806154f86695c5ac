"""The share of the gap between the local model alone and the control that an arm makes up for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.findings import Frame, findings_of
from pytest_koderz.evidence.recovered_gap import fieller
from pytest_koderz.reporters.claim_lines import verdict_lines
from tests.core.worlds import FRONTIER, KODERZ, LOCAL
from tests.evidence.experiments import ran

LOCAL_ALONE = Arm("local-only", local=LOCAL, max_iterations=6)
CONTROL = Arm("frontier-only", local=FRONTIER, max_iterations=1)
ONE_TRY = replace(LOCAL_ALONE, name="one-try", max_iterations=1)
FRAME = Frame(
    "bench_1a2b3c4d",
    ("koderz", "one-try", "local-only", "frontier-only"),
    "frontier-only",
    0.05,
    None,
    definitions=(KODERZ, ONE_TRY, LOCAL_ALONE, CONTROL),
)


def _solving(arm: str, number: int) -> list[Experiment]:
    """The first that many of 60 problems."""
    return [ran(each, arm, 1 if each < number else None) for each in range(60)]


def _world(local: int) -> list[Experiment]:
    others = [*_solving("one-try", 10), *_solving("local-only", local), *_solving("frontier-only", 50)]
    return [*_solving("koderz", 40), *others]


def test_the_gap_is_that_to_the_same_loop_without_a_frontier() -> None:
    """20 of 30 problems that the control solves beyond the local model: two thirds. An arm of other limits is left."""
    findings = findings_of(FRAME, _world(20))
    found = findings.gaps["koderz"]
    assert (found.local, found.problems) == ("local-only", 60)
    assert found.share == pytest.approx(2 / 3)
    assert found.interval is not None
    assert 0.4 < found.interval.low < 2 / 3 < found.interval.high < 0.9
    assert set(findings.gaps) == {"koderz"}
    assert any(line.startswith("  it recovers 67 % [") for line in verdict_lines(FRAME, findings))


def test_a_swarm_is_no_local_model_alone() -> None:
    """Though no frontier model is in it: it has a gap of its own, and is nobody's bottom."""
    swarm = replace(LOCAL_ALONE, name="swarm", swarm=(replace(LOCAL, name="second"),))
    frame = replace(FRAME, arms=("swarm", *FRAME.arms), definitions=(swarm, *FRAME.definitions))
    gaps = findings_of(frame, [*_solving("swarm", 30), *_world(20)]).gaps
    assert {name: gap.local for name, gap in gaps.items()} == {"swarm": "local-only", "koderz": "local-only"}


def test_there_may_be_no_gap() -> None:
    """Then no share of it is told."""
    findings = findings_of(FRAME, _world(49))
    assert findings.gaps["koderz"].interval is None
    told = "  no share of a gap: frontier-only is not surely better than local-only"
    assert told in list(verdict_lines(FRAME, findings))


def test_few_problems_show_no_share_of_a_gap() -> None:
    """Of 20 a gap that looks sure often looks too large: with one of 12 points 88 % of intervals held the truth."""
    few = [one for one in _world(20) if int(one.problem_id.rpartition("/")[2]) < 59]
    findings = findings_of(FRAME, few)
    assert (findings.gaps["koderz"].problems, findings.gaps["koderz"].interval) == (59, None)
    told = "  no share of the gap from local-only to frontier-only below 60 problems"
    assert told in list(verdict_lines(FRAME, findings))


def test_the_interval_covers_the_truth() -> None:
    """In 92 to 98 % of simulated benchmarks of 60 problems."""
    random, covered, told = np.random.default_rng(3), 0, 0
    for _ in range(800):
        hard = random.random((60, 1))
        local, arm, control = (random.random((60, 3)) < np.array([0.3, 0.6, 0.8]) - 0.2 * (hard - 0.5)).T.astype(float)
        interval = fieller((arm - local).tolist(), (control - local).tolist())
        if interval is not None:
            told += 1
            covered += interval.low <= 0.6 <= interval.high
    assert told > 780
    assert 0.92 <= covered / told <= 0.98
