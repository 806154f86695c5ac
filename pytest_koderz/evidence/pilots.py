"""How many problems a conclusion would take, as far as those that were run can tell."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from statistics import NormalDist
from typing import Any

from .resampling import SEED
from .tables import Table

LEAST = 50
"""Problems. Fewer say next to nothing of how many are needed."""
POWER = 0.8
LEVEL = 0.025
"""Of a one-sided test."""
MOST = 1_000_000
"""Problems that are in anyone's reach."""
DRAWS = 4000


@dataclass(frozen=True, slots=True)
class Needed:
    """Problems for a conclusion with 80 % power."""

    low: int
    """Should the shares stay exactly as they are."""
    high: int | None
    """Enough in four of five of the worlds that what was seen speaks for. None: beyond anyone's reach."""


def needed_of(table: Table, problems: int, margin: float, *, may_match: bool = True) -> Needed | None:
    """None: fewer than LEAST problems were run, or what was seen leads to no conclusion in anyone's reach.

    The worlds are draws from what is known of the shares after the run, starting from Jeffreys' prior for the three
    outcomes of a pair: Gelman et al. (2013), Bayesian Data Analysis, section 3.4. That a plan should hold on average
    over them and not at one guess is assurance: O'Hagan, Stevens and Campbell (2005), Pharm. Stat. 4:187-201.
    *may_match* is False where an arm cannot match at the floor.
    """
    import numpy as np

    if problems < LEAST:
        return None
    counts = np.array([table.only_arm, table.only_control, table.size - table.only_arm - table.only_control])
    worlds = np.random.default_rng(SEED).dirichlet(np.maximum(counts, 0) + 0.5, DRAWS)
    seen = counts[None, :] / table.size
    low, high = (
        float(np.quantile(sizes, POWER, method="inverted_cdf")) * problems / table.size
        for sizes in (_sizes(shares[:, 0], shares[:, 1], margin, may_match) for shares in (seen, worlds))
    )
    if low > MOST:
        return None
    low = max(low, problems + 1)
    return Needed(_rounded(low), None if high > MOST else _rounded(max(high, low)))


def _sizes(won: Any, lost: Any, margin: float, may_match: bool) -> Any:
    """The problems that the nearest conclusion takes: a match, where the truth is not too far below, worse or better.

    n = (z_level s_0 + z_power s_1)^2 / distance^2, s_0 and s_1 being the standard deviations of one problem's
    difference where it is at the limit and where it is as given: Connor (1987), Biometrics 43:207-211, and Nam (1997),
    Biometrics 53:1422-1430.
    """
    import numpy as np

    normal = NormalDist()
    difference, discordant = won - lost, np.maximum(won + lost, 1e-12)
    spread = np.sqrt(np.maximum(discordant - difference**2, 1e-12))

    def size(distance: Any, at_limit: Any) -> Any:
        reach = normal.inv_cdf(1 - LEVEL) * at_limit + normal.inv_cdf(POWER) * spread
        with np.errstate(divide="ignore"):
            return np.where(distance > 1e-9, (reach / np.maximum(distance, 1e-12)) ** 2, np.inf)

    differs = size(np.abs(difference), np.sqrt(discordant))
    if not may_match:
        return differs
    return np.minimum(differs, size(difference + margin, np.sqrt(_variance_at(won, lost, -margin))))


def _variance_at(won: Any, lost: Any, difference: float) -> Any:
    """Of one problem's difference, were its mean *difference*: Tango (1998), Stat. Med. 17:891-908, as in `score`."""
    import numpy as np

    linear = (2 - won + lost) * difference - won - lost
    root = np.sqrt(np.maximum(linear**2 + 8 * lost * difference * (1 - difference), 0))
    return np.maximum((root - linear) / 2 + difference * (1 - difference), 1e-12)


def _rounded(number: float) -> int:
    """To two digits, upwards: more would be a pretence."""
    digits: int = max(10 ** (len(str(int(number))) - 2), 1)
    return int(ceil(number / digits) * digits)
