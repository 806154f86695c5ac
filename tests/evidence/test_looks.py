"""What looking several times costs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import norm

from pytest_koderz.evidence.looks import Look, level_at, with_current


def test_boundaries_agree_with_published_ones() -> None:
    """Five looks at equal distances: Lan and DeMets (1983), table 1, and R, gsDesign with sfLDOF."""
    looks = [Look(200 * number, 1000) for number in range(1, 6)]
    found = [norm.isf(level_at(tuple(looks[:number]), 0.025)) for number in range(1, 6)]
    assert found == pytest.approx([4.8769, 3.3570, 2.6803, 2.2898, 2.0310], abs=2e-4)


def test_one_look_at_the_whole_has_the_whole_level() -> None:
    """A benchmark that runs through at once pays nothing."""
    assert level_at((Look(164, 164),), 0.025) == pytest.approx(0.025)


@pytest.mark.parametrize("sizes", [(164,), (82, 164), (41, 82, 123, 164), (150, 151, 164), tuple(range(8, 165, 12))])
def test_all_looks_together_err_as_often_as_one(sizes: tuple[int, ...]) -> None:
    """A normal score that grows by independent steps, looked at each time: 2.5 % of 40,000 pass a boundary."""
    looks = tuple(Look(size, 164) for size in sizes)
    limits = [norm.isf(level_at(looks[: number + 1], 0.025)) for number in range(len(looks))]
    steps = np.random.default_rng(2).normal(size=(40_000, len(sizes))) * np.sqrt(np.diff([0, *sizes]))
    scores = steps.cumsum(axis=1) / np.sqrt(sizes)
    assert (scores >= limits).any(axis=1).mean() == pytest.approx(0.025, abs=0.0025)


def test_the_same_problems_again_are_no_look() -> None:
    """Nor are fewer: only what is new can mislead again."""
    before = (Look(50, 164), Look(50, 164), Look(82, 164))
    assert with_current(before, 82, 164) == (Look(50, 164), Look(82, 164))
    assert with_current(before, 164, 164) == (Look(50, 164), Look(82, 164), Look(164, 164))
    assert with_current((), 30, None) == (Look(30, 30),)


def test_levels_and_mcnemars_test_do_without_the_library_that_is_slow_to_load() -> None:
    """A summary without a bootstrap needs nothing else of it: a second of each small run."""
    program = (
        "import sys; from pytest_koderz.evidence.intervals import mcnemar_exact; "
        "from pytest_koderz.evidence.looks import Look, level_at; "
        "mcnemar_exact(7, 2), level_at((Look(20, 80), Look(40, 80)), 0.025); print('scipy.stats' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
