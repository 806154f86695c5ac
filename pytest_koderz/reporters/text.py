"""Experiments in words: lines for people, from values."""

from __future__ import annotations

from decimal import Decimal

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import Iteration, Outcome, Verdict
from pytest_koderz.core.money import Usage

CODE_LINES = 60
"""The most lines of a candidate that are shown."""


def dollars(amount: Decimal | None, *, exact: bool = False) -> str:
    """`$0.0342`, `-$0.0021`, or `unknown`. Exact: all digits and no sign, for machines."""
    if amount is None:
        return "unknown"
    if exact:
        return format(amount.normalize(), "f")
    sign = "-" if amount < 0 else ""
    return f"{sign}${abs(amount):,.4f}"


def tokens(usage: Usage) -> str:
    """`1,204 in, 310 out`."""
    return f"{usage.prompt:,} in, {usage.output:,} out"


def counted(number: int, word: str) -> str:
    """`1 iteration`, `3 iterations`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def verdict_words(iteration: Iteration) -> str:
    """`wrong, 2 of 7 assertions passed`, and what else is to be known of it."""
    words = [outcome_words(iteration.verdict)]
    if iteration.repeated:
        words.append("a repeated candidate")
    if iteration.fallback:
        words.append("by the fallback model")
    return ", ".join(words)


def outcome_words(verdict: Verdict) -> str:
    """`wrong, 2 of 7 assertions passed`."""
    if not verdict.assertions_total or verdict.passed:
        return str(verdict.outcome)
    return f"{verdict.outcome}, {verdict.assertions_passed} of {verdict.assertions_total} assertions passed"


def detail(verdict: Verdict) -> str:
    """The first failure in one line; empty where there is none."""
    if not verdict.failures:
        return ""
    first = verdict.failures[0]
    text = first.exception or first.explanation or first.summary
    return " ".join(text.split())


def headline(experiment: Experiment) -> str:
    """One line on how an experiment ended."""
    if experiment.status in (Status.INVALID, Status.SKIPPED):
        return f"{experiment.status}: {experiment.reason}"
    if not experiment.iterations:
        return f"{experiment.status} without an iteration"
    tried = counted(len(experiment.iterations), "iteration")
    if experiment.solved:
        return f"solved in {tried}"
    last, graded = experiment.iterations[-1], experiment.graded
    words = verdict_words(last)
    if graded is not None and experiment.accepted:
        words = f"{words}, but {outcome_words(graded)} on the grading tests"
    failure = detail(last.verdict if graded is None or not experiment.accepted else graded)
    return f"unsolved after {tried}, the last {words}{': ' + failure if failure else ''}"


def failure_lines(experiment: Experiment) -> list[str]:
    """What a person wants to see of an experiment that was not solved: the last candidate, and how it failed."""
    spent = dollars(experiment.ledger.cost)
    checkpoints = counted(len(experiment.checkpoints), "checkpoint")
    head = f"{experiment.problem_id} with arm {experiment.arm} ({experiment.id}, {checkpoints}, {spent})"
    if experiment.status is Status.INVALID:
        return [
            head,
            "",
            f"E   {experiment.reason}",
            "",
            "Invalid: this says nothing of the model, and is not counted.",
        ]
    if not experiment.iterations:
        return [head, headline(experiment)]
    last = experiment.iterations[-1]
    failed = _failed_test((experiment.graded if experiment.accepted else None) or last.verdict)
    return [head, "", *_code_lines(last), "", *failed, f"E   {headline(experiment)}"]


def _code_lines(iteration: Iteration) -> list[str]:
    if iteration.candidate is None:
        return ["    (the reply held no code)"]
    lines = iteration.candidate.source.rstrip().splitlines()
    shown = [f"{number:>4}  {line}" for number, line in enumerate(lines[:CODE_LINES], start=1)]
    return shown + ([f"      ... {len(lines) - CODE_LINES} more lines"] if len(lines) > CODE_LINES else [])


def _failed_test(verdict: Verdict) -> list[str]:
    if verdict.outcome is Outcome.NO_CODE or not verdict.failures:
        return []
    first = verdict.failures[0]
    lines = [f">   {line}" for line in (first.assertion or "").splitlines()]
    lines += [f"E   {line}" for text in (first.explanation, first.exception) if text for line in text.splitlines()]
    return lines
