"""What a benchmark came to, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from textwrap import wrap

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.arms import ArmFigures
from pytest_koderz.evidence.compare import Claim, Comparison
from pytest_koderz.evidence.findings import Findings, Frame, findings_of
from pytest_koderz.evidence.holdout import HoldOut
from pytest_koderz.evidence.savings import SHARE_FROM, Savings
from pytest_koderz.evidence.standings import Alternative, Standing

from .arm_row import table_lines
from .money_lines import spending_lines
from .text import counted, dollars, tokens

WIDTH, WIDEST = 80, 100
"""Columns of the summary: at least, so that its tables stay whole, and at most, so that a line is read in one go."""

SIMULATED = "SIMULATED "
"""Stands before every line that simulated models caused."""


def summary_lines(frame: Frame, experiments: Sequence[Experiment], columns: int = WIDTH) -> list[str]:
    """The summary for a terminal of so many *columns*, without a heading; empty where nothing was run."""
    if not experiments:
        return []
    findings = findings_of(frame, experiments)
    lines = [*table_lines(findings.arms), ""]
    for figures in findings.arms:
        lines += _details(figures, frame.local_rate)
    money = list(spending_lines(findings))
    lines += ["", *money] if money else []
    lines += ["", *_against_control(frame, findings), *_ranked(findings)]
    mark = SIMULATED if frame.simulated else ""
    width = min(max(columns, WIDTH), WIDEST) - len(mark)
    return [mark + part if part else "" for line in lines for part in _wrapped(line, width)]


def _wrapped(line: str, width: int) -> list[str]:
    """The line in parts that fit, those after the first set in."""
    indent = len(line) - len(line.lstrip()) + 4
    return wrap(line, width, subsequent_indent=" " * indent, break_on_hyphens=False) or [""]


def _details(figures: ArmFigures, local_rate: Decimal | None) -> Iterator[str]:
    """Where the tokens, dollars and seconds of an arm went."""
    parts = [f"{role} {dollars(amount)}" for role, amount in figures.dollars_by_role.items()]
    gpu = "" if figures.gpu_seconds is None else f", {figures.gpu_seconds:,.1f} GPU-seconds"
    if figures.settled:
        yield f"{figures.arm}: {', '.join(parts) or dollars(figures.dollars)}; {tokens(figures.usage)}"
        yield f"  {figures.seconds:,.1f} s{gpu}; {_rates(figures)}"
    else:
        yield f"{figures.arm}: nothing settled"
    if local_rate is not None and figures.settled:
        each = "-" if not figures.solved else dollars(figures.with_gpu_per_solved)
        yield f"  {_at(local_rate)}: {dollars(figures.dollars_with_gpu)}, per solved {each}"
    yield from _first_replies(figures)
    yield from _circumstances(figures)
    outside = {"invalid": figures.invalid, "skipped": figures.skipped, "unfinished": figures.unfinished}
    named = [f"{number} {word}" for word, number in outside.items() if number]
    if figures.attempts_before:
        named.append(f"earlier attempts at {counted(figures.attempts_before, 'experiment')}")
    if named:
        yield f"  not counted: {', '.join(named)}; charged in all {dollars(figures.paid)}"


def _at(local_rate: Decimal) -> str:
    exact = f"{local_rate.normalize():f}"
    return f"with the GPU at ${exact if len(exact.partition('.')[2]) > 2 else f'{local_rate:.2f}'} per hour"


def _rates(figures: ArmFigures) -> str:
    repeated = _with_share(figures.repeated, figures.repeated_rate)
    truncated = _with_share(figures.truncated, figures.truncated_rate)
    return f"{counted(figures.iterations, 'iteration')}: {repeated} repeated, {truncated} cut short"


def _with_share(number: int, share: float | None) -> str:
    return f"{number} ({share * 100:.0f} %)" if number and share is not None else str(number)


SHOWN_K = (1, 2, 3, 5, 10, 20, 50, 100)
"""The k of pass@k that are shown, beside the largest."""


def _first_replies(figures: ArmFigures) -> Iterator[str]:
    if figures.epochs < 2:
        return
    if figures.pass_at_k is None:
        yield f"  pass@k of the first replies: not known, since {figures.pass_at_k_missing}"
        return
    most = max(figures.pass_at_k)
    shown = [f"pass@{k} {share:.3f}" for k, share in figures.pass_at_k.items() if k in (*SHOWN_K, most)]
    yield f"  first replies of {figures.epochs} epochs: {', '.join(shown)}"


def _circumstances(figures: ArmFigures) -> Iterator[str]:
    """What must be known of how it came to be solved."""
    if figures.hold_out is not None:
        yield _hold_out(figures.hold_out)
    if figures.fallbacks:
        yield f"  the fallback answered {figures.fallbacks} of {figures.settled}, and solved {figures.fallback_solved}"
    if figures.advised:
        yield f"  advised by what helped earlier experiments: {figures.advised} of {figures.settled}"
    leaks = figures.leaks
    if leaks.experiments:
        values = counted(leaks.hidden_values, "hidden value")
        found = f"{values}, {counted(leaks.complete_solutions, 'complete solution')}"
        yield f"  flagged: {leaks.experiments} of {counted(figures.settled, 'experiment')}: {found}"


def _hold_out(held: HoldOut) -> str:
    passed = f"{held.passed_base} passed the base tests, {held.passed_plus} of them the plus tests"
    others = f"; {held.ungraded} more passed without plus tests" if held.ungraded else ""
    return f"  hold-out: {passed}: gap {held.gap * 100:.1f} points{others}"


def _against_control(frame: Frame, findings: Findings) -> Iterator[str]:
    each = " per epoch" if any(figures.epochs > 1 for figures in findings.arms) else ""
    for comparison in findings.comparisons if findings.control_ran else ():
        yield from (*_comparison(comparison), *_savings(f"savings of {comparison.arm}{each}", comparison.savings))
        if comparison.savings_with_gpu is not None and frame.local_rate is not None:
            yield from _savings(_at(frame.local_rate), comparison.savings_with_gpu)
    if not findings.control_ran:
        yield f"{frame.control} did not run: nothing is known here of what a frontier model alone would have solved"
    for figures in (one for one in findings.arms if one.arm in findings.estimates):
        # What an unsolved problem saves is worth nothing: the two are not to be read apart.
        solved = f" for an arm that solved {figures.solved}/{figures.settled}"
        yield from _savings(f"savings of {figures.arm}{each}", findings.estimates[figures.arm], solved)
        if frame.local_rate is not None:
            yield from _savings(_at(frame.local_rate), findings.estimates_with_gpu[figures.arm], solved)
    if not findings.control_ran:
        for comparison in findings.comparisons:
            yield from _comparison(comparison)
    elif any(one.savings.share is not None and one.savings.experiments < SHARE_FROM for one in findings.comparisons):
        yield f"note: savings have no interval below {SHARE_FROM} experiments an arm"


def _ranked(findings: Findings) -> Iterator[str]:
    """Which arms are worth running, and which one in place of each other."""
    known = [place for place in findings.standings if place.dollars is not None and place.problems]
    if len(known) > 1 and any(place.solved for place in known):
        front = ", ".join(place.arm for place in known if not place.dominated_by)
        yield f"not dominated in solved and dollars, on {counted(known[0].problems, 'problem')}: {front}"
    yield from map(_alternative, findings.alternatives)


def _alternative(one: Alternative) -> str:
    """`koderz: small-frontier solved as many (12) for less ($0.0120, not $0.1320): just ask it`."""
    advice = "just ask it" if one.alone else "supervision did not pay" if one.unsupervised else "rather run that"
    doubt = "" if one.sure else f" (uncertain with {counted(one.arm.problems, 'problem')})"
    return f"{one.instead_of.arm}: {one.arm.arm} {_bargain(one.arm, one.instead_of)}: {advice}{doubt}"


def _bargain(arm: Standing, other: Standing) -> str:
    more = arm.solved > other.solved
    solved = f"solved more ({arm.solved:.4g}, not {other.solved:.4g})" if more else f"solved as many ({arm.solved:.4g})"
    if arm.dollars == other.dollars:
        return f"{solved} for as much ({dollars(arm.dollars)})"
    return f"{solved} for less ({dollars(arm.dollars)}, not {dollars(other.dollars)})"


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


def _savings(name: str, savings: Savings, whose: str = "") -> Iterator[str]:
    """One line that says how the figure came about; negative savings are said as they are.

    *whose* says of an estimate what the arm has solved.
    """
    if savings.dollars is None:
        yield f"  {name}: unknown ({savings.assumption or 'a price is not known, or nothing was settled'})"
        return
    share = "" if savings.share is None else f" ({savings.share * 100:+.1f} %)"
    spent = f"{dollars(savings.arm_dollars)} instead of {dollars(savings.control_dollars)}"
    if savings.kind == "estimate":
        yield f"  {name}, an ESTIMATE{whose}: {dollars(savings.dollars)}{share}: {spent}, {savings.assumption}"
        return
    limits = savings.share_interval
    interval = "" if limits is None else f", 95 % [{limits.low * 100:+.0f}, {limits.high * 100:+.0f}] %"
    yield f"  {name}, measured: {dollars(savings.dollars)}{share}{interval}: {spent}"
