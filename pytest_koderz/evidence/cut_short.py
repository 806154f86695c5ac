"""What one recorded run answers of smaller caps and of cascades, without another call.

Up to the point where it is cut the loop would have gone the same way: a prompt depends on what happened before, and on
nothing that is to come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.experiment import Experiment, Guidance, Spec, Status
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.money import Ledger, Spending
from pytest_koderz.core.templates import FIELDS

from .cross_fitting import Outlay
from .device_time import shared_out
from .problems import Tries, by_arm, by_problem, fell_back

Calls = Mapping[str, Sequence[Spending]]
"""By experiment what each of its answered calls cost, in their order."""


@dataclass(frozen=True, slots=True)
class Way:
    """To let an arm try so often, and then to give up, or to ask the control's model once."""

    tries: int
    """0: the control alone."""
    hands_over: bool
    problems: Mapping[str, Tries]
    """What came of it, on the problems that are known of every way."""

    @property
    def tried(self) -> list[Experiment]:
        return [one for tries in self.problems.values() for one in tries.experiments]

    def outlay(self, local_rate: Decimal | None = None) -> Outlay | None:
        """With one's own GPUs at *local_rate*. None: a price, or what a GPU did, is not known."""
        costs = [tries.cost(local_rate) for tries in self.problems.values()]
        known = tuple(float(cost) for cost in costs if cost is not None)
        solved = tuple(tries.share for tries in self.problems.values())
        return Outlay(solved, known) if len(known) == len(costs) else None


@dataclass(frozen=True, slots=True)
class Answered:
    """What a benchmark answers of one of its arms."""

    arm: str
    definition: Arm | None
    control: Arm | None
    """None: it did not run, or is not known."""
    ways: tuple[Way, ...]
    """Empty: none; `refused` says why."""
    refused: str = ""
    no_cascade: str = ""
    """Why there are no ways that hand over; empty where there are."""


def answers_of(
    definitions: Sequence[Arm], experiments: Sequence[Experiment], calls: Calls, control: str
) -> Iterator[Answered]:
    """One for each arm but *control*, in the order of *experiments*."""
    known, groups, shared = {arm.name: arm for arm in definitions}, by_arm(shared_out(experiments)), shared_calls(calls)
    answering = known.get(control) if control in groups else None
    for name, group in groups.items():
        if name != control:
            yield _answer(name, known.get(name), group, shared, answering, groups.get(control, ()))


def _answer(
    name: str,
    arm: Arm | None,
    group: Sequence[Experiment],
    calls: Calls,
    control: Arm | None,
    answers: Sequence[Experiment],
) -> Answered:
    refused = why_not(arm, group, calls)
    if arm is None or refused:
        return Answered(name, arm, control, (), refused)
    no_cascade = why_no_cascade(arm, control)
    ways = ways_of(arm, group, calls, () if no_cascade else answers)
    return Answered(name, arm, control, ways, no_cascade=no_cascade)


def why_not(arm: Arm | None, experiments: Sequence[Experiment], calls: Calls) -> str:
    """Why the run of *arm* answers nothing; empty where it does."""
    if arm is None:
        return "its definition is not recorded"
    if arm.recall_guidance or any(one.advice for one in experiments):
        return "it recalls what others learnt, which would have been other things in a shorter run"
    if arm.max_iterations == 1:
        return "it has one try, so that nothing can be cut"
    if any(_counts_of(one) - Counter(call.role for call in calls.get(one.id, ())) for one in experiments):
        return "its journal does not have all of its calls"
    return ""


def why_no_cascade(arm: Arm, control: Arm | None) -> str:
    """Why the control's answers are not those that a fallback would have given; empty where they are."""
    if control is None:
        return "the control did not run, or its definition is not recorded"
    if control.max_iterations > 1 or control.candidates > 1 or control.spec is not None:
        return f"{control.name} does more than answer once from the problem alone"
    values = dict.fromkeys(FIELDS["candidate"], "") | {"task": "a task", "entry_point": "name"}
    asked, theirs = arm.prompt_set.fallback, control.prompt_set.candidate
    if (asked.system, asked.rendered(values)) != (theirs.system, theirs.rendered(values)):
        return f"{control.name} is asked in other words than a fallback of {arm.name}"
    return ""


def ways_of(
    arm: Arm, experiments: Sequence[Experiment], calls: Calls, control: Sequence[Experiment] = ()
) -> tuple[Way, ...]:
    """Every smaller cap, and with the answers of *control* every cascade, the control alone first."""
    answers = {(one.problem_id, one.epoch): one for one in control if one.status.settled}
    known = [one for one in experiments if one.status.settled and (not answers or _key(one) in answers)]
    alone = [Way(0, hands_over=True, problems=by_problem([answers[_key(one)] for one in known]))] if answers else []
    cuts = {cap: [cut_at(one, cap, calls[one.id]) for one in known] for cap in range(1, arm.max_iterations + 1)}
    return (
        *alone,
        *(Way(cap, hands_over=False, problems=by_problem(each)) for cap, each in cuts.items()),
        *(
            Way(cap, hands_over=True, problems=by_problem([handed_over(one, answers[_key(one)]) for one in each]))
            for cap, each in (cuts.items() if answers else ())
        ),
    )


def cut_at(experiment: Experiment, cap: int, calls: Sequence[Spending]) -> Experiment:
    """The experiment as it would have ended with so many iterations and no fallback.

    What was not accepted by then is unsolved; how the tests that grade would have judged it is not known, unless the
    loop had them.
    """
    tried = [iteration for iteration in experiment.iterations if not iteration.fallback]
    if len(tried) <= cap and not fell_back(experiment):
        return experiment
    kept = tuple(tried[:cap])
    spec = experiment.spec if experiment.spec is not None and experiment.spec.after_iteration < len(kept) else None
    checkpoints = tuple(each for each in experiment.checkpoints if each.after_iteration < len(kept))
    paid = _first(calls, _counts(spec, kept, checkpoints))
    return replace(
        experiment,
        spec=spec,
        iterations=kept,
        checkpoints=checkpoints,
        graded=None,
        ledger=_ledger(paid),
        status=Status.UNSOLVED,
        seconds=sum(call.seconds for call in paid),
    )


def handed_over(cut: Experiment, answer: Experiment) -> Experiment:
    """*cut*, and where nothing was accepted what the control's *answer* was as one more iteration."""
    if cut.accepted or not answer.iterations:
        return cut
    last = replace(answer.iterations[-1], number=len(cut.iterations) + 1, fallback=True)
    rows = tuple(replace(row, role=Role.FALLBACK) for row in answer.ledger.spendings)
    return replace(
        cut.with_iteration(last),
        graded=answer.graded,
        ledger=cut.ledger + Ledger(rows),
        status=answer.status,
        seconds=cut.seconds + answer.seconds,
    )


def shared_calls(calls: Calls) -> dict[str, list[Spending]]:
    """*calls* with what each took of a device that it shared with others; see `device_time`."""
    flat = [(name, call) for name, each in calls.items() for call in each]
    alone = shared_out([Experiment(name, "", "", ledger=Ledger((call,))) for name, call in flat])
    found: dict[str, list[Spending]] = {name: [] for name in calls}
    for one in alone:
        found[one.id] += one.ledger.spendings
    return found


def _ledger(calls: Iterable[Spending]) -> Ledger:
    ledger = Ledger()
    for call in calls:
        ledger += call
    return ledger


def _key(experiment: Experiment) -> tuple[str, int]:
    return experiment.problem_id, experiment.epoch


def _first(calls: Iterable[Spending], counts: Counter[str]) -> list[Spending]:
    """Of each role the first that many."""
    left, kept = Counter(counts), []
    for call in calls:
        if left[call.role] > 0:
            left[call.role] -= 1
            kept.append(call)
    return kept


def _counts_of(experiment: Experiment) -> Counter[str]:
    tried = [iteration for iteration in experiment.iterations if not iteration.fallback]
    return _counts(experiment.spec, tried, experiment.checkpoints)


def _counts(spec: Spec | None, iterations: Sequence[Iteration], checkpoints: Sequence[Guidance]) -> Counter[str]:
    """Calls by role. A spec that another experiment paid for took none."""
    return Counter(
        {
            str(Role.SPEC): int(spec is not None and spec.recalled_from is None),
            str(Role.LOCAL): sum(len(each.candidates) + len(each.cancelled) for each in iterations),
            str(Role.CHECKPOINT): len(checkpoints),
        }
    )
