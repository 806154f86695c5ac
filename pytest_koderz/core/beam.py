"""Which of an iteration's candidates go on, each as a line of its own."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from .iteration import Iteration, Outcome, Verdict


def kept(iteration: Iteration, most: int) -> list[int]:
    """Indices of the candidates that go on, the best first: by the loop's own tests, and distinct behaviour first.

    Candidates that fail alike are one; another of them goes on only where there is nothing else.
    """
    ranked = sorted(range(len(iteration.verdicts)), key=lambda place: _rank(iteration.verdicts[place]))
    firsts: dict[Hashable, int] = {}
    for place in ranked:
        firsts.setdefault(_behaviour(iteration.verdicts[place]), place)
    chosen = [*firsts.values(), *(place for place in ranked if place not in firsts.values())]
    return chosen[:most]


def _rank(verdict: Verdict) -> tuple[bool, float, bool]:
    return not verdict.accepted, -verdict.share, verdict.outcome is Outcome.NO_CODE


def _behaviour(verdict: Verdict) -> Hashable:
    failures = tuple((each.assertion, each.explanation or each.summary) for each in verdict.failures)
    return verdict.outcome, verdict.assertions_passed, verdict.assertions_total, failures


def line_to(iterations: Sequence[Iteration], place: int) -> tuple[Iteration, ...]:
    """The way to the candidate at *place* of the last of *iterations*, each step with that candidate alone."""
    line: list[Iteration] = []
    at: int | None = place
    for iteration in reversed(iterations):
        if at is None:
            break
        line.insert(0, _alone(iteration, at))
        at = iteration.origins[at].parent
    return tuple(line)


def _alone(iteration: Iteration, place: int) -> Iteration:
    origin = iteration.origins[place]
    return Iteration(
        iteration.number,
        (iteration.candidates[place],),
        (iteration.verdicts[place],),
        feedback=origin.feedback,
        repeated=origin.repeated,
        stop_reason=origin.stop_reason,
    )
