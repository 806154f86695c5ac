"""Experiments as a file of results tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from pytest_koderz.core.experiment import Experiment, Guidance, Spec, Status
from pytest_koderz.core.function_traits import FunctionTraits
from pytest_koderz.core.iteration import Iteration, Outcome, Verdict
from pytest_koderz.core.money import Ledger, Spending, Usage
from pytest_koderz.core.problem import Traits


def experiments_told(results: Mapping[str, Any]) -> tuple[Experiment, ...]:
    """What `results_of` wrote, read again: outcomes, dollars, tokens and seconds, without texts.

    Raises LookupError, TypeError or ValueError for what it cannot have written.
    """
    version = str(results["benchmark"]["prompt_version"])
    return tuple(_experiment(row, version) for row in results["experiments"])


def _experiment(row: Mapping[str, Any], version: str) -> Experiment:
    return Experiment(
        id=row["id"],
        problem_id=str(row["problem"]),
        arm=str(row["arm"]),
        epoch=int(row["epoch"]),
        seed=int(row["seed"]),
        spec=None if row["spec"] is None else _spec(row["spec"]),
        iterations=tuple(_iteration(step) for step in row["steps"] if step["phase"] != "checkpoint"),
        checkpoints=tuple(_checkpoints([step for step in row["steps"] if step["phase"] == "checkpoint"])),
        ledger=Ledger(tuple(map(_spending, row["spent"]))),
        # Files of earlier versions do not have these three.
        traits=_traits(row.get("traits", {})),
        earlier=Ledger(tuple(map(_spending, row.get("earlier", ())))),
        accept_on=row.get("accept_on", "base"),
        status=Status(row["outcome"]),
        reason=str(row["reason"]),
        seconds=float(row["seconds"]),
        prompt_version=version,
    )


def _traits(told: Mapping[str, Any]) -> Traits:
    published = told.get("published")
    return Traits(
        dataset=str(told.get("dataset", "")),
        published=None if published is None else date.fromisoformat(published),
        categories=tuple(map(str, told.get("categories", ()))),
        solution_length=int(told.get("solution_length") or 0),
        function=_function(told.get("function")),
    )


def _function(told: Mapping[str, Any] | None) -> FunctionTraits | None:
    if told is None:
        return None
    callers, adequacy = told["callers"], told["adequacy"]
    return FunctionTraits(
        file=str(told["file"]),
        lines=int(told["lines"]),
        branches=int(told["branches"]),
        callers=None if callers is None else int(callers),
        adequacy=None if adequacy is None else float(adequacy),
    )


def _spec(told: Mapping[str, Any]) -> Spec:
    return Spec("", "", _usage(told), _dollars(told["cost_usd"]), recalled_from=told["recalled_from"])


def _iteration(step: Mapping[str, Any]) -> Iteration:
    verdict = Verdict(Outcome(step["outcome"]))
    fallback = step["phase"] == "fallback"
    return Iteration(int(step["number"]), (None,), (verdict,), fallback=fallback, cost=_dollars(step["cost_usd"]))


def _checkpoints(steps: Sequence[Mapping[str, Any]]) -> list[Guidance]:
    return [
        Guidance(place, int(step["number"]), "", "", cost=_dollars(step["cost_usd"]))
        for place, step in enumerate(steps, start=1)
    ]


def _spending(row: Mapping[str, Any]) -> Spending:
    return Spending(
        str(row["role"]),
        str(row["model"]),
        int(row["calls"]),
        _usage(row),
        _dollars(row["cost_usd"]),
        float(row["seconds"]),
        None if row["gpu_seconds"] is None else float(row["gpu_seconds"]),
        cancelled=int(row.get("cancelled", 0)),
    )


def _usage(told: Mapping[str, Any]) -> Usage:
    return Usage(int(told["tokens_in"]), int(told["tokens_out"]))


def _dollars(amount: float | None) -> Decimal | None:
    return None if amount is None else Decimal(str(amount))
