"""What may be claimed from experiments."""

from __future__ import annotations

from .arms import ArmFigures, Point, figures_of
from .compare import Claim, Comparison, compare
from .gates import Gate, gate_cost_per_solved, gate_solved, gate_worse
from .intervals import Interval, mcnemar_exact, paired_difference, pass_at_k, wilson
from .savings import ControlEstimate, Savings, estimate_control, estimated
from .spending import (
    Marginal,
    Standing,
    Step,
    gpu_dollars,
    marginal_by_ablation,
    marginal_checkpoints,
    marginal_iterations,
    standings,
    steps_of,
)

__all__ = [
    "ArmFigures",
    "Claim",
    "Comparison",
    "ControlEstimate",
    "Gate",
    "Interval",
    "Marginal",
    "Point",
    "Savings",
    "Standing",
    "Step",
    "compare",
    "estimate_control",
    "estimated",
    "figures_of",
    "gate_cost_per_solved",
    "gate_solved",
    "gate_worse",
    "gpu_dollars",
    "marginal_by_ablation",
    "marginal_checkpoints",
    "marginal_iterations",
    "mcnemar_exact",
    "paired_difference",
    "pass_at_k",
    "standings",
    "steps_of",
    "wilson",
]
