"""What is drawn at random, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from pytest_koderz.core.problem import Problem
from pytest_koderz.datasets import load
from pytest_koderz.datasets.sampling import RandomSample, drawn, sample_named, words_for
from pytest_koderz.files.usage_error import UsageError

PROBLEMS = tuple(load("humaneval"))


def _drawn(size: int, seed: int = 0, problems: Sequence[Problem] = PROBLEMS) -> list[str]:
    return list(drawn({"humaneval": problems}, RandomSample(size, seed)))


def test_a_larger_sample_begins_with_the_smaller_one() -> None:
    """100 hold 50, in the same order; all are all."""
    whole = _drawn(164)
    assert sorted(whole) == sorted(problem.id for problem in PROBLEMS)
    for size in (1, 50, 100):
        assert _drawn(size) == whole[:size]
    assert _drawn(200) == whole


def test_a_sample_is_spread_over_the_order() -> None:
    """HumanEval gets harder on its way: each quarter of it has its quarter of 40, whatever the seed."""
    places = {problem.id: number for number, problem in enumerate(PROBLEMS)}
    for seed in range(20):
        quarters = Counter(places[name] * 4 // 164 for name in _drawn(40, seed))
        assert all(abs(number - 10) <= 2 for number in quarters.values())


def test_every_problem_has_the_same_chance() -> None:
    """Of 4,000 seeds a problem of seven is among three in 3/7, and stands first in 1/7; 5 standard errors."""
    few = PROBLEMS[:7]
    among, first = Counter[str](), Counter[str]()
    for seed in range(4000):
        names = _drawn(3, seed, few)
        among.update(names)
        first[names[0]] += 1
    for problem in few:
        assert among[problem.id] / 4000 == pytest.approx(3 / 7, abs=0.04)
        assert first[problem.id] / 4000 == pytest.approx(1 / 7, abs=0.03)


def test_seeds_differ_and_the_default_is_always_the_same() -> None:
    """So that --lf and a resumed run meet the same problems; a golden order, which no version may change."""
    assert _drawn(5, 1) != _drawn(5, 2)
    assert _drawn(5) == GOLDEN


GOLDEN = ["HumanEval/146", "HumanEval/119", "HumanEval/14", "HumanEval/53", "HumanEval/137"]


def test_each_suite_has_its_share_and_keeps_it_without_the_others() -> None:
    """Of 100 and 64 problems; where nothing of one suite is left to rerun, the others keep those that they had."""
    parts = {"a": PROBLEMS[:100], "b": PROBLEMS[100:]}
    both = drawn(parts, RandomSample(41))
    of_a = [name for name in both if name in {problem.id for problem in PROBLEMS[:100]}]
    assert len(of_a) in (25, 26)
    assert set(of_a) <= set(drawn({"a": PROBLEMS[:100]}, RandomSample(41)))


@pytest.mark.parametrize(("text", "sample"), [("50", RandomSample(50)), (" 50@7 ", RandomSample(50, 7))])
def test_a_sample_is_named_by_size_and_seed(text: str, sample: RandomSample) -> None:
    """And says so itself."""
    assert sample_named(text) == sample
    assert sample_named(str(sample)) == sample


@pytest.mark.parametrize("text", ["0", "-3", "half", "50@", "50%", ""])
def test_what_is_no_sample_is_refused(text: str) -> None:
    """With what would be right."""
    with pytest.raises(UsageError, match="50@7"):
        sample_named(text)


@pytest.mark.parametrize(
    ("chosen", "selected", "sample", "words"),
    [
        (PROBLEMS, PROBLEMS, None, ""),
        (PROBLEMS[:50], PROBLEMS[:50], None, "the first 50 of 164"),
        (PROBLEMS[3:50], PROBLEMS[3:50], None, ""),
        (PROBLEMS[3:50], PROBLEMS, RandomSample(47), "a random sample of 47 of 164, seed 0"),
        (PROBLEMS[3:9], PROBLEMS[:50], RandomSample(6, 2), "a random sample of 6 of the first 50 of 164, seed 2"),
        (PROBLEMS[:50], PROBLEMS[:50], RandomSample(99), "the first 50 of 164"),
    ],
)
def test_what_was_chosen_in_words(
    chosen: Sequence[Problem], selected: Sequence[Problem], sample: RandomSample | None, words: str
) -> None:
    """A beginning of a data set is no random sample, and is called what it is."""
    assert words_for([problem.id for problem in chosen], [selected], [PROBLEMS], sample) == words
