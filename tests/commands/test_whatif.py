"""What a recorded benchmark answers of shorter runs and of cascades."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.commands.whatif import in_yaml, whatif_lines
from pytest_koderz.core.arm import Arm, CheckpointPolicy
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.iteration import FeedbackPolicy
from pytest_koderz.evidence.cut_short import cut_at
from pytest_koderz.records.asked_calls import calls_of
from pytest_koderz.records.events import Head
from pytest_koderz.records.reader import Archived, archived
from pytest_koderz.settings import Choice, load_settings
from tests.conftest import Run
from tests.core.worlds import FRONTIER, KODERZ
from tests.evidence.experiments import ran

RUN = ("--koderz-problems", "0-3", "--koderz-arm", "koderz", "--koderz-arm", "frontier-only", "--tb=no")
CONTROL = Arm("frontier-only", local=FRONTIER, max_iterations=1)


def test_a_run_answers_a_shorter_one(simulate: Run, run: Run, pytester: pytest.Pytester) -> None:
    """As many solved for as many dollars as a real run with that limit; it is drawn on its page and another."""
    simulate(*RUN, "--koderz-html=run.html")
    (folder,) = (pytester.path / ".koderz").glob("bench_*")
    told = run("--koderz-whatif", folder.name, "--koderz-html=w.html")
    drawn = "What other set-ups of koderz would have given"
    assert all(drawn in (pytester.path / name).read_text() for name in ("run.html", "w.html"))
    assert told.ret == pytest.ExitCode.OK
    row = next(line for line in told.outlines if line.startswith("SIMULATED   3 tries  "))
    simulate(*RUN, "--koderz-max-iterations", "3", "--koderz-json", "real.json")
    real = json.loads((pytester.path / "real.json").read_text())["arms"]["koderz"]
    assert f"{real['solved']}/{real['settled']}" in row
    assert f"${real['cost_usd']:.4f}" in row


@pytest.mark.slow
@pytest.mark.parametrize("cap", [1, 3, 5])
def test_each_experiment_is_that_of_a_real_run(forgetful: Run, pytester: pytest.Pytester, cap: int) -> None:
    """Of a simulated benchmark: outcome, iterations, checkpoints, tokens and dollars, problem by problem."""
    few = ("--koderz-problems", "0-19", "--koderz-arm", "koderz", "--koderz-set", "arms.koderz.reuse_spec=false")
    forgetful(*few, "--tb=no")
    (folder,) = (pytester.path / ".koderz").glob("bench_*")
    benchmark = archived(folder)
    (arm,), calls = benchmark.head.definitions, calls_of(benchmark)
    told = {one.problem_id: cut_at(one, cap, calls[one.id]) for one in benchmark.experiments}
    forgetful(*few, "--tb=no", "--koderz-max-iterations", str(cap))
    (other,) = set((pytester.path / ".koderz").glob("bench_*")) - {folder}
    real = {one.problem_id: one for one in archived(other).experiments}
    assert arm.max_iterations > cap
    assert list(map(_came_to, told.values())) == [_came_to(real[key]) for key in told]


def _came_to(one: Experiment) -> tuple[object, ...]:
    tried = [(each.candidate, each.verdict.outcome) for each in one.iterations]
    return one.problem_id, one.status, tried, len(one.checkpoints), one.ledger.usage, one.ledger.cost


def test_an_unknown_benchmark_is_a_mistake(run: Run) -> None:
    """With how to list them."""
    result = run("--koderz-whatif", "bench_00000000")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --koderz-whatif: bench_00000000 is not in the journals in *"])


def test_an_arm_that_recalls_what_others_learnt_is_refused() -> None:
    """With the reason."""
    head = Head(control="frontier-only", definitions=(replace(KODERZ, recall_guidance=True), CONTROL))
    (line, *rest) = whatif_lines(Archived("bench_1a2b3c4d", head, (ran(1), ran(1, "frontier-only"))))
    said = " ".join([line, *(each.strip() for each in rest)])
    assert said.startswith("koderz: this benchmark answers nothing of it: it recalls what others learnt")


@pytest.mark.parametrize(
    "changes",
    [
        {"max_iterations": 3},
        {"candidates": 2, "checkpoint_policy": CheckpointPolicy.PLATEAU, "checkpoint_interval": 4},
        {"feedback": FeedbackPolicy.NONE, "accept_on": "visible", "max_reviews": 1, "reuse_spec": True},
    ],
    ids=["cap", "policies", "feedback"],
)
def test_an_arm_is_suggested_in_the_words_of_the_settings(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Read again it is the same arm, though the profile has other limits."""
    shipped = load_settings(None, tmp_path, {}, Choice(profile="simulated", arms=("koderz", "frontier-only")))
    arm, control = shipped.arms
    wanted = replace(arm, name="koderz-3", fallback=control.local, **changes)
    (tmp_path / "koderz.yaml").write_text(f"arms:\n  {in_yaml(wanted)}\n")
    assert re.fullmatch(r"koderz-3: \{.*\}", in_yaml(wanted))
    found = load_settings(None, tmp_path, {}, Choice(profile="simulated", arms=("koderz-3",)))
    assert found.arms == (wanted,)
