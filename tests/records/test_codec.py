"""Records as JSON and back: what is let through can be written and read again, what is refused is named."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.money import Price, Spending
from pytest_koderz.core.ports import Reply
from pytest_koderz.records.codec import Malformed, dumped, from_json, parsed, plain, to_json, value_of
from pytest_koderz.records.events import Event, event_of, line_of
from pytest_koderz.testing import ScriptedModel
from tests.core.worlds import FRONTIER, KODERZ, RIGHT, run, wrong

from .worlds import events

REPLY: dict[str, Any] = {"text": "", "usage": {}, "model_id": "m"}
SPENDING: dict[str, Any] = {"role": "spec", "model": "m", "calls": 1, "usage": {}, "cost": "1", "seconds": 1}
DEEP = "[" * 100_000


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return run(local=ScriptedModel([wrong(1), "no code", wrong(2), wrong(2), RIGHT]))


def test_an_experiment_survives_json(experiment: Experiment) -> None:
    """Equal after the journey, Decimal digits and enums included."""
    again = from_json(to_json(experiment))
    assert again == experiment
    assert isinstance(again.ledger.cost, Decimal)
    assert again.iterations[0].verdict.outcome is experiment.iterations[0].verdict.outcome


@given(events())
def test_what_is_written_is_read_as_it_was(event: Event) -> None:
    """Every kind of event, with values from end to end of their ranges."""
    assert event_of(parsed(line_of(event))) == event


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("1E+999999999"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(events(), st.data())
def test_what_is_let_through_can_be_written_and_read_again(event: Event, data: st.DataObject) -> None:
    """Also where something else stands in the place of any part of it: it is refused, or equal after a journey."""
    told = json.loads(line_of(event))
    spoilt = data.draw(spoilings(told))
    try:
        let_through = event_of(parsed(json.dumps(spoilt)))
    except Malformed:
        return
    assert event_of(parsed(line_of(let_through))) == let_through


@st.composite
def spoilings(draw: st.DrawFn, told: dict[str, Any]) -> dict[str, Any]:
    """*told* with other JSON somewhere; the version stays."""
    name = draw(st.sampled_from([key for key in told if key != "v"]))
    value = told[name]
    if isinstance(value, dict) and value and draw(st.booleans()):
        return {**told, name: draw(spoilings(value))}
    return {**told, name: draw(JSON)}


@pytest.mark.parametrize(
    ("kind", "told", "words"),
    [
        (Spending, SPENDING | {"cost": "1E+999999999"}, "cost: must be a decimal number within 1E-40 and 1E18, not"),
        (Spending, SPENDING | {"cost": "NaN"}, "cost: must be a decimal number"),
        (Spending, SPENDING | {"cost": 0.1}, "cost: must be a text, not 0.1"),
        (Spending, SPENDING | {"seconds": float("nan")}, "seconds: must be a finite number, not nan"),
        (Spending, SPENDING | {"seconds": "1"}, "seconds: must be a number, not '1'"),
        (Spending, SPENDING | {"cost": "-0.01"}, "cost: must be 0 or more, not '-0.01'"),
        (Spending, SPENDING | {"seconds": -1.0}, "seconds: must be 0 or more, not -1"),
        (Reply, REPLY | {"usage": {"output": -5}}, "usage.output: must be 0 or more, not -5"),
        (Spending, SPENDING | {"calls": True}, "calls: must be a whole number, not True"),
        (Spending, SPENDING | {"calls": 10**30}, "calls: is a number too large"),
        (Reply, REPLY | {"usage": {"input": 1.0}}, r"usage.input: must be a whole number, not 1.0"),
        (Reply, REPLY | {"warnings": "careful"}, "warnings: must be a list, not 'careful'"),
        (Reply, REPLY | {"warnings": ["a", 1]}, r"warnings\[1\]: must be a text, not 1"),
        (
            Reply,
            REPLY | {"stop_reason": "tired"},
            "stop_reason: must be one of end, max tokens, context, .*cancelled, not",
        ),
        (Reply, REPLY | {"mood": "good"}, "mood: is no key of this version"),
        (Reply, {"text": ""}, "usage: is missing"),
        (Reply, [], "must be an object, not"),
        (Iteration, {"number": 1, "candidates": [], "verdicts": []}, "candidates and verdicts must be as many"),
        (
            Price,
            {**plain(FRONTIER.price), "as_of": "20261122"},
            "as_of: must be a day such as 2026-11-22, not '20261122'",
        ),
    ],
)
def test_what_is_refused_is_named(kind: type, told: object, words: str) -> None:
    """By its place in the value, and with what would be right."""
    with pytest.raises(Malformed, match=rf"^{words}"):
        value_of(kind, told)


def test_a_place_is_named_in_one_line() -> None:
    """Whatever a server or a file calls a key."""
    with pytest.raises(Malformed) as caught:
        value_of(Price, {**plain(FRONTIER.price), "\x1b[2J\n::error::\u2028" * 10_000: 1})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (DEEP, "nested too deeply"),
        ("{" * 3, "is no JSON"),
        ('{"a": 1, "a": 2}', "a key is given twice"),
        (b"\xff", "is no JSON"),
        ("1" * 5000, "is no JSON"),
    ],
    ids=["deep", "torn", "twice", "bytes", "digits"],
)
def test_text_that_is_no_json_is_refused(text: str | bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        parsed(text)


def test_what_could_not_be_read_again_is_not_written(experiment: Experiment) -> None:
    """Such as the infinite seconds of a plugin's model."""
    with pytest.raises(Malformed, match=r"^seconds: must be a finite number, not inf"):
        to_json(replace(experiment, seconds=float("inf")))


def test_an_arm_is_data(experiment: Experiment) -> None:
    """With its models and their prices."""
    assert value_of(type(KODERZ), parsed(dumped(plain(KODERZ)))) == KODERZ
