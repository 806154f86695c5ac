"""What an acceptance that is no oracle gets wrong: the loop ends with what is not right, or goes on past what is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_koderz.core.experiment import Experiment


@dataclass(frozen=True, slots=True)
class AcceptanceErrors:
    """Of the settled experiments of one arm whose grading tests said nothing until the end."""

    settled: int
    accepted: int
    """Those whose last candidate was taken for the answer."""
    false_accepts: int
    """Of these, those that the grading tests refuse."""
    false_rejects: int
    """Of the others, those whose last candidate the grading tests pass."""
    loop: bool = True
    """False: one answer that is taken as it comes, right or wrong."""

    def price(self, wrong_accept: Decimal) -> Decimal:
        """US dollars of the false accepts, at so many each."""
        return self.false_accepts * wrong_accept


def acceptance_errors_of(settled: Sequence[Experiment]) -> AcceptanceErrors | None:
    """None where the tests that grade chose among replies: nothing that they refuse was accepted.

    Who gets one reply takes it: of an arm that never asked for a second one every code that fails is a false accept.
    """
    blind = [experiment for experiment in settled if experiment.accept_on != "base"]
    if not blind:
        return None if any(map(had_oracle, settled)) else _of_single_answers(settled)
    accepted = [experiment for experiment in blind if experiment.accepted]
    refused = [experiment for experiment in blind if not experiment.accepted]
    return AcceptanceErrors(
        settled=len(blind),
        accepted=len(accepted),
        false_accepts=sum(not experiment.solved for experiment in accepted),
        false_rejects=sum(experiment.graded is not None and experiment.graded.passed for experiment in refused),
    )


def had_oracle(experiment: Experiment) -> bool:
    """Whether the tests that grade also said which of several replies was taken: an oracle stop."""
    replies = sum(len(iteration.verdicts) for iteration in experiment.iterations)
    return experiment.accept_on == "base" and replies > 1


def _of_single_answers(settled: Sequence[Experiment]) -> AcceptanceErrors | None:
    answers = [one for one in settled if one.iterations and one.iterations[-1].candidate is not None]
    wrong = sum(not one.solved for one in answers)
    # What never failed says nothing of what would have happened then.
    return AcceptanceErrors(len(settled), len(answers), wrong, 0, loop=False) if wrong else None
