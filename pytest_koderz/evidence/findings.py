"""All that is claimed of one benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Experiment

from .arms import ArmFigures, figures_of
from .compare import Comparison, compare
from .device_time import shared_out
from .problems import by_arm
from .savings import ControlEstimate, Savings, estimated
from .spending import Marginal, Step, marginals_of, steps_of
from .standings import Alternative, Standing, alternatives, standings


@dataclass(frozen=True, slots=True)
class Frame:
    """What the benchmark set out to do."""

    benchmark_id: str
    arms: tuple[str, ...]
    control: str
    margin: float
    estimate: ControlEstimate | None
    """What the control would cost where it does not run. None: nothing to go by."""
    simulated: bool = False
    local_rate: Decimal | None = None
    """US dollars per GPU-hour of one's own machines. None: not given."""
    definitions: tuple[Arm, ...] = ()
    """Of the arms, as far as they are known: they tell which arm leaves out what of another."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What came of it; mappings are by the arm's name."""

    arms: tuple[ArmFigures, ...]
    """Those that ran."""
    steps: Mapping[str, tuple[Step, ...]]
    marginals: Mapping[str, tuple[Marginal, ...]]
    control_ran: bool
    comparisons: tuple[Comparison, ...]
    """With the control, or where it did not run with the first arm: how the others compare with that."""
    estimates: Mapping[str, Savings]
    """Against a control that did not run."""
    estimates_with_gpu: Mapping[str, Savings]
    """The same with the dollars of one's own GPUs; empty where no rate is given."""
    standings: tuple[Standing, ...]
    alternatives: tuple[Alternative, ...]


def findings_of(frame: Frame, experiments: Sequence[Experiment]) -> Findings:
    experiments = shared_out(experiments)
    groups = by_arm(experiments)
    own = {arm: groups[arm] for arm in frame.arms if arm in groups}
    ran, rate = frame.control in own, frame.local_rate
    guessed = None if ran else frame.estimate
    places = standings([one for group in own.values() for one in group], rate)
    return Findings(
        arms=tuple(figures_of(arm, group, rate) for arm, group in own.items()),
        steps={arm: steps_of(group) for arm, group in own.items()},
        marginals={arm: marginals_of(group, own, frame.definitions) for arm, group in own.items()},
        control_ran=ran,
        comparisons=tuple(compare(*pair, frame.margin, rate) for pair in _pairs(own, frame.control)),
        estimates={arm: estimated(group, guessed) for arm, group in own.items() if guessed},
        estimates_with_gpu={arm: estimated(group, guessed, rate) for arm, group in own.items() if guessed and rate},
        standings=places,
        alternatives=tuple(alternatives(places, experiments, frame.margin, rate)),
    )


def _pairs(
    own: Mapping[str, Sequence[Experiment]], control: str
) -> list[tuple[Sequence[Experiment], Sequence[Experiment]]]:
    """Who is compared with whom."""
    if control in own:
        return [(group, own[control]) for arm, group in own.items() if arm != control]
    first, *others = own.values() or [()]
    return [(first, group) for group in others]
