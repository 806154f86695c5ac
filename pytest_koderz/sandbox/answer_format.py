"""What came of a candidate's run, as a process tells it that could be told anything by others.

Held to the types and ranges of a verdict here, where it comes in: whatever passes can be recorded and read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .channel import MalformedMessage

LARGEST_ANSWER = 1 << 19
"""Bytes: five failures of four texts, each character in its longest form."""
_MOST_ASSERTIONS = 10**9
_MOST_FAILURES = 5
_LONGEST = 2000
_LAST_LINE = 10**6
_OUTCOMES = frozenset({"passed", "wrong", "crashed"})
_KEYS = frozenset({"outcome", "passed", "total", "failures"})
_TEXTS = ("assertion", "explanation", "exception")


def answer_of(told: object) -> dict[str, Any]:
    """*told*, which has the types that a verdict has. Raises MalformedMessage where it has not."""
    if type(told) is not dict or told.keys() != _KEYS:
        raise MalformedMessage("no answer")
    outcome, passed, total, failures = told["outcome"], told["passed"], told["total"], told["failures"]
    if type(outcome) is not str or outcome not in _OUTCOMES:
        raise MalformedMessage("no outcome")
    if not _is_count(passed) or not (total is None or (_is_count(total) and passed <= total)):
        raise MalformedMessage("no numbers of assertions")
    if type(failures) is not list or len(failures) > _MOST_FAILURES:
        raise MalformedMessage("no list of failures")
    if outcome == "passed" and (failures or not 0 < passed == total):
        raise MalformedMessage("passed, and not all of it")
    return {"outcome": outcome, "passed": passed, "total": total, "failures": [failure_of(each) for each in failures]}


def _is_count(number: object) -> bool:
    return type(number) is int and 0 <= number <= _MOST_ASSERTIONS


def failure_of(told: object) -> dict[str, Any]:
    """One of its failures. Raises MalformedMessage."""
    if type(told) is not dict or told.keys() != {"summary", *_TEXTS, "line"}:
        raise MalformedMessage("no failure")
    return {"summary": _summary(told["summary"]), **{name: _text(told, name) for name in _TEXTS}, "line": _line(told)}


def _summary(text: object) -> str:
    """One line that says something."""
    line = next(iter(text.splitlines()), "") if type(text) is str else ""
    if not line:
        raise MalformedMessage("no summary")
    return line[:_LONGEST]


def _text(told: Mapping[str, object], name: str) -> str | None:
    text = told[name]
    if text is not None and type(text) is not str:
        raise MalformedMessage(f"no {name}")
    return text and text[:_LONGEST]


def _line(told: Mapping[str, object]) -> int | None:
    line = told["line"]
    if line is not None and type(line) is not int:
        raise MalformedMessage("no line")
    return line if line is not None and 0 < line <= _LAST_LINE else None
