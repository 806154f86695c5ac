"""All that is claimed of one benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Experiment

from .adequacy import WeakTests, weak_tests
from .arms import ArmFigures, figures_of
from .break_even import Purchase
from .compare import Comparison, compare, judge
from .contamination import Exposure, UnlikePublished, exposure_of, unlike_published
from .device_time import shared_out
from .idle_servers import IdleServer, idle_servers
from .looks import Look, with_current
from .places import Places, places_of
from .problems import by_arm, by_problem
from .recovered_gap import RecoveredGap, recovered_of
from .savings import ControlEstimate, Savings, estimated
from .spared import Spared, spared_of
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
    planned: int | None = None
    """Problems that there will be. None: not known, and this is taken for the only look."""
    looks: tuple[Look, ...] = ()
    """Earlier ones at this benchmark; each spent a part of the level."""
    changed_margin: float | None = None
    """What the settings say now, where the journal recorded another margin first: no claim rests on it."""
    purchase: Purchase | None = None
    """A GPU that may be bought. None: not given."""
    wrong_accept: Decimal | None = None
    """US dollars that it costs to take a wrong answer for a right one. None: not given."""
    shard: bool = False
    """A part of a run whose other parts run elsewhere: nothing is claimed of it."""
    part: str = ""
    """Which one of how many, where it is known: `2/8`."""
    stopped: Look | None = None
    """That at which the claim was made, and no further problem begun. None: it runs to its end."""
    selection: str = ""
    """Which problems these are, in words, where they are not all: `the first 50 of 164 problems`."""


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
    gaps: Mapping[str, RecoveredGap]
    """Of the arms beside which one ran that has their local model alone."""
    looks: tuple[Look, ...]
    """All that there were, this one last; empty where nothing is compared."""
    estimates: Mapping[str, Savings]
    """Against a control that did not run."""
    estimates_with_gpu: Mapping[str, Savings]
    """The same with the dollars of one's own GPUs; empty where no rate is given."""
    standings: tuple[Standing, ...]
    alternatives: tuple[Alternative, ...]
    servers: tuple[IdleServer, ...]
    """One's own, of which it is known when they were at work."""
    spared: Spared | None
    """None: no problem was left when there was a claim, or nobody asked."""
    exposure: Exposure | None
    unlike_published: tuple[UnlikePublished, ...]
    places: tuple[Places, ...] = ()
    """Of each arm but the control, where problems are functions of a repository."""
    weak: tuple[WeakTests, ...] = ()


def findings_of(frame: Frame, experiments: Sequence[Experiment]) -> Findings:
    servers = idle_servers(experiments)
    experiments = shared_out(experiments)
    groups = by_arm(experiments)
    own = {arm: groups[arm] for arm in frame.arms if arm in groups}
    ran, rate = frame.control in own, frame.local_rate
    guessed = None if ran else frame.estimate
    pairs = _pairs(own, frame.control)
    compared = [compare(*pair, frame.margin, rate, frame.definitions) for pair in pairs]
    looks = with_current(frame.looks, compared[0].problems if compared else 0, frame.planned)
    comparisons = judge(compared, looks)
    figures = tuple(figures_of(arm, group, rate, frame.definitions) for arm, group in own.items())
    told = [one for group in own.values() for one in group]
    places = standings(told, rate)
    return Findings(
        arms=figures,
        steps={arm: steps_of(group) for arm, group in own.items()},
        marginals={arm: marginals_of(group, own, frame.definitions) for arm, group in own.items()},
        control_ran=ran,
        comparisons=comparisons,
        gaps={arm: gap for arm in own if (gap := recovered_of(arm, own, frame.definitions, frame.control))},
        looks=looks if comparisons else (),
        estimates={arm: estimated(group, guessed) for arm, group in own.items() if guessed},
        estimates_with_gpu={arm: estimated(group, guessed, rate) for arm, group in own.items() if guessed and rate},
        standings=places,
        alternatives=tuple(alternatives(places, experiments, frame.margin, rate)),
        servers=servers,
        spared=spared_of(frame.stopped, frame.planned, experiments),
        exposure=None if frame.simulated else exposure_of(frame.definitions, told),
        unlike_published=unlike_published(frame.definitions, figures, told, frame.selection),
        places=tuple(_places(own, frame)),
        weak=weak_tests(told),
    )


def _places(own: Mapping[str, Sequence[Experiment]], frame: Frame) -> Iterator[Places]:
    control = own.get(frame.control)
    for arm, group in own.items():
        if arm != frame.control and (found := places_of(group, control, frame.margin, frame.local_rate)):
            yield found


def look_at(frame: Frame, experiments: Sequence[Experiment]) -> Look | None:
    """That of a summary of *experiments*: the problems on which the first arm is compared. None: there are none."""
    pair = primary_pair(frame, experiments)
    shared = 0 if pair is None else len(set.intersection(*(set(by_problem(side)) for side in pair)))
    return with_current(frame.looks, shared, frame.planned)[-1] if shared else None


def primary_pair(
    frame: Frame, experiments: Sequence[Experiment]
) -> tuple[Sequence[Experiment], Sequence[Experiment]] | None:
    """The first arm and what it is compared with; None where that did not run."""
    own = {arm: group for arm, group in by_arm(experiments).items() if arm in frame.arms}
    pairs = _pairs({arm: own[arm] for arm in frame.arms if arm in own}, frame.control)
    return pairs[0] if pairs else None


def _pairs(
    own: Mapping[str, Sequence[Experiment]], control: str
) -> list[tuple[Sequence[Experiment], Sequence[Experiment]]]:
    """Who is compared with whom."""
    if control in own:
        return [(group, own[control]) for arm, group in own.items() if arm != control]
    first, *others = own.values() or [()]
    return [(first, group) for group in others]
