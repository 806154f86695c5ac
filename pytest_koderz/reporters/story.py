"""One experiment from its beginning to its end, as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from difflib import unified_diff

from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec, Status
from pytest_koderz.core.iteration import Candidate, Iteration, StopReason, Verdict
from pytest_koderz.core.money import Ledger

from .fixed_width import LONGEST, Table, wrapped
from .plain_text import cut
from .summary import WIDTH
from .text import counted, detail, dollars, headline, outcome_words, tokens, verdict_words

INDENT = "    "


def story_lines(experiment: Experiment, mark: str = "", columns: int = WIDTH) -> Iterator[str]:
    """The whole story, in so many *columns* of a terminal.

    *mark* stands before every line that says what models did; code is shown as it was written.
    """
    title = f"{experiment.id}: {experiment.problem_id} with arm {experiment.arm}{epoch_words(experiment)}"
    yield from folded(title, mark, columns)
    yield from folded(ending_words(experiment), mark, columns)
    yield from folded(circumstances_of(experiment), mark, columns)
    yield from _spec_lines(experiment, 0, mark, columns)
    for place, iteration in enumerate(experiment.iterations):
        yield from ("", *folded(iteration_words(iteration), mark, columns))
        yield from _candidate_lines(iteration, experiment.iterations[:place])
        yield from _told(iteration, columns)
        if iteration.question:
            yield from ("  it asked its reviewer:", *_quoted(iteration.question, columns))
        yield from _spec_lines(experiment, iteration.number, mark, columns)
        for advice in experiment.advice:
            if advice.after_iteration == iteration.number:
                yield from ("", *folded(advice_words(advice), mark, columns), *_audited(advice, mark, columns))
        for guidance in experiment.checkpoints:
            if guidance.after_iteration == iteration.number:
                yield from ("", *folded(checkpoint_words(guidance), mark, columns), *_audited(guidance, mark, columns))
    if experiment.graded is not None:
        yield from ("", *folded(graded_words(experiment.graded), mark, columns))
    yield from ("", *_cost_lines(experiment.ledger, mark, columns))


def _spec_lines(experiment: Experiment, tried: int, mark: str, columns: int) -> Iterator[str]:
    """Where it came after so many iterations."""
    if experiment.spec is not None and experiment.spec.after_iteration == tried:
        yield from ("", *folded(spec_words(experiment.spec), mark, columns), *_audited(experiment.spec, mark, columns))


def epoch_words(experiment: Experiment) -> str:
    """`, epoch 2`; empty of the first."""
    return f", epoch {experiment.epoch}" if experiment.epoch > 1 else ""


def ending_words(experiment: Experiment) -> str:
    """How it ended, in one line."""
    if experiment.status is Status.RUNNING:
        return f"not ended: cut short, or still at work, after {counted(len(experiment.iterations), 'iteration')}"
    return headline(experiment)


def circumstances_of(experiment: Experiment) -> str:
    """Benchmark, time and prompt version, as far as they are known."""
    parts = [f"of {experiment.benchmark_id}" if experiment.benchmark_id else ""]
    parts += [f"began {_second(experiment.started)}" if experiment.started else "", f"{experiment.seconds:,.1f} s"]
    parts += [f"prompt version {experiment.prompt_version}" if experiment.prompt_version else ""]
    return ", ".join(part for part in parts if part)


def _second(started: str) -> str:
    """`2026-11-28 06:50:13 UTC`."""
    try:
        return f"{datetime.fromisoformat(started).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):
        return started


def spec_words(spec: Spec) -> str:
    """Who wrote it and what it cost, in one line; so of the others below."""
    if spec.recalled_from:
        return f"spec by {spec.model_id}, recalled; {spec.recalled_from} paid {dollars(spec.cost)} for it"
    spent = f"{tokens(spec.usage)}, {dollars(spec.cost)}, {spec.seconds:,.1f} s"
    return f"spec by {spec.model_id}: {spent}{_cut(spec.stop_reason)}"


def iteration_words(iteration: Iteration) -> str:
    spent = f"{tokens(iteration.usage)}, {dollars(iteration.cost)}, {iteration.seconds:,.1f} s"
    cut = _cut(iteration.stop_reason)
    others = ""
    if len(iteration.verdicts) > 1:
        tried = iteration.tried
        told = [f"{verdict.outcome} ({writer})" if writer else str(verdict.outcome) for _, verdict, writer in tried]
        others = f", the best of {', '.join(told)}"
    if iteration.cancelled:
        others += f", {len(iteration.cancelled)} cancelled ({', '.join(iteration.cancelled)})"
    return f"iteration {iteration.number}: {verdict_words(iteration)}{others}{cut}; {spent}, by {iteration.model_id}"


def checkpoint_words(guidance: Guidance) -> str:
    source = f"{guidance.recalled} attempts from cortex" if guidance.recalled else "the loop's own record"
    spent = f"{tokens(guidance.usage)}, {dollars(guidance.cost)}, {guidance.seconds:,.1f} s"
    return f"checkpoint {guidance.number} by {guidance.model_id}, on {source}: {spent}{_cut(guidance.stop_reason)}"


def _cut(stop_reason: StopReason) -> str:
    return "" if stop_reason is StopReason.END else f"; the reply ended early: {stop_reason}"


def advice_words(advice: Advice) -> str:
    return f"advice from the memory: what helped {advice.experiment_id} on {advice.problem_id}"


def _audited(said: Spec | Guidance | Advice, mark: str, columns: int) -> Iterator[str]:
    """Its text, and what the audit found in it."""
    yield from _quoted(said.text, columns)
    for leak in said.leaks:
        yield from folded(f"  flagged: it tells {leak}", mark, columns)


def graded_words(verdict: Verdict) -> str:
    failure = "" if verdict.passed or not detail(verdict) else f": {detail(verdict)}"
    return f"graded on the plus tests: {outcome_words(verdict)}{failure}"


def _candidate_lines(iteration: Iteration, earlier: Sequence[Iteration]) -> Iterator[str]:
    """The first candidate whole, a later one by what differs from the one before it."""
    candidate = iteration.candidate
    if candidate is None:
        yield f"{INDENT}(the reply held no code)"
        return
    before = next((one for one in reversed(earlier) if one.candidate is not None), None)
    if before is None or before.candidate is None:
        yield from _indented(candidate.source.rstrip().splitlines())
    elif same := [one.number for one in earlier if one.candidate and one.candidate.digest == candidate.digest]:
        yield f"{INDENT}(the same code as in iteration {same[0]})"
    else:
        yield from _indented(_difference(before.candidate, candidate, before.number, iteration.number))


def _difference(before: Candidate, after: Candidate, old: int, new: int) -> Iterator[str]:
    was, now = (candidate.source.rstrip().splitlines() for candidate in (before, after))
    return unified_diff(was, now, f"iteration {old}", f"iteration {new}", lineterm="")


def _told(iteration: Iteration, columns: int) -> Iterator[str]:
    """What the model heard of the verdict; else what it would have heard."""
    if iteration.accepted:
        return
    if iteration.feedback:
        yield "  the model was told:"
        yield from _quoted(iteration.feedback, columns)
    else:
        known = detail(iteration.verdict) or iteration.verdict.outcome
        yield from folded(f"  the model was told nothing of it: {known}", columns=columns)


COSTS = ("role", "model", "calls", "in", "out", "dollars", "seconds")


def _cost_lines(ledger: Ledger, mark: str, columns: int) -> Iterator[str]:
    """A row for each role and model, and their sum."""
    yield f"{mark}costs"
    rows = list(cost_rows(ledger))
    yield from Table("  <10 <22 >5 >9 >9 >10 >7", (COSTS, *rows), columns).all_lines(rows)


def cost_rows(ledger: Ledger) -> Iterator[tuple[str, ...]]:
    """What stands in the columns COSTS, for each role and model; their sum is the last row."""
    for row in ledger.spendings:
        spent = (f"{row.usage.prompt:,}", f"{row.usage.output:,}", dollars(row.cost), f"{row.seconds:,.1f}")
        yield row.role, row.model, str(row.calls), *spent
    seconds = sum(row.seconds for row in ledger.spendings)
    whole = (f"{ledger.usage.prompt:,}", f"{ledger.usage.output:,}", dollars(ledger.cost), f"{seconds:,.1f}")
    yield "all", "", str(ledger.calls), *whole


def _quoted(text: str, columns: int) -> Iterator[str]:
    """The lines of *text*, set in; only those that are too long are broken."""
    for line in text.strip().splitlines():
        inset = INDENT + " " * (len(line) - len(line.lstrip()))
        yield from wrapped(line, columns, INDENT, inset, hyphens=True) or [""]


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return ((INDENT + cut(line, LONGEST)).rstrip() for line in lines)


def folded(line: str, mark: str = "", columns: int = WIDTH) -> list[str]:
    """*line* in parts that fit, each behind *mark*, those after the first set in."""
    indent = INDENT + " " * (len(line) - len(line.lstrip()))
    return [mark + part for part in wrapped(line, columns - len(mark), later=indent)]
