"""Tokens, prices and what was spent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

MILLION = Decimal(1_000_000)


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
class Price:
    """US dollars per million tokens, as published on a day."""

    input: Decimal
    output: Decimal
    cache_write: Decimal
    cache_read: Decimal
    as_of: date
    source: str


def cost_of(usage: Usage, price: Price | None) -> Decimal | None:
    """US dollars of *usage*; None where the price is not known."""
    if price is None:
        return None
    return (
        usage.input * price.input
        + usage.output * price.output
        + usage.cache_write * price.cache_write
        + usage.cache_read * price.cache_read
    ) / MILLION


def total(costs: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; None where any part is unknown, since a sum without it would be too low."""
    known = list(costs)
    return (
        None if any(cost is None for cost in known) else sum((cost for cost in known if cost is not None), Decimal(0))
    )


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
    """As the server reported them. None: it did not."""

    def __add__(self, other: Spending) -> Spending:
        return replace(
            self,
            calls=self.calls + other.calls,
            usage=self.usage + other.usage,
            cost=total([self.cost, other.cost]),
            seconds=self.seconds + other.seconds,
            gpu_seconds=_sum_known(self.gpu_seconds, other.gpu_seconds),
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
        )


def _sum_known(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left + right


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

    def of_role(self, role: str) -> Ledger:
        return Ledger(tuple(row for row in self.spendings if row.role == role))
