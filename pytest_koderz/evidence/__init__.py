"""What may be claimed from experiments."""

from __future__ import annotations

from .arms import ArmFigures, Point, figures_of
from .compare import Claim, Comparison, Doubt, compare, judge
from .findings import Findings, Frame, findings_of
from .gate_rules import Gate, gate_cost_per_solved, gate_solved, gate_worse
from .holdout import HoldOut, Leaks, leaks_in
from .intervals import Interval, mcnemar_exact, paired_difference, pass_at_k, wilson
from .looks import Look
from .savings import ControlEstimate, Savings, estimate_control, estimated
from .spending import (
    Marginal,
    Step,
    marginal_by_ablation,
    marginal_checkpoints,
    marginal_fallback,
    marginal_iterations,
    marginals_of,
    steps_of,
)
from .standings import Alternative, Standing, alternatives, standings

__all__ = [
    "Alternative",
    "ArmFigures",
    "Claim",
    "Comparison",
    "ControlEstimate",
    "Doubt",
    "Findings",
    "Frame",
    "Gate",
    "HoldOut",
    "Interval",
    "Leaks",
    "Look",
    "Marginal",
    "Point",
    "Savings",
    "Standing",
    "Step",
    "alternatives",
    "compare",
    "estimate_control",
    "estimated",
    "figures_of",
    "findings_of",
    "gate_cost_per_solved",
    "gate_solved",
    "gate_worse",
    "judge",
    "leaks_in",
    "marginal_by_ablation",
    "marginal_checkpoints",
    "marginal_fallback",
    "marginal_iterations",
    "marginals_of",
    "mcnemar_exact",
    "paired_difference",
    "pass_at_k",
    "standings",
    "steps_of",
    "wilson",
]
