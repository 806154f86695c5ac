"""What must be the same for an experiment to go on."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from datetime import date

from hypothesis import given, settings

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.function_traits import FunctionTraits
from pytest_koderz.core.problem import Problem
from pytest_koderz.records.codec import dumped, parsed, plain, value_of
from pytest_koderz.records.conditions import changes, conditions_of, servers_unlike
from pytest_koderz.records.earlier_journals import digests_of
from pytest_koderz.records.events import Began
from tests.core.worlds import ADD, FRONTIER, KODERZ, LOCAL

from .worlds import values

DEFAULTS = {
    "spec": None,
    "checkpoint": None,
    "fallback": None,
    "max_iterations": 50,
    "checkpoint_interval": 5,
    "checkpoint_policy": "interval",
    "feedback": "assertion",
    "candidates": 1,
    "swarm": (),
    "beam": 1,
    "spread": 0.0,
    "attempts_shown": 5,
    "reuse_spec": False,
    "recall_guidance": False,
    "grade_on": "base",
    "accept_on": "base",
    "spec_policy": "eager",
    "max_reviews": None,
    "prompts": None,
}
MODEL_DEFAULTS = {"price": None, "temperature": None, "max_tokens": 4096, "context_tokens": None, "timeout": 600.0}
PROBLEM_DEFAULTS = {
    "preamble": "",
    "visible": None,
    "plus": None,
    "canonical_solution": None,
    "dataset": "",
    "isolation": "process-separated",
    "requires": (),
    "place": None,
    "categories": (),
    "published": None,
    "function": None,
}


def _defaults(kind: type) -> dict[str, object]:
    return {item.name: item.default for item in fields(kind) if item.default is not MISSING}


def test_what_a_journal_means_by_silence() -> None:
    """A default that changes would change what is said of earlier runs: leave it, or bring in another key for it."""
    assert _defaults(Arm) == DEFAULTS
    assert _defaults(ModelSettings) == {**MODEL_DEFAULTS, "patience": 0.0, "hosts": (), "slots": None, "cutoff": None}
    assert _defaults(Problem) == PROBLEM_DEFAULTS


def test_they_are_plain_data_without_what_is_a_default() -> None:
    """By key; long texts are told by their digests."""
    hot = replace(FRONTIER, temperature=0.5, timeout=9.0, options={"top_k": 3})
    told = conditions_of(replace(ADD, visible=None), replace(KODERZ, spec=hot, checkpoint=None))
    texts = {key: str(told[key])[:5] for key in ("problem.prompt", "problem.tests", "problem.canonical_solution")}
    assert set(texts.values()) == {"text "}
    assert {key: value for key, value in told.items() if key not in texts} == {
        "prompt version": "1",
        "problem.entry_point": "add",
        "local.name": "local",
        "local.backend": "scripted",
        "local.model": "local-1",
        "spec.name": "frontier",
        "spec.backend": "scripted",
        "spec.model": "frontier-1",
        "spec.temperature": 0.5,
        "spec.options.top_k": 3,
        "max_iterations": 6,
        "checkpoint_interval": 2,
    }


def test_what_changed_is_told_with_both_values() -> None:
    """A default by its value, a role by its model."""
    before = conditions_of(ADD, KODERZ)
    after = conditions_of(ADD, replace(KODERZ, max_iterations=50, checkpoint=None, fallback=LOCAL))
    assert changes(before, after) == (
        "checkpoint was frontier, is none",
        "fallback was none, is local",
        "max_iterations was 6, is 50",
    )


@given(values(Arm), values(Problem))
@settings(max_examples=50, deadline=None)
def test_they_survive_the_journal(arm: Arm, problem: Problem) -> None:
    """Or an experiment would never be gone on with."""
    under = conditions_of(problem, arm)
    told = plain(Began("", under))
    assert value_of(Began, parsed(dumped(told))).under == under
    assert changes(under, conditions_of(problem, arm)) == ()


def test_other_weights_behind_a_name_are_a_change() -> None:
    """As its servers told them; where they told nothing, then or now, it is none."""
    before, now, untold = (
        replace(KODERZ, local=replace(KODERZ.local, identity=identity))
        for identity in ({"digest": "1", "server": "Ollama 1"}, {"digest": "2", "server": "Ollama 2"}, {})
    )
    conditions = [conditions_of(None, arm) for arm in (before, now, untold)]
    assert changes(conditions[0], conditions[1]) == ("local.identity.digest was 1, is 2",)
    assert changes(conditions[0], conditions[2]) == changes(conditions[2], conditions[0]) == ()
    assert servers_unlike([before], [now]) == (f"the server of model '{LOCAL.name}' was Ollama 1, is Ollama 2",)
    assert servers_unlike([before], [untold]) == servers_unlike([untold], [now]) == ()


def test_how_a_problem_is_sorted_is_no_condition() -> None:
    """Nor since when it is known, nor what it is like: an earlier version did not say, and goes on with the same
    experiments.
    """
    like = FunctionTraits("src/sums.py", 3, 1, 2, 0.9)
    sorted_out = replace(ADD, categories=("numbers",), published=date(2021, 7, 7), function=like)
    assert conditions_of(sorted_out, KODERZ) == conditions_of(ADD, KODERZ)
    assert digests_of(sorted_out, KODERZ) == digests_of(ADD, KODERZ)
