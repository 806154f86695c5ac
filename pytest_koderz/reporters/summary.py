"""What a benchmark came to, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.arms import ArmFigures, Point
from pytest_koderz.evidence.findings import Findings, Frame, findings_of
from pytest_koderz.evidence.holdout import HoldOut
from pytest_koderz.evidence.idle_servers import IdleServer
from pytest_koderz.evidence.standings import Alternative, Standing
from pytest_koderz.evidence.swarm_shares import SwarmShares

from .arm_row import table_lines
from .claim_lines import at_rate, note_lines, verdict_lines
from .fixed_width import wrapped
from .money_lines import TELLING, spending_lines
from .place_lines import adequacy_words, place_lines
from .text import counted, dollars, tokens

WIDTH, WIDEST = 80, 100
"""Columns of the summary where no terminal says how wide it is, and at most, so that a line is read in one go."""

SIMULATED = "SIMULATED "
"""Stands before every line that simulated models caused."""


def summary_lines(
    frame: Frame, experiments: Sequence[Experiment], columns: int = WIDTH, *, whole: bool = False
) -> list[str]:
    """The summary for a terminal of so many *columns*, without a heading; empty where nothing was run."""
    return lines_of(frame, findings_of(frame, experiments), columns, whole=whole) if experiments else []


def lines_of(frame: Frame, findings: Findings, columns: int = WIDTH, *, whole: bool = False) -> list[str]:
    """The summary of what was found already: the verdict comes first, what decides it second, notes last.

    The *whole* has the calls, the dollars with the GPU of each arm, and where the money went step by step too.
    """
    mark = SIMULATED if frame.simulated else ""
    width = min(columns, WIDEST) - len(mark)
    lines = [*verdict_lines(frame, findings, whole=whole), "", *table_lines(findings.arms, width), ""]
    for figures in findings.arms:
        lines += _details(figures, frame, whole=whole)
    places = list(place_lines(frame, findings, width, whole=whole))
    lines += ["", *places] if places else []
    money = list(spending_lines(findings, width)) if whole else []
    lines += ["", *money] if money else []
    idle = _idle(findings.servers, frame.local_rate)
    notes = [*_ranked(findings, whole=whole), *idle, *note_lines(frame, findings)]
    lines += ["", *notes] if notes else []
    return [mark + part if part else "" for line in lines for part in in_parts(line, width)]


def in_parts(line: str, width: int) -> list[str]:
    """The line in parts that fit, those after the first set in."""
    indent = len(line) - len(line.lstrip()) + 4
    return wrapped(line, width, later=" " * indent) or [""]


def _details(figures: ArmFigures, frame: Frame, *, whole: bool) -> Iterator[str]:
    """Where the tokens, dollars and seconds of an arm went."""
    local_rate = frame.local_rate if whole else None
    parts = [f"{role} {dollars(amount)}" for role, amount in figures.dollars_by_role.items()]
    gpu = "" if figures.gpu_seconds is None else f", {figures.gpu_seconds:,.1f} GPU-seconds"
    if figures.settled:
        spent = f"{figures.arm}: {', '.join(parts) or dollars(figures.dollars)}; {tokens(figures.usage)}"
        took = f"{figures.seconds:,.1f} s{gpu}"
        # Of rounds that all went as they should there is nothing to tell in the short form.
        wasted = whole or figures.repeated or figures.truncated
        yield from (spent, f"  {took}; {_rates(figures)}") if wasted else (f"{spent}; {took}",)
    else:
        yield f"{figures.arm}: nothing settled"
    if local_rate is not None and figures.settled:
        each = "-" if not figures.solved else dollars(figures.with_gpu_per_solved)
        yield f"  {at_rate(local_rate)}: {dollars(figures.dollars_with_gpu)}, per solved {each}"
    yield from _first_replies(figures)
    if whole and len(figures.curve) > 1:
        yield _by_iteration(figures)
    if figures.swarm is not None:
        yield from _swarm(figures.swarm, figures.settled)
    yield from _acceptance(figures, frame.wrong_accept)
    yield from _circumstances(figures)
    outside = {"invalid": figures.invalid, "skipped": figures.skipped, "unfinished": figures.unfinished}
    named = [f"{number} {word}" for word, number in outside.items() if number]
    if figures.attempts_before:
        named.append(f"earlier attempts at {counted(figures.attempts_before, 'experiment')} (but per solved)")
    if named:
        yield f"  not counted: {', '.join(named)}; charged in all {dollars(figures.paid)}"


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


def _by_iteration(figures: ArmFigures) -> str:
    """`solved within iterations: 1 (62 % [48, 74]), 2 (74 % [60, 84])`."""
    shown = [point for point in figures.curve if point.iterations in (*TELLING, len(figures.curve))]
    told = [f"{point.iterations} ({_with_limits(point, figures.settled)})" for point in shown]
    return f"  solved within iterations: {', '.join(told)}"


def _with_limits(point: Point, settled: int) -> str:
    limits = "" if point.interval is None else f" [{point.interval.low * 100:.0f}, {point.interval.high * 100:.0f}]"
    return f"{point.solved / settled * 100:.0f} %{limits}"


def _swarm(shares: SwarmShares, settled: int) -> Iterator[str]:
    """Who solved what, for how much, and what it was worth to ask several."""
    each = [f"{one.name} {one.solved} ({dollars(one.dollars)})" for one in shares.members]
    yield f"  solved by {', '.join(each)}"
    firsts = ", ".join(f"{one.name} {one.first}" for one in shares.members)
    gain = f"{shares.gain} more than {shares.best.name} alone"
    if shares.least_gain < shares.gain:
        gain = f"between {max(shares.least_gain, 0)} and {shares.gain} more than the best alone"
    yield f"  first iteration of {settled}: {firsts}, together {shares.first}: {gain}"
    cancelled = [f"{one.name} {one.cancelled}" for one in shares.members if one.cancelled]
    if cancelled:
        yield f"  calls cancelled for an accepted candidate: {', '.join(cancelled)}"


def _acceptance(figures: ArmFigures, wrong_accept: Decimal | None) -> Iterator[str]:
    """What was taken for the answer; of one answer, which is always taken, where a wrong one has a price."""
    errors = figures.acceptance
    if errors is None or not (errors.loop or wrong_accept):
        return
    price = ""
    if wrong_accept is not None:
        price = f" ({dollars(errors.price(wrong_accept))} at {dollars(wrong_accept)} each)"
    rejects = f"; false rejects {errors.false_rejects}" if errors.loop else ""
    yield f"  accepted {errors.accepted} of {errors.settled}: false accepts {errors.false_accepts}{price}{rejects}"


def _circumstances(figures: ArmFigures) -> Iterator[str]:
    """What must be known of how it came to be solved."""
    if figures.adequacy is not None:
        yield f"  its {adequacy_words(figures.adequacy)}"
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


def _idle(servers: Sequence[IdleServer], local_rate: Decimal | None) -> Iterator[str]:
    """`idle until the last experiment began (84 s): http://gpu1:11434 3 %, http://gpu2:11434 12 %; $0.0021 lost`."""
    if not servers or (len(servers) < 2 and local_rate is None):
        return
    each = ", ".join(f"{server.place} {server.share * 100:.0f} %" for server in servers)
    lost = ""
    if local_rate is not None:
        lost = f"; {dollars(sum((server.dollars(local_rate) for server in servers), Decimal(0)))} lost"
    yield f"idle until the last experiment began ({servers[0].seconds:,.0f} s): {each}{lost}"


def _ranked(findings: Findings, *, whole: bool) -> Iterator[str]:
    """Which arms are worth running, and which one in place of another; of two arms the latter says both."""
    known = [place for place in findings.standings if place.dollars is not None and place.problems]
    said = findings.alternatives and len(known) == 2 and not whole
    if len(known) > 1 and not said and any(place.solved for place in known):
        front = ", ".join(place.arm for place in known if not place.dominated_by)
        yield f"not dominated in solved and dollars, on {counted(known[0].problems, 'problem')}: {front}"
    yield from map(_alternative, findings.alternatives)


def _alternative(one: Alternative) -> str:
    """`koderz: small-frontier solved as many (12) for less ($0.0120, not $0.1320): just ask it`."""
    offer = f"{one.instead_of.arm}: {one.arm.arm} {_bargain(one.arm, one.instead_of)}"
    if one.oracle_stop:
        return f"{offer}, by an oracle stop, which no user has"
    advice = "just ask it" if one.alone else "supervision did not pay" if one.unsupervised else "rather run that"
    doubt = "" if one.sure else f" (uncertain with {counted(one.arm.problems, 'problem')})"
    return f"{offer}: {advice}{doubt}"


def _bargain(arm: Standing, other: Standing) -> str:
    more = arm.solved > other.solved
    solved = f"solved more ({arm.solved:.4g}, not {other.solved:.4g})" if more else f"solved as many ({arm.solved:.4g})"
    if arm.dollars == other.dollars:
        return f"{solved} for as much ({dollars(arm.dollars)})"
    return f"{solved} for less ({dollars(arm.dollars)}, not {dollars(other.dollars)})"
