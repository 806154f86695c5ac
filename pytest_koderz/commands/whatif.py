"""What a recorded benchmark already answers of shorter runs and of cascades."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from decimal import Decimal

import pytest

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.money import Spending
from pytest_koderz.evidence.cross_fitting import best_by_worth, choice_at
from pytest_koderz.evidence.cut_short import Calls, Way, shared_calls, ways_of, why_no_cascade, why_not
from pytest_koderz.evidence.device_time import shared_out
from pytest_koderz.evidence.problems import by_arm
from pytest_koderz.files.nearest import most_like
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.events import Called, Ended
from pytest_koderz.records.reader import Archived, archived, folders_in
from pytest_koderz.records.recorded import each_of
from pytest_koderz.reporters.claim_lines import FOR_DECISIONS
from pytest_koderz.reporters.story import folded
from pytest_koderz.reporters.summary import SIMULATED, WIDTH
from pytest_koderz.reporters.text import counted
from pytest_koderz.reporters.ways_table import curve_lines, worth_lines
from pytest_koderz.session.items import benchmark_key
from pytest_koderz.settings import Settings
from pytest_koderz.settings.schema import ArmEntry

from .printing import columns_of, print_lines

TIMES = (1, 10, 100)
"""What a solved problem is taken to be worth where nobody says it: so many times what the control takes for it."""


def what_if(config: pytest.Config, session: pytest.Session) -> int:  # noqa: ARG001 - as pytest calls it
    """--koderz-whatif: a curve for each arm that the benchmark can answer it of; 1 where it can of none."""
    settings: Settings = config.stash[benchmark_key].settings
    worth = config.option.koderz_worth
    benchmark = _benchmark(settings, config.option.koderz_whatif)
    mark = SIMULATED if benchmark.simulated else ""
    columns = columns_of(config) - len(mark)
    lines = list(whatif_lines(benchmark, None if worth is None else Decimal(worth), columns))
    print_lines(config, (mark + line for line in lines))
    return int(pytest.ExitCode.OK if any("tries" in line for line in lines) else pytest.ExitCode.TESTS_FAILED)


def whatif_lines(benchmark: Archived, worth: Decimal | None = None, columns: int = WIDTH) -> Iterator[str]:
    """Without a mark. *worth* is that of a solved problem, in US dollars."""
    definitions = {arm.name: arm for arm in benchmark.head.definitions}
    groups, calls = by_arm(shared_out(benchmark.experiments)), shared_calls(calls_of(benchmark))
    control = benchmark.head.control or ""
    for name, group in groups.items():
        if name == control:
            continue
        refused = why_not(definitions.get(name), group, calls)
        if refused:
            yield from folded(f"{name}: this benchmark answers nothing of it: {refused}", columns=columns)
            continue
        arm, answering = definitions[name], definitions.get(control) if control in groups else None
        no_cascade = why_no_cascade(arm, answering)
        answers = () if no_cascade else groups[control]
        yield from _of_arm(arm, ways_of(arm, group, calls, answers), answering, benchmark, worth, columns)
        if no_cascade:
            yield from folded(f"no cascades: {no_cascade}", columns=columns)


def _of_arm(
    arm: Arm, ways: Sequence[Way], control: Arm | None, benchmark: Archived, worth: Decimal | None, columns: int
) -> Iterator[str]:
    rate, name = benchmark.head.local_rate, "" if control is None else control.name
    problems = counted(len(ways[-1].problems), "problem")
    yield from folded(
        f"what {benchmark.id} answers of {arm.name}, on {problems}, without another call", columns=columns
    )
    if arm.accept_on == "base":
        stop = f"oracle stop: no user has the tests that ended it; decide by {FOR_DECISIONS}"
        yield from folded(stop, columns=columns)
    yield from curve_lines(ways, name, rate, columns)
    outlays = [way.outlay(rate) for way in ways]
    known = [outlay for outlay in outlays if outlay is not None and outlay.solved]
    if len(known) < len(outlays):
        yield "which is best cannot be told: a price, or what a GPU did, is not known"
        return
    against = 0 if ways[0].tries == 0 else None
    worths = [float(worth)] if worth is not None else []
    solved, paid = sum(known[0].solved), sum(known[0].dollars)
    if worth is None and against is not None and solved > 0 < paid:
        worths = [times * paid / solved for times in TIMES]
    choices = [choice_at(each, known, against) for each in worths]
    yield from worth_lines(ways, name, list(best_by_worth(known)), choices, columns)
    chosen = {choice.best: ways[choice.best] for choice in choices}
    words = [in_yaml(_as_arm(arm, way, control)) for way in chosen.values() if way.tries and not _is_whole(way, arm)]
    if words:
        yield from ("to be confirmed by a run, in koderz.yaml:", "arms:", *(f"  {each}" for each in words))


def _is_whole(way: Way, arm: Arm) -> bool:
    """Whether it is what ran."""
    return way.tries == arm.max_iterations and not way.hands_over and arm.fallback is None


def _as_arm(arm: Arm, way: Way, control: Arm | None) -> Arm:
    """The arm that goes this way."""
    fallback = control.local if way.hands_over and control is not None else None
    then = "" if fallback is None or control is None else f"-then-{control.name}"
    return replace(arm, name=f"{arm.name}-{way.tries}{then}", max_iterations=way.tries, fallback=fallback)


def in_yaml(arm: Arm) -> str:
    """An entry of koderz.yaml's `arms`, whatever the profile has. Prompts of one's own must be named besides."""
    told: dict[str, str | int | list[str]] = {str(role): model.name for role, model in arm.models.items()}
    if arm.swarm:
        told[str(Role.LOCAL)] = [model.name for model in arm.writers]
    always = {"max_iterations", *(["checkpoint_interval"] if arm.checkpoint else [])}
    defaults = {item.name: item.default for item in fields(Arm)}
    for key in (item.name for item in fields(ArmEntry) if item.name not in (*Role, "prompts")):
        value = getattr(arm, key)
        if key == "candidates" and value == len(arm.writers):
            continue
        if key in always or value != defaults[key]:
            told[key] = value if isinstance(value, int) else str(value)
    keys = ", ".join(f"{key}: {_scalar(value)}" for key, value in told.items())
    return f"{_scalar(arm.name)}: {{{keys}}}{'' if arm.prompts is None else '  # and its prompts'}"


def _scalar(value: str | int | list[str]) -> str:
    """In YAML, a text in quotes where it could be taken for something else."""
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    if isinstance(value, int):
        return str(value).lower()
    plain = re.fullmatch(r"[A-Za-z][\w.-]*", value) and value.lower() not in _OTHERWISE
    return value if plain else json.dumps(value, ensure_ascii=False)


_OTHERWISE = ("true", "false", "yes", "no", "on", "off", "y", "n", "null")


def calls_of(benchmark: Archived) -> Calls:
    """By experiment what its calls cost. The first of two answers to one prompt is what it went on with; one that was
    cancelled is charged beside it.
    """
    return {one.id: _calls_of(benchmark, one) for one in benchmark.experiments}


def _calls_of(benchmark: Archived, experiment: Experiment) -> list[Spending]:
    runs = benchmark.recorded.experiments.get(experiment.id, {}).values()
    run = next((run for run in runs if any(each.record == experiment for each in each_of(run, Ended))), ())
    found: dict[tuple[str, str, bool], Spending] = {}
    for call in each_of(run, Called):
        found.setdefault((str(call.role), call.prompt.digest, call.reply.cancelled), call.spending)
    return list(found.values())


def _benchmark(settings: Settings, which: str) -> Archived:
    """Raises UsageError where there is none of that name."""
    folders = {folder.name: folder for folder in folders_in(settings.folder)}
    if which in folders:
        return archived(folders[which])
    near = most_like(which, folders, cutoff=0.7)
    hint = f"did you mean {near}?" if near else "--koderz-results lists the benchmarks"
    raise UsageError(f"--koderz-whatif: {which} is not in the journals in {settings.folder} ({hint})")
