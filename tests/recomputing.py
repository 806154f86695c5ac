"""Recompute each number of a summary from what --koderz-json wrote: python tests/recomputing.py results.json

Written from the published formulas with scipy alone. Nothing of pytest_koderz is imported, or it would prove nothing.
For a benchmark of one epoch with known prices, whose control ran.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binomtest, multinomial, norm, t

Row = Mapping[str, Any]
"""An experiment, as the results hold it."""

SETTLED = ("solved", "unsolved")
RESAMPLES, SEED = 4999, 20_251_122
SHOWN = {1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000}
"""Iterations of which the summary has a line, beside the last one."""


def numbers_in(text: str) -> list[str]:
    """All numbers in their order, with sign and dollar; `+` is no part of them."""
    return re.findall(r"-?\$?\d+(?:,\d{3})*(?:\.\d+)?", text)


# The statistics.


def wilson(solved: int, settled: int) -> tuple[float, float]:
    low, high = binomtest(solved, settled).proportion_ci(method="wilson")
    return float(low), float(high)


def mcnemar(ours: int, theirs: int) -> float:
    """Exact and two-sided, of the problems that one side alone solved."""
    return float(binomtest(ours, ours + theirs).pvalue) if ours + theirs else 1.0


def tango(ours: Any, theirs: Any, problems: int, difference: float) -> Any:
    """The score statistic of a true *difference*: Tango (1998), Stat. Med. 17:891-908, equations 10 to 13."""
    linear = -ours - theirs + (2 * problems - ours + theirs) * difference
    constant = -theirs * difference * (1 - difference)
    alone = (np.sqrt(np.maximum(linear**2 - 8 * problems * constant, 0)) - linear) / (4 * problems)
    variance = np.maximum(problems * (2 * alone + difference * (1 - difference)), 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0, (ours - theirs - problems * difference) / np.sqrt(variance), 0.0)


def difference_interval(ours: int, theirs: int, problems: int) -> tuple[float, float]:
    """The differences that Tango's test does not reject at 5 %."""
    seen, z, edge = (ours - theirs) / problems, norm.ppf(0.975), 1 - 1e-12
    low = -1.0 if theirs == problems else brentq(lambda d: tango(ours, theirs, problems, d) - z, -edge, seen)
    high = 1.0 if ours == problems else brentq(lambda d: tango(ours, theirs, problems, d) + z, seen, edge)
    return float(low), float(high)


@cache
def not_inferior_p(ours: int, theirs: int, problems: int, margin: float) -> float:
    """The chance of a table as good as this one or better, were the arm worse by the margin, at its largest.

    Hsueh, Liu and Chen (2001), Biometrics 57:478-483; beyond 300 problems that of the normal distribution.
    """
    seen = float(tango(ours, theirs, problems, -margin))
    if problems > 300:
        return float(norm.sf(seen))
    grid = np.indices((problems + 1, problems + 1)).reshape(2, -1).T
    grid = grid[grid.sum(axis=1) <= problems]
    good = grid[tango(grid[:, 0], grid[:, 1], problems, -margin) >= seen - 1e-9]
    tables = np.column_stack([good, problems - good.sum(axis=1)])
    shares = margin + (1 - margin) * np.linspace(0, 1, 60) ** 2
    return max(_chance(tables, (share - margin) / 2, (share + margin) / 2) for share in shares)


def _chance(tables: Any, won: float, lost: float) -> float:
    return float(multinomial.pmf(tables, int(tables[0].sum()), [won, lost, max(0.0, 1 - won - lost)]).sum())


def claim_of(ours: int, theirs: int, problems: int, margin: float) -> str:
    low, high = difference_interval(ours, theirs, problems)
    if mcnemar(ours, theirs) <= 0.05 and (high < 0 or low > 0):
        return "worse" if high < 0 else "better"
    matches = low > -margin and not_inferior_p(ours, theirs, problems, margin) <= 0.025
    return "matches" if matches else "inconclusive"


def problems_needed(ours: int, theirs: int, problems: int, margin: float) -> int:
    """For a claim with a power of 80 %, should the shares stay as they are: Connor (1987), Biometrics 43:207-211."""
    seen, discordant = (ours - theirs) / problems, (ours + theirs) / problems
    goal = -margin if seen > -margin / 2 else 0.0
    at_goal = abs(seen - goal) * math.sqrt(problems) / abs(float(tango(ours, theirs, problems, goal)))
    reach = norm.ppf(0.975) * at_goal + norm.ppf(0.8) * math.sqrt(discordant - seen**2)
    size = math.ceil(max(float(reach / (seen - goal)) ** 2, problems + 1))

    def decided(size: int) -> bool:
        more, fewer = (round(count * size / problems) for count in (ours, theirs))
        return claim_of(more, fewer, size, margin) != "inconclusive"

    short = size - 1
    while not decided(size):
        short, size = size, math.ceil(size * 1.3)
    while size - short > 1:
        middle = (short + size) // 2
        short, size = (short, middle) if decided(middle) else (middle, size)
    return size


def savings_interval(saved: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Of sum(saved) / sum(theirs): the bootstrap-t over problems, Davison and Hinkley (1997), section 5.2.

    At least as wide as Student's, and widened for small samples by sqrt(1 + (30 / n)^2).
    """
    pairs, n = np.array([saved, theirs], dtype=float), len(saved)
    ratio, error = _ratio(pairs)
    drawn = np.random.default_rng(SEED).integers(n, size=(RESAMPLES, n))
    again = (_ratio(pairs[:, row]) for row in drawn)
    away = sorted((one - ratio) / spread if spread else math.copysign(math.inf, one - ratio) for one, spread in again)
    student = float(t.ppf(0.975, n - 1))
    # The inverse of the empirical distribution: the smallest value that a share of 2.5 or 97.5 % does not pass.
    low, high = (away[math.ceil(share * RESAMPLES) - 1] for share in (0.025, 0.975))
    error *= math.sqrt(1 + (30 / n) ** 2)
    return ratio - max(high, student) * error, ratio - min(low, -student) * error


def _ratio(pairs: Any) -> tuple[float, float]:
    """The ratio of two sums and its standard error by linearization."""
    ratio = pairs[0].sum() / pairs[1].sum()
    left = pairs[0] - ratio * pairs[1]
    n = len(left)
    return float(ratio), float(np.sqrt((left**2).sum() * n / (n - 1)) / pairs[1].sum())


# What the experiments add up to.


def solved(rows: Iterable[Row]) -> int:
    return sum(row["outcome"] == "solved" for row in rows)


def cost(rows: Iterable[Row], key: str = "cost_usd") -> Decimal:
    """A spec that another experiment paid for is counted here too."""
    return sum((row["counted"][key] for row in rows), Decimal(0))


def usd(dollars: Decimal) -> str:
    return f"{'-' if dollars < 0 else ''}${abs(dollars):,.4f}"


def per_solved(rows: Sequence[Row], key: str = "cost_usd") -> str:
    return usd(cost(rows, key) / solved(rows)) if solved(rows) else "-"


class Summary:
    """The numbers of a summary, in its order."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        about = results["benchmark"]
        self.rate, self.control, self.margin = about["local_rate"], about["control"], float(about["margin"])
        self.arms, self.alternatives = results["arms"], results["alternatives"]
        self.begun = {arm: [row for row in results["experiments"] if row["arm"] == arm] for arm in self.arms}
        self.settled = {arm: [row for row in rows if row["outcome"] in SETTLED] for arm, rows in self.begun.items()}

    def lines(self) -> Iterator[str]:
        yield from (f"{arm} {_table_row(rows)}" for arm, rows in self.settled.items())
        for arm in self.arms:
            yield from self._details(arm)
        for arm in self.arms:
            yield from self._money(arm)
        compared = [arm for arm in self.arms if arm != self.control]
        for arm in compared:
            yield from self._compared(arm)
        if any(len(self._pairs(arm)) < 50 for arm in compared):
            yield "no interval of savings below 50 experiments"
        if any(map(solved, self.settled.values())):
            yield from self._ranked()

    def _details(self, arm: str) -> Iterator[str]:
        rows = self.settled[arm]
        yield _by_role(rows)
        yield f"{cost(rows, 'tokens_in'):,} in, {cost(rows, 'tokens_out'):,} out"
        gpu = [part["gpu_seconds"] for row in rows for part in row["spent"] if part["gpu_seconds"] is not None]
        yield f"{sum(row['seconds'] for row in rows):,.1f} s {f'{sum(gpu):,.1f} GPU-seconds' if gpu else ''}"
        yield _rounds(rows)
        if self.rate is not None:
            key = "cost_with_gpu_usd"
            yield f"GPU at ${self.rate:.2f}: {usd(cost(rows, key))}, {per_solved(rows, key)}"
        yield from _circumstances(rows)
        if outside := Counter(row["outcome"] for row in self.begun[arm] if row["outcome"] not in SETTLED):
            paid = sum((row["cost_usd"] for row in self.begun[arm]), Decimal(0))
            yield f"not counted: {' '.join(map(str, outside.values()))}, {usd(paid)}"

    def _money(self, arm: str) -> Iterator[str]:
        rows = self.settled[arm]
        yield from _steps(rows)
        for known in self.arms[arm]["extra_solves"]:
            number, dollars, problems = self._extra(rows, known["by"], known["without"])
            price = usd(dollars / number) if number > 0 else "none"
            yield f"{known['by']}: {price} ({number:+} for {usd(dollars)}) {problems}"

    def _extra(self, rows: Sequence[Row], part: str, without: str | None) -> tuple[int, Decimal, int | str]:
        """Solved and dollars by which one arm passes that without the part; else those from when the part came."""
        if without:
            pairs = _paired(rows, self.settled[without])
            ours, theirs = [mine for mine, _ in pairs], [other for _, other in pairs]
            return solved(ours) - solved(theirs), cost(ours) - cost(theirs), len(pairs)
        came = [row for row in rows if any(_belongs(step, part) for step in row["steps"])]
        credited = [row for row in came if _fell_back(row) == (part == "fallback")]
        paid = sum((step["cost_usd"] for row in rows for step in row["steps"] if _belongs(step, part)), Decimal(0))
        return solved(credited), paid, ""

    def _pairs(self, arm: str) -> list[tuple[Row, Row]]:
        return _paired(self.settled[arm], self.settled[self.control])

    def _compared(self, arm: str) -> Iterator[str]:
        pairs = self._pairs(arm)
        n = len(pairs)
        won = sum(solved([mine]) > solved([other]) for mine, other in pairs)
        lost = sum(solved([mine]) < solved([other]) for mine, other in pairs)
        left = len({row["problem"] for name in (arm, self.control) for row in self.begun[name]}) - n
        claim = claim_of(won, lost, n, self.margin)
        about = f"(margin {100 * self.margin:g})" if claim in ("matches", "inconclusive") else ""
        yield f"{arm} {self.control} {n} {f'({left} left out)' if left else ''} {claim.upper()} {about}"
        low, high = difference_interval(won, lost, n)
        p = mcnemar(won, lost)
        yield f"{100 * (won - lost) / n:+.1f} [{100 * low:+.0f}, {100 * high:+.0f}], {won} : {lost},"
        yield f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
        if claim == "inconclusive":
            yield f"{problems_needed(won, lost, n, self.margin):,} needed"
        yield _savings(pairs, "cost_usd")
        if self.rate is not None:
            yield f"GPU at ${self.rate:.2f}: {_savings(pairs, 'cost_with_gpu_usd')}"

    def _ranked(self) -> Iterator[str]:
        shared = set.intersection(*({row["problem"] for row in rows} for rows in self.settled.values()))
        own = {arm: [row for row in rows if row["problem"] in shared] for arm, rows in self.settled.items()}
        key = "cost_usd" if self.rate is None else "cost_with_gpu_usd"
        yield f"on {len(shared)}"
        for one in self.alternatives:
            ours, theirs = own[one["arm"]], own[one["instead_of"]]
            more = "" if solved(ours) == solved(theirs) else solved(theirs)
            dearer = "" if cost(ours, key) == cost(theirs, key) else usd(cost(theirs, key))
            yield f"{one['arm']} {solved(ours)} {more} {usd(cost(ours, key))} {dearer}"
            yield "" if one["sure"] else f"uncertain with {len(shared)}"


def _table_row(rows: Sequence[Row]) -> str:
    low, high = wilson(solved(rows), len(rows))
    first, tried = (sum(row[key] for row in rows) for key in ("solved_first", "iterations"))
    shares = f"{solved(rows)}/{len(rows)} {100 * low:.0f} - {100 * high:.0f} % {first}/{len(rows)}"
    return f"{shares} {tried / len(rows):.1f} {usd(cost(rows))} {per_solved(rows)}"


def _by_role(rows: Iterable[Row]) -> str:
    roles: Counter[str] = Counter()
    for row in rows:
        roles.update(row["counted"]["cost_usd_by_role"])
    played = (role for role in ("spec", "local", "checkpoint", "fallback") if role in roles)
    return " ".join(usd(Decimal(roles[role])) for role in played)


def _rounds(rows: Iterable[Row]) -> str:
    tried = [step for row in rows for step in row["steps"] if step["phase"] != "checkpoint"]
    rare = [sum(step[word] for step in tried) for word in ("repeated", "truncated")]
    shares = (f"{count} ({100 * count / len(tried):.0f} %)" if count else "0" for count in rare)
    return f"{len(tried)} {' '.join(shares)}"


def _circumstances(rows: Sequence[Row]) -> Iterator[str]:
    if graded := [row["graded"] for row in rows if row["graded"]]:
        held = graded.count("passed")
        yield f"hold-out: {len(graded)} {held}, gap {100 * (len(graded) - held) / len(rows):.1f}"
    if fell := [row for row in rows if _fell_back(row)]:
        yield f"fallback: {len(fell)} {len(rows)} {solved(fell)}"
    if advised := sum(row["advice"] > 0 for row in rows):
        yield f"advised: {advised} {len(rows)}"
    if leaks := [leak for row in rows for leak in row["leaks"]]:
        whole = sum(leak.startswith("a complete solution") for leak in leaks)
        yield f"flagged: {sum(bool(row['leaks']) for row in rows)} {len(rows)} {len(leaks) - whole} {whole}"


def _steps(rows: Sequence[Row]) -> Iterator[str]:
    """How many came to each step of the loop, were solved after it, and what was spent by then."""
    steps = [("a spec", 0, row["spec"]["cost_usd"]) for row in rows if row["spec"]]
    steps += [(step["phase"], step["number"], step["cost_usd"]) for row in rows for step in row["steps"]]
    order = sorted({step[:2] for step in steps}, key=lambda step: (step[1], step[0] == "checkpoint"))
    last = max(number for phase, number in order if phase == "iteration")
    spent = Decimal(0)
    for phase, number in order if len(order) > 1 else ():
        paid = [dollars for *step, dollars in steps if step == [phase, number]]
        spent += sum(paid, Decimal(0))
        if phase != "iteration" or number in SHOWN | {last}:
            by_now = sum((row["solved_at"] or sys.maxsize) <= number for row in rows)
            yield f"{phase} {number if phase in ('iteration', 'checkpoint') else ''} {len(paid)} {by_now} {usd(spent)}"


def _belongs(step: Mapping[str, Any], part: str) -> bool:
    return step["phase"] == part.removesuffix("s") and (part != "iterations" or step["number"] > 1)


def _fell_back(row: Row) -> bool:
    return bool(row["steps"]) and row["steps"][-1]["phase"] == "fallback"


def _paired(rows: Iterable[Row], others: Iterable[Row]) -> list[tuple[Row, Row]]:
    by_problem = {row["problem"]: row for row in others}
    return [(row, by_problem[row["problem"]]) for row in rows if row["problem"] in by_problem]


def _savings(pairs: Sequence[tuple[Row, Row]], key: str) -> str:
    ours, theirs = cost((mine for mine, _ in pairs), key), cost((other for _, other in pairs), key)
    interval = ""
    if len(pairs) >= 50:
        differences = [float(other["counted"][key] - mine["counted"][key]) for mine, other in pairs]
        low, high = savings_interval(differences, [float(other["counted"][key]) for _, other in pairs])
        interval = f"95 % [{100 * low:+.0f}, {100 * high:+.0f}] %"
    return f"{usd(theirs - ours)} ({100 * (theirs - ours) / theirs:+.1f} %) {interval} {usd(ours)} {usd(theirs)}"


def recomputed(text: str) -> str:
    """The numbers of the summary whose results *text* holds, as lines."""
    return "\n".join(Summary(json.loads(text, parse_float=Decimal)).lines())


if __name__ == "__main__":
    print(recomputed(Path(sys.argv[1]).read_text()))  # noqa: T201 - a script
