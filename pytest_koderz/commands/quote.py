"""What a benchmark would cost, before anything is spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from pytest_koderz.core.arm import Arm, ModelSettings, Role, SpecPolicy
from pytest_koderz.core.cost_bound import bound_of
from pytest_koderz.core.experiment import Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Candidate, FeedbackPolicy, Iteration, Outcome, StopReason, Verdict
from pytest_koderz.core.money import Usage, cost_of, total
from pytest_koderz.core.ports import Prompt
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.prompts import checkpoint_prompt, fallback_prompt, next_prompt, spec_prompt
from pytest_koderz.datasets.sampling import words_for
from pytest_koderz.evidence.compare import Claim
from pytest_koderz.evidence.power import Truth, chances
from pytest_koderz.reporters.fixed_width import Table, wrapped
from pytest_koderz.reporters.header import price_line
from pytest_koderz.reporters.summary import SIMULATED, WIDTH
from pytest_koderz.reporters.text import counted, dollars
from pytest_koderz.session.items import ExperimentItem, benchmark_key
from pytest_koderz.settings import Settings

from .earlier_runs import Earlier, earlier_of
from .printing import print_selected

SHORT_REPLY = 150
"""Tokens of a reply in the low figure: about a solution of HumanEval with its imports."""
CHARACTERS_PER_TOKEN = 4
"""In the low figure, as in common English text and code."""
FEEDBACK = 1000
"""Characters of feedback on an attempt in the high figure; a failed assertion with its values takes about 200."""


DISCORDANT = (0.05, 0.1, 0.2)
"""Shares of problems that one of two arms alone solves, where no earlier benchmark tells."""


@dataclass(frozen=True, slots=True)
class Span:
    """US dollars from low to high; None where a price is not known."""

    low: Decimal | None
    high: Decimal | None


def quote(config: pytest.Config, session: pytest.Session) -> int:
    """--koderz-quote: what the experiments that paths, -k and --koderz-problems pick would cost."""
    settings = config.stash[benchmark_key].settings
    return print_selected(session, lambda items, columns: _lines(settings, items, columns))


def _lines(settings: Settings, items: Sequence[ExperimentItem], columns: int) -> Iterator[str]:
    yield from quote_lines(settings, [(item.arm, item.problem) for item in items], columns)
    suites = {item.suite.nodeid: item.suite.problems for item in items}.values()
    first = words_for((item.problem.id for item in items), suites, suites, None)
    if first and settings.sample is None:
        mark = SIMULATED if settings.simulated else ""
        number = len({item.problem.id for item in items})
        hint = f"these are {first}, and the later ones may be harder: --koderz-sample {number} draws as many at random"
        yield from (mark + line for line in _folded(hint, columns))


def quote_lines(settings: Settings, experiments: Sequence[tuple[Arm, Problem]], columns: int = WIDTH) -> Iterator[str]:
    """The quote as lines of at most so many *columns*: what it costs, and how likely it is to end in a conclusion."""
    mark = SIMULATED if settings.simulated else ""
    spans: list[Span] = []
    specs: Counter[tuple[str, str]] = Counter()
    rows: list[Sequence[object]] = [("arm", "experiments", "low", "high")]
    for arm in settings.arms:
        problems = [problem for each, problem in experiments if each.name == arm.name]
        by_model = [
            (role, model, _span(arm, role, model, _paying(arm, role, problems, specs))) for role, model in arm.cast
        ]
        spans.append(_sum(span for _, _, span in by_model))
        rows.append(_row(arm.name, len(problems), spans[-1]))
        for role, model, span in by_model:
            rows.append(_row(f"  {role}: {model.name}", None, span))
    whole = _sum(spans)
    rows.append(_row("total", len(experiments), whole))
    table = Table("<33  >11  >9  >11", rows, columns - len(mark))
    yield from (mark + line for line in table.all_lines(rows[1:]))
    yield ""
    yield from (mark + line for line in _assumptions(settings, whole, columns))
    earlier = earlier_of(settings)
    said = [*_likely(settings, experiments, earlier, columns), *_power(settings, experiments, earlier, columns)]
    yield from (mark + line for line in said)


def _paying(arm: Arm, role: Role, problems: Sequence[Problem], specs: Counter[tuple[str, str]]) -> Sequence[Problem]:
    """*problems*, once for each epoch; for specs those that no arm before has written. Adds them to *specs*."""
    if role is not Role.SPEC:
        return problems
    name, own, paying = arm.models[role].name, Counter[str](), []
    for problem in problems:
        own[problem.id] += 1
        if own[problem.id] > specs[name, problem.id]:
            specs[name, problem.id] += 1
            paying.append(problem)
    return paying


def low_calls(arm: Arm, problem: Problem) -> Iterator[Prompt]:
    """The prompts of an experiment that is solved at the first try, with short replies."""
    start = Experiment("", problem.id, arm.name)
    if arm.spec is not None and arm.spec_policy is SpecPolicy.EAGER:
        yield spec_prompt(problem, 0, arm.prompt_set)
        start = start.with_spec(Spec(_stand_in(SHORT_REPLY * CHARACTERS_PER_TOKEN), ""))
    yield from _at_once(arm, 0, next_prompt(problem, start, arm, None, 0))


def _at_once(arm: Arm, tried: int, prompt: Prompt) -> Iterator[Prompt]:
    """The candidates of the iteration after so many, each to who writes it."""
    for turn in range(arm.candidates):
        yield replace(prompt, model=arm.writer(tried * arm.candidates + turn).name)


def high_calls(arm: Arm, problem: Problem) -> Iterator[Prompt]:
    """The prompts of an experiment that is never solved, where each reply is as long as it may be.

    A token of a reply stands as one character, since `bound_of` counts one token for each.
    """
    record = Experiment("", problem.id, arm.name)
    if arm.spec is not None:
        yield spec_prompt(problem, 0, arm.prompt_set)
        record = record.with_spec(Spec(_stand_in(arm.spec.max_tokens), ""))
    for number in range(1, arm.max_iterations + 1):
        yield from _at_once(arm, number - 1, next_prompt(problem, record, arm, None, 0))
        record = record.with_iteration(_failed(number, arm))
        if arm.checkpoint and _may_be_reviewed(arm, record):
            yield checkpoint_prompt(problem, record, record.iterations[-arm.checkpoint_interval :], 0, arm.prompt_set)
            record = record.with_checkpoint(Guidance(1, number, _stand_in(arm.checkpoint.max_tokens), ""))
    if arm.fallback is not None:
        yield fallback_prompt(problem, arm, None, 0)


def _may_be_reviewed(arm: Arm, record: Experiment) -> bool:
    """Whether a checkpoint can follow the last iteration. A model that may ask is taken to ask each time."""
    number, reviews = len(record.iterations), len(record.checkpoints)
    due = arm.may_ask(reviews) or (arm.may_review(reviews) and number % arm.checkpoint_interval == 0)
    return due and number < arm.max_iterations


def _failed(number: int, arm: Arm) -> Iteration:
    candidate = Candidate(_stand_in(max(model.max_tokens for model in arm.writers)))
    told = _stand_in(0 if arm.feedback is FeedbackPolicy.NONE else FEEDBACK)
    cut = StopReason.MAX_TOKENS
    return Iteration(number, (candidate,), (Verdict(Outcome.WRONG),), feedback=told, stop_reason=cut)


def _stand_in(characters: int) -> str:
    return "x" * characters


def _span(arm: Arm, role: Role, model: ModelSettings, problems: Iterable[Problem]) -> Span:
    """What the model would be paid in *role* for all *problems*."""
    price = model.price
    if price is None:
        return Span(None, None)
    spans = []
    for problem in problems:
        low = [_short_cost(prompt, model) for prompt in low_calls(arm, problem) if _is_asked(prompt, role, model)]
        high = [bound_of(prompt, model, price) for prompt in high_calls(arm, problem) if _is_asked(prompt, role, model)]
        spans.append(Span(total(low), total(high)))
    return _sum(spans)


def _is_asked(prompt: Prompt, role: Role, model: ModelSettings) -> bool:
    return prompt.role is role and prompt.model in ("", model.name)


def _short_cost(prompt: Prompt, model: ModelSettings) -> Decimal | None:
    read = -(-len(prompt.system + prompt.user) // CHARACTERS_PER_TOKEN)
    return cost_of(Usage(input=read, output=min(SHORT_REPLY, model.max_tokens)), model.price)


def _sum(spans: Iterable[Span]) -> Span:
    known = list(spans)
    return Span(total(span.low for span in known), total(span.high for span in known))


def _row(name: str, experiments: int | None, span: Span) -> tuple[object, ...]:
    return name, "" if experiments is None else experiments, dollars(span.low), dollars(span.high)


def _assumptions(settings: Settings, whole: Span, columns: int) -> Iterator[str]:
    """What the figures rest on."""
    yield f"low:  solved at the first try, replies of {SHORT_REPLY} tokens,"
    yield f"      {CHARACTERS_PER_TOKEN} characters to a token"
    yield "high: no problem solved, all iterations and checkpoints used,"
    yield "      replies of max_tokens, a token to each byte, caches written and"
    yield f"      never read, feedback of {FEEDBACK:,} characters; what is lost on the"
    yield "      way and asked for again comes on top"
    yield "a spec counts in the first of the arms that work from it"
    yield from _folded(price_line(settings.arms), columns)
    if settings.max_cost is not None:
        yield from _limit_lines(settings.max_cost, whole)


def _likely(
    settings: Settings, experiments: Sequence[tuple[Arm, Problem]], earlier: Earlier, columns: int
) -> Iterator[str]:
    """From what the same arms cost the last time."""
    number = Counter(arm.name for arm, _ in experiments)
    each = {arm.name: earlier.dollars[arm.name] for arm in settings.arms if arm.name in earlier.dollars}
    costs = [f"{name} {dollars(number[name] * mean)}" for name, mean in each.items() if number[name]]
    if costs:
        yield from _folded(f"likely, as {', '.join(earlier.benchmarks)} went: {', '.join(costs)}", columns)


def _power(
    settings: Settings, experiments: Sequence[tuple[Arm, Problem]], earlier: Earlier, columns: int
) -> Iterator[str]:
    """Of the first arm, in one look."""
    ran = {arm.name for arm, _ in experiments}
    arm = next((arm.name for arm in settings.arms if arm.name in ran and arm.name != settings.control), None)
    if arm is None or settings.control not in ran:
        return
    problems, margin = len({problem.id for _, problem in experiments}), settings.margin
    known = earlier.discordant
    shares = DISCORDANT if known is None else (known.low, known.high)
    basis = f"{_range(shares)} of them solved by one alone, {'assumed' if known is None else 'as earlier'}"
    yield from _folded(f"power of {arm} against {settings.control} on {counted(problems, 'problem')}, {basis}", columns)
    truths = {"equal": 0.0, f"{margin * 100:g} points worse": -margin}
    for name, difference in truths.items():
        found = [chances(problems, Truth(difference, share), margin) for share in shares]
        claims = (Claim.MATCHES, Claim.BETTER, Claim.WORSE)
        told = [f"{claim.upper()} {_range([each[claim] for each in found])}" for claim in claims]
        yield from _folded(f"  if {name}: {', '.join(told)}", columns)


def _range(shares: Sequence[float]) -> str:
    """`5 to 20 %`."""
    low, high = (f"{share * 100:.0f}" for share in (min(shares), max(shares)))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _limit_lines(limit: Decimal, whole: Span) -> Iterator[str]:
    if whole.low is None or whole.high is None:
        yield f"limit: {dollars(limit)} cannot be kept where a price is not known"
    elif whole.high <= limit:
        yield f"limit: {dollars(limit)} is enough in any case"
    elif whole.low > limit:
        yield f"limit: {dollars(limit)} is less than low: some will be skipped"
    else:
        yield f"limit: {dollars(limit)} is less than high: some may be skipped"


def _folded(line: str, columns: int) -> list[str]:
    """With room for a mark."""
    return wrapped(line, columns - len(SIMULATED), later="      ")
