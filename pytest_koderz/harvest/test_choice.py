"""In which order a function's tests are taken, of which there may be more than a task can have."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from math import ceil, log2

MOST_SECONDS = 5.0
"""Of all tests of a task together, by the original; more tests are not taken, and a single slower one not at all."""
MOST_TESTS = 60
_QUICK = MOST_SECONDS / MOST_TESTS
"""As many tests as a task may have take no more together, if none is slower."""


def in_order(
    ran: Mapping[str, AbstractSet[int]], seconds: Mapping[str, float], breadth: Mapping[str, int]
) -> list[str]:
    """The quick ones first; of these those that run lines which none before does, then those that run the fewest
    functions. *ran* has by test the lines of the function, *breadth* how many functions it runs.

    What a clock tells of quick tests is never the same again, so that it decides nothing between them: whoever harvests
    a tree once more has the same tasks.
    """
    tests = sorted(ran, key=lambda test: (_pace(seconds[test]), breadth[test], test))
    seen: set[int] = set()
    nothing_new: dict[str, bool] = {}
    for test in tests:
        nothing_new[test] = ran[test] <= seen
        seen |= ran[test]
    return sorted(tests, key=lambda test: (_pace(seconds[test]), nothing_new[test]))


def _pace(seconds: float) -> int:
    """0: quick; each one more is twice as slow."""
    return max(ceil(log2(seconds / _QUICK)), 0) if seconds > 0 else 0
