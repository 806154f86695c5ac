"""Do the claims hold? Simulated benchmarks with a known truth, through the same functions as real ones.

Run: python -m tests.benchmarks.bench_coverage [--benchmarks 1000] [--seed 1]
"""

from __future__ import annotations

import argparse
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from itertools import repeat
from math import ceil, floor, isnan
from typing import Any

import numpy as np
from scipy.stats import binom, multinomial

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import Candidate, Iteration, Outcome, Verdict
from pytest_koderz.core.money import Ledger, Spending, Usage
from pytest_koderz.evidence import Claim, Interval, compare, figures_of
from pytest_koderz.evidence.compare import Pairs, claim_of
from pytest_koderz.evidence.intervals import mcnemar_exact

MARGIN = 0.05
AIM = 0.92, 0.98
QUANTITIES = ("solved", "difference", "savings", "share", "per solved")
CLAIMS = (Claim.MATCHES, Claim.BETTER, Claim.WORSE, Claim.INCONCLUSIVE)


@dataclass(frozen=True)
class World:
    """A population of problems. Each has a chance to be solved by the control, from a Beta distribution."""

    name: str
    problems: int
    rate: float
    """Of the better of the two arms: the mean of the Beta distribution."""
    difference: float = 0.0
    epochs: int = 1
    concentration: float = 1.0
    """Low: problems are nearly always or nearly never solved, so that two arms seldom differ on one."""

    def chances(self, rng: np.random.Generator, size: tuple[int, ...]) -> tuple[Any, Any]:
        """The chances of arm and control on each problem; their means differ by exactly `difference`."""
        best = rng.beta(self.rate * self.concentration, (1 - self.rate) * self.concentration, size)
        lower = best * (1 - abs(self.difference) / self.rate)
        return (lower, best) if self.difference < 0 else (best, lower)


WORLDS = (
    World("equal", 20, 0.8),
    World("equal", 50, 0.8),
    World("equal", 164, 0.9),
    World("equal, often discordant", 164, 0.7, concentration=5),
    World("equal, 3 epochs", 30, 0.8, epochs=3),
    World("equal, 5 epochs", 100, 0.9, epochs=5),
    World("at the margin", 50, 0.9, -MARGIN),
    World("at the margin", 164, 0.95, -MARGIN),
    World("at the margin, often discordant", 164, 0.8, -MARGIN, concentration=5),
    World("at the margin, 3 epochs", 50, 0.9, -MARGIN, epochs=3),
    World("at the margin", 300, 0.9, -MARGIN),
    World("much better", 164, 0.9, 0.15),
    World("much worse", 164, 0.9, -0.15),
)


def draw(world: World, rng: np.random.Generator, size: int) -> dict[str, Any]:
    """Outcomes and dollars, problems by epochs. Hard problems cost more, and the arm's checkpoints are a long tail."""
    arm, control = world.chances(rng, (size, 1))
    shape = (size, world.epochs)
    hardness = 1 - control
    checkpoints = np.where(rng.random(shape) < 0.05 + 0.4 * hardness, rng.geometric(0.4, shape), 0)
    return {
        "arm": rng.random(shape) < arm,
        "control": rng.random(shape) < control,
        "arm dollars": 0.0015 * rng.lognormal(0, 0.3, shape) + 0.004 * checkpoints,
        "control dollars": 0.004 * np.exp(hardness) * rng.lognormal(0, 0.4, shape),
    }


def truth(world: World, rng: np.random.Generator) -> dict[str, float]:
    """The population's own figures; shares by formula, dollars from a million problems."""
    big = draw(world, rng, 1_000_000 // world.epochs)
    arm, control = float(big["arm dollars"].mean()), float(big["control dollars"].mean())
    rate = world.rate + min(world.difference, 0)
    return {
        "solved": rate,
        "difference": world.difference,
        "savings": (control - arm) * world.problems,
        "share": 1 - arm / control,
        "per solved": arm / rate,
    }


def experiments(arm: str, solved: Any, dollars: Any) -> list[Experiment]:
    return [
        experiment(arm, problem, epoch, bool(solved[problem, epoch]), float(dollars[problem, epoch]))
        for problem in range(solved.shape[0])
        for epoch in range(solved.shape[1])
    ]


def experiment(arm: str, problem: int, epoch: int, solved: bool, dollars: float) -> Experiment:
    cost = Decimal(repr(dollars))
    verdict = Verdict(Outcome.PASSED if solved else Outcome.WRONG)
    return Experiment(
        id=f"exp_{arm}_{problem}_{epoch}",
        problem_id=f"Simulated/{problem}",
        arm=arm,
        epoch=epoch + 1,
        seed=epoch,
        iterations=(Iteration(1, (Candidate("pass"),), (verdict,), cost=cost),),
        ledger=Ledger((Spending("local", "simulated", 1, Usage(), cost, 0.0),)),
        status=Status.SOLVED if solved else Status.UNSOLVED,
    )


def benchmark(world: World, seed: int) -> tuple[dict[str, Interval | None], Claim]:
    """One simulated benchmark: its intervals and its claim."""
    seen = draw(world, np.random.default_rng(seed), world.problems)
    arm = experiments("arm", seen["arm"], seen["arm dollars"])
    comparison = compare(arm, experiments("control", seen["control"], seen["control dollars"]), MARGIN)
    figures = figures_of("arm", arm)
    intervals = (
        figures.solved_interval,
        comparison.difference_interval,
        comparison.savings.interval,
        comparison.savings.share_interval,
        figures.dollars_per_solved_interval,
    )
    return dict(zip(QUANTITIES, intervals, strict=True)), comparison.claim


@dataclass(frozen=True)
class Row:
    world: World
    coverage: dict[str, float]
    claims: dict[Claim, float]


def measure(world: World, benchmarks: int, seed: int) -> Row:
    """The shares of the intervals given by *benchmarks* that hold the truth (nan: none is given), and of each claim."""
    true = truth(world, np.random.default_rng([seed, 0]))
    held: dict[str, list[bool]] = {name: [] for name in QUANTITIES}
    claims: Counter[Claim] = Counter()
    for number in range(benchmarks):
        intervals, claim = benchmark(world, seed * 1_000_000 + number)
        claims[claim] += 1
        for name, interval in intervals.items():
            if interval is not None:
                held[name].append(true[name] in interval)
    return Row(
        world,
        {name: float(np.mean(values)) if values else float("nan") for name, values in held.items()},
        {claim: claims[claim] / benchmarks for claim in CLAIMS},
    )


@cache
def claim_at(only_arm: int, only_control: int, problems: int) -> int:
    """The claim of a table, ranked from worse to better."""
    claim = claim_of(Pairs(only_arm, only_control, problems), mcnemar_exact(only_arm, only_control), MARGIN)
    return (Claim.WORSE, Claim.INCONCLUSIVE, Claim.MATCHES, Claim.BETTER).index(claim)


def exact_rates(problems: int, difference: float, discordant: float) -> dict[Claim, float]:
    """The chance of each claim, added up over all tables: no simulation. More problems won never make a claim lower."""
    chances = dict.fromkeys(CLAIMS, 0.0)
    won, lost = (discordant + difference) / 2, (discordant - difference) / 2
    table = multinomial(problems, [won, lost, 1 - discordant])
    for control in range(problems + 1):
        arms = np.arange(problems - control + 1)
        weights = table.pmf(np.stack([arms, np.full_like(arms, control), problems - arms - control], axis=1))
        if weights.sum() < 1e-9:
            continue
        ranks = partial(claim_at, only_control=control, problems=problems)
        edges = [bisect_left(arms, rank, key=lambda arm: ranks(int(arm))) for rank in (1, 2, 3)]
        for claim, part in zip(
            (Claim.WORSE, Claim.INCONCLUSIVE, Claim.MATCHES, Claim.BETTER), np.split(weights, edges), strict=True
        ):
            chances[claim] += float(part.sum())
    return chances


EXACT = tuple(
    (problems, difference, discordant)
    for problems in (20, 50, 164)
    for difference in (0.0, -MARGIN)
    for discordant in (0.051, 0.1, 0.2, 0.3)
)


def simulated_lines(rows: Sequence[Row]) -> Iterator[str]:
    yield f"{'world':<33}{'n':>4} {'true':>6} |" + "".join(f"{name:>11}" for name in QUANTITIES) + " |" + _claim_heads()
    for row in rows:
        world = row.world
        cells = "".join(f"{row.coverage[name]:>10.1%}{_mark(row.coverage[name])}" for name in QUANTITIES)
        yield f"{world.name:<33}{world.problems:>4} {world.difference:>+6.2f} |{cells} |{_claims(row.claims)}"


def exact_lines(rates: Sequence[dict[Claim, float]]) -> Iterator[str]:
    yield f"{'n':>4} {'true':>6} {'discordant':>11} |" + _claim_heads()
    for (problems, difference, discordant), claims in zip(EXACT, rates, strict=True):
        yield f"{problems:>4} {difference:>+6.2f} {discordant:>11.1%} |{_claims(claims)}"


def summed_lines(rows: Sequence[Row], benchmarks: int) -> Iterator[str]:
    """All worlds together, and how many figures chance alone would take out of the bounds."""
    figures = [row.coverage[name] for row in rows for name in QUANTITIES if not isnan(row.coverage[name])]
    means = [np.nanmean([row.coverage[name] for row in rows]) for name in QUANTITIES]
    yield f"{'all worlds':<44} |" + "".join(f"{mean:>10.1%} " for mean in means) + " |"
    least, most = ceil(AIM[0] * benchmarks), floor(AIM[1] * benchmarks)
    chance = 1 - binom.cdf(most, benchmarks, 0.95) + binom.cdf(least - 1, benchmarks, 0.95)
    outside = sum(_mark(figure) != " " for figure in figures)
    yield f"\n{outside} of {len(figures)} figures are outside; by chance {chance:.1%} of a true 95 % are."


def _mark(coverage: float) -> str:
    return "-" if coverage < AIM[0] else "+" if coverage > AIM[1] else " "


def _claim_heads() -> str:
    return "".join(f"{claim.value:>13}" for claim in CLAIMS)


def _claims(claims: dict[Claim, float]) -> str:
    return "".join(f"{claims[claim]:>13.2%}" for claim in CLAIMS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmarks", type=int, default=1000, help="simulated benchmarks for each world (1000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    began = time.monotonic()
    with ProcessPoolExecutor(options.jobs) as pool:
        exact = pool.map(exact_rates, *zip(*EXACT, strict=True))
        rows = list(pool.map(measure, WORLDS, repeat(options.benchmarks), repeat(options.seed)))
        rates = list(exact)
    error = 1.96 * (0.95 * 0.05 / options.benchmarks) ** 0.5
    print(f"Coverage of 95 % intervals and claims over {options.benchmarks} simulated benchmarks in each world")
    print(f"(aim 92 to 98 %, - below, + above; a true 95 % shows as 95 ± {error:.1%} by chance)\n")
    print("\n".join(simulated_lines(rows)))
    print("\n".join(summed_lines(rows, options.benchmarks)))
    print(f"\nClaims at a margin of {MARGIN:.0%}, one epoch, added up over all tables")
    print("(aims: true -0.05: matches at most 2.5 %; true 0: better and worse at most 2.5 % each)\n")
    print("\n".join(exact_lines(rates)))
    print(f"\n{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
