"""The figures of an arm, as a row of the summary's table and as keys of the JSON results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from pytest_koderz.evidence.acceptance import AcceptanceErrors
from pytest_koderz.evidence.arms import ArmFigures, Point
from pytest_koderz.evidence.holdout import HoldOut
from pytest_koderz.evidence.intervals import Interval
from pytest_koderz.evidence.swarm_shares import SwarmShares

from .fixed_width import Table
from .text import dollars


def table_lines(arms: Sequence[ArmFigures], columns: int) -> Iterator[str]:
    """As the summary has them, in so many *columns* of a terminal."""
    head, *rows = table_rows(arms)
    return Table("<0 >7  >10 >7 >5 >9 >10", (head, *rows), columns).all_lines(rows)


def table_rows(arms: Sequence[ArmFigures]) -> Iterator[tuple[str, ...]]:
    """The cells, those of the head first."""
    yield ("arm", "solved", "95 %", "1st try", "iter.", "cost", "per solved")
    for one in arms:
        yield (
            one.arm,
            f"{one.solved}/{one.settled}",
            percents(one.solved_interval),
            f"{one.solved_first}/{one.settled}",
            "-" if one.iterations_mean is None else f"{one.iterations_mean:.1f}",
            dollars(one.dollars),
            dollars(one.dollars_per_solved) if one.solved else "-",
        )


def percents(interval: Interval | None) -> str:
    return "-" if interval is None else f"{interval.low * 100:.0f} - {interval.high * 100:.0f} %"


def keys_of(figures: ArmFigures, wrong_accept: Decimal | None) -> dict[str, Any]:
    """As the JSON results have them."""
    return {
        "solved": figures.solved,
        "settled": figures.settled,
        "problems": figures.problems,
        "invalid": figures.invalid,
        "skipped": figures.skipped,
        "unfinished": figures.unfinished,
        "solved_interval": limits(figures.solved_interval),
        "solved_first": figures.solved_first,
        "solved_first_interval": limits(figures.solved_first_interval),
        "pass_at_k": figures.pass_at_k,
        "pass_at_k_missing": figures.pass_at_k_missing,
        "curve": [_point(point) for point in figures.curve],
        "iterations": figures.iterations,
        "repeated": figures.repeated,
        "truncated": figures.truncated,
        "cost_usd": number(figures.dollars),
        "cost_usd_by_role": {str(role): number(amount) for role, amount in figures.dollars_by_role.items()},
        "cost_per_solved_usd": number(figures.dollars_per_solved),
        "cost_per_solved_interval": limits(figures.dollars_per_solved_interval),
        "cost_with_gpu_usd": number(figures.dollars_with_gpu),
        "paid_usd": number(figures.paid),
        "tokens_in": figures.usage.prompt,
        "tokens_out": figures.usage.output,
        "seconds": figures.seconds,
        "gpu_seconds": figures.gpu_seconds,
        "hold_out": None if figures.hold_out is None else _hold_out(figures.hold_out),
        **({} if figures.swarm is None else {"swarm": _swarm(figures.swarm)}),
        "acceptance": None if figures.acceptance is None else _acceptance(figures.acceptance, wrong_accept),
        "flagged": {
            "experiments": figures.leaks.experiments,
            "hidden_values": figures.leaks.hidden_values,
            "complete_solutions": figures.leaks.complete_solutions,
        },
        "fallbacks": figures.fallbacks,
        "fallback_solved": figures.fallback_solved,
        "advised": figures.advised,
    }


def _point(point: Point) -> dict[str, Any]:
    told = {"iterations": point.iterations, "solved": point.solved, "solved_interval": limits(point.interval)}
    return {**told, "cost_usd": number(point.dollars)}


def _hold_out(held: HoldOut) -> dict[str, Any]:
    return {
        "passed_base": held.passed_base,
        "passed_plus": held.passed_plus,
        "gap": held.gap,
        "passed_without_plus_tests": held.ungraded,
    }


def _swarm(shares: SwarmShares) -> dict[str, Any]:
    return {
        "first": shares.first,
        "gain": shares.gain,
        **({"least_gain": shares.least_gain} if shares.least_gain < shares.gain else {}),
        "members": {
            one.name: {
                "candidates": one.candidates,
                "first": one.first,
                "solved": one.solved,
                "cost_usd": number(one.dollars),
                **({"cancelled": one.cancelled} if one.cancelled else {}),
            }
            for one in shares.members
        },
    }


def _acceptance(errors: AcceptanceErrors, wrong_accept: Decimal | None) -> dict[str, Any]:
    return {
        "accepted": errors.accepted,
        "false_accepts": errors.false_accepts,
        "false_rejects": errors.false_rejects,
        "loop": errors.loop,
        "false_accepts_usd": None if wrong_accept is None else number(errors.price(wrong_accept)),
    }


def limits(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
