"""How likely a benchmark is to end in a conclusion, before it is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .compare import LEVEL, Claim
from .intervals import EXACT_UP_TO, critical_score, score

FAR = 7.0
"""Standard deviations around what is expected in which tables are added up."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What may be true of an arm and the control."""

    difference: float
    """Of the shares that they solve."""
    discordant: float
    """The share of problems that one of them alone solves; the absolute difference at least."""


@lru_cache(maxsize=64)
def chances(problems: int, truth: Truth, margin: float) -> Mapping[Claim, float]:
    """The chance of each claim, added up over all tables that matter: no simulation.

    One try for each problem, one look, the first arm, and nothing missing; the floor is left aside. The claims are
    those of `compare.claim_of`.
    """
    import numpy as np
    from scipy.stats import multinomial

    discordant = min(max(truth.discordant, abs(truth.difference) + 1e-9), 1.0)
    won, lost = (discordant + truth.difference) / 2, (discordant - truth.difference) / 2
    b, c = np.meshgrid(_counts(problems, won), _counts(problems, lost), indexing="ij")
    b, c = b[b + c <= problems], c[b + c <= problems]
    weights = multinomial.pmf(np.stack([b, c, problems - b - c], axis=1), problems, [won, lost, 1 - won - lost])
    claims = _claims(b, c, problems, margin)
    return {claim: float(weights[claims == place].sum()) for place, claim in enumerate(_ORDER)} | {
        Claim.INCONCLUSIVE: float(1 - weights[claims < len(_ORDER)].sum())
    }


_ORDER = (Claim.WORSE, Claim.BETTER, Claim.MATCHES)


def _counts(problems: int, share: float) -> Any:
    import numpy as np

    spread = FAR * (problems * share * (1 - share)) ** 0.5 + FAR
    low, high = max(0, int(problems * share - spread)), min(problems, int(problems * share + spread) + 1)
    return np.arange(low, high + 1)


def _claims(b: Any, c: Any, problems: int, margin: float) -> Any:
    """Of each table the place of its claim in `_ORDER`; beyond for none."""
    import numpy as np
    from scipy.stats import binom, norm

    z = norm.isf(LEVEL)
    half = binom.cdf(np.minimum(b, c), b + c, 0.5)  # half of the exact two-sided p-value of McNemar's test
    at_zero, differs = score(b, c, problems, 0.0), half <= LEVEL
    needed = max(z, critical_score(problems, margin, LEVEL)) if problems <= EXACT_UP_TO else z
    matches = score(b, c, problems, -margin) >= needed
    conditions = [(at_zero <= -z) & differs, (at_zero >= z) & differs, matches]
    return np.select(conditions, range(len(_ORDER)), default=len(_ORDER))
