"""The results of a benchmark as JSON, for other programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Experiment, Spec
from pytest_koderz.core.iteration import Iteration, StopReason
from pytest_koderz.core.money import Spending, Usage
from pytest_koderz.core.problem import Traits
from pytest_koderz.evidence.adequacy import Adequacy, WeakTests
from pytest_koderz.evidence.break_even import BreakEven
from pytest_koderz.evidence.caps import Cap, cap_of
from pytest_koderz.evidence.compare import Comparison
from pytest_koderz.evidence.contamination import Exposure, UnlikePublished
from pytest_koderz.evidence.device_time import shared_out
from pytest_koderz.evidence.findings import Findings, Frame, findings_of
from pytest_koderz.evidence.holdout import leaks_in
from pytest_koderz.evidence.idle_servers import IdleServer
from pytest_koderz.evidence.latency import Latency, Spread
from pytest_koderz.evidence.places import Place, Places
from pytest_koderz.evidence.problems import cost_of, cost_of_role, roles_of, solved_at, solved_first, usage_of
from pytest_koderz.evidence.recovered_gap import RecoveredGap
from pytest_koderz.evidence.savings import Savings
from pytest_koderz.evidence.spending import Marginal, Step
from pytest_koderz.evidence.standings import Alternative, Standing
from pytest_koderz.evidence.strata import Stratum
from pytest_koderz.evidence.tables import Strength

from .arm_row import keys_of, limits, number

SIMULATED_MODEL = " (simulated)"
VERSION = 1
"""Of the format. Keys may be added to it; it changes where one goes or means something else."""


def results_of(frame: Frame, head: dict[str, Any], experiments: Sequence[Experiment]) -> dict[str, Any]:
    """What the summary says, and what each experiment did for it. Dollars are numbers; null is unknown."""
    findings = findings_of(frame, experiments)
    experiments = shared_out(experiments)
    caps = {arm.name: cap_of(arm) for arm in frame.definitions}
    about = {"id": frame.benchmark_id, "simulated": frame.simulated, "control": frame.control, "margin": frame.margin}
    return {
        "version": VERSION,
        "benchmark": {**about, "local_rate": number(frame.local_rate), **_plan(frame, findings), **head},
        "arms": {
            figures.arm: {
                **keys_of(figures, frame.wrong_accept),
                **_arm(figures.arm, findings, caps),
                "adequacy": _adequacy(figures.adequacy),
            }
            for figures in findings.arms
        },
        "comparisons": [
            {**comparison_json(comparison), "gap": _gap(findings.gaps.get(comparison.arm))}
            for comparison in findings.comparisons
        ],
        "standings": [_standing(standing) for standing in findings.standings],
        "alternatives": [_alternative(alternative) for alternative in findings.alternatives],
        "places": [row for places in findings.places for row in _places(places)],
        "weak_tests": list(map(_weak, findings.weak)),
        "servers": [_server(server, frame.local_rate) for server in findings.servers],
        "experiments": [
            {**_row(experiment, frame.local_rate), "answered_by": _answered_by(experiment, frame)}
            for experiment in experiments
        ],
    }


def _plan(frame: Frame, findings: Findings) -> dict[str, Any]:
    """What the levels of the claims, and the months until a GPU is paid, rest on."""
    buy = frame.purchase
    return {
        "looks": [{"problems": look.problems, "planned": look.planned} for look in findings.looks],
        "changed_margin": frame.changed_margin,
        "selection": frame.selection or None,
        "wrong_accept": number(frame.wrong_accept),
        "exposure": None if findings.exposure is None else _exposure(findings.exposure),
        "unlike_published": [_unlike(one) for one in findings.unlike_published],
        "shard": frame.shard,
        "part": frame.part or None,
        "purchase": None if buy is None else {"usd": number(buy.price), "hours": number(buy.hours)},
    }


def _exposure(exposure: Exposure) -> dict[str, Any]:
    days = {name: day.isoformat() for name, day in exposure.datasets.items()}
    return {"models": list(exposure.models), "datasets": days}


def _unlike(one: UnlikePublished) -> dict[str, Any]:
    published = {"published": one.published.share, "source": one.published.source}
    return {"arm": one.arm, "model": one.model, "share": one.share, "interval": limits(one.interval), **published}


def _arm(name: str, findings: Findings, caps: Mapping[str, Cap]) -> dict[str, Any]:
    cap = caps.get(name)
    return {
        "steps": [_step(step) for step in findings.steps[name]],
        "extra_solves": [_marginal(marginal) for marginal in findings.marginals[name]],
        "savings": [_savings(group[name]) for group in _estimates(findings) if name in group],
        "cap": None if cap is None else asdict(cap),
    }


def _estimates(findings: Findings) -> Iterator[Any]:
    yield from (findings.estimates, findings.estimates_with_gpu)


def _step(step: Step) -> dict[str, Any]:
    return {
        "phase": step.phase,
        "number": step.number,
        "reached": step.reached,
        "solved": step.solved,
        "step_usd": number(step.step_dollars),
        "cost_usd": number(step.dollars),
    }


def _marginal(marginal: Marginal) -> dict[str, Any]:
    return {
        "by": marginal.part,
        "extra_solved": marginal.extra_solved,
        "extra_usd": number(marginal.extra_dollars),
        "usd_per_extra": number(marginal.dollars_per_extra),
        "problems": marginal.problems,
        "basis": marginal.basis,
        "without": marginal.without or None,
        "extra_solved_interval": limits(marginal.interval),
        "alone": None if marginal.alone is None else list(marginal.alone),
    }


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """One arm beside another, whole."""
    with_gpu = comparison.savings_with_gpu
    return {
        "arm": comparison.arm,
        "control": comparison.control,
        "margin": comparison.margin,
        "problems": comparison.problems,
        "left_out": comparison.left_out,
        "claim": str(comparison.claim),
        "difference": comparison.difference,
        "difference_interval": limits(comparison.difference_interval),
        "only_arm": comparison.only_arm,
        "only_control": comparison.only_control,
        "p_value": comparison.p_value,
        "margin_p_value": comparison.margin_p_value,
        "problems_needed": None if comparison.needed is None else comparison.needed.low,
        "problems_needed_most": None if comparison.needed is None else comparison.needed.high,
        "level": comparison.level,
        "doubt": str(comparison.doubt) or None,
        "oracle_stop": comparison.oracle_stop,
        "would_be": str(comparison.would_be),
        "control_surely_solves": comparison.floor,
        "lost": comparison.lost,
        "skipped": comparison.skipped,
        "turns_at": comparison.turns_at,
        "p_values": _strength(comparison.strength),
        "p_values_at_worst": _strength(comparison.worst),
        "break_even": None if comparison.break_even is None else _break_even(comparison.break_even),
        "latency": None if comparison.latency is None else _latency(comparison.latency),
        "strata": list(map(_stratum, comparison.strata)),
        "adequacy": _adequacy(comparison.adequacy),
        "savings": _savings(comparison.savings),
        "savings_with_gpu": None if with_gpu is None else _savings(with_gpu),
    }


def _stratum(stratum: Stratum) -> dict[str, Any]:
    shares = {"solved": stratum.solved, "control_solved": stratum.control_solved, "difference": stratum.difference}
    about = {"by": str(stratum.basis), "name": stratum.name, "problems": stratum.problems}
    return {**about, **shares, "difference_interval": limits(stratum.interval)}


def _gap(gap: RecoveredGap | None) -> dict[str, Any] | None:
    if gap is None:
        return None
    return {"local": gap.local, "problems": gap.problems, "recovered": gap.share, "interval": limits(gap.interval)}


def _savings(savings: Savings) -> dict[str, Any]:
    return {
        "kind": savings.kind,
        "problems": savings.problems,
        "arm_usd": number(savings.arm_dollars),
        "control_usd": number(savings.control_dollars),
        "usd": number(savings.dollars),
        "interval": limits(savings.interval),
        "share": savings.share,
        "share_interval": limits(savings.share_interval),
        "assumption": savings.assumption,
        "dearest": savings.dearest,
        "one_more_at_the_cap": savings.one_more,
        "why_no_interval": savings.why_none or None,
    }


def _strength(strength: Strength) -> dict[str, float]:
    return {"matches": strength.matches, "better": strength.better, "worse": strength.worse}


def _break_even(even: BreakEven) -> dict[str, Any]:
    return {
        "usd_per_gpu_hour": even.rate,
        "usd_per_gpu_hour_interval": limits(even.rate_interval),
        "frontier_price_factor": even.factor,
        "frontier_price_factor_interval": limits(even.factor_interval),
    }


def _latency(latency: Latency) -> dict[str, Any]:
    slower = latency.times_slower_interval
    sides = {"arm": latency.arm, "control": latency.control}
    told = {name: {"seconds": _spread(side.seconds), "calls": _spread(side.calls)} for name, side in sides.items()}
    return {**told, "times_slower": latency.times_slower, "times_slower_interval": limits(slower)}


def _spread(spread: Spread) -> dict[str, float | None]:
    return {"per_solved": spread.per_solved, "p50": spread.median, "p95": spread.p95}


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "arm": standing.arm,
        "problems": standing.problems,
        "solved": standing.solved,
        "cost_usd": number(standing.dollars),
        "dominated_by": list(standing.dominated_by),
    }


def _alternative(one: Alternative) -> dict[str, Any]:
    words = {"alone": one.alone, "unsupervised": one.unsupervised, "sure": one.sure, "oracle_stop": one.oracle_stop}
    return {"instead_of": one.instead_of.arm, "arm": one.arm.arm, **words}


def _places(places: Places) -> Iterator[dict[str, Any]]:
    about = {"arm": places.arm, "control": places.control}
    yield from ({**about, **_place(one)} for one in (*places.files, *places.classes))


def _place(one: Place) -> dict[str, Any]:
    rival = one.rival
    return {
        "by": str(one.by),
        "name": one.name,
        "problems": one.problems,
        "solved": one.solved,
        "solved_interval": limits(one.solved_interval),
        "cost_usd": number(one.dollars),
        "control_solved": None if rival is None else rival.solved,
        "control_cost_usd": None if rival is None else number(rival.dollars),
        "difference": one.difference,
        "difference_interval": None if rival is None else limits(rival.interval),
        "saved_usd": number(one.saved),
        "adequacy": _adequacy(one.adequacy),
        "advice": None if one.advice is None else str(one.advice),
        "sure": one.sure,
    }


def _adequacy(adequacy: Adequacy | None) -> dict[str, Any] | None:
    return None if adequacy is None else asdict(adequacy)


def _weak(tests: WeakTests) -> dict[str, Any]:
    return {"problem": tests.problem_id, "file": tests.file, "adequacy": tests.adequacy}


def _server(server: IdleServer, local_rate: Decimal | None) -> dict[str, Any]:
    lost = None if local_rate is None else number(server.dollars(local_rate))
    told = {"seconds": server.seconds, "idle_seconds": server.idle, "idle_share": server.share}
    return {"server": server.place, **told, "idle_usd": lost}


def _row(experiment: Experiment, local_rate: Decimal | None) -> dict[str, Any]:
    usage, graded = experiment.ledger.usage, experiment.graded
    return {
        "id": experiment.id,
        "problem": experiment.problem_id,
        "arm": experiment.arm,
        "epoch": experiment.epoch,
        "traits": _traits(experiment.traits),
        "accept_on": experiment.accept_on,
        "seed": experiment.seed,
        "outcome": str(experiment.status),
        "reason": experiment.reason,
        "solved_at": solved_at(experiment),
        "solved_first": solved_first(experiment),
        "iterations": len(experiment.iterations),
        "checkpoints": len(experiment.checkpoints),
        "advice": len(experiment.advice),
        "graded": None if graded is None else str(graded.outcome),
        "leaks": list(leaks_in(experiment)),
        "cost_usd": number(experiment.ledger.cost),
        "paid_usd": number(experiment.charged.cost),
        "tokens": {"in": usage.prompt, "out": usage.output, "cached": usage.cache_read},
        "seconds": experiment.seconds,
        "counted": _counted(experiment, local_rate),
        "spent": [_spending(row) for row in experiment.ledger.spendings],
        "earlier": [_spending(row) for row in experiment.earlier.spendings],
        "spec": None if experiment.spec is None else _spec(experiment.spec),
        "steps": list(_steps(experiment)),
    }


def _traits(traits: Traits) -> dict[str, Any]:
    published = None if traits.published is None else traits.published.isoformat()
    categories, length = list(traits.categories), traits.solution_length or None
    told = {"dataset": traits.dataset, "published": published, "categories": categories, "solution_length": length}
    return {**told, "function": None if traits.function is None else asdict(traits.function)}


def _answered_by(experiment: Experiment, frame: Frame) -> dict[str, list[str]]:
    """By role the models that answered under another name than they were asked for by, as they named themselves."""
    arm = next((arm for arm in frame.definitions if arm.name == experiment.arm), None)
    said = [(Role.CHECKPOINT, guidance.model_id) for guidance in experiment.checkpoints]
    said += [(Role.FALLBACK if each.fallback else Role.LOCAL, each.model_id) for each in experiment.iterations]
    said += [] if experiment.spec is None else [(Role.SPEC, experiment.spec.model_id)]
    names: dict[str, list[str]] = {}
    for role, name in dict.fromkeys(said):
        asked = [] if arm is None else [model.model for model in arm.players(role)]
        if asked and name.removesuffix(SIMULATED_MODEL) not in asked:
            names.setdefault(str(role), []).append(name)
    return names


def _counted(experiment: Experiment, local_rate: Decimal | None) -> dict[str, Any]:
    """As the arm's figures count it: a spec that another experiment paid for is part of it."""
    with_gpu = None if local_rate is None else cost_of(experiment, local_rate)
    roles = {str(role): number(cost_of_role(experiment, role)) for role in roles_of(experiment)}
    return {
        "cost_usd": number(cost_of(experiment)),
        "cost_usd_by_role": roles,
        "cost_with_gpu_usd": number(with_gpu),
        **_tokens(usage_of(experiment)),
    }


def _spending(row: Spending) -> dict[str, Any]:
    spent = {"calls": row.calls, "cost_usd": number(row.cost), "gpu_seconds": row.gpu_seconds}
    cut = {"cancelled": row.cancelled} if row.cancelled else {}
    return {"role": str(row.role), "model": row.model, **spent, **cut, "seconds": row.seconds, **_tokens(row.usage)}


def _spec(spec: Spec) -> dict[str, Any]:
    return {"cost_usd": number(spec.cost), "recalled_from": spec.recalled_from, **_tokens(spec.usage)}


def _tokens(usage: Usage) -> dict[str, int]:
    return {"tokens_in": usage.prompt, "tokens_out": usage.output}


def _steps(experiment: Experiment) -> Iterator[dict[str, Any]]:
    """Iterations and checkpoints in the order in which they came."""
    for iteration in experiment.iterations:
        yield _iteration(iteration)
        for guidance in experiment.checkpoints:
            if guidance.after_iteration == iteration.number:
                yield {"phase": "checkpoint", "number": iteration.number, "cost_usd": number(guidance.cost)}


def _iteration(iteration: Iteration) -> dict[str, Any]:
    return {
        "phase": "fallback" if iteration.fallback else "iteration",
        "number": iteration.number,
        "cost_usd": number(iteration.cost),
        "outcome": str(iteration.verdict.outcome),
        "first_passed": iteration.verdicts[0].passed,
        "repeated": iteration.repeated,
        "truncated": iteration.stop_reason in (StopReason.MAX_TOKENS, StopReason.CONTEXT),
        **({"model": iteration.writer} if iteration.writer else {}),
    }
