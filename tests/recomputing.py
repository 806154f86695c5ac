"""Recompute each number of a summary from what --koderz-json wrote: python tests/recomputing.py results.json

Written from the published formulas with scipy and statsmodels. Nothing of pytest_koderz is imported, or it would prove
nothing.
For a benchmark with known prices, whose control ran. A problem counts once, with the mean of its epochs.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from posixpath import commonpath, dirname
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binomtest, multinomial, multivariate_normal, norm, shapiro, t

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


def wilson(solved: int, settled: int, level: float = 0.95) -> tuple[float, float]:
    low, high = binomtest(solved, settled).proportion_ci(level, method="wilson")
    return float(low), float(high)


def mcnemar(ours: int, theirs: int) -> float:
    """Exact and two-sided, of the problems that one side alone solved."""
    return float(binomtest(ours, ours + theirs).pvalue) if ours + theirs else 1.0


def tango(ours: Any, theirs: Any, problems: float, difference: float) -> Any:
    """The score statistic of a true *difference*: Tango (1998), Stat. Med. 17:891-908, equations 10 to 13."""
    linear = -ours - theirs + (2 * problems - ours + theirs) * difference
    constant = -theirs * difference * (1 - difference)
    alone = (np.sqrt(np.maximum(linear**2 - 8 * problems * constant, 0)) - linear) / (4 * problems)
    variance = np.maximum(problems * (2 * alone + difference * (1 - difference)), 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0, (ours - theirs - problems * difference) / np.sqrt(variance), 0.0)


def difference_interval(ours: float, theirs: float, problems: float) -> tuple[float, float]:
    """The differences that Tango's test does not reject at 5 %."""
    seen, z, edge = (ours - theirs) / problems, norm.ppf(0.975), 1 - 1e-12
    low = -1.0 if theirs == problems else brentq(lambda d: tango(ours, theirs, problems, d) - z, -edge, seen)
    high = 1.0 if ours == problems else brentq(lambda d: tango(ours, theirs, problems, d) + z, seen, edge)
    return float(low), float(high)


def el_score(sample: Sequence[tuple[float, float]], size: float, mean: float) -> float:
    """How far the mean of *sample*, values from 0 to 1 with their weights, lies above *mean*, in standard errors.

    The variance is that of the likeliest distribution on the values and the bounds that has this mean: empirical
    likelihood, Owen (2001), section 2.2. By Lagrange each value has w / (level + slope * value), level + slope * mean
    is 1, and the bound 0, which was not seen, has what is left where the level comes to 0.
    """
    values, weights = (np.array(each, dtype=float) for each in zip(*sample, strict=True))
    lift = float(values @ weights) - mean
    if abs(lift) < 1e-9:
        return 0.0
    if lift < 0:
        return -el_score([(1 - value, weight) for value, weight in sample], size, 1 - mean)

    def over(level: float) -> float:
        return float((weights / (level + (1 - level) / mean * values)).sum()) - 1

    if values.min() > 0 and over(0.0) <= 0:
        spread = float((mean * weights / values) @ values**2) - mean**2
    else:
        level = brentq(over, 1e-13, 1 - 1e-9)
        spread = float((weights / (level + (1 - level) / mean * values)) @ values**2) - mean**2
    return lift / math.sqrt(spread / size)


def share_interval(clusters: Sequence[tuple[int, int]], level: float = 0.95) -> tuple[float, float]:
    """Of solved tries, `(solved, tries)` of each problem: the means that the score does not reject at 5 %, problems
    weighed by their tries (Kish's effective number of them), and at least as wide as Wilson's of the tries.
    """
    won, tries = (sum(each) for each in zip(*clusters, strict=True))
    low, high = wilson(won, tries, level)
    if tries == len(clusters):
        return low, high
    size, z = tries**2 / sum(n**2 for _, n in clusters), float(norm.ppf((1 + level) / 2))
    sample = [(x / n, n / tries) for x, n in clusters]
    ends = []
    for side in (sample, [(1 - value, weight) for value, weight in sample]):
        mean = sum(value * weight for value, weight in side)
        ends.append(brentq(lambda m, s=side: el_score(s, size, m) - z, 1e-9 * mean, mean) if mean > 1e-9 else 0.0)
    return min(low, ends[0]), max(high, 1 - ends[1])


@dataclass(frozen=True)
class Table:
    """How an arm and the control compare over problems, `(solved, tries)` of each."""

    pairs: tuple[tuple[tuple[int, int], tuple[int, int]], ...]

    @property
    def differences(self) -> list[float]:
        return [x / n - y / m for (x, n), (y, m) in self.pairs]

    @property
    def single(self) -> bool:
        """As if each had been tried once."""
        return set(self.differences) <= {-1, 0, 1}

    @property
    def alone(self) -> tuple[int, int]:
        return sum(each > 0 for each in self.differences), sum(each < 0 for each in self.differences)

    @property
    def cells(self) -> tuple[float, float, float]:
        """Problems that the arm alone solves, that the control does, and all, as many as vary like these did they have
        one try each: the design effect of clusters, Obuchowski (1998), Stat. Med. 17:1495-1507.
        """
        n = len(self.pairs)
        if self.single:
            return (*self.alone, n)
        shares = [(x / k, y / m) for (x, k), (y, m) in self.pairs]
        won, lost = sum(a * (1 - b) for a, b in shares), sum(b * (1 - a) for a, b in shares)
        mean, variance = float(np.mean(self.differences)), float(np.var(self.differences)) / n
        most = sum(min(k, m) for (_, k), (_, m) in self.pairs)
        size = n if variance < 1e-9 else min(max(((won + lost) / n - mean**2) / variance, n), most)
        return won * size / n, lost * size / n, size

    @property
    def sign_p(self) -> float:
        """Of as many tries of each."""
        signs = []
        for (x, n), (y, m) in self.pairs:
            signs.append(x / n - y / m)
        return mcnemar(sum(each > 0 for each in signs), sum(each < 0 for each in signs))

    def p_values(self, margin: float, sign_p: float | None = None) -> P:
        """Of the score test and of an exact one the larger."""
        won, lost, size = self.cells
        at_margin, at_zero = (float(tango(won, lost, size, d)) for d in (-margin, 0.0))
        half = (self.sign_p if sign_p is None else sign_p) / 2
        n = len(self.pairs)
        scored = (
            at_margin
            if self.single
            else el_score([((1 + d) / 2, 1 / n) for d in self.differences], n, (1 - margin) / 2)
        )
        exact = not_inferior_p(scored, n, margin) if at_margin > 0 else 1.0
        return (
            max(float(norm.sf(at_margin)), exact),
            max(float(norm.sf(at_zero)), half),
            max(float(norm.cdf(at_zero)), half),
        )


@cache
def not_inferior_p(seen: float, problems: int, margin: float) -> float:
    """The chance of a score of *seen* or more, were the arm worse by the margin, at its largest.

    Hsueh, Liu and Chen (2001), Biometrics 57:478-483; beyond 300 problems that of the normal distribution.
    """
    if problems > 300:
        return float(norm.sf(seen))
    grid = np.indices((problems + 1, problems + 1)).reshape(2, -1).T
    grid = grid[grid.sum(axis=1) <= problems]
    good = grid[tango(grid[:, 0], grid[:, 1], problems, -margin) >= seen - 1e-9]
    tables = np.column_stack([good, problems - good.sum(axis=1)])
    shares = margin + (1 - margin) * np.linspace(0, 1, 60) ** 2
    return max(_chance(tables, (share - margin) / 2, (share + margin) / 2) for share in shares)


def _chance(tables: Any, won: float, lost: float) -> float:
    if not len(tables):
        return 0.0
    return float(multinomial.pmf(tables, int(tables[0].sum()), [won, lost, max(0.0, 1 - won - lost)]).sum())


P = tuple[float, float, float]
"""One-sided p-values that the arm matches, is better, is worse."""
CLAIMS = ("worse", "better", "matches")


def p_of(claim: str, p: P) -> float:
    return p[("matches", "better", "worse").index(claim)]


def first_claim(p: P, level: float) -> str:
    return next((claim for claim in CLAIMS if p_of(claim, p) <= level), "inconclusive")


def level_at(looks: Sequence[tuple[int, int]], alpha: float) -> float:
    """Lan and DeMets (1983) with O'Brien and Fleming's kind of spending, by the multivariate normal distribution."""
    limits: list[float] = []
    level = alpha
    sizes = [problems for problems, _ in looks]
    for number, (problems, planned) in enumerate(looks, start=1):
        until = 2 * norm.sf(norm.isf(alpha / 2) / math.sqrt(min(1.0, problems / planned)))
        correlation = [[math.sqrt(min(a, b) / max(a, b)) for a in sizes[:number]] for b in sizes[:number]]

        def passed(limit: float, cov: Any = correlation, until: float = until) -> float:
            return float(1 - multivariate_normal.cdf([*limits, limit], cov=cov, abseps=1e-9, releps=1e-9)) - until

        limits.append(brentq(passed, 0, 8, xtol=1e-6) if number > 1 else float(norm.isf(until)))
        level = float(norm.sf(limits[-1]))
    return level


def rejected(p: Sequence[float], looks: Sequence[tuple[int, int]]) -> list[bool]:
    """Holm's procedure; at one look by statsmodels."""
    if not p:
        return []
    if len(looks) == 1 and looks[0][0] == looks[0][1]:
        from statsmodels.stats.multitest import multipletests  # takes seconds, and few need it

        return [bool(each) for each in multipletests(p, alpha=0.025, method="holm")[0]]
    return holm(p, lambda alpha: level_at(looks, alpha))


def holm(p: Sequence[float], level: Callable[[float], float] = lambda alpha: alpha) -> list[bool]:
    """Which p-values are as small as theirs and all smaller ones have to be."""
    order = np.argsort(p, kind="stable")
    kept = [p[place] <= level(0.025 / (len(p) - step)) for step, place in enumerate(order)]
    return [all(kept[: list(order).index(place) + 1]) for place in range(len(p))]


def problems_needed(cells: tuple[float, float, float], n: int, margin: float, floor: bool) -> list[int]:
    """For a conclusion with a power of 80 %, should the shares stay as they are, and in four of five of the worlds that
    Jeffreys' prior leaves: Connor (1987), Biometrics 43:207-211. Two digits, upwards; none beyond a million.
    *cells* are as if the *n* problems had one try each.
    """
    ours, theirs, problems = cells
    seen = np.array([[ours, theirs, problems - ours - theirs]]) / problems
    worlds = np.random.default_rng(SEED).dirichlet(np.maximum(seen[0] * problems, 0) + 0.5, 4000)
    sizes = [np.sort([_size(float(row[0]), float(row[1]), margin, floor) for row in rows]) for rows in (seen, worlds)]
    low, high = (float(each[math.ceil(0.8 * len(each)) - 1]) * n / problems for each in sizes)
    if low > 1e6:
        return []
    low = max(low, n + 1)
    return [_two_digits(low), *([_two_digits(max(low, high))] if high <= 1e6 else [])]


def _size(won: float, lost: float, margin: float, floor: bool) -> float:
    seen, spread = won - lost, math.sqrt(max(won + lost - (won - lost) ** 2, 1e-12))
    linear = -won - lost - (2 - won + lost) * margin
    at_margin = (math.sqrt(max(linear**2 - 8 * lost * margin * (1 + margin), 0)) - linear) / 2 - margin * (1 + margin)
    goals = [(abs(seen), max(won + lost, 1e-12))] + ([] if floor else [(seen + margin, max(at_margin, 1e-12))])
    reached = [
        ((norm.ppf(0.975) * math.sqrt(variance) + norm.ppf(0.8) * spread) / way) ** 2
        for way, variance in goals
        if way > 1e-9
    ]
    return min(reached, default=math.inf)


def _two_digits(number: float) -> int:
    unit = max(10 ** (len(str(int(number))) - 2), 1)
    return int(math.ceil(number / unit) * unit)


def paid_interval(
    ours: Sequence[float],
    theirs: Sequence[float],
    tries: int,
    *,
    logs: bool = True,
    standing: Sequence[Sequence[float]] = (),
) -> tuple[float, float]:
    """Of sum(ours) / sum(theirs): the bootstrap-t over problems, Davison and Hinkley (1997), section 5.2.

    On the scale of logarithms, at most 1.5 times as wide as Satterthwaite's, on the side of the tail at least as wide
    as Student's and sqrt(1 + 60 / tries) times as far; where costs are log-normal as far as Cox's limits on that side.
    Problems stand in the order of the numbers *standing*; none: of both sides.
    """
    sides = standing or (theirs, ours)
    places = [[round(value / (max(map(abs, side)) or 1), 10) for value in side] for side in sides]
    order = sorted(range(len(ours)), key=lambda place: [side[place] for side in places])
    pairs, n = np.array([ours, theirs], dtype=float)[:, order], len(ours)
    ratio, error = _ratio(pairs)
    drawn = np.concatenate([_indices(n, rows) for rows in _parts(n)])
    again = (_ratio(pairs[:, row]) for row in drawn)
    away = sorted(_away(one, spread, ratio, logs) for one, spread in again)
    # The inverse of the empirical distribution: the smallest value that a share of 2.5 or 97.5 % does not pass.
    low, high = (away[math.ceil(share * RESAMPLES) - 1] for share in (0.025, 0.975))
    student = float(t.ppf(0.975, n - 1))
    left = pairs[0] - ratio * pairs[1]
    kurtosis = n * (left**4).sum() / (left**2).sum() ** 2 if (left**2).sum() > 0 else 1.0
    freedom = min(max(2 * n / (kurtosis - 1), 2.0), n - 1) if kurtosis > 1 else n - 1
    most = max(student, 1.5 * float(t.ppf(0.975, freedom)))
    wider, upwards = math.sqrt(1 + 60 / tries), float((left**3).sum()) > 0
    reaches = [
        min(max(seen, student), most) * wider if of_tail else min(max(seen, 0.0), most)
        for seen, of_tail in ((-low, upwards), (high, not upwards))
    ]
    low, high = -reaches[0], reaches[1]
    if not logs:
        return ratio - high * error, ratio - low * error
    found = ratio * math.exp(-high * error / ratio), ratio * math.exp(-low * error / ratio)
    tail = _cox(*pairs)
    if tail is None:
        return found
    return min(found[0], tail[0] if np.ptp(theirs) else math.inf), max(found[1], tail[1] if np.ptp(ours) else 0.0)


_STREAMS: dict[int, Any] = {}


def _parts(n: int) -> list[int]:
    _STREAMS[n] = np.random.default_rng(SEED)
    return [min(256, RESAMPLES - start) for start in range(0, RESAMPLES, 256)]


def _indices(n: int, rows: int) -> Any:
    return _STREAMS[n].integers(n, size=(rows, n))


def _away(one: float, spread: float, ratio: float, logs: bool) -> float:
    if math.isclose(one, ratio, rel_tol=1e-9, abs_tol=1e-15):
        return 0.0
    way = (math.log(one / ratio) * one if one > 0 else -math.inf) if logs else one - ratio
    return way / spread if spread else math.copysign(math.inf, one - ratio)


def _cox(top: Any, bottom: Any) -> tuple[float, float] | None:
    """Zhou and Gao (1997), Stat. Med. 16:783-790, for a ratio of paired log-normal means."""
    if min(top.min(), bottom.min()) <= 0:
        return None
    logs, n = (np.log(top), np.log(bottom)), len(top)
    if any(np.ptp(each) >= 1e-9 and shapiro(each).pvalue <= 0.01 for each in logs):
        return None
    (a, between), (_, b) = np.cov(*logs)
    middle = logs[0].mean() - logs[1].mean() + (a - b) / 2
    error = math.sqrt(max((a + b - 2 * between) / n + (a * a + b * b - 2 * between**2) / (2 * (n - 1)), 0))
    reach = float(t.ppf(0.975, n - 1)) * error
    return math.exp(middle - reach), math.exp(middle + reach)


def _ratio(pairs: Any) -> tuple[float, float]:
    """The ratio of two sums and its standard error by linearization."""
    if not pairs[1].sum():
        return math.inf, 0.0
    ratio = pairs[0].sum() / pairs[1].sum()
    left = pairs[0] - ratio * pairs[1]
    n, squares = len(left), (left**2).sum()
    # What rounding leaves of equal terms is no spread.
    squares = 0.0 if squares <= 1e-12 * (pairs[0] ** 2).sum() else squares
    return float(ratio), float(np.sqrt(squares * n / (n - 1)) / pairs[1].sum())


def fieller(tops: Sequence[float], bottoms: Sequence[float]) -> tuple[float, float] | None:
    """The ratios r at which Student's test does not tell the mean of `top - r * bottom` from 0: Fieller (1954), J. R.
    Stat. Soc. B 16:175-185, as the roots of a polynomial. None where they are not all that lies between two.
    """
    n, (x, y) = len(tops), (np.mean(tops), np.mean(bottoms))
    cov, q = np.cov(tops, bottoms) / n, float(t.ppf(0.975, n - 1)) ** 2
    powers = [y**2 - q * cov[1, 1], -2 * (x * y - q * cov[0, 1]), x**2 - q * cov[0, 0]]
    if powers[0] <= 0:
        return None
    low, high = sorted(float(root.real) for root in np.roots(powers))
    return low, high


def pass_at_k(n: int, c: int, k: int) -> float:
    """Chen et al. (2021), figure 3 of arXiv:2107.03374."""
    return 1.0 if n - c < k else 1 - float(np.prod(1 - k / np.arange(n - c + 1, n + 1)))


# What the experiments add up to.


def solved(rows: Iterable[Row]) -> int:
    return sum(row["outcome"] == "solved" for row in rows)


def cost(rows: Iterable[Row], key: str = "cost_usd") -> Decimal:
    """A spec that another experiment paid for is counted here too."""
    return sum((row["counted"][key] for row in rows), Decimal(0))


def usd(dollars: Decimal) -> str:
    return f"{'-' if dollars < 0 else ''}${abs(dollars):,.4f}"


def by_problem(rows: Iterable[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: int(row["epoch"])):
        groups.setdefault(row["problem"], []).append(row)
    return groups


def mean(rows: Sequence[Row], amount: Callable[[Row], Any]) -> float:
    return float(sum(amount(row) for row in rows)) / len(rows)


def counts(rows: Sequence[Row]) -> tuple[int, int]:
    return solved(rows), len(rows)


def dollars_each(rows: Sequence[Row], key: str = "cost_usd") -> float:
    """Of one epoch of a problem."""
    return float(cost(rows, key) / len(rows))


def with_earlier(row: Row, rate: Decimal) -> Decimal:
    """US dollars of all attempts at an experiment, and of a spec that another one paid for; GPU-hours at *rate*."""
    spec, spent = row["spec"], [*row["spent"], *row["earlier"]]
    recalled = bool(spec) and spec["recalled_from"] not in (None, row["id"])
    seconds = sum(part["gpu_seconds"] or 0 for part in spent if part["cost_usd"] == 0)
    paid = sum((Decimal(part["cost_usd"]) for part in spent), Decimal(0)) + (spec["cost_usd"] if recalled else 0)
    return paid + Decimal(seconds) * rate / 3600


def per_solved(rows: Sequence[Row], rate: Decimal | None = None) -> str:
    """What attempts cost that do not count is paid for too."""
    whole = sum((with_earlier(row, rate or Decimal(0)) for row in rows), Decimal(0))
    return usd(whole / solved(rows)) if solved(rows) else "-"


class Summary:
    """The numbers of a summary, in its order."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        about = results["benchmark"]
        self.rate, self.control, self.margin = about["local_rate"], about["control"], float(about["margin"])
        self.arms, self.alternatives = results["arms"], results["alternatives"]
        self.selection, self.purchase = about["selection"] or "", about["purchase"]
        self.looks = [(look["problems"], look["planned"]) for look in about["looks"]]
        self.wrong_accept = about["wrong_accept"]
        self.even = {one["arm"]: one["break_even"] for one in results["comparisons"]}
        self.gaps = {one["arm"]: one["gap"] for one in results["comparisons"] if one["gap"]}
        self.begun = {arm: [row for row in results["experiments"] if row["arm"] == arm] for arm in self.arms}
        self.settled = {arm: [row for row in rows if row["outcome"] in SETTLED] for arm, rows in self.begun.items()}
        traits = {row["problem"]: row["traits"] for row in results["experiments"]}
        suites = {one["dataset"] for one in traits.values() if one["function"]}
        self.functions = {
            name: one["function"] and {**one["function"], "file": one["dataset"] + "/" + one["function"]["file"]}
            if len(suites) > 1
            else one["function"]
            for name, one in traits.items()
        }

    def places(self) -> list[dict[str, Any]]:
        """As the results have them: of each arm but the control its files, ranked, and classes of functions."""
        rows: list[dict[str, Any]] = []
        for arm in self.arms:
            if arm != self.control and any(self.functions[row["problem"]] for row in self.settled[arm]):
                rows += self._places(arm)
        return rows

    def _places(self, arm: str) -> Iterator[dict[str, Any]]:
        ran = bool(self.begun.get(self.control))
        shared = (
            {mine[0]["problem"] for mine, _ in self._pairs(arm)} if ran else {r["problem"] for r in self.settled[arm]}
        )
        known = {name: self.functions[name] for name in sorted(shared) if self.functions[name]}
        files = {file: [name for name in known if known[name]["file"] == file] for file in _each(known, "file")}
        told = [self._place(arm, "file", file, problems) for file, problems in files.items()]
        for row in told:
            row["advice"] = _advice(row, float(self.margin))
        some = [row for row in told if row["problems"] >= 5]
        parts = [self._within([k for k, f in self.functions.items() if f and f["file"] == row["name"]]) for row in some]
        if ran:
            worst = [part._worst(arm) for part in parts]
            equal = holm(
                [p[1] if part._floor(arm) is not None else min(p[:2]) for part, p in zip(parts, worst, strict=True)]
            )
            lower = holm([p[2] for p in worst])
        else:
            level = 1 - 0.05 / max(len(some), 1)
            limits = [
                share_interval([counts(g) for g in by_problem(part.settled[arm]).values()], level) for part in parts
            ]
            equal, lower = [low > 0.5 for low, _ in limits], [high < 0.5 for _, high in limits]
        for row, local, other in zip(some, equal, lower, strict=True):
            row["sure"] = (row["advice"] == "local" and local) or (row["advice"] == "hand over" and other)
        yield from sorted(told, key=_place_in_list)
        for by, (trait, least) in CLASSES.items():
            for number, low in enumerate(least):
                high = least[number + 1] - 1 if number + 1 < len(least) else math.inf
                name = f"{low} or more" if high == math.inf else f"{low}" if low == high else f"{low} to {high}"
                part = [key for key, one in known.items() if one[trait] is not None and low <= one[trait] <= high]
                if part:
                    yield self._place(arm, by, name, part)

    def _within(self, problems: Collection[str]) -> Summary:
        """That of some problems alone."""
        part = copy(self)
        part.begun = {arm: [r for r in rows if r["problem"] in problems] for arm, rows in self.begun.items()}
        part.settled = {arm: [r for r in rows if r["problem"] in problems] for arm, rows in self.settled.items()}
        return part

    def _place(self, arm: str, by: str, name: str, problems: Sequence[str]) -> dict[str, Any]:
        part, key = self._within(problems), "cost_usd" if self.rate is None else "cost_with_gpu_usd"
        mine = list(by_problem(part.settled[arm]).values())
        row: dict[str, Any] = dict.fromkeys(("control_solved", "control_cost_usd", "difference", "difference_interval"))
        shown = {
            "saved_usd": None,
            "advice": None,
            "sure": False,
            "adequacy": adequacy(map(self.functions.get, problems)),
        }
        row |= {"arm": arm, "control": None, "by": by, "name": name, "problems": len(mine), **shown}
        row["solved"], row["solved_interval"] = _solves(mine) / len(mine), list(share_interval([*map(counts, mine)]))
        row["cost_usd"] = float(sum(dollars_each(rows, key) for rows in mine))
        if self.begun.get(self.control):
            others = [other for _, other in part._pairs(arm)]
            row |= {"control": self.control, "control_solved": _solves(others) / len(others)}
            row["control_cost_usd"] = float(sum(dollars_each(rows, key) for rows in others))
            row["difference"] = row["solved"] - row["control_solved"]
            row["difference_interval"] = list(difference_interval(*part._table(arm).cells))
            row["saved_usd"] = row["control_cost_usd"] - row["cost_usd"]
        return row

    def lines(self) -> Iterator[str]:
        compared = [arm for arm in self.arms if arm != self.control]
        self.claims = self._claims(compared)
        for arm in compared:
            yield from self._compared(arm)
        yield from (f"{arm} {_table_row(rows)}" for arm, rows in self.settled.items())
        for arm in self.arms:
            yield from self._details(arm)
        yield from _placed(self.places(), weak_tests(self.functions))
        for arm in self.arms:
            yield from self._money(arm)
        if any(map(solved, self.settled.values())):
            yield from self._ranked()
        yield from self._notes(compared)

    def _notes(self, compared: Sequence[str]) -> Iterator[str]:
        if len(self.looks) > 1 or self.looks[-1][0] < self.looks[-1][1]:
            level = f"{100 * level_at(self.looks, 0.025):.2g}"
            yield f"{len(self.looks)} {self.looks[-1][0]} {self.looks[-1][1]} {level} 2.5"
        if len(compared) > 2:
            yield f"{len(compared) - 1} share a level"
        if any(sum(len(mine) for mine, _ in self._pairs(arm)) < 60 for arm in compared):
            yield "no interval of savings below 60 experiments"

    def _claims(self, compared: Sequence[str]) -> dict[str, str]:
        """The first arm by the level of this look, the others by Holm's procedure."""
        claims: dict[str, str] = {}
        for family in (compared[:1], compared[1:]):
            worst = {arm: self._worst(arm) for arm in family}
            for claim in reversed(CLAIMS):
                passed = rejected([p_of(claim, p) for p in worst.values()], self.looks)
                claims |= {arm: claim for arm, decided in zip(worst, passed, strict=True) if decided}
        return {arm: claims.get(arm, "inconclusive") for arm in compared}

    def _seen(self, arm: str) -> P:
        """The sign test has as many epochs of each, or the one with more would be more often right and wrong."""
        even = [(mine[: len(other)], other[: len(mine)]) for mine, other in self._pairs(arm)]
        sign_p = _table_of(even).sign_p
        return self._at_floor(arm, self._table(arm).p_values(self.margin, sign_p))

    def _at_floor(self, arm: str, p: P) -> P:
        return p if self._floor(arm) is None else (1.0, *p[1:])

    def _floor(self, arm: str) -> float | None:
        """What the control is sure to solve, where that is less than twice the margin or the arm solves nothing."""
        pairs = self._pairs(arm)
        low = share_interval([counts(other) for _, other in pairs])[0]
        return low if self.margin > low / 2 or not any(solved(mine) for mine, _ in pairs) else None

    def _table(self, arm: str) -> Table:
        return _table_of(self._pairs(arm))

    def _gaps(self, arm: str, outcomes: Collection[str]) -> list[Gap]:
        """Of both on each problem of which a try is missing in this way: solved, settled and missing tries."""
        sides = [by_problem(self.begun[name]) for name in (arm, self.control)]
        never = (0, 0, int("skipped" in outcomes))
        both = [
            tuple(_attempts(side[key], outcomes) if key in side else never for side in sides)
            for key in dict.fromkeys((*sides[0], *sides[1]))
        ]
        return [(a, b) for a, b in both if a[2] + b[2] and a[1] + a[2] and b[1] + b[2]]

    def _turned(self, arm: str, gaps: Sequence[Gap], turned: int, claim: str) -> float:
        """The p-value of a claim had the first *turned* of all *gaps* gone against it."""
        pairs = list(self._whole(arm, gaps))
        pairs += [_against(gap, claim) for gap in gaps[:turned]]
        pairs += [(a[:2], b[:2]) for a, b in gaps[turned:] if a[1] and b[1]]
        return p_of(claim, Table(tuple(pairs)).p_values(self.margin))

    def _whole(self, arm: str, gaps: Sequence[Gap]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Those that are no gaps: as many of each kind are taken away as gaps were compared."""
        left = Counter((a[:2], b[:2]) for a, b in gaps if a[1] and b[1])
        for pair in self._table(arm).pairs:
            if left[pair]:
                left[pair] -= 1
            else:
                yield pair

    def _worst(self, arm: str) -> P:
        gaps = self._gaps(arm, ("invalid", "running"))
        seen = self._seen(arm)
        if not gaps:
            return seen
        worst = (self._turned(arm, gaps, len(gaps), claim) for claim in ("matches", "better", "worse"))
        matches, better, worse = worst
        return max(matches, seen[0]), max(better, seen[1]), max(worse, seen[2])

    def _turns(self, arm: str, claim: str, outcomes: Collection[str]) -> int | None:
        """How many of them would undo the claim, those first that weigh most."""

        def weight(gap: Gap) -> float:
            (x, n), (y, m) = _against(gap, claim)
            return (x / n - y / m) * (-1 if claim == "worse" else 1)

        gaps = sorted(self._gaps(arm, outcomes), key=weight)
        counts = (count for count in range(1, len(gaps) + 1) if self._turned(arm, gaps, count, claim) > 0.025)
        return next(counts, None)

    def _details(self, arm: str) -> Iterator[str]:
        rows = self.settled[arm]
        yield _by_role(rows)
        yield f"{cost(rows, 'tokens_in'):,} in, {cost(rows, 'tokens_out'):,} out"
        gpu = [part["gpu_seconds"] for row in rows for part in row["spent"] if part["gpu_seconds"] is not None]
        yield f"{sum(row['seconds'] for row in rows):,.1f} s {f'{sum(gpu):,.1f} GPU-seconds' if gpu else ''}"
        yield _rounds(rows)
        if self.rate is not None:
            key = "cost_with_gpu_usd"
            yield f"GPU at ${self.rate:.2f}: {usd(cost(rows, key))}, {per_solved(rows, self.rate)}"
        yield from _first_replies(rows)
        yield from _curve(rows)
        yield from self._acceptance(rows)
        yield from self._adequacy({row["problem"] for row in rows})
        yield from _circumstances(rows)
        outside = Counter(row["outcome"] for row in self.begun[arm] if row["outcome"] not in SETTLED)
        again = sum(bool(row["earlier"]) for row in rows)
        if outside or again:
            paid = sum((row["paid_usd"] for row in self.begun[arm]), Decimal(0))
            numbers = [outside[word] for word in ("invalid", "skipped", "running") if outside[word]]
            yield f"not counted: {' '.join(map(str, numbers))} {again or ''}, {usd(paid)}"

    def _adequacy(self, problems: Iterable[str]) -> Iterator[str]:
        told = adequacy(map(self.functions.get, problems))
        if told is not None:
            yield f"refuse {100 * told['median']:.0f} % {100 * told['lowest']:.0f} %"

    def _acceptance(self, rows: Sequence[Row]) -> Iterator[str]:
        """What was taken for the answer though the grading tests refuse it, and what was not though they pass it."""
        blind = [row for row in rows if row["accept_on"] != "base"]
        price = Decimal(self.wrong_accept or 0)
        if blind:
            taken = [row for row in blind if _accepted(row)]
            refused = [row for row in blind if not _accepted(row)]
            wrong, right = len(taken) - solved(taken), sum(row["graded"] == "passed" for row in refused)
            told = f"({usd(wrong * price)} {usd(price)})" if price else ""
            yield f"accepted {len(taken)} of {len(blind)}: {wrong} {told} {right}"
        elif price and all(row["iterations"] == 1 for row in rows):
            taken = [row for row in rows if row["steps"][-1]["outcome"] != "no code"]
            if wrong := len(taken) - solved(taken):
                yield f"accepted {len(taken)} of {len(rows)}: {wrong} ({usd(wrong * price)} {usd(price)})"

    def _money(self, arm: str) -> Iterator[str]:
        rows = self.settled[arm]
        yield from _steps(rows)
        for known in self.arms[arm]["extra_solves"]:
            yield f"{known['by']}: {' '.join(self._extra(rows, known['by'], known['without']))}"

    def _extra(self, rows: Sequence[Row], part: str, without: str | None) -> tuple[str, str]:
        """Solved and dollars by which one arm passes that without the part; else those from when the part came."""
        if without:
            pairs = _paired(rows, self.settled[without])
            table, n = _table_of(pairs), len(pairs)
            number = sum(table.differences)
            dollars = sum((cost(mine) / len(mine) - cost(other) / len(other) for mine, other in pairs), Decimal(0))
            low, high = (limit * n for limit in difference_interval(*table.cells))
            more = f"{n} {table.alone[0]} : {table.alone[1]}"
        else:
            came = [row for row in rows if any(_belongs(step, part) for step in row["steps"])]
            credited = [row for row in came if _fell_back(row) == (part == "fallback")]
            if part == "iterations":
                credited = [row for row in credited if (row["solved_at"] or 0) > 1]
            number, more = solved(credited), ""
            dollars = sum((s["cost_usd"] for row in rows for s in row["steps"] if _belongs(s, part)), Decimal(0))
            won = Counter(row["problem"] for row in credited if row["outcome"] == "solved")
            shares = [(won[key], len(group)) for key, group in by_problem(rows).items()]
            low, high = (limit * len(rows) for limit in share_interval(shares))
        price = usd(dollars / Decimal(number)) if number > 0 else "none"
        return price, f"({number:+.3g} [{low:+.0f}, {high:+.0f}] for {usd(dollars)}) {more}"

    def _pairs(self, arm: str) -> list[tuple[list[Row], list[Row]]]:
        return _paired(self.settled[arm], self.settled[self.control])

    def _compared(self, arm: str) -> Iterator[str]:
        table, n = self._table(arm), len(self._pairs(arm))
        won, lost = table.alone
        begun = [row for name in (arm, self.control) for row in self.begun[name]]
        skipped = len({row["problem"] for row in begun if row["outcome"] == "skipped"})
        left = len({row["problem"] for row in begun}) - n
        even = [(mine[: len(other)], other[: len(mine)]) for mine, other in self._pairs(arm)]
        p = _table_of(even).sign_p
        claim, alone = self.claims[arm], first_claim(table.p_values(self.margin, p), 0.025)
        margin, floor = f"{100 * self.margin:g}", self._floor(arm)
        about = f"(margin {margin})" if claim in ("matches", "inconclusive") else ""
        at_floor = alone == "matches" and floor is not None
        sure = f"{100 * (floor or 0):.1f} {margin}" if at_floor else ""
        yield f"{arm} {self.control} {n} ({self.selection} {skipped or ''} {left or ''}) {claim} {about} {sure}"
        low, high = (_telling(100 * d, (0, -100 * self.margin)) for d in difference_interval(*table.cells))
        seen = 100 * float(np.mean(table.differences))
        yield f"{_telling(seen, (0, -100 * self.margin), 1)} [{low}, {high}], {won} : {lost},"
        yield f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
        yield from self._adequacy(mine[0]["problem"] for mine, _ in self._pairs(arm))
        lost_ones = self._gaps(arm, ("invalid", "running"))
        if alone != "inconclusive" and not at_floor:
            doubted = first_claim(self._worst(arm), 0.025) != alone
            out = ("invalid", "running") if doubted else ("invalid", "running", "skipped")
            number = len(lost_ones) if doubted else left
            yield f"{self._turns(arm, alone, out) or ''} {number or ''}"
        if claim == "inconclusive" and n < 50:
            yield "too few: run 50"
        elif claim == "inconclusive" and (alone == claim or at_floor):
            needed = problems_needed(table.cells, n, self.margin, floor is not None)
            yield f"{' '.join(f'{each:,}' for each in dict.fromkeys(needed))} needed"
        yield from self._recovered(arm)
        yield self._saved(arm, "cost_usd")
        if self.rate is not None:
            yield f"GPU at ${self.rate:.2f}: {self._saved(arm, 'cost_with_gpu_usd')}"
        yield from self._break_even(arm)
        yield from self._latency(arm)
        yield from _strata(self._pairs(arm))

    def _recovered(self, arm: str) -> Iterator[str]:
        """The share of the gap from the local model alone to the control, on the problems that all three settled."""
        if arm not in self.gaps:
            return
        names = (arm, self.gaps[arm]["local"], self.control)
        groups = [by_problem(self.settled[name]) for name in names]
        shared = [key for key in groups[0] if key in groups[1] and key in groups[2]]
        mine, low, high = (
            [mean(group[key], lambda row: row["outcome"] == "solved") for key in shared] for group in groups
        )
        tops, bottoms = ([one - other for one, other in zip(side, low, strict=True)] for side in (mine, high))
        limits = fieller(tops, bottoms) if sum(bottoms) > 0 and len(shared) >= 60 else None
        if len(shared) < 60:
            yield "no share of the gap below 60"
        elif limits:
            told = ", ".join(_telling(100 * limit) for limit in limits)
            yield f"{100 * sum(tops) / sum(bottoms):.0f} [{told}]"

    def _saved(self, arm: str, key: str) -> str:
        pairs = self._pairs(arm)
        ours = [dollars_each(rows, key) for rows, _ in pairs]
        mine, other = (
            sum((cost(rows, key) / len(rows) for rows in side), Decimal(0)) for side in zip(*pairs, strict=True)
        )
        share = _telling(float(100 * (other - mine) / other), (0,), 1)
        interval, more = self._share_interval(arm, key)
        dearest = max(ours) / sum(ours) if sum(ours) else 0.0
        told = ""
        if len(ours) >= 20 and dearest > 0.2:
            told = f"{100 * dearest:.0f} % {'' if more is None else _telling(100 * more)}"
        elif not interval and more is not None:
            told = _telling(100 * more)
        return f"{usd(other - mine)} ({share} %) {interval} {usd(mine)} {usd(other)} {told}"

    def _share_interval(self, arm: str, key: str) -> tuple[str, float | None]:
        """And what the share would be with one more problem at the cap."""
        pairs = self._pairs(arm)
        ours, theirs = ([dollars_each(rows, key) for rows in side] for side in zip(*pairs, strict=True))
        tries = sum(len(mine) for mine, _ in pairs)
        if tries < 60 or not sum(ours):
            return "", None
        n = len(ours)
        caps = [self._cap(name, [pair[side] for pair in pairs], key) for side, name in enumerate((arm, self.control))]
        more = 1 - (sum(ours) + caps[0]) / (sum(theirs) * (1 + 1 / n))
        other = 1 - sum(ours) * (1 + 1 / n) / (sum(theirs) + caps[1])
        low, high = paid_interval(ours, theirs, tries)
        if high > 100 * low or not all(1 - high - 1e-9 <= each <= 1 - low + 1e-9 for each in (more, other)):
            return "", more
        return f"95 % [{_telling(100 - 100 * high)}, {_telling(100 - 100 * low)}] %", more

    def _cap(self, arm: str, problems: Sequence[Sequence[Row]], key: str) -> float:
        """US dollars of one more problem at the arm's cap: each step at its mean, over those that are compared."""
        rows, cap = [row for each in problems for row in each], self.arms[arm]["cap"]
        seen = max(dollars_each(each, key) for each in problems)
        steps = {
            phase: [float(s["cost_usd"]) for row in rows for s in row["steps"] if s["phase"] == phase]
            for phase in PHASES
        }
        steps["spec"] = [float(row["spec"]["cost_usd"]) for row in rows if row["spec"]]
        average = {phase: sum(paid) / len(paid) if paid else 0.0 for phase, paid in steps.items()}
        unseen = max(average.values())
        each = {phase: average[phase] if steps[phase] else unseen for phase in ("checkpoint", "fallback")}
        iterations = max(row["iterations"] for row in rows) if cap is None else cap["iterations"]
        checkpoints = max(row["checkpoints"] for row in rows) if cap is None else cap["checkpoints"]
        gpu = sum(_gpu_hours(row) for row in rows) * float(self.rate or 0) * (key == "cost_with_gpu_usd")
        iteration = average["iteration"] + gpu / sum(row["iterations"] for row in rows)
        last = each["fallback"] if cap is not None and cap["falls_back"] else 0.0
        return float(max(seen, average["spec"] + iterations * iteration + checkpoints * each["checkpoint"] + last))

    def _break_even(self, arm: str) -> Iterator[str]:
        pairs, told = self._pairs(arm), self.even[arm]
        paid, theirs = ([dollars_each(rows) for rows in side] for side in zip(*pairs, strict=True))
        hours, their_hours = ([float(mean(rows, _gpu_hours)) for rows in side] for side in zip(*pairs, strict=True))
        tokens = [
            mean(mine, lambda row: float(row["counted"]["cost_usd_by_role"].get("local", 0))) for mine, _ in pairs
        ]
        local = [float(each) + float(self.rate or 0) * float(more) for each, more in zip(tokens, hours, strict=True)]
        frontier = [whole - each for whole, each in zip(paid, tokens, strict=True)]
        interval, more = self._share_interval(arm, "cost_usd")
        tries = sum(len(mine) for mine, _ in pairs)
        sure = tries >= 60 and (bool(interval) or more is None)
        none = [0.0] * len(pairs)
        rate = _flip(paid, hours, theirs, their_hours)
        limits = (
            _checked(told["usd_per_gpu_hour_interval"], (paid, hours, theirs, their_hours), tries) if sure else None
        )
        if rate is not None and rate > 0:
            yield f"${rate:,.2f} {_shown(limits)}"
        times = _flip(frontier, local, theirs, none)
        if times is not None and times > 0:
            factors = told["frontier_price_factor_interval"] if sure else None
            turned = [1 / float(each) for each in factors[::-1]] if factors else None
            again = _checked(turned, (frontier, local, theirs, none), tries)
            yield f"{1 / times:,.2f} {_shown(again and [1 / each for each in again[::-1]])}"
        if self.purchase and rate is not None:
            yield self._months(rate, limits)

    def _months(self, rate: float, limits: Sequence[float] | None) -> str:
        """Dollars of the GPU over those that its hours of a month save."""
        price, hours = float(self.purchase["usd"]), float(self.purchase["hours"])
        what = f"${price:,.0f} {hours:,.0f}"
        rates = (rate, *(limits or ())[::-1]) if rate > 0 else ()
        return f"{what} {' '.join(f'{price / (each * hours):,.1f}' for each in rates if each > 0)}"

    def _latency(self, arm: str) -> Iterator[str]:
        sides = list(zip(*self._pairs(arm), strict=True))
        if not all(any(map(solved, side)) for side in sides):
            return
        for amount in (lambda row: row["seconds"], _calls):
            yield " ".join(shown for side in sides for shown in _shown_pace(side, amount))

    def _ranked(self) -> Iterator[str]:
        groups = {arm: by_problem(rows) for arm, rows in self.settled.items() if rows}
        shared = set.intersection(*(set(group) for group in groups.values()))
        own = {arm: [group[key] for key in group if key in shared] for arm, group in groups.items()}
        key = "cost_usd" if self.rate is None else "cost_with_gpu_usd"
        places = {
            arm: (_solves(each), sum((cost(r, key) / len(r) for r in each), Decimal(0))) for arm, each in own.items()
        }
        yield f"on {len(shared)}"
        for one in self.alternatives:
            (ours, paid), (theirs, dollars) = places[one["arm"]], places[one["instead_of"]]
            more = "" if ours == theirs else f"{theirs:.4g}"
            dearer = "" if paid == dollars else usd(dollars)
            yield f"{one['arm']} {ours:.4g} {more} {usd(paid)} {dearer}"
            yield "" if one["sure"] or one["oracle_stop"] else f"uncertain with {len(shared)}"


Gap = tuple[tuple[int, int, int], tuple[int, int, int]]
"""Solved, settled and missing tries of the arm and of the control on one problem."""


def _attempts(rows: Sequence[Row], outcomes: Collection[str]) -> tuple[int, int, int]:
    settled = [row for row in rows if row["outcome"] in SETTLED]
    return solved(settled), len(settled), sum(row["outcome"] in outcomes for row in rows)


def _against(gap: Gap, claim: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """What is missing all solved by one and by the other not."""
    (x, n, missing), (y, m, other) = gap
    favour = claim == "worse"
    return (x + missing * favour, n + missing), (y + other * (not favour), m + other)


def _table_of(pairs: Iterable[tuple[Sequence[Row], Sequence[Row]]]) -> Table:
    return Table(tuple((counts(mine), counts(other)) for mine, other in pairs))


def _solves(problems: Iterable[Sequence[Row]]) -> float:
    return sum(solved(rows) / len(rows) for rows in problems)


def _accepted(row: Row) -> bool:
    """Whether its last candidate is its answer: no test of the loop refused it, or the fallback wrote it."""
    tried = [step for step in row["steps"] if step["phase"] != "checkpoint"]
    return bool(tried) and (tried[-1]["phase"] == "fallback" or tried[-1]["outcome"] in ("passed", "untested"))


def _first_replies(rows: Sequence[Row]) -> Iterator[str]:
    """pass@k of the first replies, where epochs are independent samples: other seeds, and no spec in common."""
    groups = by_problem(rows).values()
    fewest, most = min(map(len, groups)), max(map(len, groups))
    specs = [[row["spec"]["recalled_from"] or row["id"] for row in group if row["spec"]] for group in groups]
    seeds = [[row["seed"] for row in group] for group in groups]
    if fewest < 2 or any(len(set(each)) < len(each) for each in (*specs, *seeds)):
        return
    passes = [(len(group), sum(row["solved_first"] for row in group)) for group in groups]
    shown = [k for k in range(1, fewest + 1) if k in (1, 2, 3, 5, 10, 20, 50, 100, fewest)]
    yield f"{most} " + " ".join(f"{k} {np.mean([pass_at_k(n, c, k) for n, c in passes]):.3f}" for k in shown)


def _curve(rows: Sequence[Row]) -> Iterator[str]:
    """Solved within 1, 2, ... iterations, each with the interval of a share."""
    most = max((row["iterations"] for row in rows), default=0)
    told = []
    for cap in sorted(SHOWN & set(range(1, most)) | {most}) if most > 1 else ():
        within = [[(row["solved_at"] or sys.maxsize) <= cap for row in group] for group in by_problem(rows).values()]
        low, high = share_interval([(sum(group), len(group)) for group in within])
        told.append(f"{cap} {100 * sum(map(sum, within)) / len(rows):.0f} {100 * low:.0f} {100 * high:.0f}")
    if told:
        yield " ".join(told)


def _strata(pairs: Sequence[tuple[list[Row], list[Row]]]) -> Iterator[str]:
    """Each epoch of the control by its others; with one epoch problems by length, in thirds; then by category."""
    if all(len(other) > 1 for _, other in pairs):
        for kind in (0, 1, 2):
            parts = [
                (solved(mine) / len(mine), [one["outcome"] == "solved" for one in other if _kind(one, other) == kind])
                for mine, other in pairs
            ]
            yield from _weighed([(share, part) for share, part in parts if part])
    elif len(pairs) >= 30 and all(mine[0]["traits"]["solution_length"] for mine, _ in pairs):
        ranked = sorted(pairs, key=lambda pair: (pair[0][0]["traits"]["solution_length"], pair[0][0]["problem"]))
        for part in (0, 1, 2):
            yield _sorted_out(ranked[round(len(pairs) * part / 3) : round(len(pairs) * (part + 1) / 3)])
    sizes = Counter(name for mine, _ in pairs for name in mine[0]["traits"]["categories"])
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        if sizes[name] >= 10:
            yield _sorted_out([pair for pair in pairs if name in pair[0][0]["traits"]["categories"]])


def _kind(one: Row, epochs: Sequence[Row]) -> int:
    """Of the other epochs none, some or all are solved."""
    others = [row["outcome"] == "solved" for row in epochs if row is not one]
    return 0 if not any(others) else 2 if all(others) else 1


def _weighed(parts: Sequence[tuple[float, list[bool]]]) -> Iterator[str]:
    """A problem counts with its epochs that are here."""
    if len(parts) < 10:
        return
    sizes = np.array([len(part) for _, part in parts], dtype=float)
    weights, shares = sizes / sizes.sum(), np.array([[share, np.mean(part)] for share, part in parts])
    values = (1 + shares[:, 0] - shares[:, 1]) / 2
    size, z = sizes.sum() ** 2 / (sizes**2).sum(), float(norm.ppf(0.975))
    ends = []
    for side in (values, 1 - values):
        sample, seen = list(zip(side, weights, strict=True)), float(side @ weights)
        ends.append(brentq(lambda m, s=sample: el_score(s, size, m) - z, 1e-9 * seen, seen) if seen > 1e-9 else 0.0)
    ours, theirs = map(float, weights @ shares)
    yield _stratum(len(parts), (ours, theirs), (2 * ends[0] - 1, 1 - 2 * ends[1]))


def _sorted_out(pairs: Sequence[tuple[list[Row], list[Row]]]) -> str:
    n = len(pairs)
    ours, theirs = (sum(solved(rows) / len(rows) for rows in side) / n for side in zip(*pairs, strict=True))
    return _stratum(n, (ours, theirs), difference_interval(*_table_of(pairs).cells))


def _stratum(problems: int, shares: tuple[float, float], limits: tuple[float, float]) -> str:
    (ours, theirs), (low, high) = shares, limits
    ends = f"{_telling(100 * low)} {_telling(100 * high)}"
    return f"{problems} {100 * ours:.0f} {100 * theirs:.0f} {_telling(100 * (ours - theirs))} {ends}"


CLASSES = {"length": ("lines", (1, 6, 16)), "branches": ("branches", (0, 2, 5)), "callers": ("callers", (0, 1, 3))}
"""Of functions: the trait, and the least of each class."""
ADVICES = ("local", "open", "hand over", "neither", "too few")
UNITS = {"length": "lines", "branches": "branches", "callers": "callers"}


def _each(functions: Mapping[str, Row], key: str) -> list[str]:
    return list(dict.fromkeys(str(one[key]) for one in functions.values()))


def _advice(row: Row, margin: float) -> str:
    """Who should be asked for a file; of one or two problems nothing follows."""
    problems, difference = row["problems"], row["difference"]
    if problems < 5:
        return "too few"
    if row["solved"] == 0 and not row["control_solved"]:
        return "neither"
    if difference is None:
        more = row["solved"] * problems - problems / 2
        return "open" if abs(more) < 1 else "local" if more > 0 else "hand over"
    apart = abs(difference) * problems >= 3 - 1e-9
    if difference < -margin or row["solved"] == 0:
        return "hand over" if apart else "open"
    if row["saved_usd"] > 1e-12:
        return "local"
    return "hand over" if difference <= 0 else "local" if apart else "open"


def _place_in_list(row: Row) -> tuple[Any, ...]:
    """Of each advice those that are sure, then those best shown, then those that save more."""
    low, high = row["difference_interval"] or row["solved_interval"]
    shown = round(high if row["advice"] == "hand over" else -low, 12)
    saved = round(row["saved_usd"] or 0.0, 12)
    return ADVICES.index(row["advice"]), not row["sure"], shown, -saved, -row["problems"], row["name"]


def adequacy(functions: Iterable[Row | None]) -> dict[str, Any] | None:
    """Of what is known of tests."""
    known = [float(one["adequacy"]) for one in functions if one and one["adequacy"] is not None]
    if not known:
        return None
    weak = sum(each < 0.8 for each in known)
    return {"problems": len(known), "median": float(np.median(known)), "lowest": min(known), "weak": weak}


def weak_tests(functions: Mapping[str, Row | None]) -> list[tuple[float, str]]:
    known = ((float(one["adequacy"]), name) for name, one in functions.items() if one and one["adequacy"] is not None)
    return sorted((share, name) for share, name in known if share < 0.8)


def _placed(places: Sequence[Row], weak: Sequence[tuple[float, str]]) -> Iterator[str]:
    """Each arm's list, what is known of too few problems by its number alone."""
    for arm in dict.fromkeys(row["arm"] for row in places):
        own = [row for row in places if row["arm"] == arm]
        files = [row for row in own if row["by"] == "file"]
        folder = commonpath([dirname(row["name"]) for row in files])
        yield f"{folder} {arm} {files[0]['control'] or ''} {'' if files[0]['control'] else '95'}"
        yield from (_placed_row(row, folder) for row in files if row["problems"] >= 5)
        few = [f"{row['name'].removeprefix(folder)} {row['problems']}" for row in files if row["problems"] < 5]
        yield f"below 5: {', '.join(few)}" if few else ""
        yield from (_placed_row(row, "") for row in own if row["by"] != "file")
    if weak:
        yield f"below 80 %: {' '.join(f'{name} {100 * share:.0f}' for share, name in weak[:50])}"
        yield f"{len(weak) - 50} more" if len(weak) > 50 else ""


def _placed_row(row: Row, folder: str) -> str:
    told = row["adequacy"]
    tests = f"{100 * told['median']:.0f} {100 * told['lowest']:.0f}" if told else ""
    shares = f"{row['name'].removeprefix(folder)} {row['problems']} {100 * row['solved']:.0f}"
    if row["control"] is None:
        low, high = row["solved_interval"]
        return f"{shares} {100 * low:.0f} - {100 * high:.0f} {usd(Decimal(str(row['cost_usd'])))} {tests}"
    low, high = (_telling(100 * limit) for limit in row["difference_interval"])
    difference = f"{_telling(100 * row['difference'])} {low} {high}"
    return f"{shares} {100 * row['control_solved']:.0f} {difference} {usd(Decimal(str(row['saved_usd'])))} {tests}"


def _table_row(rows: Sequence[Row]) -> str:
    low, high = share_interval([counts(group) for group in by_problem(rows).values()])
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
    looped = [row for row in rows if row["accept_on"] == "base"]
    if graded := [row["graded"] for row in looped if row["graded"]]:
        held = graded.count("passed")
        yield f"hold-out: {len(graded)} {held}, gap {100 * (len(graded) - held) / len(looped):.1f}"
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
    order = sorted({step[:2] for step in steps}, key=lambda step: (step[1], ORDER.index(step[0])))
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


def _paired(rows: Iterable[Row], others: Iterable[Row]) -> list[tuple[list[Row], list[Row]]]:
    theirs = by_problem(others)
    return [(group, theirs[key]) for key, group in by_problem(rows).items() if key in theirs]


PHASES = ("iteration", "checkpoint", "fallback")
ORDER = ("iteration", "fallback", "a spec", "checkpoint")
"""Of the steps with one number."""


def _gpu_hours(row: Row) -> float:
    return float(sum(part["gpu_seconds"] or 0 for part in row["spent"] if part["cost_usd"] == 0)) / 3600


def _calls(row: Row) -> int:
    written = bool(row["spec"]) and not row["spec"]["recalled_from"]
    return int(written) + int(row["iterations"]) + int(row["checkpoints"])


def _shown_pace(side: Sequence[Sequence[Row]], amount: Callable[[Row], Any]) -> Iterator[str]:
    """Per solved problem, median and 95th percentile."""
    of_solved = [float(amount(row)) for rows in side for row in rows if row["outcome"] == "solved"]
    yield f"{sum(mean(rows, amount) for rows in side) / _solves(side):,.1f}"
    for share in (50, 95):
        yield f"p{share} {float(np.percentile(of_solved, share)):,.1f}"


Sides = tuple[Sequence[float], Sequence[float], Sequence[float], Sequence[float]]
"""What each problem paid and what is added to it, of the arm and of the control."""


def _flip(
    paid: Sequence[float], more: Sequence[float], theirs: Sequence[float], extra: Sequence[float]
) -> float | None:
    step = sum(more) - sum(extra)
    return (sum(theirs) - sum(paid)) / step if step > 0 else None


def _checked(limits: Sequence[float] | None, sides: Sides, tries: int) -> Sequence[float] | None:
    """*limits*, if what is paid in place of a dollar there has an interval that ends at a dollar."""
    if limits is None:
        return None
    paid, more, theirs, extra = map(np.array, sides)
    limits = [float(limit) for limit in limits]

    def ends(times: float) -> tuple[float, float]:
        standing = (sides[2], sides[0], sides[3], sides[1])
        return paid_interval(list(paid + times * more), list(theirs + times * extra), tries, standing=standing)

    low = (limits[0] == 0 and ends(0)[1] >= 1) or math.isclose(ends(limits[0])[1], 1, rel_tol=1e-4)
    high = math.isclose(ends(limits[1])[0], 1, rel_tol=1e-4) or (limits[1] == 0 and ends(0)[0] >= 1)
    return limits if low and high else [math.nan, math.nan]


def _shown(limits: Sequence[float] | None) -> str:
    return "" if limits is None else f"[{limits[0]:,.2f}, {limits[1]:,.2f}]"


def _telling(value: float, decisive: Iterable[float] = (0.0,), digits: int = 0) -> str:
    """With so many digits that rounding hides no decision."""
    for more in range(digits, digits + 4):
        shown = round(value, more)
        if all((shown > limit) - (shown < limit) == (value > limit) - (value < limit) for limit in decisive):
            break
    else:
        more = digits + 4
    return f"{round(value, more) + 0.0:+.{more}f}"


def recomputed_places(text: str) -> list[dict[str, Any]]:
    """What the results that *text* holds tell by place."""
    return Summary(json.loads(text, parse_float=Decimal)).places()


def recomputed(text: str) -> str:
    """The numbers of the summary whose results *text* holds, as lines."""
    return "\n".join(Summary(json.loads(text, parse_float=Decimal)).lines())


if __name__ == "__main__":
    print(recomputed(Path(sys.argv[1]).read_text()))  # noqa: T201 - a script
