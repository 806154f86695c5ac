"""What a benchmark came to, in a sentence or two for each comparison."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_koderz.evidence.compare import Comparison
from pytest_koderz.evidence.findings import Findings, Frame
from pytest_koderz.evidence.savings import Savings

from .text import counted, dollars


@dataclass(frozen=True, slots=True)
class Sentence:
    """One finding, the short of it first."""

    claim: str
    """`matches`, as the evidence has it; empty where nothing is claimed."""
    head: str
    solved: str
    money: str


def sentences_of(frame: Frame, findings: Findings) -> Iterator[Sentence]:
    """The first one is what the benchmark was run for."""
    if not findings.control_ran:
        missing = "what a frontier model alone would have solved is not known here"
        yield Sentence("", f"{frame.control} did not run", missing, "")
    for one in findings.comparisons:
        yield Sentence(str(one.claim), _head(one), _solved(one), _money(one.savings))
    for arm, savings in findings.estimates.items():
        yield Sentence("", f"{arm}, an ESTIMATE", savings.assumption, _money(savings))


_HEADS = {
    "matches": "{arm} matches {control}",
    "better": "{arm} is better than {control}",
    "worse": "{arm} is worse than {control}",
}


def _head(one: Comparison) -> str:
    return _HEADS.get(one.claim, "{arm} against {control}: {claim}").format(
        arm=one.arm, control=one.control, claim=one.claim
    )


def _solved(one: Comparison) -> str:
    """`solved 29 of 31 problems, frontier-only 25: +12.9 points, 95 % [+0, +29], with a margin of 5 set beforehand`."""
    if one.difference is None:
        return "no problem was settled by both"
    limits = one.difference_interval
    interval = "" if limits is None else f", 95 % [{limits.low * 100:+.0f}, {limits.high * 100:+.0f}]"
    solved = f"solved {one.solved:.4g} of {counted(one.problems, 'problem')}, {one.control} {one.control_solved:.4g}"
    return f"{solved}: {one.difference * 100:+.1f} points{interval}; the margin is {one.margin * 100:g} points"


def _money(savings: Savings) -> str:
    """`$0.0804 instead of $0.0935: $0.0131 saved (14.0 %)`."""
    if savings.dollars is None:
        return "what it saves is unknown"
    word = "saved" if savings.dollars >= 0 else "more"
    share = "" if savings.share is None else f" ({abs(savings.share) * 100:.1f} %)"
    limits = savings.share_interval
    interval = "" if limits is None else f", 95 % of savings [{limits.low * 100:+.0f}, {limits.high * 100:+.0f}] %"
    spent = f"{dollars(savings.arm_dollars)} instead of {dollars(savings.control_dollars)}"
    return f"{spent}: {dollars(abs(savings.dollars))} {word}{share}{interval}"
