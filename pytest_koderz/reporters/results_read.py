"""Experiments as a file of results tells them, which may come from anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, cast

from pytest_koderz.core.experiment import Experiment, Guidance, Spec, Status
from pytest_koderz.core.function_traits import FunctionTraits
from pytest_koderz.core.iteration import Iteration, Outcome, Verdict
from pytest_koderz.core.money import Ledger, Spending, Usage
from pytest_koderz.core.problem import Acceptance, Traits
from pytest_koderz.files.json_weight import has_more_values
from pytest_koderz.files.jsonl import MOST_VALUES, text_of
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.codec import MOST_EXACT, Malformed, reader_of

from .results import VERSION

Number = TypeVar("Number", int, float)

FAULTS = (ValueError, LookupError, TypeError, ArithmeticError, AttributeError, RecursionError)
"""What a file that `results_of` did not write may raise where it is read."""


def results_in(path: Path) -> dict[str, Any]:
    """The results in a file of the present format. Of what is in them only the parts are there for sure.

    Raises UsageError for any other file.
    """
    text = text_of(path)
    if has_more_values(text, MOST_VALUES):
        raise UsageError(f"{path} holds more than {MOST_VALUES:,} values, which no results do")
    try:
        results = json.loads(text)
        version, _ = _whole(results["version"]), (results["benchmark"]["id"], results["experiments"])
    except FAULTS:
        raise not_results(path) from None
    if version != VERSION:
        raise UsageError(f"{path} has format {version}, and this version reads {VERSION}; write it anew")
    if not results["experiments"]:
        raise UsageError(f"{path} holds no experiment")
    return cast("dict[str, Any]", results)


def not_results(path: Path) -> UsageError:
    return UsageError(f"{path} is not a file that --koderz-json wrote")


def benchmark_told(results: Mapping[str, Any]) -> dict[str, Any]:
    """What `results_of` wrote of the run itself, as far as runs are compared by it. Raises one of FAULTS."""
    told = results["benchmark"]
    return {name: reader_of(kind)(told[name]) for name, kind in _BENCHMARK.items() if name in told}


_BENCHMARK: Mapping[str, Any] = {
    "id": str,
    "simulated": bool,
    "grade_on": str | None,
    "profile": str | None,
    "settings": str | None,
    "models": Mapping[str, str],
    "servers": Mapping[str, Mapping[str, str]],
}


def experiments_told(results: Mapping[str, Any]) -> tuple[Experiment, ...]:
    """What `results_of` wrote of them, read again: outcomes, dollars, tokens and seconds, without texts.

    Raises one of FAULTS for what it cannot have written.
    """
    version = _perhaps_text(results["benchmark"]["prompt_version"]) or ""
    return tuple(_experiment(row, version) for row in results["experiments"])


def _experiment(row: Mapping[str, Any], version: str) -> Experiment:
    return Experiment(
        id=_text(row["id"]),
        problem_id=_text(row["problem"]),
        arm=_text(row["arm"]),
        epoch=_whole(row["epoch"]),
        seed=_whole(row["seed"]),
        spec=None if row["spec"] is None else _spec(row["spec"]),
        iterations=tuple(_iteration(step) for step in row["steps"] if step["phase"] != "checkpoint"),
        checkpoints=tuple(_checkpoints([step for step in row["steps"] if step["phase"] == "checkpoint"])),
        ledger=Ledger(tuple(map(_spending, row["spent"]))),
        # Files of earlier versions do not have these three.
        traits=_traits(row.get("traits", {})),
        earlier=Ledger(tuple(map(_spending, row.get("earlier", ())))),
        accept_on=_acceptance(row.get("accept_on", "base")),
        status=Status(row["outcome"]),
        reason=_text(row["reason"]),
        seconds=_amount(row["seconds"]),
        prompt_version=version,
    )


def _traits(told: Mapping[str, Any]) -> Traits:
    return Traits(
        dataset=_text(told.get("dataset", "")),
        published=_perhaps_day(told.get("published")),
        categories=tuple(map(_text, told.get("categories", ()))),
        solution_length=_whole(told.get("solution_length") or 0),
        function=_function(told.get("function")),
    )


def _function(told: Mapping[str, Any] | None) -> FunctionTraits | None:
    if told is None:
        return None
    callers, adequacy = told["callers"], told["adequacy"]
    return FunctionTraits(
        file=_text(told["file"]),
        lines=_whole(told["lines"]),
        branches=_whole(told["branches"]),
        callers=None if callers is None else _whole(callers),
        adequacy=None if adequacy is None else _share(adequacy),
    )


def _spec(told: Mapping[str, Any]) -> Spec:
    recalled = _perhaps_text(told["recalled_from"])
    return Spec("", "", _usage(told), _dollars(told["cost_usd"]), recalled_from=recalled)


def _iteration(step: Mapping[str, Any]) -> Iteration:
    verdict = Verdict(Outcome(step["outcome"]))
    fallback = step["phase"] == "fallback"
    return Iteration(_whole(step["number"]), (None,), (verdict,), fallback=fallback, cost=_dollars(step["cost_usd"]))


def _checkpoints(steps: Sequence[Mapping[str, Any]]) -> Iterator[Guidance]:
    for place, step in enumerate(steps, start=1):
        yield Guidance(place, _whole(step["number"]), "", "", cost=_dollars(step["cost_usd"]))


def _spending(row: Mapping[str, Any]) -> Spending:
    return Spending(
        _text(row["role"]),
        _text(row["model"]),
        _whole(row["calls"]),
        _usage(row),
        _dollars(row["cost_usd"]),
        _amount(row["seconds"]),
        None if row["gpu_seconds"] is None else _amount(row["gpu_seconds"]),
        cancelled=_whole(row.get("cancelled", 0)),
    )


def _usage(told: Mapping[str, Any]) -> Usage:
    return Usage(_whole(told["tokens_in"]), _whole(told["tokens_out"]))


# As strictly as a journal is read, where it was written: types are exact, and nothing is used up less than not at all.

_text = reader_of(str)
_perhaps_text = reader_of(str | None)
_perhaps_day = reader_of(date | None)
_acceptance = reader_of(Acceptance)


def _whole(told: object) -> int:
    return _within(cast(int, reader_of(int)(told)), MOST_EXACT)


def _amount(told: object) -> float:
    return _within(cast(float, reader_of(float)(told)), MOST_EXACT)


def _share(told: object) -> float:
    return _within(cast(float, reader_of(float)(told)), 1)


def _dollars(told: object) -> Decimal | None:
    """The dollars of a file are numbers."""
    return None if told is None else cast(Decimal, reader_of(Decimal)(str(_amount(told))))


def _within(number: Number, most: int) -> Number:
    """Raises Malformed for what is less than nothing, or more than *most*."""
    if not 0 <= number <= most:
        raise Malformed(f"must be from 0 to {most}")
    return number
