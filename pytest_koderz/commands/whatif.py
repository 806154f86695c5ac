"""What a recorded benchmark already answers of shorter runs and of cascades."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from decimal import Decimal

import pytest

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.evidence.cross_fitting import Outlay, best_by_worth, choice_at
from pytest_koderz.evidence.cut_short import Answered, Way, answers_of
from pytest_koderz.files.atomic import write_asked
from pytest_koderz.files.nearest import most_like
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.asked_calls import calls_of
from pytest_koderz.records.reader import Archived, archived, folders_in
from pytest_koderz.reporters.claim_lines import FOR_DECISIONS
from pytest_koderz.reporters.story import folded
from pytest_koderz.reporters.summary import SIMULATED, WIDTH
from pytest_koderz.reporters.text import counted
from pytest_koderz.reporters.ways_page import page_of_ways
from pytest_koderz.reporters.ways_table import curve_lines, worth_lines
from pytest_koderz.session.items import benchmark_key
from pytest_koderz.settings import Settings
from pytest_koderz.settings.schema import ArmEntry

from .printing import columns_of, print_lines

TIMES = (1, 10, 100)
"""What a solved problem is taken to be worth where nobody says it: so many times what the control takes for it."""

UNFOLDED = 10_000
"""Columns where a browser breaks the lines."""


def what_if(config: pytest.Config, session: pytest.Session) -> int:  # noqa: ARG001 - as pytest calls it
    """--koderz-whatif: a curve for each arm that the benchmark can answer it of; 1 where it can of none."""
    settings: Settings = config.stash[benchmark_key].settings
    benchmark = _benchmark(settings, config.option.koderz_whatif)
    mark = SIMULATED if benchmark.simulated else ""
    columns = columns_of(config) - len(mark)
    answers = answers_in(benchmark)
    lines = [line for answer in answers for line in _answer_lines(answer, benchmark, _worth(config), columns)]
    print_lines(config, (mark + line for line in lines))
    _write_page(config, benchmark, answers)
    return int(pytest.ExitCode.OK if any(answer.ways for answer in answers) else pytest.ExitCode.TESTS_FAILED)


def _worth(config: pytest.Config) -> Decimal | None:
    worth = config.option.koderz_worth
    return None if worth is None else Decimal(worth)


def _write_page(config: pytest.Config, benchmark: Archived, answers: Sequence[Answered]) -> None:
    """Where --koderz-html asks for it."""
    path: str | None = config.getoption("koderz_html")
    if path is None:
        return
    rate, worth = benchmark.head.local_rate, _worth(config)
    told = [(answer, [*_best_lines(answer, rate, worth, UNFOLDED)] if answer.ways else []) for answer in answers]
    arms = list(dict.fromkeys(one.arm for one in benchmark.experiments))
    text = page_of_ways(benchmark.id, told, arms, rate, simulated=benchmark.simulated)
    write_asked("--koderz-html", config.rootpath / path, text)
    print_lines(config, [f"page: {path}"])


def answers_in(benchmark: Archived) -> list[Answered]:
    """What its journals answer of each of its arms but the control."""
    head = benchmark.head
    return list(answers_of(head.definitions, benchmark.experiments, calls_of(benchmark), head.control or ""))


def whatif_lines(benchmark: Archived, worth: Decimal | None = None, columns: int = WIDTH) -> Iterator[str]:
    """Without a mark. *worth* is that of a solved problem, in US dollars."""
    for answer in answers_in(benchmark):
        yield from _answer_lines(answer, benchmark, worth, columns)


def _answer_lines(answer: Answered, benchmark: Archived, worth: Decimal | None, columns: int) -> Iterator[str]:
    if answer.definition is None or answer.refused:
        text = f"{answer.arm}: this benchmark answers nothing of it: {answer.refused}"
        yield from folded(text, columns=columns)
        return
    ways, rate = answer.ways, benchmark.head.local_rate
    problems = counted(len(ways[-1].problems), "problem")
    text = f"what {benchmark.id} answers of {answer.arm}, on {problems}, without another call"
    yield from folded(text, columns=columns)
    if answer.definition.accept_on == "base":
        stop = f"oracle stop: no user has the tests that ended it; decide by {FOR_DECISIONS}"
        yield from folded(stop, columns=columns)
    yield from curve_lines(ways, _name(answer), rate, columns)
    yield from _best_lines(answer, rate, worth, columns)
    if answer.no_cascade:
        yield from folded(f"no cascades: {answer.no_cascade}", columns=columns)


def _name(answer: Answered) -> str:
    return "" if answer.control is None else answer.control.name


def _best_lines(answer: Answered, rate: Decimal | None, worth: Decimal | None, columns: int) -> Iterator[str]:
    """Which way is best, and how it stands in koderz.yaml."""
    arm, ways, name = answer.definition, answer.ways, _name(answer)
    outlays = [way.outlay(rate) for way in ways]
    known = [outlay for outlay in outlays if outlay is not None and outlay.solved]
    if len(known) < len(outlays) or arm is None:
        yield "which is best cannot be told: a price, or what a GPU did, is not known"
        return
    against = 0 if ways[0].tries == 0 else None
    choices = [choice_at(each, known, against) for each in _worths(worth, known[0] if against == 0 else None)]
    yield from worth_lines(ways, name, list(best_by_worth(known)), choices, columns)
    chosen = {choice.best: ways[choice.best] for choice in choices}
    words = [
        in_yaml(_as_arm(arm, way, answer.control)) for way in chosen.values() if way.tries and not _is_whole(way, arm)
    ]
    if words:
        yield from ("to be confirmed by a run, in koderz.yaml:", "arms:", *(f"  {each}" for each in words))


def _worths(worth: Decimal | None, control: Outlay | None) -> list[float]:
    """What a solved problem is taken to be worth: what is said, else times of what the control takes for it."""
    if worth is not None:
        return [float(worth)]
    if control is None or not sum(control.solved) or not sum(control.dollars):
        return []
    return [times * sum(control.dollars) / sum(control.solved) for times in TIMES]


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


def _benchmark(settings: Settings, which: str) -> Archived:
    """Raises UsageError where there is none of that name."""
    folders = {folder.name: folder for folder in folders_in(settings.folder)}
    if which in folders:
        return archived(folders[which])
    near = most_like(which, folders, cutoff=0.7)
    hint = f"did you mean {near}?" if near else "--koderz-results lists the benchmarks"
    raise UsageError(f"--koderz-whatif: {which} is not in the journals in {settings.folder} ({hint})")
