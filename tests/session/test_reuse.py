"""A spec that cortex remembers is not bought again."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Run

ARMS = "arms: {thrifty: {spec: spec, local: local, reuse_spec: true}}\n"


@pytest.mark.slow
def test_a_remembered_spec_costs_nothing_more_and_still_counts(
    simulate: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second benchmark pays for no spec, and its figures count the first one's price."""
    # A busy machine may take longer to answer than an experiment waits for its memory.
    monkeypatch.setattr("pytest_koderz.cortex.client.hooks.PATIENCE", 100.0)
    (pytester.path / "koderz.yaml").write_text(ARMS)
    arguments = ("--koderz-arm", "thrifty", "--koderz-problems", "0-1", "-v")
    simulate(*arguments, "--koderz-json", "first.json")
    second = simulate(*arguments, "--koderz-json", "second.json")
    first_arm, second_arm = (
        json.loads((pytester.path / name).read_text())["arms"]["thrifty"] for name in ("first.json", "second.json")
    )
    assert first_arm["paid_usd"] > 0
    assert second_arm["paid_usd"] == 0
    assert second_arm["cost_usd"] == first_arm["cost_usd"]
    second.stdout.fnmatch_lines(["*spec by *, recalled from exp_*"])
