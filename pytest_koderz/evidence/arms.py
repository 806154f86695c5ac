"""What one arm solved, and at what price."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import Iteration, StopReason
from pytest_koderz.core.money import Spending, Usage, total

from .acceptance import AcceptanceErrors, acceptance_errors_of
from .adequacy import Adequacy, adequacy_of
from .caps import dearest_of
from .holdout import HoldOut, Leaks, hold_out_of, leaks_of
from .intervals import Interval, pass_at_k, wilson_clustered
from .problems import (
    Tries,
    by_problem,
    cost_of,
    cost_of_role,
    count_of,
    fell_back,
    roles_of,
    settled_of,
    solved_at,
    solved_first,
    usage_of,
    with_all_attempts,
)
from .resampling import bootstrap_ratio
from .savings import SHARE_FROM
from .swarm_shares import SwarmShares, swarm_shares_of


@dataclass(frozen=True, slots=True)
class Point:
    """What an arm with a lower cap on iterations would have come to."""

    iterations: int
    """The cap."""
    solved: int
    dollars: Decimal | None
    """Spent up to there: spec, iterations, and the checkpoints before them."""
    interval: Interval | None = None
    """Of the share of solved, Wilson's, as the arm's own: each cap's by itself, not of the whole curve at once."""


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """One arm's figures. All but `paid` and the counts of statuses are of settled experiments; None means unknown."""

    arm: str
    problems: int
    """Problems with a settled experiment; with several epochs fewer than `settled`."""
    epochs: int
    """The most that any problem settled."""
    solved: int
    settled: int
    invalid: int
    skipped: int
    unfinished: int
    """Begun, but not ended: the run was interrupted."""
    solved_interval: Interval | None
    """Wilson's, clustered by problem where there are several epochs."""
    solved_first: int
    """Solved by the very first reply: pass@1."""
    solved_first_interval: Interval | None
    curve: tuple[Point, ...]
    """Solved within 1, 2, ... iterations, up to the most that any experiment took."""
    pass_at_k: Mapping[int, float] | None
    """By k: the first reply of one of k epochs passes. None: see `pass_at_k_missing`."""
    pass_at_k_missing: str
    """Why there is no pass@k; empty where there is one."""
    hold_out: HoldOut | None
    """None: no experiment was graded apart from the tests that it was iterated on."""
    acceptance: AcceptanceErrors | None
    """None: the tests that grade chose among its replies."""
    swarm: SwarmShares | None
    """None: one model alone wrote."""
    leaks: Leaks
    fallbacks: int
    """Experiments that the fallback model was asked for."""
    fallback_solved: int
    advised: int
    """Experiments that were offered what had helped others."""
    iterations: int
    usage: Usage
    dollars_by_role: Mapping[Role, Decimal | None]
    """Roles that were played. A spec recalled from another experiment counts as if this one had paid for it."""
    dollars: Decimal | None
    paid: Decimal | None
    """What was charged: of every experiment, settled or not, for all attempts at it, and no recalled spec."""
    attempts_before: int
    """Settled experiments that were begun more than once: the last attempt counts."""
    dollars_per_solved: Decimal | None
    """The dollars of the unsolved and of earlier attempts included. None: nothing is solved, or a price is unknown."""
    dollars_per_solved_interval: Interval | None
    dollars_with_gpu: Decimal | None
    """`dollars`, and one's own GPUs at a rate. None: no rate is given, or GPU-seconds or prices are unknown."""
    with_gpu_per_solved: Decimal | None
    """The same as `dollars_per_solved` is of `dollars`."""
    seconds: float
    """Wall-clock seconds, summed over experiments whether or not they ran side by side."""
    gpu_seconds: float | None
    repeated: int
    """Iterations whose best candidate had been tried before."""
    truncated: int
    """Iterations whose best reply was cut at a token limit."""
    adequacy: Adequacy | None
    """Of the tests of the settled problems. None: not known."""

    @property
    def solved_share(self) -> float | None:
        return _share(self.solved, self.settled)

    @property
    def solved_first_share(self) -> float | None:
        return _share(self.solved_first, self.settled)

    @property
    def iterations_mean(self) -> float | None:
        return _share(self.iterations, self.settled)

    @property
    def repeated_rate(self) -> float | None:
        return _share(self.repeated, self.iterations)

    @property
    def truncated_rate(self) -> float | None:
        return _share(self.truncated, self.iterations)


def figures_of(
    arm: str, experiments: Sequence[Experiment], local_rate: Decimal | None = None, definitions: Sequence[Arm] = ()
) -> ArmFigures:
    """The figures of *arm* from those of *experiments* that are its own; other arms' are left aside.

    *local_rate* is in US dollars per GPU-hour; *definitions* of the arms tell how dear one more problem could be.
    """
    own = [experiment for experiment in experiments if experiment.arm == arm]
    settled, problems = settled_of(own), by_problem(own)
    iterations = [iteration for experiment in settled for iteration in experiment.iterations]
    solved = sum(experiment.solved for experiment in settled)
    whole = [with_all_attempts(experiment) for experiment in settled]
    dependence = _dependence(problems)
    return ArmFigures(
        arm=arm,
        problems=len(problems),
        epochs=max((tries.settled for tries in problems.values()), default=0),
        solved=solved,
        settled=len(settled),
        invalid=count_of(own, Status.INVALID),
        skipped=count_of(own, Status.SKIPPED),
        unfinished=count_of(own, Status.RUNNING),
        solved_interval=_interval(problems, lambda experiment: experiment.solved),
        solved_first=sum(map(solved_first, settled)),
        solved_first_interval=_interval(problems, solved_first),
        curve=_curve(settled, problems),
        pass_at_k=None if dependence else _pass_at_k(problems),
        pass_at_k_missing=dependence,
        hold_out=hold_out_of(settled),
        acceptance=acceptance_errors_of(settled),
        swarm=swarm_shares_of(settled),
        leaks=leaks_of(settled),
        fallbacks=sum(map(fell_back, settled)),
        fallback_solved=sum(fell_back(experiment) and experiment.solved for experiment in settled),
        advised=sum(bool(experiment.advice) for experiment in settled),
        iterations=len(iterations),
        usage=sum(map(usage_of, settled), Usage()),
        dollars_by_role={role: dollars_of_role(settled, role) for role in _roles(settled)},
        dollars=total(map(cost_of, settled)),
        paid=total(experiment.charged.cost for experiment in own),
        attempts_before=sum(bool(experiment.earlier.spendings) for experiment in settled),
        dollars_per_solved=_each(total(map(cost_of, whole)), solved),
        dollars_per_solved_interval=_per_solved_interval(by_problem(whole), definitions) if solved else None,
        dollars_with_gpu=_with_gpu(settled, local_rate),
        with_gpu_per_solved=_each(_with_gpu(whole, local_rate), solved),
        seconds=sum(experiment.seconds for experiment in settled),
        gpu_seconds=gpu_seconds_of(settled),
        repeated=sum(iteration.repeated for iteration in iterations),
        truncated=sum(map(_truncated, iterations)),
        adequacy=adequacy_of(problems.values()),
    )


def dollars_of_role(experiments: Sequence[Experiment], role: Role) -> Decimal | None:
    return total(cost_of_role(experiment, role) for experiment in experiments)


def gpu_seconds_of(experiments: Sequence[Experiment]) -> float | None:
    """GPU-seconds of the models that run on one's own machines; calls that used nothing do not matter.

    None where the local role's model, or any other that reports them at all, left them out somewhere. A model in
    another role that never reports any is somebody else's machine, and not counted.
    """
    rows: dict[tuple[str, str], list[Spending]] = {}
    for experiment in experiments:
        for row in experiment.ledger.spendings:
            if not row.used_nothing:
                rows.setdefault((row.role, row.model), []).append(row)
    reported = [
        row.gpu_seconds
        for (role, _), group in rows.items()
        if role == Role.LOCAL or any(row.gpu_seconds is not None for row in group)
        for row in group
    ]
    known = [seconds for seconds in reported if seconds is not None]
    return sum(known) if known and len(known) == len(reported) else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _each(dollars: Decimal | None, solved: int) -> Decimal | None:
    return None if dollars is None or not solved else dollars / solved


def _interval(problems: Mapping[str, Tries], succeeded: Callable[[Experiment], bool]) -> Interval | None:
    return wilson_clustered([(sum(map(succeeded, tries.experiments)), tries.settled) for tries in problems.values()])


def _roles(experiments: Sequence[Experiment]) -> list[Role]:
    played = {role for experiment in experiments for role in roles_of(experiment)}
    return [role for role in Role if role in played]


def _truncated(iteration: Iteration) -> bool:
    return iteration.stop_reason in (StopReason.MAX_TOKENS, StopReason.CONTEXT)


def _curve(settled: Sequence[Experiment], problems: Mapping[str, Tries]) -> tuple[Point, ...]:
    most = max((len(experiment.iterations) for experiment in settled), default=0)
    at = [solved_at(experiment) for experiment in settled]
    return tuple(
        Point(
            cap,
            sum(number is not None and number <= cap for number in at),
            total(cost_within(experiment, cap) for experiment in settled),
            _interval(problems, partial(_solved_within, cap)),
        )
        for cap in range(1, most + 1)
    )


def _solved_within(cap: int, experiment: Experiment) -> bool:
    number = solved_at(experiment)
    return number is not None and number <= cap


def cost_within(experiment: Experiment, cap: int) -> Decimal | None:
    """US dollars of the spec, the first *cap* iterations and the checkpoints that came before the last of these."""
    spec = [experiment.spec.cost] if experiment.spec is not None else []
    iterations = [iteration.cost for iteration in experiment.iterations if iteration.number <= cap]
    checkpoints = [guidance.cost for guidance in experiment.checkpoints if guidance.after_iteration < cap]
    return total([*spec, *iterations, *checkpoints])


def _pass_at_k(problems: Mapping[str, Tries]) -> Mapping[int, float]:
    fewest = min(tries.settled for tries in problems.values())
    passes = [(tries.settled, sum(map(solved_first, tries.experiments))) for tries in problems.values()]
    return {k: sum(pass_at_k(n, c, k) for n, c in passes) / len(passes) for k in range(1, fewest + 1)}


def _dependence(problems: Mapping[str, Tries]) -> str:
    """Why the epochs are not two or more independent samples of each problem; empty where they are."""
    if min((tries.settled for tries in problems.values()), default=0) < 2:
        return "a problem has fewer than two settled epochs"
    if any(len({one.seed for one in tries.experiments}) < tries.settled for tries in problems.values()):
        return "two epochs of a problem have the same seed"
    if any(_shares_spec(tries) for tries in problems.values()):
        return "two epochs of a problem worked from the same spec"
    return ""


def _shares_spec(tries: Tries) -> bool:
    """Within the arm; an epoch may well share its spec with the same epoch of another arm."""
    payers = [one.spec.recalled_from or one.id for one in tries.experiments if one.spec is not None]
    return len(set(payers)) < len(payers)


def _with_gpu(settled: Sequence[Experiment], local_rate: Decimal | None) -> Decimal | None:
    return None if local_rate is None else total(cost_of(experiment, local_rate) for experiment in settled)


def _per_solved_interval(problems: Mapping[str, Tries], definitions: Sequence[Arm]) -> Interval | None:
    tries = list(problems.values())
    known = [float(cost) for cost in (each.cost() for each in tries) if cost is not None]
    if len(known) < len(tries):
        return None
    number = sum(each.settled for each in tries)
    return per_solved_interval(known, [each.share for each in tries], number, dearest_of(tries, definitions))


def per_solved_interval(
    dollars: Sequence[float], shares: Sequence[float], tries: int, at_cap: float
) -> Interval | None:
    """Of the dollars over the share of solved epochs of each problem; None too of fewer *tries* than savings take, or
    where one more problem, unsolved and *at_cap* dollars, would leave it.
    """
    found = None if tries < SHARE_FROM else bootstrap_ratio(dollars, shares, positive=True, tries=tries)
    one_more = (sum(dollars) + at_cap) / sum(shares)
    return found if found is not None and one_more <= found.high else None
