"""A random sample of problems that is spread over their order, and of which a smaller one is the beginning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.usage_error import UsageError

SEED = 0
"""Of a sample that names none: the same for everyone, so that a rerun meets the same problems."""

WHOLE = 10**9
"""More problems than there are anywhere: all, in the order of a sample."""


@dataclass(frozen=True, slots=True)
class RandomSample:
    """How many problems are drawn, and from which seed."""

    size: int
    seed: int = SEED

    def __str__(self) -> str:
        return f"{self.size}@{self.seed}"


def sample_named(text: str) -> RandomSample:
    """From `50`, or with a seed of one's own `50@7`. Raises UsageError."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*(?:@\s*(\d{1,9}))?\s*", text)
    if found is None or not int(found[1]):
        raise UsageError(f"sample: {text!r}: `50` would be right, or with a seed of your own `50@7`")
    return RandomSample(int(found[1]), int(found[2] or SEED))


def drawn(suites: Mapping[str, Sequence[Problem]], sample: RandomSample) -> dict[str, float]:
    """The ids of the sample, each with its place from 0 to 1, in the order in which they are to be run.

    Every problem has the same chance, each suite its share, and 100 hold the 50 of the same seed. Where a suite is
    missing because none of its items is left, as with --lf, those of the others are in it all the same.
    """
    places: dict[str, float] = {}
    for name, problems in suites.items():
        generator = Random(f"{sample.seed} {name}")  # noqa: S311 - no secret
        shift, order = generator.random(), _spread_out(problems, generator)
        places |= {problem.id: (number + shift) / len(problems) for number, problem in enumerate(order)}
    chosen = sorted(places, key=places.__getitem__)[: sample.size]
    return {problem_id: places[problem_id] for problem_id in chosen}


def _spread_out(problems: Sequence[Problem], generator: Random) -> list[Problem]:
    """From a beginning anywhere, so that each place is as likely for every problem."""
    start = int(generator.random() * len(problems))
    return _by_halves([*problems[start:], *problems[:start]], generator)


def _by_halves(problems: list[Problem], generator: Random) -> list[Problem]:
    """Of each half one by turns, and in each half of its halves: any beginning of it is spread over the whole.

    A data set often gets harder on its way; strata along it make a sample vary less: Cochran (1977), Sampling
    Techniques, chapters 5 and 8.
    """
    if len(problems) < 2:
        return problems
    middle = (len(problems) + (generator.random() < 0.5)) // 2
    halves = [_by_halves(part, generator) for part in (problems[:middle], problems[middle:])]
    if generator.random() < 0.5:
        halves.reverse()
    longer, other = sorted(halves, key=len, reverse=True)
    if len(longer) > len(other):
        return [each for pair in zip(longer, other, strict=False) for each in pair] + longer[len(other) :]
    return [each for pair in zip(*halves, strict=True) for each in pair]


def words_for(
    chosen: Iterable[str],
    selected: Iterable[Sequence[Problem]],
    suites: Iterable[Sequence[Problem]],
    sample: RandomSample | None,
) -> str:
    """Which problems the *chosen* ones are of those that were *selected* of the *suites*: a random sample, or the first
    ones. Empty: all, or picked in another way.
    """
    ids, frame = set(chosen), [problem.id for suite in selected for problem in suite]
    whole = [[problem.id for problem in suite] for suite in suites]
    if sample is None or len(ids) >= len(frame):
        return _first(ids, whole)
    return f"a random sample of {len(ids)} of {_first(set(frame), whole) or len(frame)}, seed {sample.seed}"


def _first(ids: set[str], suites: Sequence[Sequence[str]]) -> str:
    total = sum(map(len, suites))
    counts = [sum(name in ids for name in suite) for suite in suites]
    first = all(set(suite[:number]) <= ids for suite, number in zip(suites, counts, strict=True))
    return f"the first {len(ids)} of {total}" if first and 0 < len(ids) < total else ""
