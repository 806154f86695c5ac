"""A worked example of extension: an observer of our own hooks, and a line in the summary."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_koderz.core.experiment import Experiment


# Without optionalhook, pytest would not start where the plugin is not installed.
@pytest.hookimpl(optionalhook=True)
def pytest_koderz_summary(experiments: Sequence[Experiment]) -> list[str]:
    """How the attempts failed, over all arms."""
    outcomes = Counter(str(each.verdict.outcome) for one in experiments for each in one.iterations)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    return [f"verdicts: {counts}"] if counts else []
