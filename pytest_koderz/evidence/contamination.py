"""Whether a model may have been trained on the problems, and whether it solves as many as was published of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.problem import GradingSet

from .arms import ArmFigures
from .intervals import Interval


@dataclass(frozen=True, slots=True)
class Exposure:
    """Models whose training data reach beyond the day on which problems came out."""

    models: tuple[str, ...]
    """By their names in koderz.yaml."""
    datasets: Mapping[str, date]
    """That any of them may hold, with the day on which each, or the first of its problems, came out."""


def exposure_of(definitions: Sequence[Arm], experiments: Sequence[Experiment]) -> Exposure | None:
    """None: no model is known to have been trained later than the problems came out."""
    ran = {one.arm for one in experiments}
    models = {model.name: model for arm in definitions if arm.name in ran for _, model in arm.cast}
    known: dict[str, date] = {}
    for one in experiments:
        name, day = one.traits.dataset, one.traits.published
        if day is not None:
            known[name] = min(day, known.get(name, day))
    cutoffs = {name: model.cutoff for name, model in models.items() if model.cutoff is not None}
    exposed = tuple(name for name, cutoff in cutoffs.items() if any(day <= cutoff for day in known.values()))
    held = {name: day for name, day in known.items() if any(day <= cutoff for cutoff in cutoffs.values())}
    return Exposure(exposed, held) if exposed else None


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """The share of problems that a model's publisher says its first replies solve."""

    share: float
    source: str


_QWEN = "arXiv:2409.12186"
"""Hui et al., Qwen2.5-Coder Technical Report: the instruct model of 7 billion parameters, by EvalPlus, greedy."""
_CODE_LLAMA = "arXiv:2308.12950v3"
"""Roziere et al., Code Llama: the instruct model of 70 billion parameters, HumanEval, greedy."""
HUMANEVALS = ("humaneval", "humanevalplus")
"""The same problems; with the base tests the same score."""
SIZES = {"humaneval": 164, "humanevalplus": 164}
_QWEN_NAMES = ("qwen2.5-coder:7b", "qwen2.5-coder:7b-instruct", "Qwen/Qwen2.5-Coder-7B-Instruct")
_CODE_LLAMA_NAMES = ("codellama:70b", "codellama:70b-instruct", "codellama/CodeLlama-70b-Instruct-hf")
SCORES: Mapping[tuple[str, GradingSet, str], PublishedScore] = {
    **{(name, "base", model): PublishedScore(0.884, _QWEN) for name in HUMANEVALS for model in _QWEN_NAMES},
    **{("humanevalplus", "plus", model): PublishedScore(0.841, _QWEN) for model in _QWEN_NAMES},
    **{(name, "base", model): PublishedScore(0.678, _CODE_LLAMA) for name in HUMANEVALS for model in _CODE_LLAMA_NAMES},
}
"""By data set, the tests that grade, and what the back end calls the model. Of other models nothing was found for these
data sets: those of today are no longer measured on them.
"""


@dataclass(frozen=True, slots=True)
class UnlikePublished:
    """An arm whose first replies solve more or less than was published of its model."""

    arm: str
    model: str
    share: float
    interval: Interval
    published: PublishedScore


def unlike_published(
    definitions: Sequence[Arm], figures: Sequence[ArmFigures], experiments: Sequence[Experiment], selection: str
) -> tuple[UnlikePublished, ...]:
    """Of arms in which one model does all, on a whole data set or a random sample of one; the published score lies
    outside the interval of what was measured.
    """
    dataset, *others = {one.traits.dataset for one in experiments} or {""}
    arms = {arm.name: arm for arm in definitions if arm.is_local_alone}
    found = []
    for one in figures:
        arm = arms.get(one.arm)
        if arm is None or others or not _speaks_for_all(one, dataset, selection):
            continue
        score, limits = SCORES.get((dataset, arm.grade_on, arm.local.model)), one.solved_first_interval
        if score is not None and limits is not None and score.share not in limits:
            found.append(UnlikePublished(one.arm, arm.local.name, one.solved_first / one.settled, limits, score))
    return tuple(found)


def _speaks_for_all(figures: ArmFigures, dataset: str, selection: str) -> bool:
    """The first problems, or some that somebody has picked, may be easier than all."""
    size = SIZES.get(dataset)
    drawn = selection.startswith("a random sample of ") and f" of {size}, seed " in selection
    return figures.problems == size or (drawn and "first" not in selection)
