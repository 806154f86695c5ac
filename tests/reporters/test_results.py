"""The results hold what the summary rests on."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.experiment import Spec
from pytest_koderz.core.money import Usage
from pytest_koderz.reporters.results import results_of
from pytest_koderz.reporters.results_read import experiments_told
from pytest_koderz.reporters.summary import summary_lines
from tests.recomputing import numbers_in, recomputed, recomputed_places, weak_tests

from .test_summary import SITUATIONS

RECOMPUTED = (
    "measured",
    "strata",
    "places",
    "negative_savings",
    "worse",
    "zero_solved",
    "one_problem",
    "interrupted",
    "plus_gap",
    "cascade",
    "local_rate",
    "flagged_leaks",
    "ablation",
    "just_ask",
    "blind",
    "gap",
    "epochs",
    "five_arms",
    "five_arms_epochs",
    "simulated",
)
"""All that have a control and known prices."""


LONG = (
    "five_arms",
    "just_ask",
    "ablation",
    "gap",
    "measured",
    "worse",
    "zero_solved",
    "one_problem",
    "cascade",
    "simulated",
)
"""What they have, `five_arms_epochs` or another that stays has too."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in RECOMPUTED]
)
def test_each_number_can_be_recomputed(name: str) -> None:
    """With scipy alone, in the order in which the summary has them."""
    frame, experiments = SITUATIONS[name]()
    results = json.dumps(results_of(frame, {}, experiments))
    lines = summary_lines(frame, experiments, whole=True)
    summary = "\n".join(line for line in lines if "1st try" not in line)
    assert numbers_in(recomputed(results)) == numbers_in(summary)


@pytest.mark.parametrize("name", ["places", "places_alone", "measured"])
def test_each_place_can_be_recomputed(name: str) -> None:
    """With its advice, how sure that is, and where it stands in the list."""
    frame, experiments = SITUATIONS[name]()
    results = json.dumps(results_of(frame, {}, experiments))
    told = json.loads(results)
    found = recomputed_places(results)
    assert [row["name"] for row in found] == [row["name"] for row in told["places"]]
    for mine, row in zip(found, told["places"], strict=True):
        assert mine.keys() == row.keys()
        assert {key: _near(value) for key, value in mine.items()} == row
    functions = {row["problem"]: row["traits"]["function"] for row in told["experiments"]}
    assert [(row["adequacy"], row["problem"]) for row in told["weak_tests"]] == weak_tests(functions)


def test_what_was_written_of_functions_is_read_again() -> None:
    """By which files can be compared; those of earlier versions say nothing of it."""
    frame, experiments = SITUATIONS["places"]()
    results = json.loads(json.dumps(results_of(frame, {"prompt_version": "1"}, experiments)))
    assert [one.traits for one in experiments_told(results)] == [one.traits for one in experiments]
    for row in results["experiments"]:
        del row["traits"]["function"]
    assert all(one.traits.function is None for one in experiments_told(results))


def _near(value: object) -> object:
    return pytest.approx(value, abs=1e-6) if isinstance(value, float | list | dict) else value


@pytest.mark.parametrize("name", ["all_invalid", "no_control", "unknown_price", "epochs"])
def test_results_are_plain_json(name: str) -> None:
    """Whatever happened: no NaN, which other programs refuse."""
    frame, experiments = SITUATIONS[name]()
    json.dumps(results_of(frame, {}, experiments), allow_nan=False)


def test_it_is_said_why_there_is_no_pass_at_k() -> None:
    """Null alone could mean anything."""
    frame, experiments = SITUATIONS["measured"]()
    arm = results_of(frame, {}, experiments)["arms"]["koderz"]
    assert (arm["pass_at_k"], arm["pass_at_k_missing"]) == (None, "a problem has fewer than two settled epochs")


def test_who_answered_under_another_name_is_named_by_role() -> None:
    """As it named itself; a version of the model that was asked for is told too, and who kept to the name is not."""
    frame, (experiment, *_) = SITUATIONS["measured"]()
    asked = ModelSettings("coder", "openai", "gpt-4")
    arm = Arm(experiment.arm, asked, spec=replace(asked, model="planner"))
    experiment = replace(
        experiment,
        spec=Spec("Do it.", "planner", Usage(), Decimal(0)),
        iterations=tuple(replace(each, model_id="smollm2") for each in experiment.iterations),
    )
    results = results_of(replace(frame, definitions=(arm,)), {}, [experiment])
    assert results["experiments"][0]["answered_by"] == {"local": ["smollm2"]}
