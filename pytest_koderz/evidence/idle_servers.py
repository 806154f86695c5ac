"""For how long one's own servers were idle while there was still something to begin, and what that cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice

from pytest_koderz.core.experiment import Experiment

Span = tuple[float, float]
"""From and to, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class IdleServer:
    """One server, while experiments were at work and not all had begun."""

    place: str
    """As it may be told."""
    seconds: float
    """For how long it could have been at work."""
    idle: float
    """Seconds of these in which no call was."""

    @property
    def share(self) -> float:
        return self.idle / self.seconds

    def dollars(self, local_rate: Decimal) -> Decimal:
        """Lost at so many US dollars per GPU-hour, with one GPU in each server."""
        return Decimal(str(self.idle)) / 3600 * local_rate


def idle_servers(experiments: Sequence[Experiment]) -> tuple[IdleServer, ...]:
    """Each server of which the intervals of its calls are known, in the order of their names.

    It could have been at work while any experiment was, from its beginning for its seconds, so that the pause before a
    resume counts for none; and until the last experiment began, since nobody can fill the tail after that. It was at
    work where calls were, however many at a time. Empty where nothing is known, or all experiments began at once.
    """
    places: dict[str, list[Span]] = {}
    for use in {use for one in experiments for row in one.charged.spendings for use in row.uses}:
        places.setdefault(use.place, []).append((use.ended - use.seconds, use.ended))
    spans = _before_the_tail(experiments) if places else []
    whole = _length(spans)
    idle = {place: whole - _length(_within(_joined(busy), spans)) for place, busy in places.items()}
    return tuple(IdleServer(place, whole, max(idle[place], 0.0)) for place in sorted(places) if whole > 0)


def _before_the_tail(experiments: Iterable[Experiment]) -> list[Span]:
    """When experiments were at work, until the last one began."""
    known = [(began, began + one.seconds) for one in experiments if (began := _moment(one.started)) is not None]
    last = max((began for began, _ in known), default=0.0)
    return _joined((began, min(ended, last)) for began, ended in known)


def _moment(text: str) -> float | None:
    """None: it is not known when, as of an earlier version's."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _joined(spans: Iterable[Span]) -> list[Span]:
    """In order, without overlaps."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _within(spans: Sequence[Span], others: Sequence[Span]) -> Iterator[Span]:
    """What of *spans* lies in *others*; both are joined."""
    number = 0
    for begin, end in spans:
        while number < len(others) and others[number][1] <= begin:
            number += 1
        for other in islice(others, number, None):
            if other[0] >= end:
                break
            yield max(begin, other[0]), min(end, other[1])


def _length(spans: Iterable[Span]) -> float:
    return sum(max(end - begin, 0.0) for begin, end in spans)
