"""The results of a benchmark as JSON, for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.arms import ArmFigures, figures_of

from .summary import Frame

VERSION = 1
"""Of the format."""


def results_of(frame: Frame, head: dict[str, Any], experiments: Sequence[Experiment]) -> dict[str, Any]:
    """Counts, dollars and one row for each experiment. Dollars are numbers; null is unknown."""
    arms = [figures_of(arm, experiments) for arm in frame.arms]
    return {
        "version": VERSION,
        "benchmark": {"id": frame.benchmark_id, "simulated": frame.simulated, **head},
        "arms": {figures.arm: _arm(figures) for figures in arms},
        "experiments": [_row(experiment) for experiment in experiments],
    }


def _arm(figures: ArmFigures) -> dict[str, Any]:
    interval = figures.solved_interval
    return {
        "solved": figures.solved,
        "settled": figures.settled,
        "invalid": figures.invalid,
        "skipped": figures.skipped,
        "solved_interval": None if interval is None else [interval.low, interval.high],
        "solved_first": figures.solved_first,
        "iterations": figures.iterations,
        "cost_usd": _number(figures.dollars),
        "cost_usd_by_role": {str(role): _number(amount) for role, amount in figures.dollars_by_role.items()},
        "paid_usd": _number(figures.paid),
        "tokens_in": figures.usage.prompt,
        "tokens_out": figures.usage.output,
        "seconds": figures.seconds,
        "gpu_seconds": figures.gpu_seconds,
    }


def _row(experiment: Experiment) -> dict[str, Any]:
    usage = experiment.ledger.usage
    return {
        "id": experiment.id,
        "problem": experiment.problem_id,
        "arm": experiment.arm,
        "epoch": experiment.epoch,
        "outcome": str(experiment.status),
        "reason": experiment.reason,
        "iterations": len(experiment.iterations),
        "checkpoints": len(experiment.checkpoints),
        "cost_usd": _number(experiment.ledger.cost),
        "tokens": {"in": usage.prompt, "out": usage.output, "cached": usage.cache_read},
        "seconds": experiment.seconds,
    }


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
