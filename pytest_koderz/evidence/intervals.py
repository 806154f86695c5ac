"""Intervals and tests for solved shares, their differences and dollars, each with its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb, sqrt
from statistics import NormalDist
from typing import Any

from .bounded_means import Sample, limits_of, sample_of, score_of

NUISANCES = 60
"""Shares of discordant pairs that the exact test tries; 800 of them change a p-value near 0.025 by less than 0.0001."""
EXACT_UP_TO = 300
"""Problems. The exact test has some 45,000 tables to sum up there, and the normal one hardly differs."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Two limits that hold the truth in `confidence` of all repetitions."""

    low: float
    high: float
    confidence: float = 0.95

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def width(self) -> float:
        return self.high - self.low


def quantile(confidence: float) -> float:
    """The standard normal quantile of a two-sided interval: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval | None:
    """The score interval of a share; None where *n* is 0.

    Wilson (1927), J. Am. Stat. Assoc. 22:209-212; recommended for small n and shares near 0 or 1 by Brown, Cai and
    DasGupta (2001), Stat. Sci. 16:101-133. Agrees with `scipy.stats.binomtest(...).proportion_ci(method="wilson")`.
    """
    if n <= 0:
        return None
    z, share = quantile(confidence), successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At the ends the limit is exactly the share; rounding must not move it past.
    low = 0.0 if successes == 0 else max(0.0, middle - reach)
    return Interval(low, 1.0 if successes == n else min(1.0, middle + reach), confidence)


def wilson_clustered(clusters: Sequence[tuple[int, int]], confidence: float = 0.95) -> Interval | None:
    """The score interval of a share over problems that were each tried several times: `(successes, tries)` of each.

    That of the mean of the problems' shares (`bounded.score_of`), of which one with more tries weighs more. It is
    never narrower than if all tries were independent. With one try for each problem this is Wilson's interval.
    """
    clusters = [cluster for cluster in clusters if cluster[1]]
    successes, tries = sum(x for x, _ in clusters), sum(n for _, n in clusters)
    independent = wilson(successes, tries, confidence)
    if independent is None or tries == len(clusters):
        return independent
    low, high = limits_of(sample_of((x / n, n) for x, n in clusters), quantile(confidence))
    return Interval(min(low, independent.low), max(high, independent.high), confidence)


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that one of *k* samples passes, estimated without bias from *c* passes in *n* independent samples.

    1 - C(n-c, k) / C(n, k): Chen et al. (2021), arXiv:2107.03374, equation 1. Raises ValueError unless k <= n.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@{k} needs at least {k} samples and 0 <= passes <= samples; got {c} of {n}")
    return 1 - comb(n - c, k) / comb(n, k)


def mcnemar_exact(b: int, c: int) -> float:
    """The two-sided p-value of *b* against *c* discordant pairs, were both directions equally likely.

    The binomial (exact conditional) form of McNemar's test (1947), Psychometrika 12:153-157; 1 where there are none.
    """
    # As scipy.stats.binomtest, which takes a second to import, gives it: where p is 1/2 both tails are the same.
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(b, c), b + c, 0.5))) if b + c else 1.0


def paired_difference(b: float, c: float, n: float, confidence: float = 0.95) -> Interval:
    """The interval of the difference (b - c) / n of two shares over the same *n* problems; *n* is above 0.

    *b* problems were solved by the first alone, *c* by the second alone. The score interval of Tango (1998), Stat.
    Med. 17:891-908: it has a width where no pair differs (a bootstrap has none) and keeps its level for small n, see
    Newcombe (1998), Stat. Med. 17:2635-2650, and Fagerland, Lydersen and Laake (2014), Stat. Med. 33:2850-2875.
    """
    z, seen = quantile(confidence), (b - c) / n
    low = -1.0 if c == n else _root(b, c, n, -z, seen)
    high = 1.0 if b == n else _root(b, c, n, z, seen)
    return Interval(low, high, confidence)


def _root(b: float, c: float, n: float, z: float, seen: float) -> float:
    """The difference, on the side of *seen* that *z* points to, at which the score statistic reaches |*z*|."""
    from scipy.optimize import brentq

    end = 1 - 1e-12 if z > 0 else -1 + 1e-12
    return float(brentq(lambda d: float(score(b, c, n, d)) + z, seen, end, xtol=1e-10))


def score(b: Any, c: Any, n: float, d: float) -> Any:
    """Tango's statistic for a true difference *d*, standard normal in large samples; of numbers or of arrays."""
    import numpy as np

    linear = (2 * n - b + c) * d - b - c
    # The likeliest share of "second alone" among tables whose difference is d.
    nuisance = (np.sqrt(np.maximum(0, linear * linear + 8 * n * c * d * (1 - d))) - linear) / (4 * n)
    variance = n * (2 * nuisance + d * (1 - d))
    return np.where(variance > 0, (b - c - n * d) / np.sqrt(np.where(variance > 0, variance, 1)), 0.0)


def of_difference(first: float, of_first: Interval, second: float, of_second: Interval, correlation: float) -> Interval:
    """The interval of *first* - *second* from the intervals of the two, whose estimates are correlated.

    The method of variance estimates recovery (MOVER): Zou and Donner (2008), Stat. Med. 27:1693-1702, with the
    correlation as in Zou (2007), Psychol. Methods 12:399-413. It keeps how skewed the two intervals are.
    """

    def reach(one: float, other: float) -> float:
        return sqrt(max(one * one + other * other - 2 * correlation * one * other, 0))

    seen = first - second
    low = seen - reach(first - of_first.low, of_second.high - second)
    return Interval(low, seen + reach(of_first.high - first, second - of_second.low), of_first.confidence)


def correlation_of(first: Sequence[float], second: Sequence[float]) -> float:
    """Pearson's; 0 where one of the two does not vary."""
    import numpy as np

    one, other = (np.asarray(values) - np.mean(values) for values in (first, second))
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return (
        0.0
        if scale <= 1e-12 * len(one) * abs(float(np.mean(first)) * float(np.mean(second)))
        else float(one @ other) / scale
    )


def noninferiority_p(b: int, c: int, n: int, margin: float) -> float:
    """The one-sided p-value that the true difference is -*margin* or lower, given the pairs of `paired_difference`.

    The exact unconditional test on Tango's statistic, its p-value the largest over the nuisance parameter: Hsueh, Liu
    and Chen (2001), Biometrics 57:478-483. Beyond 300 problems the normal p-value, which is then within 0.0005 of it
    at the level of 2.5 %.
    """
    return _p_of(float(score(b, c, n, -margin)), n, margin)


@lru_cache(maxsize=32)
def critical_score(n: int, margin: float, level: float) -> float:
    """The least value of `score` at -*margin* at which `noninferiority_p` of *n* problems is *level* or less."""
    low, high = 0.0, 8.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if _p_of(middle, n, margin) <= level else (middle, high)
    return high - 1e-9


def clustered_noninferiority_p(differences: Sample, margin: float) -> float:
    """The same where each problem was tried several times; their score is held against that of single tries."""
    return _p_of(score_of(differences, (1 - margin) / 2), round(differences.size), margin)


def _p_of(statistic: float, n: int, margin: float) -> float:
    return NormalDist().cdf(-statistic) if n > EXACT_UP_TO else _largest_tail(statistic, n, margin)


@lru_cache(maxsize=256)
def _largest_tail(statistic: float, n: int, margin: float) -> float:
    """The chance of *statistic* or more at a difference of -*margin*, for the worst share of discordant pairs."""
    import numpy as np
    from scipy.special import gammaln, xlogy

    b, c = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    extreme = (b + c <= n) & (score(b, c, n, -margin) >= statistic - 1e-9)
    b, c = b[extreme], c[extreme]
    ways = gammaln(n + 1) - gammaln(b + 1) - gammaln(c + 1) - gammaln(n - b - c + 1)

    def tail(discordant: float) -> float:
        won, lost = (discordant - margin) / 2, (discordant + margin) / 2
        return float(np.exp(ways + xlogy(b, won) + xlogy(c, lost) + xlogy(n - b - c, 1 - discordant)).sum())

    # Few discordant pairs are the rule, and there the chance changes fastest: the steps are finer there.
    return min(1.0, max(map(tail, margin + (1 - margin) * np.linspace(0, 1, NUISANCES) ** 2)))
