"""Whether a benchmark passes a limit that was set for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_koderz.core.experiment import Experiment

from .arms import ArmFigures
from .problems import by_problem

ROUNDING = 1e-9
"""A limit that is met exactly holds, whatever binary fractions make of it."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit, and what became of it. A gate that cannot be decided does not hold."""

    limit: float
    value: float | None
    holds: bool
    reason: str
    """One sentence: the figures, or why it cannot be decided."""


def gate_solved(figures: ArmFigures, least: float, planned: int | None = None) -> Gate:
    """Holds where the share of solved is *least* or more.

    It is undecided where the experiments that are not settled (of *planned*, or of those begun) could turn the answer.
    """
    begun = figures.settled + figures.invalid + figures.skipped + figures.unfinished
    missing = max(planned or 0, begun) - figures.settled
    share = figures.solved_share
    worst, best = figures.solved, figures.solved + missing
    text = f"solved {figures.solved} of {figures.settled} settled, at least {least:.1%} wanted"
    needed = least * (figures.settled + missing) - ROUNDING
    if share is None or (worst < needed <= best and missing):
        return Gate(least, share, False, f"undecided: {text}, and {missing} more are not settled")
    return Gate(least, share, share >= least - ROUNDING, text)


def gate_cost_per_solved(figures: ArmFigures, most: Decimal) -> Gate:
    """Holds where a solved problem cost *most* US dollars or less, the failures included.

    It is undecided where most experiments are not settled: what those would have cost has no bound.
    """
    limit, dollars = float(most), figures.dollars_per_solved
    missing = figures.invalid + figures.skipped + figures.unfinished
    if missing > figures.settled:
        reason = f"only {figures.settled} of {figures.settled + missing} experiments are settled"
        return Gate(limit, None, False, f"undecided: {reason}")
    if dollars is None:
        reason = "a price is not known" if figures.solved else "nothing is solved"
        return Gate(limit, None, False, f"undecided: {reason}")
    return Gate(limit, float(dollars), dollars <= most, f"${dollars:.4f} per solved problem, at most ${most} wanted")


def gate_worse(
    arm: Sequence[Experiment], baseline: Mapping[str, float], most: float, planned: Collection[str] = ()
) -> Gate:
    """Holds where the share of solved fell by *most* or less since *baseline*, over the problems in both.

    *baseline* gives the share of epochs solved by problem id, settled problems alone. The figure is the observed
    difference, not a limit of its interval: a gate guards a change, it claims nothing of other problems. It is
    undecided where the baseline's problems that are not settled now could turn the answer; those that are not among
    the *planned* ones were not selected, and say nothing. Empty: it is not known which were planned.
    """
    now, whole = by_problem(arm), len(baseline)
    baseline = {key: share for key, share in baseline.items() if not planned or key in planned or key in now}
    shared = [key for key in baseline if key in now]
    missing = [key for key in baseline if key not in now]
    if not shared:
        return Gate(most, None, False, "undecided: no problem of the baseline is settled")
    gained = sum(now[key].share - baseline[key] for key in shared)
    best = gained + sum(1 - baseline[key] for key in missing)
    worst = gained - sum(baseline[key] for key in missing)
    fall, allowed = -gained / len(shared), most + ROUNDING
    where = f"on {len(shared)} of the baseline's {whole} problems"
    text = f"{-100 * fall:+.1f} points {where}, at most {100 * most:.1f} lower wanted"
    if missing and -worst / len(baseline) > allowed >= -best / len(baseline):
        return Gate(most, fall, False, f"undecided: {text}, and {len(missing)} more are not settled")
    return Gate(most, fall, fall <= allowed, text)
