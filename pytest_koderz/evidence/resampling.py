"""Intervals of sums of dollars and of their ratios, problems being what is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from math import exp, log, sqrt
from typing import Any

from .intervals import Interval, correlation_of

RESAMPLES = 4999
SEED = 20_251_122
TAIL = 60
"""Of the interval of a ratio: its limit on the side of the tail lies sqrt(1 + TAIL / tries) times as far away: two
fifths farther with 60 tries and a sixth with 164."""
LEAST_TRIES = 20
"""Fewer tell nothing of a ratio's tail, and what calibration would ask for is no interval any more."""
FARTHEST = 1.5
"""Of Satterthwaite's quantile: no pivot lies farther out. Where two problems carry a sum, those of resamples that lack
both have no bound."""
LOG_NORMAL = 0.01
"""Costs are taken for log-normal where the test of Shapiro and Wilk (1965), Biometrika 52:591-611, does not reject it
at this level."""
SHAPIRO_UP_TO = 5000
"""Values; scipy's p-value is not accurate beyond, and no tail is unseen among so many."""
AT_ONCE = 256
"""Resamples whose sums are formed together: of 10,000 problems they take 20 MB."""
FEW = 250
"""Problems whose resamples are kept as they are multiplied: 10 MB."""


def bootstrap_ratio(
    numerators: Sequence[float],
    denominators: Sequence[float] | None = None,
    *,
    positive: bool = False,
    tries: int | None = None,
    confidence: float = 0.95,
    seed: int = SEED,
) -> Interval | None:
    """The interval of sum(numerators) / sum(denominators), problems resampled in pairs; no denominators: the mean.

    The studentized bootstrap (bootstrap-t): Hall (1988), Ann. Stat. 16:927-953; Davison and Hinkley (1997), Bootstrap
    Methods and their Application, section 5.2. Dollars are skewed, and with 10 to 50 problems it covers the truth
    where the percentile and BCa intervals, which scipy has, fall 3 to 6 points short. No limit lies farther out than
    FARTHEST times Student's quantile with the degrees of freedom of Satterthwaite (1946), Biometrics Bull. 2:110-114.

    A small sample may lack the few expensive tries that make the tail. On its side, to which the terms are skewed,
    Student's quantile is taken where it is the wider one, and the limit of a ratio lies sqrt(1 + TAIL / tries) times as
    far away, as calibrated on simulated benchmarks (Loh 1987, J. Am. Stat. Assoc. 82:155-162, has the idea): of 50 to
    100 problems, few of which are dear, the bootstrap alone lies beyond the truth on that side in 5 to 6 %. On the
    other side Student's limit lies too far out (Johnson 1978, J. Am. Stat. Assoc. 73:536-544), and the bootstrap's is
    taken as it is. A mean may have tails on both. *tries* are the experiments behind the numbers, None: one for each
    problem.

    A *positive* ratio is studentized by its logarithm, so that its limits are positive too (as far out as `_times`
    has it); and where its terms may be log-normal its limits reach as far as those of `log_normal_limits`, since a
    sample that lacks the tail cannot show it: upwards where the numerators have one, downwards where the denominators
    have.

    The order of the problems makes no difference. None where no interval can be had: fewer than three problems, no
    denominator, too many resamples without one, a ratio of fewer than LEAST_TRIES tries, or limits beyond all
    numbers.
    """
    bottom = [1.0] * len(numerators) if denominators is None else denominators
    count = len(bottom) if tries is None else tries
    if denominators is not None and count < LEAST_TRIES:
        return None
    found = Resampled([bottom, numerators], seed)
    return found.ratio(
        (0, 1), (1, 0), positive=positive, tail=None if denominators is None else count, confidence=confidence
    )


class Resampled:
    """Resamples of several numbers of each problem: any two mixtures of these have the interval of their ratio.

    What is drawn for a problem does not depend on the mixture, so that intervals of neighbouring ones fit together.
    """

    def __init__(self, columns: Sequence[Sequence[float]], seed: int = SEED) -> None:
        """*columns* hold a number of each problem; the first ones decide in which order the problems stand."""
        import numpy as np

        self._columns = _sorted(columns)
        self.problems = len(self._columns)
        self._pairs = [(one, other) for one in range(len(columns)) for other in range(one, len(columns))]
        products = [self._columns[:, one] * self._columns[:, other] for one, other in self._pairs]
        self._terms = np.column_stack([self._columns, *products])
        self._seed = seed

    @cached_property
    def _sums(self) -> Any:
        import numpy as np

        return np.concatenate([counts @ self._terms for counts in _drawn(self.problems, self._seed)])

    def ratio(
        self,
        top: Sequence[float],
        bottom: Sequence[float],
        *,
        positive: bool,
        tail: int | None,
        confidence: float = 0.95,
    ) -> Interval | None:
        """Of the sums of two mixtures, whose weights of the columns *top* and *bottom* are: see `bootstrap_ratio`.

        *tail* are the tries that tell how far away a ratio's limit on that side lies. None: it is a mean.
        """
        import numpy as np

        tops, bottoms = self._columns @ np.array(top, dtype=float), self._columns @ np.array(bottom, dtype=float)
        if self.problems < 3 or bottoms.sum() <= 0 or (positive and tops.sum() <= 0):
            return None
        ratio, error = (
            float(part[0]) for part in _ratios(*self._mixed(self._terms.sum(axis=0)[None], top, bottom), self.problems)
        )
        pivots = _pivots(*_ratios(*self._mixed(self._sums, top, bottom), self.problems), ratio, positive)
        if np.isnan(pivots).mean() > (1 - confidence) / 2:
            return None
        low, high = _quantiles(pivots, tops - ratio * bottoms, tail, confidence)
        with np.errstate(over="ignore", invalid="ignore"):
            steps = -error * np.array([high, low])
            limits = ratio * _times(steps / ratio) if positive else ratio + steps
        if not np.isfinite(limits).all() or (positive and not limits.all()):
            return None
        found = Interval(float(limits[0]), float(limits[1]), confidence)
        return _with_tails(found, tops, bottoms) if positive else found

    def _mixed(self, sums: Any, top: Sequence[float], bottom: Sequence[float]) -> tuple[Any, Any, Any, Any, Any]:
        """Of sums (rows) of all terms: those of the mixtures, of their squares and of their product."""
        import numpy as np

        firsts, seconds = sums[:, : len(top)], sums[:, len(top) :]

        def product(one: Sequence[float], other: Sequence[float]) -> Any:
            halves = [0.5 if a == b else 1.0 for a, b in self._pairs]
            weights = [
                half * (one[a] * other[b] + one[b] * other[a]) for half, (a, b) in zip(halves, self._pairs, strict=True)
            ]
            return seconds @ np.array(weights, dtype=float)

        sides = (firsts @ np.array(each, dtype=float) for each in (top, bottom))
        return (*sides, product(top, top), product(top, bottom), product(bottom, bottom))


def _with_tails(found: Interval, tops: Any, bottoms: Any) -> Interval:
    """*found*, reaching as far as the log-normal tail of each side does."""
    tails = log_normal_limits(tops, bottoms, found.confidence)
    if tails is None:
        return found
    low = min(found.low, tails.low) if _has_tail(bottoms) else found.low
    high = max(found.high, tails.high) if _has_tail(tops) else found.high
    return Interval(low, high, found.confidence)


def _has_tail(values: Any) -> bool:
    """Of what was taken for log-normal: not where all are the same, nor where 0 stands among solves."""
    return bool(values.min() > 0 and values.max() > values.min() * (1 + 1e-9))


def log_normal_limits(top: Any, bottom: Any, confidence: float = 0.95) -> Interval | None:
    """The interval of the ratio of two means where the terms are log-normal, in pairs; None where they are not.

    Cox's method (Land 1972, Technometrics 14:145-158; Zhou and Gao 1997, Stat. Med. 16:783-790), for the difference of
    m + s^2/2 of paired logarithms. The covariance of two sample variances of normal pairs is 2 r^2 s1^2 s2^2 / (n - 1):
    Anderson (2003), An Introduction to Multivariate Statistical Analysis, section 3.4. A denominator that is 0 on some
    problems, such as solves, has the normal distribution of means in place of the log-normal one.
    """
    import numpy as np
    from scipy.special import stdtrit

    n = len(top)
    if not 3 <= n <= SHAPIRO_UP_TO or top.min() <= 0 or not _may_be_normal(np.log(top)):
        return None
    if bottom.min() > 0 and not _may_be_normal(np.log(bottom)):
        return None
    middle, error = _of_logs(top, bottom) if bottom.min() > 0 else _of_log_and_mean(top, bottom)
    reach = float(stdtrit(n - 1, (1 + confidence) / 2)) * error
    return Interval(exp(middle - reach), exp(middle + reach), confidence)


def _of_logs(top: Any, bottom: Any) -> tuple[float, float]:
    """The logarithm of the ratio of two log-normal means, and its standard error."""
    import numpy as np

    n, logs = len(top), (np.log(top), np.log(bottom))
    (a, between), (_, b) = np.cov(*logs)
    error = sqrt(max((a + b - 2 * between) / n + (a * a + b * b - 2 * between**2) / (2 * (n - 1)), 0))
    return float(logs[0].mean() - logs[1].mean() + (a - b) / 2), error


def _of_log_and_mean(top: Any, bottom: Any) -> tuple[float, float]:
    """The same of a log-normal mean over a plain one."""
    import numpy as np

    middle, one = _of_logs(top, np.ones_like(top))
    mean = float(bottom.mean())
    other = float(bottom.std(ddof=1)) / mean / sqrt(len(bottom))
    related = correlation_of(np.log(top), bottom)
    return middle - log(mean), sqrt(max(one * one + other * other - 2 * related * one * other, 0))


def _may_be_normal(values: Any) -> bool:
    """Values that are all the same have no tail."""
    return bool(values.max() - values.min() < 1e-9) or _shapiro_p(tuple(sorted(values.tolist()))) > LOG_NORMAL


@lru_cache(maxsize=8)  # The same dollars stand in several ratios, and a call of scipy's takes longer than a bootstrap.
def _shapiro_p(values: tuple[float, ...]) -> float:
    from scipy.stats import shapiro

    return float(shapiro(values).pvalue)


def _sorted(columns: Sequence[Sequence[float]]) -> Any:
    """Side by side, in an order that is the same however problems stand, and whatever rounding made of equal ones."""
    import numpy as np

    values = np.array(columns, dtype=float).T
    return values[np.lexsort([_rounded(column) for column in values.T[::-1]])]


def _rounded(values: Any) -> Any:
    """To ten digits of the largest."""
    import numpy as np

    return np.round(values / (np.abs(values).max(initial=0) or 1.0), 10)


def _quantiles(pivots: Any, influences: Any, tail: int | None, confidence: float) -> tuple[float, float]:
    """Between which standard errors the ratio lies away from the truth, as the resamples show it. What a tail upwards
    hides is on the low side, what a tail downwards hides on the high one; of a mean (no *tail*) it may be on both.
    """
    import numpy as np
    from scipy.special import stdtrit

    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = map(float, np.quantile(np.where(np.isnan(pivots), np.inf, pivots), tails, method="inverted_cdf"))
    least = float(stdtrit(len(influences) - 1, tails[1]))
    most = max(least, FARTHEST * float(stdtrit(_freedom(influences), tails[1])))
    wider = 1.0 if tail is None else sqrt(1 + TAIL / tail)

    def reach(seen: float, *, of_tail: bool) -> float:
        return wider * min(max(seen, least), most) if of_tail else min(max(seen, 0.0), most)

    upwards = float((influences**3).sum()) > 0
    return -reach(-low, of_tail=upwards or tail is None), reach(high, of_tail=not upwards or tail is None)


def _times(steps: Any) -> Any:
    """By what a positive ratio is multiplied at so many steps of its logarithm. Beyond one it goes on straight, upwards
    and, of the inverse, downwards: where a few problems carry a sum the steps are those of the farthest pivot that is
    let stand, and their exponential would be no limit any more.
    """
    import numpy as np

    beyond = np.maximum(np.abs(steps), 1)
    return np.exp(np.clip(steps, -1, 1)) * np.where(steps < 0, 1 / beyond, beyond)


def _freedom(influences: Any) -> float:
    """Degrees of freedom of their sample variance: 2 / its squared coefficient of variation, (kurtosis - 1) / n."""
    n, squares = len(influences), influences**2
    if squares.sum() <= 0:
        return float(n - 1)
    kurtosis = float(n * (squares**2).sum() / squares.sum() ** 2)
    return min(max(2 * n / (kurtosis - 1), 2.0), n - 1.0) if kurtosis > 1 and n > 3 else float(n - 1)


def _drawn(n: int, seed: int) -> Iterator[Any]:
    """How often each of *n* problems is drawn in each resample (a row), some resamples at a time."""
    counts = _resamples(n, seed)
    for start in range(0, RESAMPLES, AT_ONCE):
        yield counts[start : start + AT_ONCE].astype(float, copy=False)


@lru_cache(maxsize=1)  # The arms of a benchmark have the same number of problems.
def _resamples(n: int, seed: int) -> Any:
    """All resamples; of more than FEW problems a byte for each count: nothing is drawn 256 times. Read-only."""
    import numpy as np

    generator, counts = np.random.default_rng(seed), np.empty((RESAMPLES, n), dtype=float if n <= FEW else np.uint8)
    for start in range(0, RESAMPLES, AT_ONCE):
        rows = min(AT_ONCE, RESAMPLES - start)
        cells = generator.integers(n, size=(rows, n)) + n * np.arange(rows)[:, None]
        counts[start : start + rows] = np.bincount(cells.ravel(), minlength=rows * n).reshape(rows, n)
    counts.flags.writeable = False
    return counts


def _ratios(tops: Any, bottoms: Any, squares: Any, products: Any, others: Any, n: int) -> tuple[Any, Any]:
    """The ratio of sums in each resample of *n* problems (sums of both terms, their squares and product), and its
    standard error by linearization.
    """
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = tops / bottoms
        spread = squares - 2 * ratios * products + ratios**2 * others
        # What is left of equal terms after rounding is no spread.
        spread = np.where(spread <= 1e-12 * squares, 0, spread)
        return ratios, np.sqrt(spread * n / (n - 1)) / bottoms


def _pivots(ratios: Any, errors: Any, ratio: float, positive: bool) -> Any:
    """How many of its own standard errors each resample's ratio lies from *ratio*.

    Infinite where it has no spread, and no number where there is no ratio.
    """
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.log(ratios / ratio) * ratios if positive else ratios - ratio
        pivots = np.where(np.abs(ratios - ratio) <= 1e-15 + 1e-9 * abs(ratio), 0, away / errors)
    beyond = np.where(ratios < ratio, -np.inf, np.inf)
    return np.where(np.isfinite(ratios), np.where(np.isnan(pivots), beyond, pivots), np.nan)
