"""How far a benchmark is, in one line, and a line for each experiment under way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from pytest_koderz.records.follower import RunState, UnderWay

from .text import brief

ENOUGH = 3
"""Experiments that must have ended before it is told how long the rest will take."""
QUIET, LONG = 2, 30
"""Seconds that an experiment may be silent before its line tells it, and before it has a line in any case."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """For the answer to a call."""

    model: str
    since: float
    """Seconds since 1970."""


def status_line(course: RunState, now: float) -> str:
    """`37/820 done, 4 running, $0.41, 12 min, about 25 min left`; *now* is in seconds since 1970."""
    known = len(course.running) + course.done
    whole = "" if course.planned is None else f"/{max(course.planned, known)}"
    parts = [f"{course.done}{whole} done", f"{len(course.running)} running", _dollars(course.cost)]
    if course.began is not None:
        parts.append(lasting(now - course.began))
        left = _left(course, now - course.began)
        parts += [] if left is None else [f"about {lasting(left)} left"]
    return ", ".join(parts)


def running_lines(course: RunState, now: float, waiting: Mapping[str, Waiting]) -> Iterator[str]:
    """A line each, those that began first; *waiting* are the calls that are known to be open, by experiment."""
    for one in course.running:
        iteration = f"iteration {one.iterations + 1}" + ("" if one.most is None else f" of {one.most}")
        if one.most is not None and one.iterations >= one.most:
            iteration = f"after iteration {one.iterations} of {one.most}"
        last = "" if one.verdict is None else f", last {brief(one.verdict)}"
        # How long comes first: a narrow terminal cuts off what stands at the end.
        silence, model = _silence(one, now, waiting.get(one.id))
        yield f"{one.problem}[{one.arm}] {silence}{iteration}{last}{model}"


def longest_silent(course: RunState, now: float, waiting: Mapping[str, Waiting]) -> tuple[UnderWay, ...]:
    """The experiment of which nothing was heard for the longest time; none where that is not long."""
    since = {one.id: waiting[one.id].since if one.id in waiting else one.since for one in course.running}
    silent = [one for one in course.running if now - since[one.id] >= LONG]
    return (min(silent, key=lambda one: since[one.id]),) if silent else ()


def _silence(one: UnderWay, now: float, waiting: Waiting | None) -> tuple[str, str]:
    """How long, and what for."""
    if waiting is not None:
        return f"waiting {lasting(now - waiting.since)}, ", f", for {waiting.model}"
    return (f"silent for {lasting(now - one.since)}, " if now - one.since >= QUIET else ""), ""


def lasting(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 5 min`."""
    whole = max(int(seconds), 0)
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _left(course: RunState, lasted: float) -> float | None:
    """Seconds, at the pace of this session. None: it is too early to tell, or nothing is left."""
    left = (course.planned or 0) - course.done
    return lasted / course.done_since * left if course.done_since >= ENOUGH and left > 0 else None


def _dollars(amount: Decimal | None) -> str:
    if amount is None:
        return "cost unknown"
    return f"${amount:,.2f}" if amount >= Decimal("0.1") or not amount else f"${amount:.4f}"
