"""Experiments in words: lines for people, from values."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import Iteration, Outcome, Verdict
from pytest_koderz.core.money import Usage

from .plain_text import cut

LONGEST = 2_000
"""The most characters of one line."""
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


def telling(value: float, decisive: Iterable[float] = (0.0,), digits: int = 0) -> str:
    """`+12`, `-4.96` where 5 points decide: with so many digits, from *digits* on, that rounding hides on which side of
    a *decisive* value it lies, and no `-0`.
    """
    for more in range(digits, digits + 4):
        shown = round(value, more)
        if all((shown > limit) == (value > limit) and (shown < limit) == (value < limit) for limit in decisive):
            return f"{shown + 0.0:+.{more}f}"
    return f"{value + 0.0:+.{digits + 4}f}"


def limits(low: float, high: float, decisive: Iterable[float] = (0.0,)) -> str:
    """`[+4, +24]`, as `telling` has them."""
    known = tuple(decisive)
    return f"[{telling(low, known)}, {telling(high, known)}]"


def percent(share: float) -> str:
    """`75 %`."""
    return f"{share * 100:.0f} %"


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


def brief(verdict: Verdict) -> str:
    """`wrong (2/7)`."""
    told = "" if verdict.passed or not verdict.assertions_total else verdict.assertions_total
    return f"{verdict.outcome} ({verdict.assertions_passed}/{told})" if told else str(verdict.outcome)


def detail(verdict: Verdict) -> str:
    """The first failure in one line; empty where there is none."""
    if not verdict.failures:
        return ""
    first = verdict.failures[0]
    text = first.exception or first.explanation or first.summary
    return " ".join(text.split())


def headline(experiment: Experiment, *, failure: bool = True) -> str:
    """One line on how an experiment ended, with its first *failure*."""
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
    told = detail(deciding_verdict(experiment)) if failure else ""
    return f"unsolved after {tried}, the last {words}{': ' + told if told else ''}"


def last_words(experiment: Experiment) -> str:
    """The same in few words, of an unsolved one: `10 iterations, wrong (2/7): assert ...`."""
    if not experiment.iterations:
        return "no iteration"
    verdict = deciding_verdict(experiment)
    failure = detail(verdict)
    return f"{counted(len(experiment.iterations), 'iteration')}, {brief(verdict)}{': ' + failure if failure else ''}"


def deciding_verdict(experiment: Experiment) -> Verdict:
    """That of the grading tests on what was accepted, else the last iteration's."""
    return (experiment.graded if experiment.accepted else None) or experiment.iterations[-1].verdict


def failure_lines(experiment: Experiment) -> list[str]:
    """What a person wants to see of an experiment that was not solved: the last candidate, and how it failed."""
    return [cut(line, LONGEST) for line in _failure_lines(experiment)]


def _failure_lines(experiment: Experiment) -> list[str]:
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
    failed = _failed_test(deciding_verdict(experiment))
    untold = not any(line.startswith("E") for line in failed)
    last = f"E   {headline(experiment, failure=untold)}"
    return [head, "", *_code_lines(experiment.iterations[-1]), "", *failed, last]


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
