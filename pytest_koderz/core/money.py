"""Tokens, prices and what was spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

MILLION = Decimal(1_000_000)

SPARSE: Mapping[str, bool] = {"sparse": True}
"""Of a field that is not recorded while it has its default."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more calls, as the server reported them; the four counts do not overlap."""

    input: int = 0
    """Tokens that were read anew: neither written to nor read from a cache."""
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_write + other.cache_write,
            self.cache_read + other.cache_read,
        )

    def __sub__(self, part: Usage) -> Usage:
        return Usage(
            self.input - part.input,
            self.output - part.output,
            self.cache_write - part.cache_write,
            self.cache_read - part.cache_read,
        )

    @property
    def prompt(self) -> int:
        """All tokens that went in, cached or not."""
        return self.input + self.cache_write + self.cache_read


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars per million tokens of a call whose prompt has more than *above* tokens, for all of them."""

    above: int
    input: Decimal
    output: Decimal
    cache_write: Decimal
    cache_read: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, as published on a day."""

    input: Decimal
    output: Decimal
    cache_write: Decimal
    cache_read: Decimal
    as_of: date
    source: str
    longer: tuple[Rates, ...] = ()
    """Where long prompts have a price of their own, from the shortest on."""

    def rates(self, prompt_tokens: int) -> Rates:
        """What holds for a call with so long a prompt, cached tokens included."""
        short = Rates(-1, self.input, self.output, self.cache_write, self.cache_read)
        return [rates for rates in (short, *self.longer) if prompt_tokens > rates.above][-1]


def cost_of(usage: Usage, price: Price | None) -> Decimal | None:
    """US dollars of *usage*, that of one call; None where the price is not known."""
    if price is None:
        return None
    rates = price.rates(usage.prompt)
    return (
        usage.input * rates.input
        + usage.output * rates.output
        + usage.cache_write * rates.cache_write
        + usage.cache_read * rates.cache_read
    ) / MILLION


def total(costs: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; None where any part is unknown, since a sum without it would be too low."""
    whole = Decimal(0)
    for cost in costs:
        if cost is None:
            return None
        whole += cost
    return whole


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """The hold of one call on a server of one's own."""

    place: str
    """The server, as it may be told."""
    ended: float
    """Seconds since 1970 at which the answer was there: the device was at work on it just before, not while it waited
    in the server's queue.
    """
    seconds: float
    """Of device time, as the server reported them."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What one model was asked in one role."""

    role: str
    model: str
    """The name in koderz.yaml."""
    calls: int
    usage: Usage
    cost: Decimal | None
    """US dollars. None: the price is not known."""
    seconds: float
    """Wall-clock seconds of the calls."""
    gpu_seconds: float | None = None
    """As the server reported them, so that calls which overlap are counted side by side. None: it did not."""
    uses: tuple[DeviceUse, ...] = ()
    """Of the calls whose interval is known: what they took of a device that they shared is worked out at the end."""
    cancelled: int = field(default=0, metadata=SPARSE)
    """Of the calls, those that were cut short, since another one's answer was accepted."""

    @property
    def used_nothing(self) -> bool:
        """True of calls that were not worked on at all, such as one whose prompt did not fit."""
        return self.gpu_seconds is None and self.usage == Usage()

    def __add__(self, other: Spending) -> Spending:
        return replace(
            self,
            calls=self.calls + other.calls,
            usage=self.usage + other.usage,
            cost=total([self.cost, other.cost]),
            seconds=self.seconds + other.seconds,
            gpu_seconds=_device_seconds([each for each in (self, other) if not each.used_nothing]),
            uses=(*self.uses, *other.uses),
            cancelled=self.cancelled + other.cancelled,
        )

    def __sub__(self, part: Spending) -> Spending:
        """The rest of it, without *part*."""
        seconds, gpu = self.gpu_seconds, part.gpu_seconds
        return replace(
            self,
            calls=self.calls - part.calls,
            usage=self.usage - part.usage,
            cost=None if self.cost is None or part.cost is None else self.cost - part.cost,
            seconds=self.seconds - part.seconds,
            gpu_seconds=None if seconds is None or gpu is None else seconds - gpu,
            cancelled=self.cancelled - part.cancelled,
        )


def _device_seconds(parts: Iterable[Spending]) -> float | None:
    """None where any part is unknown, or there is none."""
    told = [part.gpu_seconds for part in parts]
    known = [seconds for seconds in told if seconds is not None]
    return sum(known) if known and len(known) == len(told) else None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was spent, by role and model."""

    spendings: tuple[Spending, ...] = ()

    def __add__(self, other: Ledger | Spending) -> Ledger:
        rows = {(row.role, row.model): row for row in self.spendings}
        for row in other.spendings if isinstance(other, Ledger) else (other,):
            key = (row.role, row.model)
            rows[key] = rows[key] + row if key in rows else row
        return Ledger(tuple(rows.values()))

    def beyond(self, part: Ledger) -> Ledger:
        """What stands here and not in *part*, which is a part of it; empty where *part* has all the calls."""
        rows = {(row.role, row.model): row for row in part.spendings}
        left = (row if (known := rows.get((row.role, row.model))) is None else row - known for row in self.spendings)
        return Ledger(tuple(row for row in left if row.calls > 0))

    @property
    def cost(self) -> Decimal | None:
        """US dollars in all; 0 where nothing was called, None where any price is not known."""
        return total(row.cost for row in self.spendings)

    @property
    def usage(self) -> Usage:
        return sum((row.usage for row in self.spendings), Usage())

    @property
    def calls(self) -> int:
        return sum(row.calls for row in self.spendings)

    @property
    def cancelled(self) -> int:
        """Of the calls, those that were cut short."""
        return sum(row.cancelled for row in self.spendings)

    def of_role(self, role: str) -> Ledger:
        return Ledger(tuple(row for row in self.spendings if row.role == role))
