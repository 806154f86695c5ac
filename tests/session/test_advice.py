"""Guidance that helped one experiment is offered to another, where its arm asks for it."""

from __future__ import annotations

import pytest

from tests.conftest import Run

from .worlds import recorded

ARMS = """
arms:
  advised: {local: local, recall_guidance: true}
  supervised: {local: weak, checkpoint: checkpoint, checkpoint_interval: 1}
models: {weak: {backend: simulated, model: weak, options: {strength: 0.2, guidance: 6.0}}}
"""


@pytest.mark.slow
def test_what_helped_on_one_problem_is_offered_on_another(simulate: Run, pytester: pytest.Pytester) -> None:
    """With a record of where it came from, in the journal and in the experiment's story; it costs nothing."""
    (pytester.path / "koderz.yaml").write_text(ARMS)
    simulate("--koderz-arm", "supervised", "--koderz-problems", "0-9")
    assert recorded(pytester.path, "advised") == []
    simulate("--koderz-arm", "advised", "--koderz-problems", "20-34")
    advised = recorded(pytester.path, "advised")
    assert advised
    origins = {line["experiment"]: line["problem"] for line in recorded(pytester.path, "ended")}
    for line in advised:
        assert origins[line["advice"]["experiment_id"]] == line["advice"]["problem_id"] != line["problem"]
    prompts = [line["prompt"]["user"] for line in recorded(pytester.path, "called")]
    assert any("# What helped with a like failure on another task" in prompt for prompt in prompts)
    assert all(
        line["record"]["checkpoints"] == [] for line in recorded(pytester.path, "ended") if line["arm"] == "advised"
    )


def test_the_control_may_not_ask_for_it(simulate: Run, pytester: pytest.Pytester) -> None:
    """It would no longer measure its model alone."""
    (pytester.path / "koderz.yaml").write_text(ARMS + "control: advised\n")
    result = simulate("--koderz-arm", "advised", "--koderz-problems", "0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*koderz.yaml:3: arms.advised.recall_guidance: the control must not profit*"])
