"""Experiments as properties of JUnit test cases and suites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.files.visible_text import visible

from .text import dollars


def properties_of(experiment: Experiment) -> list[tuple[str, object]]:
    """Scalar properties of one case; a cost that is not known says `unknown`."""
    usage = experiment.ledger.usage
    rows: list[tuple[str, object]] = [
        ("koderz.experiment", experiment.id),
        ("koderz.problem", experiment.problem_id),
        ("koderz.arm", experiment.arm),
        ("koderz.epoch", experiment.epoch),
        ("koderz.outcome", str(experiment.status)),
        ("koderz.iterations", len(experiment.iterations)),
        ("koderz.checkpoints", len(experiment.checkpoints)),
        ("koderz.cost_usd", dollars(experiment.ledger.cost, exact=True)),
        ("koderz.paid_usd", dollars(experiment.charged.cost, exact=True)),
        ("koderz.tokens_in", usage.prompt),
        ("koderz.tokens_out", usage.output),
    ]
    if experiment.iterations:
        rows.append(("koderz.model", experiment.iterations[0].model_id))
    if experiment.reason:
        rows.append(("koderz.reason", experiment.reason))
    return [(name, visible(value) if isinstance(value, str) else value) for name, value in rows]


def with_properties_of(experiment: Experiment, before: Sequence[tuple[str, object]]) -> list[tuple[str, object]]:
    """*before*, where those of an earlier attempt give way to the last one's."""
    return [row for row in before if not row[0].startswith("koderz.")] + properties_of(experiment)


def suite_properties(head: Mapping[str, Any], experiments: Sequence[Experiment]) -> list[tuple[str, object]]:
    """Scalar totals of the whole benchmark; *head* is what its journal says first."""
    totals = [
        (f"koderz.{status}", sum(one.status is status for one in experiments))
        for status in (Status.SOLVED, Status.UNSOLVED, Status.INVALID, Status.SKIPPED)
    ]
    return [
        ("koderz.benchmark", head["id"]),
        ("koderz.profile", head["profile"]),
        ("koderz.simulated", "true" if head["simulated"] else "false"),
        ("koderz.control", head["control"]),
        *totals,
    ]
