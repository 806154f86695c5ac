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

    def price(self, wrong_accept: Decimal) -> Decimal:
        """US dollars of the false accepts, at so many each."""
        return self.false_accepts * wrong_accept


def acceptance_errors_of(settled: Sequence[Experiment]) -> AcceptanceErrors | None:
    """None where all of them were iterated on the tests that grade."""
    blind = [experiment for experiment in settled if experiment.accept_on != "base"]
    if not blind:
        return None
    accepted = [experiment for experiment in blind if experiment.accepted]
    refused = [experiment for experiment in blind if not experiment.accepted]
    return AcceptanceErrors(
        settled=len(blind),
        accepted=len(accepted),
        false_accepts=sum(not experiment.solved for experiment in accepted),
        false_rejects=sum(experiment.graded is not None and experiment.graded.passed for experiment in refused),
    )
