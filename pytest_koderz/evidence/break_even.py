"""At which price of a GPU-hour, or of the frontier, an arm's savings end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import inf, log
from typing import Literal

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Experiment

from .intervals import Interval
from .problems import SECONDS_PER_HOUR, Tries, cost_of, cost_of_role, own_gpu_seconds
from .resampling import LEAST_TRIES, Resampled

ROUNDING = 1e-7
FAR = 50.0
"""A logarithm of dollars in place of one, for what is paid nothing."""
DOUBLINGS = 20
"""Of the amount within which an end is looked for."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """A GPU that may be bought."""

    price: Decimal
    """US dollars."""
    hours: Decimal
    """GPU-hours of such work a month."""


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Where the verdict on dollars flips. Intervals are None where those of the savings are."""

    rate: float | None
    """US dollars per GPU-hour at which nothing is saved; negative: the other dollars alone are more than the control's.
    None: no GPU-hours are known, or a price is not.
    """
    rate_interval: Interval | None
    factor: float | None
    """Of the frontier's price: below it the arm is dearer, above it saves. None: the local model costs nothing as it is
    counted, or the arm pays the frontier as much as the control does, so that no price makes it save.
    """
    factor_interval: Interval | None
    """None too where the frontier may be paid as much with the arm as without."""

    def months(self, purchase: Purchase) -> float | None:
        """Until *purchase* has paid for itself. None: it never does."""
        return _months(purchase, self.rate)

    def months_interval(self, purchase: Purchase) -> tuple[float | None, float | None] | None:
        """Its limits, of which the later one is None where it may never."""
        if self.rate_interval is None:
            return None
        return _months(purchase, self.rate_interval.high), _months(purchase, self.rate_interval.low)


def break_even_of(
    arm: Sequence[Tries],
    control: Sequence[Tries],
    local_rate: Decimal | None,
    *,
    sure_at: Callable[[Decimal | None], bool],
) -> BreakEven | None:
    """Of pairs of the same problems in the same order; None where a price is not known.

    The rate is the ratio of two sums over problems, the dollars of tokens that the control paid more over the GPU-hours
    that the arm took more. The factor is that of what is spent on the local role (tokens, and GPUs at *local_rate*)
    over what the control's model is paid more than the arm's spec, checkpoints and fallback, with the prices as they
    are. Both have the interval of `flip_of`, where *sure_at* says of the savings that there may be one: without GPUs,
    with them at *local_rate*, and with them at the rate at which nothing is saved.
    """
    paid, theirs = _each(arm, cost_of), _each(control, cost_of)
    if paid is None or theirs is None:
        return None
    hours, their_hours = _each(arm, _hours), _each(control, _hours)

    def rate_of(tries: int) -> Flip | None:
        return None if hours is None or their_hours is None else flip_of(paid, hours, theirs, their_hours, tries)

    sure = all(map(sure_at, (None, local_rate, _end_of(rate_of(0)))))
    tries = sum(one.settled for one in arm) if sure else 0
    rate = rate_of(tries)
    local, tokens = _local(arm, hours, local_rate), _each(arm, _local_tokens)
    dearer = None
    if local is not None and tokens is not None:
        frontier = [whole - own for whole, own in zip(paid, tokens, strict=True)]
        dearer = flip_of(frontier, local, theirs, [0.0] * len(theirs), tries)
    factor, factor_interval = _inverse(dearer)
    if rate is None:
        return BreakEven(None, None, factor, factor_interval)
    return BreakEven(rate.times, rate.interval, factor, factor_interval)


@dataclass(frozen=True, slots=True)
class Flip:
    """How often something has to be added on both sides, until they are equally dear."""

    times: float
    interval: Interval | None


def flip_of(
    paid: Sequence[float], more: Sequence[float], theirs: Sequence[float], theirs_more: Sequence[float], tries: int
) -> Flip | None:
    """How often *more* can be added to what each problem *paid*, until it is as dear as the control.

    Its interval holds what the interval of the savings does not reject: added that often, what is paid in place of a
    dollar may be a dollar. So the two never contradict each other. It is cut off at never, which is 0.
    None where adding does not make it dearer; no interval without *tries*, or where no end is in sight.
    """
    step = sum(more) - sum(theirs_more)
    if step <= 0:
        return None
    flip = (sum(theirs) - sum(paid)) / step
    if not tries or tries < LEAST_TRIES or not sum(theirs):
        return Flip(flip, None)
    resampled = Resampled([theirs, paid, theirs_more, more])

    def limit(times: float, side: Literal["low", "high"]) -> float:
        """The logarithm of what may be paid in place of a dollar at least, or at most."""
        found = resampled.ratio((0, 1, 0, times), (1, 0, times, 0), positive=True, tail=tries)
        # Without an interval nothing is sure, but where nothing at all is paid.
        return log(getattr(found, side)) if found else (-inf if not sum(paid) and not times else 0.0)

    from scipy.optimize import brentq

    middle = max(flip, 0.0)
    ends = [0.0, middle]

    def highest(times: float) -> float:
        """At the middle the ratio is 1, and its limits lie around it but for rounding."""
        return max(limit(times, "high"), -FAR if times < middle else 0.0)

    if limit(0.0, "high") < 0:
        ends[0] = float(brentq(highest, 0.0, middle, xtol=ROUNDING * middle))
    if limit(middle, "low") < 0:
        beyond = max(2 * middle, sum(theirs) / step)
        for _ in range(DOUBLINGS):
            if limit(beyond, "low") > 0:
                break
            beyond *= 2
        else:
            return Flip(flip, None)
        ends[1] = float(brentq(lambda times: limit(times, "low"), middle, beyond, xtol=ROUNDING * beyond))
    return Flip(flip, Interval(*ends))


def _end_of(flip: Flip | None) -> Decimal | None:
    """US dollars per GPU-hour at which nothing is saved any more; None where no hours are known, or nothing ever is."""
    return None if flip is None or flip.times <= 0 else Decimal(str(flip.times))


def _inverse(flip: Flip | None) -> tuple[float | None, Interval | None]:
    """Of the price by which what is not local is divided."""
    if flip is None or flip.times <= 0:
        return None, None
    found = flip.interval
    return 1 / flip.times, None if found is None or not found.low else Interval(1 / found.high, 1 / found.low)


def _each(tries: Sequence[Tries], amount: Callable[[Experiment], Decimal | float | None]) -> list[float] | None:
    """Of each problem, on average over its epochs. None where one is not known."""
    found = [[amount(one) for one in each.experiments] for each in tries]
    known = [[float(value) for value in values if value is not None] for values in found]
    if list(map(len, known)) != list(map(len, found)):
        return None
    return [sum(values) / len(values) for values in known]


def _hours(experiment: Experiment) -> float | None:
    seconds = own_gpu_seconds(experiment)
    return None if seconds is None else seconds / SECONDS_PER_HOUR


def _local_tokens(experiment: Experiment) -> Decimal | None:
    return cost_of_role(experiment, Role.LOCAL)


def _local(arm: Sequence[Tries], hours: list[float] | None, local_rate: Decimal | None) -> list[float] | None:
    tokens = _each(arm, _local_tokens)
    if tokens is None or (hours is None and local_rate is not None):
        return None
    rate = float(local_rate or 0)
    return [own + rate * (hours or [0.0] * len(tokens))[place] for place, own in enumerate(tokens)]


def _months(purchase: Purchase, rate: float | None) -> float | None:
    return None if rate is None or rate <= 0 else float(purchase.price) / (rate * float(purchase.hours))
