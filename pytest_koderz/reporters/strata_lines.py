"""Where an arm gains on the control and where it loses, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_koderz.evidence.compare import Comparison
from pytest_koderz.evidence.strata import Basis, Stratum

from .text import counted, limits, percent, telling

_HEADS = {
    Basis.CONTROL: "by how many of the control's other epochs solved them",
    Basis.LENGTH: "by the length of the published solution",
    Basis.CATEGORY: "by category",
}
_ROWS = {
    Basis.CONTROL: "solved by {0} of the control's other epochs",
    Basis.LENGTH: "with {0} solutions",
    Basis.CATEGORY: "{0}",
}


def strata_lines(comparison: Comparison) -> Iterator[str]:
    """`short, 17 problems: 94 % instead of 88 %, +6 points [-13, +25]`, under what they are sorted by."""
    for basis, head in _HEADS.items():
        found = [one for one in comparison.strata if one.basis is basis]
        if found:
            yield f"  {head} (no claim rests on it)"
        for one in found:
            shares = f"{percent(one.solved)} instead of {percent(one.control_solved)}"
            yield f"    {one.name}, {counted(one.problems, 'problem')}: {shares}, {_points(one)} points {_limits(one)}"


def strata_rows(comparisons: Sequence[Comparison]) -> Iterator[tuple[str, ...]]:
    """The same as cells: arm, which problems, how many, both shares, difference, interval."""
    for comparison in comparisons:
        for one in comparison.strata:
            shares = (percent(one.solved), percent(one.control_solved))
            name = _ROWS[one.basis].format(one.name)
            yield (comparison.arm, name, str(one.problems), *shares, _points(one), _limits(one))


def _points(stratum: Stratum) -> str:
    return telling(stratum.difference * 100)


def _limits(stratum: Stratum) -> str:
    return limits(stratum.interval.low * 100, stratum.interval.high * 100)
