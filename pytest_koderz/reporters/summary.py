"""What a benchmark came to, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.arms import ArmFigures, figures_of
from pytest_koderz.evidence.compare import Claim, Comparison, compare
from pytest_koderz.evidence.intervals import Interval
from pytest_koderz.evidence.savings import ControlEstimate, Savings, estimated

from .text import counted, dollars, tokens

WIDTH = 80
"""Columns of the summary."""

SIMULATED = "SIMULATED "
"""Stands before every line that simulated models caused."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the benchmark set out to do."""

    benchmark_id: str
    arms: tuple[str, ...]
    control: str
    margin: float
    estimate: ControlEstimate | None
    """What the control would cost where it does not run. None: nothing to go by."""
    simulated: bool = False


def summary_lines(frame: Frame, experiments: Sequence[Experiment]) -> list[str]:
    """The summary, without a heading; empty where nothing was run."""
    if not experiments:
        return []
    arms = [figures_of(arm, experiments) for arm in frame.arms if any(one.arm == arm for one in experiments)]
    lines = [*_table(arms), ""]
    for figures in arms:
        lines += _details(figures)
    lines += ["", *_against_control(frame, arms, experiments)]
    mark = SIMULATED if frame.simulated else ""
    return [mark + part if part else "" for line in lines for part in _wrapped(line, WIDTH - len(mark))]


def _wrapped(line: str, width: int) -> list[str]:
    """The line in parts that fit, those after the first set in."""
    indent = len(line) - len(line.lstrip()) + 4
    return wrap(line, width, subsequent_indent=" " * indent, break_on_hyphens=False) or [""]


def _table(arms: Sequence[ArmFigures]) -> Iterator[str]:
    width = max(len("arm"), *(len(figures.arm) for figures in arms))
    columns = f"{{:<{width}}} {{:>7}}  {{:>10}} {{:>7}} {{:>5}} {{:>9}} {{:>10}}"
    yield columns.format("arm", "solved", "95 %", "1st try", "iter.", "cost", "per solved")
    for one in arms:
        yield columns.format(
            one.arm,
            f"{one.solved}/{one.settled}",
            _percents(one.solved_interval),
            f"{one.solved_first}/{one.settled}",
            "-" if one.iterations_mean is None else f"{one.iterations_mean:.1f}",
            dollars(one.dollars),
            dollars(one.dollars_per_solved) if one.solved else "-",
        )


def _percents(interval: Interval | None) -> str:
    return "-" if interval is None else f"{interval.low * 100:.0f} - {interval.high * 100:.0f} %"


def _details(figures: ArmFigures) -> Iterator[str]:
    """Where the tokens, dollars and seconds of an arm went."""
    parts = [f"{role} {dollars(amount)}" for role, amount in figures.dollars_by_role.items()]
    gpu = "" if figures.gpu_seconds is None else f", {figures.gpu_seconds:,.1f} GPU-seconds"
    yield f"{figures.arm}: {', '.join(parts) or 'nothing was called'}; {tokens(figures.usage)}"
    yield f"  {figures.seconds:,.1f} s{gpu}; {_rates(figures)}"
    outside = {"invalid": figures.invalid, "skipped": figures.skipped, "unfinished": figures.unfinished}
    named = [f"{number} {word}" for word, number in outside.items() if number]
    if named:
        yield f"  not counted: {', '.join(named)}; charged in all {dollars(figures.paid)}"


def _rates(figures: ArmFigures) -> str:
    return f"{counted(figures.iterations, 'iteration')}: {figures.repeated} repeated, {figures.truncated} cut short"


def _against_control(frame: Frame, arms: Sequence[ArmFigures], experiments: Sequence[Experiment]) -> Iterator[str]:
    by_arm = {one.arm: [each for each in experiments if each.arm == one.arm] for one in arms}
    for arm, own in by_arm.items():
        if arm == frame.control:
            continue
        if frame.control in by_arm:
            comparison = compare(own, by_arm[frame.control], frame.margin)
            yield from (*_comparison(comparison), *_savings(arm, comparison.savings))
        elif frame.estimate is not None:
            yield from _savings(arm, estimated(own, frame.estimate))
    if frame.control not in by_arm:
        yield f"{frame.control} did not run: nothing is known here of what a frontier model alone would have solved"
        first, *others = by_arm
        for arm in others:
            yield from _comparison(compare(by_arm[first], by_arm[arm], frame.margin))


def _comparison(comparison: Comparison) -> Iterator[str]:
    both = f"{comparison.arm} against {comparison.control}, measured on {counted(comparison.problems, 'problem')}"
    if not comparison.problems or comparison.difference is None:
        yield f"{both}: no problem was settled by both, nothing can be said"
        return
    left = f" ({comparison.left_out} left out: not settled by both)" if comparison.left_out else ""
    yield f"{both}{left}: {_CLAIMS[comparison.claim].format(margin=comparison.margin * 100)}"
    alone = f"alone {comparison.only_arm} : {comparison.only_control}"
    yield f"  solved {_points(comparison)}, {alone}, {_p_value(comparison)}"
    if comparison.problems_needed is not None:
        yield f"  about {comparison.problems_needed:,} problems would be needed for a conclusion"


_CLAIMS = {
    Claim.MATCHES: "MATCHES (not worse by more than {margin:g} points)",
    Claim.BETTER: "BETTER",
    Claim.WORSE: "WORSE",
    Claim.INCONCLUSIVE: "INCONCLUSIVE (margin {margin:g} points)",
}


def _points(comparison: Comparison) -> str:
    interval = comparison.difference_interval
    limits = "" if interval is None else f" [{interval.low * 100:+.0f}, {interval.high * 100:+.0f}]"
    return f"{(comparison.difference or 0) * 100:+.1f} points{limits}"


def _p_value(comparison: Comparison) -> str:
    if comparison.p_value < 0.001:
        return "McNemar p < 0.001"
    return f"McNemar p = {comparison.p_value:.3f}"


def _savings(arm: str, savings: Savings) -> Iterator[str]:
    """One line that says how the figure came about; negative savings are said as they are."""
    if savings.dollars is None:
        yield f"  savings of {arm}: unknown ({savings.assumption or 'a price is not known, or nothing was settled'})"
        return
    share = "" if savings.share is None else f" ({savings.share * 100:+.1f} %)"
    spent = f"{dollars(savings.arm_dollars)} instead of {dollars(savings.control_dollars)}"
    if savings.kind == "estimate":
        yield f"  savings of {arm}, an ESTIMATE: {dollars(savings.dollars)}{share}: {spent}, {savings.assumption}"
        return
    limits = savings.share_interval
    interval = "" if limits is None else f", 95 % [{limits.low * 100:+.0f}, {limits.high * 100:+.0f}] %"
    yield f"  savings of {arm}, measured: {dollars(savings.dollars)}{share}{interval}: {spent}"
