"""Where an arm's money went, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_koderz.evidence.findings import Findings
from pytest_koderz.evidence.spending import Marginal, Step

from .fixed_width import Table
from .text import counted, dollars

TELLING = (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000)
"""Iterations that are shown of a long run, beside the last one."""


def spending_lines(findings: Findings, columns: int) -> Iterator[str]:
    """Solved and dollars after each step of the arms that have more than one, and what an extra solve cost them, in so
    many *columns* of a terminal.
    """
    long = {arm: steps for arm, steps in findings.steps.items() if len(steps) > 1}
    rows = {arm: [_row(step) for step in _telling(steps)] for arm, steps in long.items()}
    table = Table("<26 >7 >7 >10", (_HEAD, *(row for each in rows.values() for row in each)), columns)
    if long:
        yield from table.head_lines() or _HEAD[:1]
    for arm, steps in long.items():
        yield f"{arm}, after"
        for row in rows[arm]:
            yield from table.lines(row)
        if steps[0].phase == "spec" and all(marginal.part != "spec" for marginal in findings.marginals[arm]):
            yield "  an extra solve by the spec: unknown (no arm ran that lacks it alone)"
        yield from map(_extra, findings.marginals[arm])


_HEAD = ("where the money went", "reached", "solved", "dollars")


def _row(step: Step) -> tuple[str, int, int, str]:
    return f"  {_name(step)}", step.reached, step.solved, dollars(step.dollars)


def _name(step: Step) -> str:
    words = {"spec": "the spec", "iteration": f"iteration {step.number}", "fallback": "the fallback"}
    return words.get(step.phase, f"checkpoint at {step.number}")


def _telling(steps: Sequence[Step]) -> Iterator[Step]:
    last = max((step.number for step in steps if step.phase == "iteration"), default=0)
    return (step for step in steps if step.phase != "iteration" or step.number in (*TELLING, last))


def _extra(marginal: Marginal) -> str:
    """`an extra solve by checkpoints: $0.0069 (+1 [+0, +5] for $0.0069, within the arm, at best)`."""
    basis = "within the arm, at best" if marginal.part == "checkpoints" else "within the arm"
    if marginal.basis == "ablation":
        alone = "" if marginal.alone is None else f", alone {marginal.alone[0]} : {marginal.alone[1]}"
        basis = f"against {marginal.without} on {counted(marginal.problems, 'problem')}{alone}"
    price = "none" if marginal.extra_solved <= 0 else dollars(marginal.dollars_per_extra)
    limits = "" if marginal.interval is None else f" [{marginal.interval.low:+.0f}, {marginal.interval.high:+.0f}]"
    what = f"{marginal.extra_solved:+.3g}{limits} for {dollars(marginal.extra_dollars)}"
    return f"  an extra solve by {_PARTS[marginal.part]}: {price} ({what}, {basis})"


_PARTS = {
    "spec": "the spec",
    "iterations": "later iterations",
    "checkpoints": "checkpoints",
    "fallback": "the fallback",
}
