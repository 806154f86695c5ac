"""What an untrusted process may tell of a run, and that all of it can be recorded and read again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.core.iteration import Candidate, Iteration, Outcome
from pytest_koderz.core.problem import Problem
from pytest_koderz.records.codec import dumped, parsed, plain, value_of
from pytest_koderz.sandbox.answer_format import answer_of
from pytest_koderz.sandbox.candidate_run import CandidateRun
from pytest_koderz.sandbox.channel import LARGEST, Gone, MalformedMessage, dumps, loads
from pytest_koderz.sandbox.repository_tests import TestsRun, _answer, _candidate_run
from pytest_koderz.sandbox.resources import ExitStatus
from pytest_koderz.sandbox.supervisor import Judge, _verdict_of

_FAILURE = {"summary": "s", "assertion": None, "explanation": "", "exception": "e", "line": 3}
_GOOD = {"outcome": "wrong", "passed": 1, "total": 2, "failures": [_FAILURE]}
_ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)
_NUMBERS = st.none() | st.booleans() | st.integers(-1, 9) | st.integers()
_TEXTS = st.none() | st.text(st.characters(), max_size=99) | _ANYTHING
_FAILURES = st.fixed_dictionaries(
    {"summary": _TEXTS, "assertion": _TEXTS, "explanation": _TEXTS, "exception": _TEXTS, "line": _NUMBERS}
)
_TOLD = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(["passed", "wrong", "crashed"]) | _ANYTHING,
        "passed": _NUMBERS,
        "total": _NUMBERS,
        "failures": st.lists(_FAILURES, max_size=6) | _ANYTHING,
    }
)


@settings(max_examples=80, deadline=None)
@given(_TOLD | _ANYTHING)
def test_what_is_let_in_is_recorded_and_read_again(told: object) -> None:
    """Whatever was told, of any length and in any characters."""
    try:
        answer = answer_of(loads(dumps(told), objects=True))
    except MalformedMessage:
        return
    verdict = _verdict_of(CandidateRun(answer, False, 0.1, ExitStatus(), "", ""), 1.0, "in-process", "none")
    assert verdict.assertions_passed <= (verdict.assertions_total or 10**9)
    iteration = Iteration(1, (Candidate("f = 1"),), (verdict,), feedback=verdict.feedback)
    line = dumped(plain(iteration)).encode()
    assert value_of(Iteration, parsed(line)) == iteration


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "no code"},
        {"outcome": ["wrong"]},
        {"outcome": "passed"},
        {"passed": 3},
        {"passed": True},
        {"passed": -1},
        {"passed": 1.0},
        {"passed": 10**30, "total": 10**30},
        {"total": "2"},
        {"failures": None},
        {"failures": [_FAILURE] * 6},
        {"failures": [{}]},
        {"failures": [{**_FAILURE, "summary": None}]},
        {"failures": [{**_FAILURE, "summary": "\n"}]},
        {"failures": [{**_FAILURE, "line": "3"}]},
        {"failures": [{**_FAILURE, "line": 1.5}]},
        {"failures": [{**_FAILURE, "exception": []}]},
        {"failures": [{**_FAILURE, "more": 1}]},
        {"more": 1},
    ],
)
def test_what_no_verdict_has_is_no_answer(change: dict[str, Any]) -> None:
    """A type, a range or a key."""
    assert answer_of(_GOOD)["passed"] == 1
    with pytest.raises(MalformedMessage):
        answer_of({**_GOOD, **change})


def test_a_long_text_is_cut_and_an_impossible_line_unknown() -> None:
    """They do no harm."""
    told = {**_GOOD, "failures": [{**_FAILURE, "summary": "x" * 9999 + "\nFAKE", "line": 10**4000}]}
    (failure,) = answer_of(told)["failures"]
    assert (len(failure["summary"]), failure["line"]) == (2000, None)


@pytest.mark.parametrize(
    ("body", "objects"),
    [
        (b"[" + b"{}," * (LARGEST // 3 - 2) + b"0]", False),
        (b"[" + b"[]," * (LARGEST // 3 - 2) + b"0]", False),
        (b"[" * LARGEST, False),
        (b"[" * LARGEST, True),
        (b"9" * 100_000, False),
        (b"[NaN]", True),
        (b"[1] [2]", False),
        (b"\xff", True),
        (b"", False),
    ],
)
def test_a_message_that_would_outgrow_its_size_is_refused(body: bytes, objects: bool) -> None:
    """Before it does."""
    with pytest.raises(MalformedMessage):
        loads(body, objects=objects)


_SENDS = """
import os, time
def f(n):
    body = {body}
    message = len(body).to_bytes(4, "big") + body
    try:
        while message: message = message[os.write(3, message):]
    finally:
        time.sleep(9)
"""
_TESTS = "import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(f(1), 2)\n"


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({**_GOOD, "failures": [{**_FAILURE, "summary": None}]}),
        json.dumps({**_GOOD, "passed": 10**6, "total": 1}),
    ],
)
def test_a_forged_answer_of_another_kind_is_none(judge: Judge, body: str) -> None:
    """A candidate beside its tests says what it likes; what no tests say is a crash."""
    problem = Problem("own/forged", "", "f", _TESTS, isolation="in-process")
    verdict = judge(problem, Candidate(_SENDS.format(body=body.encode())))
    assert (verdict.outcome, verdict.assertions_passed, verdict.assertions_total) == (Outcome.CRASHED, 0, None)
    assert verdict.failures[0].summary


class ToldChannel:
    """The harness's end of a channel on which a process with a repository's tests tells *told*."""

    def __init__(self, told: object) -> None:
        self._told = told
        self._coming: list[object] = [["ended"]]

    def send(self, token: object) -> None:
        self._coming.append({**self._told, "token": token} if isinstance(self._told, dict) else self._told)

    def recv(self) -> Any:
        return loads(dumps(self._coming.pop(0)), objects=True)


_OF_A_REPOSITORY = st.fixed_dictionaries(
    {
        "tests": st.lists(st.tuples(_TEXTS, st.just("passed") | _ANYTHING, _NUMBERS | st.floats()), max_size=3),
        "failures": st.lists(_FAILURES, max_size=6) | _ANYTHING,
        "tampering": st.lists(st.text(st.characters()), max_size=3) | _ANYTHING,
        "whole": st.booleans() | _ANYTHING,
    }
)


@settings(max_examples=150, deadline=None)
@given(_OF_A_REPOSITORY | _ANYTHING)
def test_so_is_what_a_repository_s_tests_tell(told: object) -> None:
    """A candidate that runs beside them can write all of it."""
    channel: Any = ToldChannel(told)
    try:
        answer = _answer(channel)
    except (MalformedMessage, Gone):
        return
    words = {name: word for name, word, _ in answer["tests"]}
    run = TestsRun(words, {}, answer["failures"], answer["tampering"], answer["whole"], False, 0.1, ExitStatus())
    verdict = _verdict_of(_candidate_run(run, [*words], 0.1), 1.0, "in-process", "none")
    assert all("\n" not in failure.summary and len(failure.summary) < 20_000 for failure in verdict.failures)
    iteration = Iteration(1, (Candidate("f = 1"),), (verdict,), feedback=verdict.feedback)
    assert value_of(Iteration, parsed(dumped(plain(iteration)).encode())) == iteration


@pytest.mark.parametrize("body", [b"[" + b"{}," * 600_000 + b"{}]", b'{"a":' * 5000 + b"1" + b"}" * 5000])
def test_a_message_with_objects_takes_no_more_than_its_size_lets_one_think(body: bytes) -> None:
    """Each of them has hundreds of bytes; what stands in texts is none."""
    with pytest.raises(MalformedMessage):
        loads(body, objects=True)
    text = dumps(["{[,:" * 600_000])
    assert loads(text, objects=True) == loads(text) == ["{[,:" * 600_000]
