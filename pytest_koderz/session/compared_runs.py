"""--koderz-compare: which runs are held beside each other, and the present one beside an earlier one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from .completion import EachCompleted, runs

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from pathlib import Path

    from pytest_koderz.core.arm import Arm
    from pytest_koderz.core.experiment import Experiment
    from pytest_koderz.evidence.changes import Candidacy, Change
    from pytest_koderz.evidence.findings import Frame

    from .context import BenchmarkRun

NEWEST = "newest"


def add_options(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--koderz-compare",
        metavar="RUN",
        action=EachCompleted,
        completer=runs,
        default=[],
        help="What changed since RUN (bench_..., a file of results, newest; each also with :ARM): given twice, from "
        "the first to the second; once, to the newest benchmark, or with --koderz to this run.",
    )


def is_verb(config: pytest.Config) -> bool:
    """Whether it prints and exits: it does not where this run is the second one."""
    given = config.getoption("koderz_compare")
    return bool(given) and not (config.getoption("koderz") and len(given) == 1)


def register(run: BenchmarkRun) -> ComparedRun | None:
    """Raises UsageError for an earlier run that cannot be compared with, before anything is spent."""
    given = run.config.getoption("koderz_compare")
    if not given or run.is_worker:
        return None
    earlier = run_named(given[0], run.settings.folder, besides=run.id)
    arms = [arm.name for arm in run.settings.arms]
    pairs_of(earlier, ComparedSide(run.id, run.id, "", dict.fromkeys(arms, ()), run.settings.arms, run.head))
    compared = ComparedRun(run, earlier)
    run.register(compared, "compared")
    return compared


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """A run as it is compared: what it is called, the arm that is meant, its experiments by arm, and its head."""

    id: str
    label: str
    arm: str
    """Empty: all of its arms."""
    arms: Mapping[str, Sequence[Experiment]]
    definitions: Sequence[Arm]
    head: Mapping[str, Any]
    simulated: bool = False

    def side(self, arm: str) -> Candidacy:
        from pytest_koderz.evidence.changes import Candidacy

        known = tuple(one for one in self.definitions if one.name == arm)
        return Candidacy(f"{self.label}:{arm}", tuple(self.arms[arm]), known)


class ComparedRun:
    """The closing lines that hold this run beside an earlier one."""

    def __init__(self, run: BenchmarkRun, earlier: ComparedSide) -> None:
        self._run = run
        self._earlier = earlier

    def lines(self) -> Iterator[str]:
        from pytest_koderz.reporters.changed_lines import change_lines

        found = self.changes()
        if found is not None:
            yield f"{self._run.mark}since {self._earlier.label}:"
            config = self._run.config
            columns = config.get_terminal_writer().fullwidth
            yield from change_lines(*found, columns, whole=config.option.verbose > 0)
            yield ""

    def changes(self) -> tuple[tuple[Change, ...], Frame, list[str]] | None:
        """None: nothing ran."""
        from pytest_koderz.evidence.device_time import shared_out
        from pytest_koderz.evidence.problems import by_arm

        run = self._run
        arms = by_arm(shared_out(run.experiments.in_order()))
        if not arms:
            return None
        head = {**run.head, "overrides": run.settings.overrides}
        now = ComparedSide(run.id, run.id, "", arms, run.settings.arms, head, run.settings.simulated)
        named = {arm.name: arms.get(arm.name, ()) for arm in run.settings.arms}
        pairs = [(then, after) for then, after in pairs_of(self._earlier, now, named) if after.experiments]
        return changes_between(self._earlier, now, pairs, run.settings.margin, run.settings.local_rate)


def changes_between(
    before: ComparedSide,
    after: ComparedSide,
    pairs: Sequence[tuple[Candidacy, Candidacy]],
    margin: float,
    local_rate: Decimal | None,
) -> tuple[tuple[Change, ...], Frame, list[str]]:
    """What there is to be told of *pairs*, what it was held against, and notes on how the runs themselves differ."""
    from pytest_koderz.evidence.changes import changes_of
    from pytest_koderz.evidence.findings import Frame

    frame = Frame(after.label, (), before.label, margin, None, before.simulated or after.simulated, local_rate)
    return changes_of(pairs, margin, local_rate), frame, list(_differences(before, after))


def pairs_of(
    before: ComparedSide, after: ComparedSide, now: Mapping[str, Sequence[Experiment]] | None = None
) -> list[tuple[Candidacy, Candidacy]]:
    """Arm by arm of the same name, or the two that are meant. Raises UsageError where it is not clear which.

    *now* are the arms of *after*, where not all have begun.
    """
    from dataclasses import replace

    from pytest_koderz.files.usage_error import UsageError
    from pytest_koderz.files.visible_text import quoted

    after = after if now is None else replace(after, arms=now)
    if (before.id, before.arm) == (after.id, after.arm):
        raise UsageError(f"--koderz-compare: {before.label} is held beside itself; name two runs, or two arms of it")
    if before.id == after.id and not (before.arm and after.arm):
        raise UsageError(f"--koderz-compare: of one run two arms are compared: {before.label}:ARM, each of them")
    meant = _meant(before, after)
    if not meant:
        arms = " and ".join(f"{quoted(', '.join(side.arms))} of {side.label}" for side in (before, after))
        raise UsageError(f"--koderz-compare: no arm is in both runs ({arms}); name one of each, as {before.label}:ARM")
    return [(before.side(one), after.side(other)) for one, other in meant]


def _meant(before: ComparedSide, after: ComparedSide) -> list[tuple[str, str]]:
    if before.arm and after.arm:
        return [(before.arm, after.arm)]
    one = before.arm or after.arm
    if not one:
        both = [(name, name) for name in after.arms if name in before.arms]
        alone = len(before.arms) == len(after.arms) == 1
        return both or ([(next(iter(before.arms)), next(iter(after.arms)))] if alone else [])
    other = after if before.arm else before
    name = one if one in other.arms else next(iter(other.arms)) if len(other.arms) == 1 else ""
    return [] if not name else [(one, name) if before.arm else (name, one)]


def _differences(before: ComparedSide, after: ComparedSide) -> Iterator[str]:
    """What is known to be another one; where nothing is named that koderz.yaml has otherwise, that something is."""
    if before.id == after.id:
        return
    named = [*_named_differences(before, after)]
    yield from named
    then, now = (side.head.get("settings") for side in (before, after))
    if then and now and then != now and not named:
        yield "koderz.yaml had other arms, limits or settings of a model, such as its temperature"


def _named_differences(before: ComparedSide, after: ComparedSide) -> Iterator[str]:
    """The tests that decide, profile, models and what the command line changed."""
    for key, word in (("grade_on", "graded on"), ("profile", "profile")):
        then, now = before.head.get(key), after.head.get(key)
        if key in before.head and key in after.head and then != now:
            yield f"{word} {now} instead of {then}"
    for side in (before, after):
        if side.head.get("overrides"):
            yield f"{side.label} changed its koderz.yaml: {', '.join(side.head['overrides'])}"
    then_models, now_models = (side.head.get("models") or {} for side in (before, after))
    for name in {**then_models, **now_models}:
        then, now = then_models.get(name, "none"), now_models.get(name, "none")
        if then != now:
            yield f"model {name}: {now} instead of {then}"
    yield from _other_weights(before.head.get("servers") or {}, after.head.get("servers") or {})


def _other_weights(then: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """What servers said of models of one name: a tag may have moved. What either run did not hear is unknown."""
    for name in then.keys() & now.keys():
        for key in then[name].keys() & now[name].keys():
            if then[name][key] != now[name][key]:
                yield f"model {name}: {key} {now[name][key]} instead of {then[name][key]}"


def run_named(text: str, folder: Path, besides: str = "") -> ComparedSide:
    """The run that *text* names: a benchmark, `newest`, or a file of results, each also with `:ARM`.

    *besides* is a benchmark that is not taken for the newest. Raises UsageError.
    """
    from dataclasses import replace
    from pathlib import Path

    from pytest_koderz.files.nearest import nearest
    from pytest_koderz.files.usage_error import UsageError

    name, _, arm = text.rpartition(":")
    if not name or Path(text).is_file():
        name, arm = text, ""
    found = _from_file(Path(name)) if _is_file(name) else _from_journals(name, folder, besides)
    if arm and arm not in found.arms:
        raise UsageError(f"--koderz-compare: {found.label} has no arm named '{arm}'{nearest(arm, found.arms)}")
    return replace(found, arm=arm)


def _is_file(name: str) -> bool:
    from pathlib import Path

    return name != NEWEST and not (name.startswith("bench_") and not Path(name).is_file())


def _from_journals(name: str, folder: Path, besides: str) -> ComparedSide:
    from pytest_koderz.evidence.device_time import shared_out
    from pytest_koderz.evidence.problems import by_arm
    from pytest_koderz.files.nearest import nearest
    from pytest_koderz.files.usage_error import UsageError
    from pytest_koderz.records.reader import archived, folders_in

    known = {each.name: each for each in (folders_in(folder) if folder.is_dir() else []) if each.name != besides}
    if name == NEWEST and known:
        name = next(iter(known))
    if name not in known:
        hint = nearest(name, known) or "; --koderz-results lists the benchmarks"
        raise UsageError(f"--koderz-compare: {name} is not in the journals in {folder}{hint}")
    found = archived(known[name])
    head = found.head
    told = {"profile": head.profile, "models": dict(head.models), "overrides": head.overrides, "servers": head.servers}
    told |= {key: value for key in ("grade_on", "settings") if (value := getattr(head, key))}
    arms = by_arm(shared_out(found.experiments))
    return ComparedSide(found.id, found.id, "", arms, head.definitions, told, found.simulated)


def _from_file(path: Path) -> ComparedSide:
    from pytest_koderz.evidence.problems import by_arm
    from pytest_koderz.files.usage_error import UsageError
    from pytest_koderz.reporters.results_read import FAULTS, benchmark_told, experiments_told, not_results, results_in

    try:
        results = results_in(path)
        head, arms = benchmark_told(results), by_arm(experiments_told(results))
        return ComparedSide(head["id"], path.name, "", arms, (), head, head["simulated"])
    except UsageError as error:
        raise UsageError(f"--koderz-compare: {error}") from None
    except FAULTS:
        raise UsageError(f"--koderz-compare: {not_results(path)}") from None
