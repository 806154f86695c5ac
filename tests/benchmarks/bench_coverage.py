"""Do the claims hold? Simulated benchmarks with a known truth, through the same functions as real ones.

Each is drawn as arrays and measured by the functions that the figures rest on, without an Experiment for each try. The
first CHECKED of each world go through `compare` and `figures_of` too, which must say the same.

Run: python -m tests.benchmarks.bench_coverage [--benchmarks 4000] [--seed 1] [--jobs 2]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, replace
from decimal import Decimal
from functools import cache, lru_cache
from itertools import pairwise, repeat
from math import ceil, exp, floor, isnan, nan
from typing import Any

import numpy as np
from scipy.signal import fftconvolve
from scipy.stats import binom, multinomial, norm

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import Candidate, Iteration, Outcome, Verdict
from pytest_koderz.core.money import Ledger, Spending, Usage
from pytest_koderz.evidence import Claim, Interval, compare, figures_of
from pytest_koderz.evidence.arms import per_solved_interval
from pytest_koderz.evidence.break_even import flip_of
from pytest_koderz.evidence.compare import LEVEL, claim_at
from pytest_koderz.evidence.families import holm
from pytest_koderz.evidence.intervals import (
    critical_score,
    mcnemar_exact,
    paired_difference,
    score,
    wilson_clustered,
)
from pytest_koderz.evidence.looks import Look, level_at
from pytest_koderz.evidence.pilots import Needed, needed_of
from pytest_koderz.evidence.power import Truth, chances
from pytest_koderz.evidence.recovered_gap import GAP_FROM, fieller, recovered_of
from pytest_koderz.evidence.savings import SHARE_FROM, Savings, with_intervals
from pytest_koderz.evidence.tables import Pairs, Solves, Strength, Table, pairs_of, strength_of

MARGIN = 0.05
AIM = 0.92, 0.98
WORST_SIDE = 0.04
"""Of the intervals that are given: how many may lie above the truth, or below it."""
RARE = 60
"""Iterations of a rare problem; others take one."""
QUANTITIES = ("solved", "difference", "savings", "share", "per solved", "rate", "gap")
"""`rate` is the break-even one of a GPU-hour, `gap` the share of it that the arm recovers. Where in truth nothing is
saved there is no such rate: its interval ends at 0 and could err on one side alone."""
CHECKED = 3
"""Benchmarks of each world that are measured as a real one is too."""
HOURS = 0.01
"""Of a GPU for an iteration."""
ALONE = 0.7
"""What the local model alone solves of what the arm does."""
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
    costs: str = "checkpoints"
    """`checkpoints`: the arm's have a tail; `rare`: it takes RARE iterations on 2 % of the problems; `log-normal`.

    How many are rare is a count, and intervals are given where one at least was met. There the exact interval of the
    count (Clopper and Pearson 1934, Biometrika 26:404-413) covers 98.1 % with 164 problems and 95.2 % with 30, all
    errors on one side: with such costs a mark for what is a little outside is no fault.
    """
    sigma: tuple[float, float] = (0.0, 0.0)
    """Of log-normal costs of the arm and the control."""
    correlation: float = 0.0
    """Of their logarithms."""
    invalid: tuple[float, float] = (0.0, 0.0)
    """The share of the arm's failures, and of its solves, that are invalid."""

    def chances(self, rng: np.random.Generator, size: tuple[int, ...]) -> tuple[Any, Any]:
        """The chances of arm and control on each problem; their means differ by exactly `difference`."""
        best = rng.beta(self.rate * self.concentration, (1 - self.rate) * self.concentration, size)
        lower = best * (1 - abs(self.difference) / self.rate)
        return (lower, best) if self.difference < 0 else (best, lower)


WORLDS = (
    World("equal", 20, 0.8),
    World("equal", 50, 0.8),
    World("equal", 60, 0.8),
    World("equal", 164, 0.9),
    World("equal, often discordant", 164, 0.7, concentration=5),
    World("equal, 3 epochs", 30, 0.8, epochs=3),
    World("equal, 5 epochs", 60, 0.8, epochs=5),
    World("equal, 5 epochs", 100, 0.9, epochs=5),
    World("equal, 5 epochs", 164, 0.9, epochs=5),
    World("at the margin", 50, 0.9, -MARGIN),
    World("at the margin", 164, 0.95, -MARGIN),
    World("at the margin, often discordant", 164, 0.8, -MARGIN, concentration=5),
    World("at the margin, 3 epochs", 50, 0.9, -MARGIN, epochs=3),
    World("at the margin, 5 epochs", 164, 0.9, -MARGIN, epochs=5),
    World("at the margin", 300, 0.9, -MARGIN),
    World("much better", 164, 0.9, 0.15),
    World("much worse", 164, 0.9, -0.15),
    *(World("rare costs", n, 0.8, costs="rare") for n in (30, 60, 164)),
    *(
        World(f"log-normal {sigma:g}, {where}", n, 0.8, costs="log-normal", sigma=sigmas, correlation=correlation)
        for sigma in (1.5, 2.0)
        for where, sigmas, correlation in (
            ("the arm's", (sigma, 0.4), 0.0),
            ("both", (sigma, sigma), 0.0),
            ("both, against each other", (sigma, sigma), -0.7),
        )
        for n in (30, 60, 164)
    ),
    World("equal, 4 epochs, alike", 60, 0.8, epochs=4, concentration=0.2),
    World("equal, 4 epochs, unlike", 60, 0.8, epochs=4, concentration=10),
    World("at the margin, failures get lost", 164, 0.9, -MARGIN, invalid=(0.5, 0.02)),
    World("equal, a few get lost", 164, 0.9, invalid=(0.02, 0.02)),
)
MODEL = ModelSettings("simulated", "simulated", "simulated")


@dataclass(frozen=True)
class Seen:
    """What one benchmark, or a whole population, came to: problems by epochs."""

    solved: Any
    theirs: Any
    """What the control solved."""
    alone: Any
    """What the local model alone solved."""
    lost: Any
    """Tries of the arm that are invalid."""
    dollars: Any
    their_dollars: Any
    tries: Any
    """Iterations of the arm."""
    hours: Any
    """Of the arm's GPU."""


def draw(world: World, rng: np.random.Generator, size: int) -> Seen:
    """Hard problems cost more, and the arm's checkpoints are a long tail."""
    arm, control = world.chances(rng, (size, 1))
    shape = (size, world.epochs)
    solved, theirs = rng.random(shape) < arm, rng.random(shape) < control
    dollars, their_dollars, tries = _dollars(world, rng, shape, 1 - control)
    lost = rng.random(shape) < np.where(solved, world.invalid[1], world.invalid[0])
    alone = rng.random(shape) < ALONE * arm
    hours = HOURS * tries * rng.lognormal(0, 0.5, shape)
    return Seen(solved, theirs, alone, lost, dollars, their_dollars, tries, hours)


def _dollars(world: World, rng: np.random.Generator, shape: tuple[int, int], hardness: Any) -> tuple[Any, Any, Any]:
    """Of the arm and the control, and the arm's iterations."""
    tries = np.ones(shape, dtype=int)
    if world.costs == "log-normal":
        logs = rng.multivariate_normal([0, 0], [[1, world.correlation], [world.correlation, 1]], shape)
        ours, theirs = (0.004 * np.exp(sigma * logs[..., side]) for side, sigma in enumerate(world.sigma))
        return ours, theirs, tries
    control = 0.004 * np.exp(hardness) * rng.lognormal(0, 0.4, shape)
    if world.costs == "rare":
        tries = np.where(rng.random(shape) < 0.02, RARE, 1)
        return 0.001 * tries * rng.lognormal(0, 0.3, shape), control, tries
    checkpoints = np.where(rng.random(shape) < 0.05 + 0.4 * hardness, rng.geometric(0.4, shape), 0)
    return 0.0015 * rng.lognormal(0, 0.3, shape) + 0.004 * checkpoints, control, tries


def truth(world: World, rng: np.random.Generator) -> dict[str, float]:
    """The population's own figures; by formula, but for dollars that have none: those of two million tries."""
    big = draw(world, rng, 2_000_000 // world.epochs)
    arm, control = float(big.dollars.mean()), float(big.their_dollars.mean())
    if world.costs == "log-normal":
        arm, control = (0.004 * exp(sigma**2 / 2) for sigma in world.sigma)
    rate = world.rate + min(world.difference, 0)
    other = world.rate - max(world.difference, 0)
    return {
        "solved": rate,
        "difference": world.difference,
        "savings": control - arm,
        "share": 1 - arm / control,
        "per solved": arm / rate,
        "rate": max((control - arm) / float(big.hours.mean()), 0.0),
        "gap": (1 - ALONE) * rate / (other - ALONE * rate),
    }


@dataclass(frozen=True)
class Found:
    """What one benchmark says."""

    intervals: dict[str, Interval | None]
    claim: Claim
    problems: int
    """That were compared."""


def cap_of(world: World) -> int:
    return RARE if world.costs == "rare" else 1


def measured_quickly(world: World, seen: Seen) -> Found:
    kept = ~seen.lost.all(axis=1)
    mine, other = _solves(seen.solved, ~seen.lost), _solves(seen.theirs, np.ones_like(seen.theirs))
    pairs = [pair for pair, keep in zip(zip(mine, other, strict=True), kept, strict=True) if keep]
    table, tries = _table(pairs), int((~seen.lost).sum())
    interval = paired(table.only_arm, table.only_control, table.size)
    dollars, theirs, hours = (_means(each, seen.lost)[kept] for each in (seen.dollars, seen.their_dollars, seen.hours))
    shares, costs = _means(seen.solved, seen.lost)[kept], seen.dollars[~seen.lost]
    step = float(costs.sum() / seen.tries[~seen.lost].sum())
    caps = max(float(dollars.max()), cap_of(world) * step), max(float(theirs.max()), float(seen.their_dollars.mean()))
    paid, other_paid = (Decimal(repr(float(side.sum()))) for side in (dollars, theirs))
    savings = Savings("measured", len(pairs), paid, other_paid, experiments=tries)
    savings = with_intervals(savings, list(dollars), list(theirs), caps) if tries >= SHARE_FROM else savings
    intervals = (
        clustered(tuple(sorted((solves.solved, solves.tries) for solves, _ in pairs))),
        interval,
        savings.interval,
        savings.share_interval,
        per_solved_interval(list(dollars), list(shares), tries, caps[0]),
        _rate(dollars, theirs, hours, tries) if tries >= SHARE_FROM and not savings.why_none else None,
        _recovered(world, seen),
    )
    lost = _with_lost(seen) if seen.lost.any() and world.epochs == 1 else None
    return Found(dict(zip(QUANTITIES, intervals, strict=True)), _claim(pairs, table, lost), len(pairs))


def _solves(solved: Any, settled: Any) -> list[Solves]:
    return list(map(Solves, (solved & settled).sum(axis=1).tolist(), settled.sum(axis=1).tolist()))


def _means(values: Any, lost: Any) -> Any:
    """Of each problem, over its settled epochs."""
    return (values * ~lost).sum(axis=1) / np.maximum((~lost).sum(axis=1), 1)


def _table(pairs: Sequence[tuple[Solves, Solves]]) -> Table:
    table = pairs_of(pairs)
    assert table is not None
    return table


def _rate(dollars: Any, theirs: Any, hours: Any, tries: int) -> Interval | None:
    """As a break-even rate has it; whether it is shown too, as it is where something is saved, is left aside."""
    flip = flip_of(list(dollars), list(hours), list(theirs), [0.0] * len(hours), tries)
    return None if flip is None else flip.interval


def _recovered(world: World, seen: Seen) -> Interval | None:
    if any(world.invalid) or world.problems < GAP_FROM:
        return None
    bottom = seen.alone.mean(axis=1)
    gaps = seen.theirs.mean(axis=1) - bottom
    return fieller(seen.solved.mean(axis=1) - bottom, gaps) if gaps.sum() > 0 else None


def _with_lost(seen: Seen) -> Sequence[tuple[int, int, int]]:
    """The tables with all that is lost against the arm, and for it."""
    ours = (seen.solved & ~seen.lost)[:, 0], (seen.solved | seen.lost)[:, 0]
    return [(int((one & ~seen.theirs[:, 0]).sum()), int((~one & seen.theirs[:, 0]).sum()), len(one)) for one in ours]


def _claim(pairs: Sequence[tuple[Solves, Solves]], table: Table, lost: Sequence[tuple[int, int, int]] | None) -> Claim:
    """The floor is never met in these worlds."""
    if isinstance(table, Pairs):
        found = strength(table.only_arm, table.only_control, table.size)
    else:
        signs = Counter((mine.share > other.share) - (mine.share < other.share) for mine, other in pairs)
        found = strength_of(table, mcnemar_exact(signs[1], signs[-1]), MARGIN)
    if lost is not None:
        against, in_favour = (strength(*one) for one in lost)
        found = found.weaker(Strength(against.matches, against.better, in_favour.worse))
    return claim_at(found, LEVEL)


@lru_cache(maxsize=10_000)
def paired(won: float, lost: float, problems: float) -> Interval:
    return paired_difference(won, lost, problems)


@lru_cache(maxsize=10_000)
def clustered(clusters: tuple[tuple[int, int], ...]) -> Interval | None:
    return wilson_clustered(clusters)


def measured_as_real(world: World, seen: Seen) -> Found:
    """The same from experiments, by what measures real ones."""
    own = {name: experiments(name, seen) for name in ("arm", "alone", "control")}
    frontier = replace(MODEL, name="frontier")
    definitions = (
        Arm("arm", MODEL, spec=frontier, max_iterations=cap_of(world)),
        Arm("alone", MODEL, max_iterations=1),
        Arm("control", frontier, max_iterations=1),
    )
    comparison = compare(own["arm"], own["control"], MARGIN, definitions=definitions)
    figures = figures_of("arm", own["arm"], definitions=definitions)
    even, gap = comparison.break_even, recovered_of("arm", own, definitions, "control")
    intervals = (
        figures.solved_interval,
        comparison.difference_interval,
        comparison.savings.interval,
        comparison.savings.share_interval,
        figures.dollars_per_solved_interval,
        None if even is None else even.rate_interval,
        gap.interval if gap is not None and not any(world.invalid) else None,
    )
    return Found(dict(zip(QUANTITIES, intervals, strict=True)), comparison.claim, comparison.problems)


def experiments(arm: str, seen: Seen) -> list[Experiment]:
    ours = arm == "arm"
    solved = {"arm": seen.solved, "alone": seen.alone, "control": seen.theirs}[arm]
    dollars = seen.dollars if ours else seen.their_dollars
    return [
        experiment(
            arm,
            place,
            bool(solved[place]),
            float(dollars[place]),
            int(seen.tries[place]) if ours else 1,
            float(seen.hours[place]) if ours else 0.0,
            lost=ours and bool(seen.lost[place]),
        )
        for place in np.ndindex(*solved.shape)
    ]


def experiment(
    arm: str, place: tuple[int, ...], solved: bool, dollars: float, tries: int, hours: float, *, lost: bool = False
) -> Experiment:
    problem, epoch = place
    cost, seconds = Decimal(repr(dollars)), 3600 * hours
    last = Verdict(Outcome.PASSED if solved else Outcome.WRONG)
    iterations = tuple(
        Iteration(number, (Candidate("pass"),), (verdict,), cost=cost / tries)
        for number, verdict in enumerate([*[Verdict(Outcome.WRONG)] * (tries - 1), last], start=1)
    )
    own = Spending("local", "one's own", tries, Usage(1, 1), Decimal(0), seconds, gpu_seconds=seconds)
    ended = Status.SOLVED if solved else Status.UNSOLVED
    return Experiment(
        id=f"exp_{arm}_{problem}_{epoch}",
        problem_id=f"Simulated/{problem}",
        arm=arm,
        epoch=epoch + 1,
        seed=epoch,
        iterations=iterations,
        ledger=Ledger((*([own] * bool(hours)), Spending("checkpoint", "frontier", 1, Usage(1, 1), cost, 0.0))),
        status=Status.INVALID if lost else ended,
    )


def benchmark(world: World, seed: int, *, checked: bool = False) -> Found:
    """One simulated benchmark. Raises ArithmeticError where a real one would say something else."""
    seen = draw(world, np.random.default_rng(seed), world.problems)
    found = measured_quickly(world, seen)
    if checked and not _same(found, measured_as_real(world, seen)):
        raise ArithmeticError(f"{world.name}: {found} is not {measured_as_real(world, seen)}")
    return found


def _same(one: Found, other: Found) -> bool:
    mine, theirs = ([each for limits in found.intervals.values() for each in _edges(limits)] for found in (one, other))
    alike = np.allclose(mine, theirs, rtol=1e-6, atol=1e-9, equal_nan=True)
    return (one.claim, one.problems) == (other.claim, other.problems) and bool(alike)


def _edges(limits: Interval | None) -> tuple[float, float]:
    return (nan, nan) if limits is None else (limits.low, limits.high)


@dataclass(frozen=True)
class Held:
    """Of one quantity in one world."""

    coverage: float
    """nan: no interval was given."""
    above: float
    """Intervals that lie above the truth."""
    below: float
    given: float
    """The share of benchmarks with an interval."""


@dataclass(frozen=True)
class Row:
    world: World
    held: dict[str, Held]
    claims: dict[Claim, float]


def measure(world: World, benchmarks: int, seed: int) -> Row:
    """What became of the intervals given by *benchmarks*, and the share of each claim."""
    true = truth(world, np.random.default_rng([seed, 0]))
    sides: dict[str, list[int]] = {name: [] for name in QUANTITIES}
    claims: Counter[Claim] = Counter()
    for number in range(benchmarks):
        found = benchmark(world, seed * 1_000_000 + number, checked=number < CHECKED)
        claims[found.claim] += 1
        for name, interval in found.intervals.items():
            aim = true[name] * (found.problems if name == "savings" else 1)
            judged = not (any(world.invalid) and name != "share") and (name != "rate" or aim > 0)
            if interval is not None and judged:
                sides[name].append(int(aim > interval.high) - int(aim < interval.low))
    return Row(
        world,
        {name: _held(values, benchmarks) for name, values in sides.items()},
        {claim: claims[claim] / benchmarks for claim in CLAIMS},
    )


def _held(sides: Sequence[int], benchmarks: int) -> Held:
    if not sides:
        return Held(float("nan"), float("nan"), float("nan"), 0.0)
    inside, above, below = (sides.count(side) / len(sides) for side in (0, -1, 1))
    return Held(inside, above, below, len(sides) / benchmarks)


def exact_rates(problems: int, difference: float, discordant: float) -> dict[Claim, float]:
    """The chance of each claim, added up over all tables: no simulation."""
    return dict(chances(problems, Truth(difference, discordant), MARGIN))


@cache
def strength(won: int, lost: int, problems: int) -> Strength:
    return strength_of(Pairs(won, lost, problems), mcnemar_exact(won, lost), MARGIN)


LOOKS = {
    "2 looks": (82, 164),
    "4 looks": (41, 82, 123, 164),
    "8 looks": (20, 41, 61, 82, 102, 123, 143, 164),
    "late looks": (120, 140, 150, 160, 164),
}


def looks_until(sizes: tuple[int, ...], number: int) -> tuple[Look, ...]:
    return tuple(Look(n, sizes[-1]) for n in sizes[: number + 1])


def false_at_looks(sizes: tuple[int, ...]) -> dict[str, float]:
    """How often any look says MATCHES where the arm is worse by the margin, or BETTER where it is equal: added up over
    all tables, from look to look over those that no earlier look has ended. No simulation.
    """
    return {
        f"{name}, {discordant:.1%}": _false_at_looks(sizes, name, Truth(difference, discordant))
        for name, difference in (("matches", -MARGIN), ("better", 0.0))
        for discordant in (0.051, 0.1, 0.2, 0.3)
    }


def _false_at_looks(sizes: tuple[int, ...], claim: str, truth: Truth) -> float:
    going, wrong = np.ones((1, 1)), 0.0
    for number, (before, size) in enumerate(pairwise((0, *sizes))):
        going = fftconvolve(going, _tables_of(size - before, truth))
        said = _said(claim, size, level_at(looks_until(sizes, number), LEVEL))
        wrong += float(going[said].sum())
        going[said] = 0.0
    return wrong


def _tables_of(problems: int, truth: Truth) -> Any:
    """The chance of each table, by what the first alone and the second alone solved."""
    won, lost = np.indices((problems + 1, problems + 1))
    shares = [(truth.discordant + truth.difference) / 2, (truth.discordant - truth.difference) / 2]
    counts = np.stack([won, lost, problems - won - lost], axis=-1)
    return np.where(won + lost <= problems, multinomial.pmf(counts, problems, [*shares, 1 - sum(shares)]), 0.0)


@cache
def _said(claim: str, problems: int, level: float) -> Any:
    """Of each table whether `strength` of the claim is *level* or less."""
    won, lost = np.indices((problems + 1, problems + 1))
    z = norm.isf(level)
    if claim == "matches":
        passed = score(won, lost, problems, -MARGIN) >= max(z, critical_score(problems, MARGIN, level))
    else:
        passed = (score(won, lost, problems, 0.0) >= z) & (binom.cdf(np.minimum(won, lost), won + lost, 0.5) <= level)
    return passed & (won + lost <= problems)


def false_in_families(arms: int, sizes: tuple[int, ...], benchmarks: int, seed: int) -> dict[str, float]:
    """How often any of the arms behind the first says what is false at any look: all worse by the margin, all equal, or
    half of each. They share the control, and at each look Holm's procedure decides.
    """
    rng, wrong = np.random.default_rng(seed), Counter[str]()
    worlds = {"at the margin": [-MARGIN] * arms, "equal": [0.0] * arms, "half": [-MARGIN, 0.0] * (arms // 2)}
    for name, differences in worlds.items():
        for _ in range(benchmarks):
            control = rng.random(sizes[-1]) < 0.9
            signs = [_against(control, 0.06, difference, rng) for difference in differences]
            said = (
                _falsely([one[:n] for one in signs], differences, looks_until(sizes, k)) for k, n in enumerate(sizes)
            )
            wrong[name] += any(said)
    return {name: wrong[name] / benchmarks for name in worlds}


def _falsely(signs: Sequence[Any], differences: Sequence[float], looks: tuple[Look, ...]) -> bool:
    found = [strength(int((one > 0).sum()), int((one < 0).sum()), len(one)) for one in signs]

    def level(alpha: float) -> float:
        return level_at(looks, alpha)

    matches, better = (holm([getattr(one, claim) for one in found], LEVEL, level) for claim in ("matches", "better"))
    return any(
        (match and difference < 0) or good for match, good, difference in zip(matches, better, differences, strict=True)
    )


def _against(control: Any, lost: float, difference: float, rng: np.random.Generator) -> Any:
    """An arm that fails on some of what the control solves, and solves some of the rest: 1 where it alone does."""
    share = 0.9
    fails = rng.random(len(control)) < (lost - min(difference, 0)) / share
    gains = rng.random(len(control)) < min(1.0, (lost + max(difference, 0)) / (1 - share))
    return (~control & gains).astype(int) - (control & fails)


PILOTS = tuple(
    (problems, difference, discordant)
    for problems in (50, 100, 164)
    for difference, discordant in ((0.0, 0.1), (0.0, 0.2), (-0.02, 0.1), (0.05, 0.15), (-0.1, 0.2), (-MARGIN, 0.1))
)
"""Of pilots: problems, the true difference, and the share of discordant pairs."""


@dataclass(frozen=True)
class Planned:
    """What became of pilots that were told how many problems a conclusion would take."""

    told: float
    """The share of inconclusive pilots that were told a range."""
    open: float
    """Of these, those without an upper end."""
    at_low: float
    """The chance of a conclusion of a new run over so many problems as the lower end says, on average."""
    at_high: float


def planned(problems: int, difference: float, discordant: float, pilots: int, seed: int) -> Planned:
    """Pilots are drawn; the chance of a conclusion of what follows is added up over all tables."""
    won, lost = (discordant + difference) / 2, (discordant - difference) / 2
    drawn = np.random.default_rng(seed).multinomial(problems, [won, lost, 1 - won - lost], pilots)
    tables = [Pairs(int(b), int(c), problems) for b, c, _ in drawn]
    unclear = [one for one in tables if claim_at(strength(*astuple(one)), LEVEL) is Claim.INCONCLUSIVE]
    told = [needed for one in unclear if (needed := _needed(one)) is not None]
    truth = Truth(difference, discordant)
    lows = [_conclusive(needed.low, truth) for needed in told]
    highs = [_conclusive(needed.high, truth) for needed in told if needed.high is not None]
    return Planned(
        len(told) / max(len(unclear), 1),
        1 - len(highs) / max(len(told), 1),
        float(np.mean(lows or [nan])),
        float(np.mean(highs or [nan])),
    )


@cache
def _needed(table: Pairs) -> Needed | None:
    return needed_of(table, table.size, MARGIN)


@cache
def _conclusive(problems: int, truth: Truth) -> float:
    """Beyond 20,000 problems as of so many."""
    return 1 - chances(min(problems, 20_000), truth, MARGIN)[Claim.INCONCLUSIVE]


def planned_lines(found: Sequence[Planned]) -> Iterator[str]:
    yield f"{'n':>4} {'true':>6} {'discordant':>11} | {'told':>6} {'or more':>8} {'at low':>7} {'at high':>8}"
    for (problems, difference, discordant), one in zip(PILOTS, found, strict=True):
        numbers = f"{one.told:>6.0%} {one.open:>8.0%} {one.at_low:>7.0%} {one.at_high:>8.0%}"
        yield f"{problems:>4} {difference:>+6.2f} {discordant:>11.1%} | {numbers}"


EXACT = tuple(
    (problems, difference, discordant)
    for problems in (20, 50, 164)
    for difference in (0.0, -MARGIN)
    for discordant in (0.051, 0.1, 0.2, 0.3)
)


def head_lines() -> Iterator[str]:
    yield f"{'world':<37}{'n':>4} {'true':>6} |" + "".join(f"{name:>25}" for name in QUANTITIES) + " |" + _claim_heads()
    yield f"{'':<49}|" + f"{'cover  above  below given':>25}" * len(QUANTITIES) + " |"


def row_line(row: Row) -> str:
    world = row.world
    cells = "".join(f"{_cell(row.held[name]):>25}" for name in QUANTITIES)
    return f"{world.name:<37}{world.problems:>4} {world.difference:>+6.2f} |{cells} |{_claims(row.claims)}"


def _cell(held: Held) -> str:
    if isnan(held.coverage):
        return "-"
    sides = f"{held.above:>6.1%}{_over(held.above)}{held.below:>5.1%}{_over(held.below)}"
    return f"{held.coverage:>5.1%}{_mark(held.coverage)}{sides}{held.given:>5.0%}"


def _over(side: float) -> str:
    return "!" if side > WORST_SIDE else " "


def exact_lines(rates: Sequence[dict[Claim, float]]) -> Iterator[str]:
    yield f"{'n':>4} {'true':>6} {'discordant':>11} |" + _claim_heads()
    for (problems, difference, discordant), claims in zip(EXACT, rates, strict=True):
        yield f"{problems:>4} {difference:>+6.2f} {discordant:>11.1%} |{_claims(claims)}"


def summed_lines(rows: Sequence[Row], benchmarks: int) -> Iterator[str]:
    """All worlds together, and how many figures chance alone would take out of the bounds."""
    figures = [held.coverage for row in rows for held in row.held.values() if not isnan(held.coverage)]
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


def _false_lines(names: Iterable[str], rates: Sequence[dict[str, float]]) -> Iterator[str]:
    for name, found in zip(names, rates, strict=True):
        told = "".join(f"  {what}: {share:.2%}{'!' if share > LEVEL else ''}" for what, share in found.items())
        yield f"{name:<18}{told}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmarks", type=int, default=1000, help="simulated benchmarks for each world (1000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worlds", default="", metavar="TEXT", help="only those with this in their names")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    began = time.monotonic()
    error = 1.96 * (0.95 * 0.05 / options.benchmarks) ** 0.5
    print(f"Coverage of 95 % intervals and claims over {options.benchmarks} simulated benchmarks in each world")
    print(f"(aim 92 to 98 %, - below, + above; a true 95 % shows as 95 ± {error:.1%} by chance)\n")
    print("\n".join(head_lines()), flush=True)
    with ProcessPoolExecutor(options.jobs) as pool:
        worlds, rows = [world for world in WORLDS if options.worlds in world.name], []
        for row in pool.map(measure, worlds, repeat(options.benchmarks), repeat(options.seed)):
            rows.append(row)
            print(row_line(row), flush=True)
        several = pool.map(false_at_looks, LOOKS.values())
        sizes = [(164,), *LOOKS.values()]
        families = pool.map(false_in_families, repeat(8), sizes, repeat(options.benchmarks), repeat(options.seed))
        plans = pool.map(planned, *zip(*PILOTS, strict=True), repeat(options.benchmarks), repeat(options.seed))
        rates, looks = list(pool.map(exact_rates, *zip(*EXACT, strict=True))), list(several)
        together, pilots = list(families), list(plans)
    print("\n".join(summed_lines(rows, options.benchmarks)))
    print(f"\nClaims at a margin of {MARGIN:.0%}, one epoch, added up over all tables")
    print("(aims: true -0.05: matches at most 2.5 %; true 0: better and worse at most 2.5 % each)\n")
    print("\n".join(exact_lines(rates)))
    print("\nFalse MATCHES (worse by the margin) and BETTER (equal) at any look, by the share of discordant pairs,")
    print("added up over all tables")
    print("\n".join(_false_lines(LOOKS, looks)))
    print("\nFalse MATCHES or BETTER of any of 8 arms behind the first")
    print("\n".join(_false_lines(["one look", *LOOKS], together)))
    print(
        "\nAfter an inconclusive pilot: is it told how many problems a conclusion would take, and without an upper end,"
    )
    print("and the chance that so many lead to one\n")
    print("\n".join(planned_lines(pilots)))
    print(f"\n{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
