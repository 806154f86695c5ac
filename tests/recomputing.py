"""Recompute each number of a summary from what --koderz-json wrote: python tests/recomputing.py results.json

Written from the published formulas with scipy and statsmodels. Nothing of pytest_koderz is imported, or it would prove
nothing.
For a benchmark of one epoch with known prices, whose control ran.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binomtest, multinomial, multivariate_normal, norm, shapiro, t
from statsmodels.stats.multitest import multipletests

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


P = tuple[float, float, float]
"""One-sided p-values that the arm matches, is better, is worse."""
CLAIMS = ("worse", "better", "matches")


def p_values(ours: int, theirs: int, problems: int, margin: float) -> P:
    """Of the score test and of an exact one the larger."""
    at_margin, at_zero = (float(tango(ours, theirs, problems, d)) for d in (-margin, 0.0))
    half = mcnemar(ours, theirs) / 2
    exact = not_inferior_p(ours, theirs, problems, margin) if at_margin > 0 else 1.0
    return (
        max(float(norm.sf(at_margin)), exact),
        max(float(norm.sf(at_zero)), half),
        max(float(norm.cdf(at_zero)), half),
    )


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
        return [bool(each) for each in multipletests(p, alpha=0.025, method="holm")[0]]
    order = np.argsort(p, kind="stable")
    kept = [p[place] <= level_at(looks, 0.025 / (len(p) - step)) for step, place in enumerate(order)]
    return [all(kept[: list(order).index(place) + 1]) for place in range(len(p))]


def problems_needed(ours: int, theirs: int, problems: int, margin: float, floor: bool) -> list[int]:
    """For a conclusion with a power of 80 %, should the shares stay as they are, and in four of five of the worlds that
    Jeffreys' prior leaves: Connor (1987), Biometrics 43:207-211. Two digits, upwards; none beyond a million.
    """
    seen = np.array([[ours, theirs, problems - ours - theirs]]) / problems
    worlds = np.random.default_rng(SEED).dirichlet(seen[0] * problems + 0.5, 4000)
    sizes = [np.sort([_size(float(row[0]), float(row[1]), margin, floor) for row in rows]) for rows in (seen, worlds)]
    low, high = (float(each[math.ceil(0.8 * len(each)) - 1]) for each in sizes)
    if low > 1e6:
        return []
    low = max(low, problems + 1)
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


def paid_interval(ours: Sequence[float], theirs: Sequence[float], *, logs: bool = True) -> tuple[float, float]:
    """Of sum(ours) / sum(theirs): the bootstrap-t over problems, Davison and Hinkley (1997), section 5.2.

    On the scale of logarithms, at least as wide as Student's and at most 1.5 times as wide as Satterthwaite's, widened
    for small samples by sqrt(1 + (30 / n)^2); where costs are log-normal with Cox's limits in it.
    """
    order = sorted(range(len(ours)), key=lambda place: (theirs[place], ours[place]))
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
    low, high = -min(max(-low, student), most), min(max(high, student), most)
    error *= math.sqrt(1 + (30 / n) ** 2)
    if not logs:
        return ratio - high * error, ratio - low * error
    found = ratio * math.exp(-high * error / ratio), ratio * math.exp(-low * error / ratio)
    tail = _cox(*pairs)
    return found if tail is None else (min(found[0], tail[0]), max(found[1], tail[1]))


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
    ratio = pairs[0].sum() / pairs[1].sum()
    left = pairs[0] - ratio * pairs[1]
    n, squares = len(left), (left**2).sum()
    # What rounding leaves of equal terms is no spread.
    squares = 0.0 if squares <= 1e-12 * (pairs[0] ** 2).sum() else squares
    return float(ratio), float(np.sqrt(squares * n / (n - 1)) / pairs[1].sum())


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
        self.selection, self.purchase = about["selection"] or "", about["purchase"]
        self.looks = [(look["problems"], look["planned"]) for look in about["looks"]]
        self.begun = {arm: [row for row in results["experiments"] if row["arm"] == arm] for arm in self.arms}
        self.settled = {arm: [row for row in rows if row["outcome"] in SETTLED] for arm, rows in self.begun.items()}

    def lines(self) -> Iterator[str]:
        compared = [arm for arm in self.arms if arm != self.control]
        self.claims = self._claims(compared)
        for arm in compared:
            yield from self._compared(arm)
        yield from (f"{arm} {_table_row(rows)}" for arm, rows in self.settled.items())
        for arm in self.arms:
            yield from self._details(arm)
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
        if any(len(self._pairs(arm)) < 50 for arm in compared):
            yield "no interval of savings below 50 experiments"

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
        won, lost, n = self._table(arm)
        return self._at_floor(arm, p_values(won, lost, n, self.margin))

    def _at_floor(self, arm: str, p: P) -> P:
        return p if self._floor(arm) is None else (1.0, *p[1:])

    def _floor(self, arm: str) -> float | None:
        """What the control is sure to solve, where that is less than twice the margin or the arm solves nothing."""
        pairs = self._pairs(arm)
        low = wilson(solved([other for _, other in pairs]), len(pairs))[0]
        return low if self.margin > low / 2 or not solved([mine for mine, _ in pairs]) else None

    def _table(self, arm: str) -> tuple[int, int, int]:
        pairs = self._pairs(arm)
        won = sum(solved([mine]) > solved([other]) for mine, other in pairs)
        return won, sum(solved([mine]) < solved([other]) for mine, other in pairs), len(pairs)

    def _gaps(self, arm: str, outcomes: Collection[str]) -> list[tuple[str, str]]:
        """What became of the two on each problem of which one is missing in this way."""
        ours, theirs = ({row["problem"]: row["outcome"] for row in self.begun[name]} for name in (arm, self.control))
        never = "skipped"
        both = [(ours.get(key, never), theirs.get(key, never)) for key in dict.fromkeys((*ours, *theirs))]
        return [
            pair for pair in both if all(one in (*SETTLED, *outcomes) for one in pair) and not {*pair} <= {*SETTLED}
        ]

    def _turned(self, arm: str, gaps: Sequence[tuple[str, str]], claim: str) -> float:
        """The p-value of a claim had all *gaps* gone against it."""
        won, lost, n = self._table(arm)
        favour = claim == "worse"
        for mine, other in gaps:
            ours = mine == "solved" or (mine not in SETTLED and favour)
            theirs = other == "solved" or (other not in SETTLED and not favour)
            won, lost, n = won + (ours > theirs), lost + (ours < theirs), n + 1
        return p_of(claim, p_values(won, lost, n, self.margin))

    def _worst(self, arm: str) -> P:
        gaps = self._gaps(arm, ("invalid", "running"))
        seen = self._seen(arm)
        if not gaps:
            return seen
        matches, better, worse = (self._turned(arm, gaps, claim) for claim in ("matches", "better", "worse"))
        return max(matches, seen[0]), max(better, seen[1]), max(worse, seen[2])

    def _turns(self, arm: str, claim: str, outcomes: Collection[str]) -> int | None:
        """How many of them would undo the claim, those first that weigh most."""
        sign, better = (-1, (True, False)) if claim == "worse" else (1, (False, True))

        def weight(pair: tuple[str, str]) -> int:
            mine, other = (
                one == "solved" or (one not in SETTLED and good) for one, good in zip(pair, better, strict=True)
            )
            return sign * (mine - other)

        gaps = sorted(self._gaps(arm, outcomes), key=weight)
        counts = (count for count in range(1, len(gaps) + 1) if self._turned(arm, gaps[:count], claim) > 0.025)
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
            yield f"GPU at ${self.rate:.2f}: {usd(cost(rows, key))}, {per_solved(rows, key)}"
        yield from _circumstances(rows)
        if outside := Counter(row["outcome"] for row in self.begun[arm] if row["outcome"] not in SETTLED):
            paid = sum((row["cost_usd"] for row in self.begun[arm]), Decimal(0))
            yield f"not counted: {' '.join(map(str, outside.values()))}, {usd(paid)}"

    def _money(self, arm: str) -> Iterator[str]:
        rows = self.settled[arm]
        yield from _steps(rows)
        for known in self.arms[arm]["extra_solves"]:
            number, dollars, limits, problems = self._extra(rows, known["by"], known["without"])
            price = usd(dollars / number) if number > 0 else "none"
            yield f"{known['by']}: {price} ({number:+} {limits} for {usd(dollars)}) {problems}"

    def _extra(self, rows: Sequence[Row], part: str, without: str | None) -> tuple[int, Decimal, str, str]:
        """Solved and dollars by which one arm passes that without the part; else those from when the part came."""
        if without:
            pairs = _paired(rows, self.settled[without])
            ours, theirs = [mine for mine, _ in pairs], [other for _, other in pairs]
            won = sum(solved([mine]) > solved([other]) for mine, other in pairs)
            lost, n = sum(solved([mine]) < solved([other]) for mine, other in pairs), len(pairs)
            low, high = (limit * n for limit in difference_interval(won, lost, n))
            return won - lost, cost(ours) - cost(theirs), f"[{low:+.0f}, {high:+.0f}]", f"{n} {won} : {lost}"
        came = [row for row in rows if any(_belongs(step, part) for step in row["steps"])]
        credited = [row for row in came if _fell_back(row) == (part == "fallback")]
        paid = sum((step["cost_usd"] for row in rows for step in row["steps"] if _belongs(step, part)), Decimal(0))
        low, high = (limit * len(rows) for limit in wilson(solved(credited), len(rows)))
        return solved(credited), paid, f"[{low:+.0f}, {high:+.0f}]", ""

    def _pairs(self, arm: str) -> list[tuple[Row, Row]]:
        return _paired(self.settled[arm], self.settled[self.control])

    def _compared(self, arm: str) -> Iterator[str]:
        won, lost, n = self._table(arm)
        begun = [row for name in (arm, self.control) for row in self.begun[name]]
        skipped = len({row["problem"] for row in begun if row["outcome"] == "skipped"})
        left = len({row["problem"] for row in begun}) - n
        claim, alone = self.claims[arm], first_claim(p_values(won, lost, n, self.margin), 0.025)
        margin, floor = f"{100 * self.margin:g}", self._floor(arm)
        about = f"(margin {margin})" if claim in ("matches", "inconclusive") else ""
        at_floor = alone == "matches" and floor is not None
        sure = f"{100 * (floor or 0):.1f} {margin}" if at_floor else ""
        yield f"{arm} {self.control} {n} ({self.selection} {skipped or ''} {left or ''}) {claim} {about} {sure}"
        low, high = (_telling(100 * d, (0, -100 * self.margin)) for d in difference_interval(won, lost, n))
        p = mcnemar(won, lost)
        yield f"{_telling(100 * (won - lost) / n, (0, -100 * self.margin), 1)} [{low}, {high}], {won} : {lost},"
        yield f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
        lost_ones = self._gaps(arm, ("invalid", "running"))
        if alone != "inconclusive" and not at_floor:
            doubted = first_claim(self._worst(arm), 0.025) != alone
            out = ("invalid", "running") if doubted else ("invalid", "running", "skipped")
            number = len(lost_ones) if doubted else left
            yield f"{self._turns(arm, alone, out) or ''} {number or ''}"
        if claim == "inconclusive" and n < 50:
            yield "too few: run 50"
        elif claim == "inconclusive" and (alone == claim or at_floor):
            needed = problems_needed(won, lost, n, self.margin, floor is not None)
            yield f"{' '.join(f'{each:,}' for each in dict.fromkeys(needed))} needed"
        yield self._saved(arm, "cost_usd")
        if self.rate is not None:
            yield f"GPU at ${self.rate:.2f}: {self._saved(arm, 'cost_with_gpu_usd')}"
        yield from self._break_even(arm)
        yield from self._latency(arm)

    def _saved(self, arm: str, key: str) -> str:
        pairs = self._pairs(arm)
        ours, theirs = ([float(row["counted"][key]) for row in side] for side in zip(*pairs, strict=True))
        mine, other = cost((mine for mine, _ in pairs), key), cost((other for _, other in pairs), key)
        share = _telling(float(100 * (other - mine) / other), (0,), 1)
        interval, more = self._share_interval(arm, ours, theirs, key)
        dearest = max(ours) / sum(ours) if sum(ours) else 0.0
        told = ""
        if len(ours) >= 20 and dearest > 0.2:
            told = f"{100 * dearest:.0f} % {'' if more is None else _telling(100 * more)}"
        elif len(ours) >= 50 and not interval and more is not None:
            told = _telling(100 * more)
        return f"{usd(other - mine)} ({share} %) {interval} {usd(mine)} {usd(other)} {told}"

    def _share_interval(
        self, arm: str, ours: Sequence[float], theirs: Sequence[float], key: str
    ) -> tuple[str, float | None]:
        """And what the share would be with one more problem at the cap."""
        if len(ours) < 50 or not sum(ours):
            return "", None
        n, caps = len(ours), [self._cap(name, key) for name in (arm, self.control)]
        more = 1 - (sum(ours) + caps[0]) / (sum(theirs) * (1 + 1 / n))
        other = 1 - sum(ours) * (1 + 1 / n) / (sum(theirs) + caps[1])
        low, high = paid_interval(ours, theirs)
        if high > 100 * low or not all(1 - high - 1e-9 <= each <= 1 - low + 1e-9 for each in (more, other)):
            return "", more
        return f"95 % [{_telling(100 - 100 * high)}, {_telling(100 - 100 * low)}] %", more

    def _cap(self, arm: str, key: str) -> float:
        """US dollars of one more problem at the arm's cap: each step at its mean."""
        rows, cap = self.settled[arm], self.arms[arm]["cap"]
        seen = max(float(row["counted"][key]) for row in rows)
        steps = {
            phase: [float(s["cost_usd"]) for row in rows for s in row["steps"] if s["phase"] == phase]
            for phase in PHASES
        }
        specs = [float(row["spec"]["cost_usd"]) for row in rows if row["spec"]]
        mean = {phase: sum(paid) / len(paid) if paid else 0.0 for phase, paid in {**steps, "spec": specs}.items()}
        iterations = max(row["iterations"] for row in rows) if cap is None else cap["iterations"]
        checkpoints = max(row["checkpoints"] for row in rows) if cap is None else cap["checkpoints"]
        each = mean["checkpoint"] if steps["checkpoint"] else max(mean.values())
        gpu = sum(_gpu_hours(row) for row in rows) * float(self.rate or 0) * (key == "cost_with_gpu_usd")
        iteration = mean["iteration"] + gpu / sum(row["iterations"] for row in rows)
        return float(max(seen, mean["spec"] + iterations * iteration + checkpoints * each))

    def _break_even(self, arm: str) -> Iterator[str]:
        pairs = self._pairs(arm)
        saved = [float(other["counted"]["cost_usd"] - mine["counted"]["cost_usd"]) for mine, other in pairs]
        hours = [_gpu_hours(mine) - _gpu_hours(other) for mine, other in pairs]
        tokens = [float(mine["counted"]["cost_usd_by_role"].get("local", 0)) for mine, _ in pairs]
        local = [own + _gpu_hours(mine) * float(self.rate or 0) for own, (mine, _) in zip(tokens, pairs, strict=True)]
        frontier = [more + own for more, own in zip(saved, tokens, strict=True)]
        sums = [(saved, hours)] * (sum(hours) > 0) + [(local, frontier)] * (sum(local) > 0 and sum(frontier) > 0)
        ours = [float(mine["counted"]["cost_usd"]) for mine, _ in pairs]
        theirs = [float(other["counted"]["cost_usd"]) for _, other in pairs]
        interval, more = self._share_interval(arm, ours, theirs, "cost_usd")
        sure = len(pairs) >= 50 and (bool(interval) or more is None)
        for top, bottom in sums:
            if sum(top) > 0:
                unit, limits = "$" if bottom is hours else "", _limits(top, bottom) if sure else None
                told = ""
                if limits is not None and (bottom is hours or limits[0] > 0):
                    told = f"[{limits[0]:,.2f}, {limits[1]:,.2f}]"
                yield f"{unit}{sum(top) / sum(bottom):,.2f} {told}"
        if self.purchase and sum(hours) > 0:
            yield self._months(sum(saved) / sum(hours), _limits(saved, hours) if sure else None)

    def _months(self, rate: float, limits: tuple[float, float] | None) -> str:
        """Dollars of the GPU over those that its hours of a month save."""
        price, hours = float(self.purchase["usd"]), float(self.purchase["hours"])
        what = f"${price:,.0f} {hours:,.0f}"
        rates = (rate, *(limits or ())[::-1]) if rate > 0 else ()
        return f"{what} {' '.join(f'{price / (each * hours):,.1f}' for each in rates if each > 0)}"

    def _latency(self, arm: str) -> Iterator[str]:
        sides = list(zip(*self._pairs(arm), strict=True))
        if not all(map(solved, sides)):
            return
        for amount in (lambda row: row["seconds"], _calls):
            yield " ".join(shown for side in sides for shown in _shown_pace(side, amount))

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


PHASES = ("iteration", "checkpoint", "fallback")


def _gpu_hours(row: Row) -> float:
    return float(sum(part["gpu_seconds"] or 0 for part in row["spent"] if part["cost_usd"] == 0)) / 3600


def _calls(row: Row) -> int:
    written = bool(row["spec"]) and not row["spec"]["recalled_from"]
    return int(written) + int(row["iterations"]) + int(row["checkpoints"])


def _shown_pace(side: Sequence[Row], amount: Callable[[Row], Any]) -> Iterator[str]:
    """Per solved problem, median and 95th percentile."""
    of_solved = [float(amount(row)) for row in side if row["outcome"] == "solved"]
    yield f"{sum(float(amount(row)) for row in side) / len(of_solved):,.1f}"
    for share in (50, 95):
        yield f"p{share} {float(np.percentile(of_solved, share)):,.1f}"


def _limits(top: Sequence[float], bottom: Sequence[float]) -> tuple[float, float]:
    return paid_interval(top, bottom, logs=min(top) >= 0 and min(bottom) >= 0)


def _telling(value: float, decisive: Iterable[float] = (0.0,), digits: int = 0) -> str:
    """With so many digits that rounding hides no decision."""
    for more in range(digits, digits + 4):
        shown = round(value, more)
        if all((shown > limit) - (shown < limit) == (value > limit) - (value < limit) for limit in decisive):
            break
    else:
        more = digits + 4
    return f"{round(value, more) + 0.0:+.{more}f}"


def recomputed(text: str) -> str:
    """The numbers of the summary whose results *text* holds, as lines."""
    return "\n".join(Summary(json.loads(text, parse_float=Decimal)).lines())


if __name__ == "__main__":
    print(recomputed(Path(sys.argv[1]).read_text()))  # noqa: T201 - a script
