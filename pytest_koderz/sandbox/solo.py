"""Judging in the candidate's own process, for tests that need its module."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from .channel import Channel, Gone
from .lane import Trial
from .process import Process
from .usage import Fate, usage_of
from .watch import Outputs, Stopwatch
from .wire import WireError

_REST_SECONDS = 0.5
"""How long an answer may take to come whole once it has begun to."""
_MOST_TESTS = 10**6
_TEXTS = ("summary", "assertion", "explanation", "exception")


def judge_alone(child: Process, sources: tuple[str, str, str, str], seconds: float) -> Trial:
    """Let *child* run a candidate with its tests: preamble, candidate, tests, entry point."""
    outputs = Outputs(child)
    channel = Channel(child.sock)
    watch = Stopwatch(seconds, child.pid)
    answer = _NOTHING
    with suppress(Gone):
        channel.send(list(sources))
    answered = outputs.until(child.sock, watch)
    usage, taken = usage_of(child.pid), watch.seconds
    if answered:
        channel.deadline = time.monotonic() + _REST_SECONDS
        with suppress(Gone, WireError):
            answer = _checked(channel.recv())
    fate = Fate(usage) if usage else child.fate()
    return Trial(answer, not answered, taken, fate, *outputs.texts())


_NOTHING: dict[str, Any] = {
    "outcome": "crashed",
    "passed": 0,
    "total": None,
    "failures": [{"summary": "the process ended"}],
}


def _checked(answer: Any) -> dict[str, Any]:
    """The answer in the types that a verdict has. Raises WireError: the child could send anything."""
    try:
        return {
            "outcome": {"passed": "passed", "wrong": "wrong", "crashed": "crashed"}[answer["outcome"]],
            "passed": _count(answer["passed"]),
            "total": None if answer["total"] is None else _count(answer["total"]),
            "failures": [_failure(each) for each in answer["failures"][:5]],
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WireError(f"no answer: {error!r}") from None


def _count(number: Any) -> int:
    if type(number) is not int or not 0 <= number <= _MOST_TESTS:
        raise ValueError("no number of tests")
    return number


def _failure(told: dict[str, Any]) -> dict[str, Any]:
    texts = {name: None if told[name] is None else str(told[name])[:2000] for name in _TEXTS}
    return {**texts, "line": told["line"] if type(told["line"]) is int else None}
