"""At which price of a GPU-hour, or of the frontier, an arm's savings end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Experiment

from .intervals import Interval
from .problems import SECONDS_PER_HOUR, Tries, cost_of, cost_of_role, own_gpu_seconds
from .resampling import bootstrap_ratio


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
    arm: Sequence[Tries], control: Sequence[Tries], local_rate: Decimal | None, *, sure: bool
) -> BreakEven | None:
    """Of pairs of the same problems in the same order; None where a price is not known.

    The rate is the ratio of two sums over problems, the dollars of tokens that the control paid more over the GPU-hours
    that the arm took more. The factor is that of what is spent on the local role (tokens, and GPUs at *local_rate*)
    over what the control's model is paid more than the arm's spec, checkpoints and fallback, with the prices as they
    are. Both have the interval of `bootstrap_ratio`, where *sure* says that there may be one.
    """
    saved = _differences(_each(control, cost_of), _each(arm, cost_of))
    if saved is None:
        return None
    tries = sum(one.settled for one in arm) if sure else 0
    hours, factor = _differences(_each(arm, _hours), _each(control, _hours)), None
    rate = None if hours is None else _ratio(saved, hours, tries)
    local = _local(arm, _each(arm, _hours), local_rate)
    if local is not None and sum(local) > 0:
        tokens_local = _each(arm, _local_tokens) or []
        frontier = [more + own for more, own in zip(saved, tokens_local, strict=True)]
        factor = _ratio(local, frontier, tries)
        if factor is not None and factor[1] is not None and factor[1].low <= 0:
            factor = factor[0], None
    return BreakEven(*(rate or (None, None)), *(factor or (None, None)))


def _ratio(top: Sequence[float], bottom: Sequence[float], tries: int) -> tuple[float, Interval | None] | None:
    if sum(bottom) <= 0:
        return None
    positive = min(top) >= 0 and min(bottom) >= 0 and sum(top) > 0
    return sum(top) / sum(bottom), bootstrap_ratio(top, bottom, positive=positive, tries=tries) if tries else None


def _differences(ours: list[float] | None, theirs: list[float] | None) -> list[float] | None:
    return None if ours is None or theirs is None else [one - other for one, other in zip(ours, theirs, strict=True)]


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
