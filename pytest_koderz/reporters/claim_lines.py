"""What is claimed of each arm against the control, and what decides it, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from pytest_koderz.evidence.break_even import BreakEven, Purchase
from pytest_koderz.evidence.compare import Claim, Comparison, Doubt
from pytest_koderz.evidence.findings import Findings, Frame
from pytest_koderz.evidence.latency import Latency, Spread
from pytest_koderz.evidence.pilots import LEAST
from pytest_koderz.evidence.recovered_gap import GAP_FROM, RecoveredGap
from pytest_koderz.evidence.savings import FEW_CARRY, SHARE_FROM, Savings
from pytest_koderz.evidence.spared import Spared

from .place_lines import adequacy_words
from .strata_lines import strata_lines
from .text import counted, dollars, limits, telling

CARRIES = 0.2
"""A problem that carries more than this share of an arm's dollars is told of."""
FOR_DECISIONS = "koderz-blind"
"""The shipped arm whose loop the task's own examples end."""
MANY = 20
"""Of fewer problems one may well carry as much."""
SMALL = 0.001
"""Percent; a smaller level of a test is not told in digits."""


def verdict_lines(frame: Frame, findings: Findings, *, whole: bool = False) -> Iterator[str]:
    """Those of each arm, the first one's first; where the control did not run, the estimates."""
    if frame.shard:
        yield _shard_line(frame.part)
        return
    each = " per epoch" if any(figures.epochs > 1 for figures in findings.arms) else ""
    for comparison in findings.comparisons if findings.control_ran else ():
        yield from _comparison(comparison, frame)
        if comparison.arm in findings.gaps:
            yield from _gap(findings.gaps[comparison.arm], frame.control)
        yield from _savings(f"savings of {comparison.arm}{each}", comparison.savings)
        if comparison.savings_with_gpu is not None and frame.local_rate is not None:
            yield from _savings(at_rate(frame.local_rate), comparison.savings_with_gpu)
        if comparison.break_even is not None:
            yield from _break_even(comparison.break_even, frame.purchase)
        if comparison.latency is not None:
            yield from _latency(comparison.latency, whole)
        if whole:
            yield from strata_lines(comparison)
    if not findings.control_ran:
        yield from _estimates(frame, findings, each)
        for comparison in findings.comparisons:
            yield from _comparison(comparison, frame)


def _shard_line(part: str) -> str:
    if not part:
        return "a shard of a run: nothing is claimed of it; join the shards to compare the arms"
    return f"shard {part}: nothing is claimed of a part; --koderz-merge joins the shards to compare the arms"


def pair_lines(comparison: Comparison, frame: Frame, *, whole: bool = False) -> Iterator[str]:
    """Those of one comparison by itself."""
    yield from _comparison(comparison, frame)
    yield from _savings("dollars saved", comparison.savings)
    if comparison.savings_with_gpu is not None and frame.local_rate is not None:
        yield from _savings(at_rate(frame.local_rate), comparison.savings_with_gpu)
    if comparison.latency is not None:
        yield from _latency(comparison.latency, whole)


def note_lines(frame: Frame, findings: Findings) -> Iterator[str]:
    """At which levels the claims are made, and what is missing."""
    looks = findings.looks
    if looks and not frame.shard and (len(looks) > 1 or looks[-1].share < 1):
        look, level = looks[-1], 100 * findings.comparisons[0].level
        tested = f"at {level:.2g} %" if level >= SMALL else f"below {SMALL} %"
        yield (
            f"note: look {len(looks)}, at {look.problems} of {counted(look.planned, 'problem')}: each side is tested "
            f"{tested}, so that all looks together err in 2.5 %"
        )
    yield from _training(findings)
    if findings.spared is not None:
        yield f"note: {_spared(findings.spared, findings.comparisons)}"
    others = len(findings.comparisons) - 1
    if others > 1 and not frame.shard:
        yield f"note: the first arm is tested at the full level, the {others} others share one (Holm)"
    if frame.changed_margin is not None:
        yield (
            f"note: a margin of {frame.changed_margin * 100:g} points is post hoc, no claim rests on it: "
            f"the first one recorded is {frame.margin * 100:g}"
        )
    if findings.control_ran and not frame.shard and _all_by_oracle(findings):
        yield f"note: oracle stop: no user has those tests; decide by {FOR_DECISIONS}"
    few = [
        one for one in findings.comparisons if one.savings.share is not None and one.savings.experiments < SHARE_FROM
    ]
    if few and findings.control_ran and not frame.shard:
        yield f"note: savings have no interval below {SHARE_FROM} experiments an arm"


def _training(findings: Findings) -> Iterator[str]:
    """What of the problems a model may know beforehand, and where it solves other than what was published of it."""
    exposure = findings.exposure
    if exposure is not None:
        sets = ", ".join(f"{name or 'the problems'} ({day})" for name, day in exposure.datasets.items())
        yield f"note: the training of {', '.join(exposure.models)} may hold {sets}"
    for one in findings.unlike_published:
        measured = f"{one.share * 100:.1f} % [{one.interval.low * 100:.0f}, {one.interval.high * 100:.0f}]"
        published = f"{one.published.share * 100:.1f} % ({one.published.source})"
        yield f"note: {one.arm}'s first tries solve {measured}; published of {one.model} are {published}"


def _spared(spared: Spared, comparisons: Sequence[Comparison]) -> str:
    saved = "which saved dollars that are not known"
    if spared.dollars is not None:
        saved = f"which saved about {dollars(spared.dollars)} (an estimate: the mean so far)"
    undone = comparisons and comparisons[0].claim is Claim.INCONCLUSIVE
    then = "; what was under way then undid it: go on without `stop: decided`" if undone else ""
    problems = counted(spared.problems, "problem")
    return f"decided at {spared.at.problems} of {spared.at.planned}: {problems} not begun, {saved}{then}"


def _all_by_oracle(findings: Findings) -> bool:
    """Whether nothing shows what the loop would be worth where nobody has the tests."""
    blind = any(one.acceptance is not None and one.acceptance.loop for one in findings.arms)
    return not blind and any(one.oracle_stop for one in findings.comparisons)


def _estimates(frame: Frame, findings: Findings, each: str) -> Iterator[str]:
    yield f"{frame.control} did not run: nothing is known here of what a frontier model alone would have solved"
    for figures in (one for one in findings.arms if one.arm in findings.estimates):
        # What an unsolved problem saves is worth nothing: the two are not to be read apart.
        solved = f" for an arm that solved {figures.solved}/{figures.settled}"
        yield from _savings(f"savings of {figures.arm}{each}", findings.estimates[figures.arm], solved)
        if frame.local_rate is not None:
            yield from _savings(at_rate(frame.local_rate), findings.estimates_with_gpu[figures.arm], solved)


def _comparison(comparison: Comparison, frame: Frame) -> Iterator[str]:
    both = f"{comparison.arm} against {comparison.control}, measured on {counted(comparison.problems, 'problem')}"
    if not comparison.problems or comparison.difference is None:
        yield f"{both}: no problem was settled by both, nothing can be said"
        return
    yield f"{both}{_circumstances(comparison, frame)}: {_claim(comparison)}"
    alone = f"alone {comparison.only_arm} : {comparison.only_control}"
    yield f"  solved {_points(comparison)}, {alone}, {_p_value(comparison)}"
    if comparison.adequacy is not None:
        yield f"  its {adequacy_words(comparison.adequacy)}"
    yield from _left_out(comparison)
    if comparison.needed is not None:
        low, high = comparison.needed.low, comparison.needed.high
        most = "or more" if high is None else f"to {high:,}"
        yield f"  about {low:,}{'' if high == low else f' {most}'} problems would be needed for a conclusion"
    elif comparison.claim is Claim.INCONCLUSIVE and comparison.problems < LEAST:
        yield f"  too few to say how many a conclusion would take: run {LEAST} or more"


def _circumstances(comparison: Comparison, frame: Frame) -> str:
    """` (oracle stop; the first 50 of 164; cut short by a limit; 3 left out: not settled by both)`."""
    stop = "oracle stop" if comparison.oracle_stop else ""
    parts = [
        stop,
        frame.selection,
        _early(comparison, frame),
        f"a limit cut off {comparison.skipped}" if comparison.skipped else "",
    ]
    if comparison.left_out:
        parts.append(f"{comparison.left_out} left out: not settled by both")
    told = "; ".join(part for part in parts if part)
    return f" ({told})" if told else ""


def _early(comparison: Comparison, frame: Frame) -> str:
    begun = comparison.problems + comparison.left_out
    return "stopped when decided" if frame.stopped is not None and begun < (frame.planned or 0) else ""


def _claim(comparison: Comparison) -> str:
    """The word, and why it is not another one."""
    margin = f"{comparison.margin * 100:g}"
    word = comparison.claim.upper()
    why = _why(comparison, margin)
    if comparison.claim is Claim.MATCHES:
        return f"{word} (not worse by more than {margin} points{why})"
    if comparison.claim is Claim.INCONCLUSIVE:
        return f"{word} (margin {margin} points{why})"
    return f"{word} ({why.removeprefix('; ')})" if why else word


def _why(comparison: Comparison, margin: str) -> str:
    would = comparison.would_be.upper()
    if comparison.doubt is Doubt.FLOOR:
        sure = f"{comparison.control} surely solves {(comparison.floor or 0) * 100:.1f} %"
        return f"; no match at the floor: {sure}, less than twice {margin} points"
    if comparison.doubt is Doubt.MISSING:
        return f"; {would} only if what was lost is as the rest"
    if comparison.doubt is Doubt.LOOKS:
        return f"; {would} were it the only look"
    return f"; {would} were it the only arm" if comparison.doubt is Doubt.FAMILY else ""


def _left_out(comparison: Comparison) -> Iterator[str]:
    """The tipping point of a claim."""
    if comparison.would_be is Claim.INCONCLUSIVE or comparison.doubt is Doubt.FLOOR:
        return
    would = comparison.would_be.upper()
    number = comparison.lost if comparison.doubt is Doubt.MISSING else comparison.left_out
    if not number:
        return
    if comparison.turns_at is None:
        yield f"  {would} even if what was left out ({number}) went against it"
    else:
        yield f"  {would} no more if {comparison.turns_at} of the {number} left out went against it"


def _points(comparison: Comparison) -> str:
    interval, decisive = comparison.difference_interval, (0.0, -comparison.margin * 100)
    told = "" if interval is None else f" {limits(interval.low * 100, interval.high * 100, decisive)}"
    return f"{telling((comparison.difference or 0) * 100, decisive, 1)} points{told}"


def _gap(gap: RecoveredGap, control: str) -> Iterator[str]:
    if gap.problems < GAP_FROM:
        yield f"  no share of the gap from {gap.local} to {control} below {GAP_FROM} problems"
        return
    if gap.share is None or gap.interval is None:
        yield f"  no share of a gap: {control} is not surely better than {gap.local}"
        return
    told = limits(gap.interval.low * 100, gap.interval.high * 100).replace("+", "")
    yield f"  it recovers {gap.share * 100:.0f} % {told} of the gap from {gap.local} to {control}"


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
    share = "" if savings.share is None else f" ({telling(savings.share * 100, digits=1)} %)"
    spent = f"{dollars(savings.arm_dollars)} instead of {dollars(savings.control_dollars)}"
    if savings.kind == "estimate":
        yield f"  {name}, an ESTIMATE{whose}: {dollars(savings.dollars)}{share}: {spent}, {savings.assumption}"
        return
    yield f"  {name}, measured: {dollars(savings.dollars)}{share}{_interval(savings)}: {spent}"
    if savings.problems >= MANY and (savings.dearest or 0) > CARRIES:
        yield f"    one problem carries {(savings.dearest or 0) * 100:.0f} % of its dollars{_one_more(savings)}"
    elif savings.why_none == FEW_CARRY:
        yield f"    no interval, since {FEW_CARRY}"
    elif savings.why_none and savings.one_more is not None:
        yield f"    no interval, since one more at the cap would make it {telling(savings.one_more * 100)} %"


def _interval(savings: Savings) -> str:
    if savings.free:
        return ", GPU not counted"
    interval = savings.share_interval
    return "" if interval is None else f", 95 % {limits(interval.low * 100, interval.high * 100)} %"


def _one_more(savings: Savings) -> str:
    if savings.one_more is None:
        return ""
    none = ", so that there is no interval" if savings.why_none else ""
    return f"; one more at the cap would make it {telling(savings.one_more * 100)} %{none}"


def at_rate(local_rate: Decimal) -> str:
    exact = f"{local_rate.normalize():f}"
    return f"with the GPU at ${exact if len(exact.partition('.')[2]) > 2 else f'{local_rate:.2f}'} per hour"


def _break_even(even: BreakEven, purchase: Purchase | None) -> Iterator[str]:
    """`saves up to $1.14 [0.90, 1.46] per GPU-hour, and from 0.53 [0.41, 0.66] times the frontier's price on`."""
    parts = []
    if even.rate is not None:
        interval = even.rate_interval
        told = "" if interval is None else f" [{interval.low:,.2f}, {interval.high:,.2f}]"
        parts.append(f"up to ${even.rate:,.2f}{told} per GPU-hour" if even.rate > 0 else "at no price of a GPU-hour")
    if even.factor is not None:
        interval = even.factor_interval
        told = "" if interval is None else f" [{interval.low:,.2f}, {interval.high:,.2f}]"
        parts.append(f"from {even.factor:,.2f}{told} times the frontier's price on")
    if parts:
        yield f"  it saves {', and '.join(parts)}"
    if purchase is not None and even.rate is not None:
        yield f"  {_months(even, purchase)}"


def _months(even: BreakEven, purchase: Purchase) -> str:
    what = f"a GPU of ${purchase.price:,.0f} at {purchase.hours:,.0f} hours a month"
    months, interval = even.months(purchase), even.months_interval(purchase)
    if months is None:
        return f"{what} never pays for itself"
    told = "" if interval is None or interval[0] is None else f" [{interval[0]:,.1f}, {_or_never(interval[1])}]"
    return f"{what} pays for itself in {months:,.1f}{told} months"


def _or_never(months: float | None) -> str:
    return "never" if months is None else f"{months:,.1f}"


def _latency(latency: Latency, whole: bool) -> Iterator[str]:
    """`seconds per solved: 5.2 (p50 4.0, p95 9.1) instead of 2.0 (p50 1.9, p95 3.1)`, and calls."""
    mine, other = latency.arm, latency.control
    if mine.seconds.per_solved is None or other.seconds.per_solved is None:
        return
    yield f"  seconds per solved: {_spread(mine.seconds)} instead of {_spread(other.seconds)}"
    if whole:
        yield f"  calls in turn for it: {_spread(mine.calls)} instead of {_spread(other.calls)}"


def _spread(spread: Spread) -> str:
    return f"{spread.per_solved:,.1f} (p50 {spread.median:,.1f}, p95 {spread.p95:,.1f})"
