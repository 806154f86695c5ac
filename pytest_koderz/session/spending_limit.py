"""--koderz-max-cost: whether a benchmark has a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .option_types import sum_of_dollars

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from .context import BenchmarkRun


def add_options(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--koderz-max-cost",
        metavar="USD",
        type=sum_of_dollars,
        help="Make no call that could pass this sum; the rest is skipped.",
    )


def register(run: BenchmarkRun) -> None:
    """Raises UsageError where a resumed benchmark's journals do not say what it has spent."""
    from .budget import Budget

    settings = run.settings
    if settings.max_cost is None:
        return
    budget = Budget(settings, settings.max_cost, run.folder / "budget.db")
    if run.recorded is not None and not run.is_worker:
        budget.carry_over(run.recorded)
    run.register(budget, "budget")
