"""Questions about what was run before, to the journals or to cortex alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
from _pytest.mark.expression import Expression

from pytest_koderz.core.errors import MemoryUnavailable
from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.cortex import Recalled, recall
from pytest_koderz.evidence.break_even import Purchase
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.evidence.savings import estimate_control
from pytest_koderz.files.nearest import most_like
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.events import Head
from pytest_koderz.records.reader import Archived, archived, experiments_in, folders_in, with_ledger
from pytest_koderz.reporters.board import board_lines
from pytest_koderz.reporters.overview import by_benchmark, entry_lines, experiment_lines, head_lines, is_meant, name_of
from pytest_koderz.reporters.page_table import marked
from pytest_koderz.reporters.story import folded, story_lines
from pytest_koderz.reporters.summary import SIMULATED, summary_lines
from pytest_koderz.reporters.text import counted
from pytest_koderz.session.cortex import server_of
from pytest_koderz.session.items import benchmark_key
from pytest_koderz.session.look_record import record_look_at, with_plan
from pytest_koderz.session.start_checks import TYPICAL_ANSWER, frame_of, settings_of
from pytest_koderz.settings import Settings

from .printing import columns_of, page_lines, writer_of
from .recorded_files import collected_for, write_files

DEFAULT_MARGIN = 0.05
"""Of a head that does not say it."""

EVERYTHING = "*"
"""What --koderz-results means without a text."""


def analyze(config: pytest.Config, session: pytest.Session) -> int:
    """--koderz-analyze: one experiment's whole story, or a benchmark's summary."""
    which: str = config.option.koderz_analyze
    if not which.startswith(("exp_", "bench_")):
        raise UsageError(f"--koderz-analyze: '{which}' is no id such as exp_1a2b3c4d or bench_1a2b3c4d; {HOW_TO_LIST}")
    benchmark, source = _remembered(config, which) if _asks_cortex(config) else _recorded(config, which)
    files = write_files(config, benchmark, frame_of_archived(config, benchmark), collected_for(session))
    written = [f"results: {path}" for path in files]
    lines = chain(_benchmark_lines(config, benchmark, source), written)
    if which.startswith("exp_") and config.option.koderz_only:
        raise UsageError(f"--koderz-only picks of a benchmark's experiments; {which} is one")
    if which.startswith("exp_"):
        mark = SIMULATED if benchmark.simulated else ""
        columns = columns_of(config)
        (experiment,) = (one for one in benchmark.experiments if one.id == which)
        lines = chain(
            story_lines(experiment, mark, columns),
            folded(f"read from {source}; {_prompts(config, benchmark)}", mark, columns),
            written,
        )
    return _printed(config, lines)


def results(config: pytest.Config, session: pytest.Session) -> int:  # noqa: ARG001 - as pytest calls it
    """--koderz-results: the benchmarks that were run, the latest first."""
    settings = _settings(config)
    text: str = config.option.koderz_results
    columns = columns_of(config)
    if config.option.koderz_sort:
        meant = [each for each in _readable(config, settings) if is_meant(each, text)]
        lines = [*board_lines(meant, config.option.koderz_sort)]
    elif _asks_cortex(config):
        recalled = _recalled(settings, "")
        left_out = [*folded(_left_out(recalled), columns=columns)] if recalled.unread else []
        lines = [*_entries(_benchmarks(recalled, settings), text, columns), *left_out]
    else:
        lines = []
        for folder in folders_in(settings.folder):
            try:
                lines += _entries([archived(folder)], text, columns)
            except UsageError as fault:
                lines += folded(f"{folder.name}  cannot be read: {fault}", columns=columns)
    which = "" if text == EVERYTHING else f" that '{text}' fits"
    return _printed(config, lines or [f"no benchmark{which} in {settings.folder}"])


def _readable(config: pytest.Config, settings: Settings) -> Iterator[Archived]:
    """Those of a board, which has no row for what cannot be read."""
    if _asks_cortex(config):
        yield from _benchmarks(_recalled(settings, ""), settings)
        return
    for folder in folders_in(settings.folder):
        with suppress(UsageError):
            yield archived(folder)


HOW_TO_LIST = "--koderz-results lists the benchmarks, and --koderz-analyze bench_... the experiments of one"


def _entries(benchmarks: Iterable[Archived], text: str, columns: int) -> Iterator[str]:
    for benchmark in benchmarks:
        if is_meant(benchmark, text):
            yield from entry_lines(benchmark, columns)


def _benchmark_lines(config: pytest.Config, benchmark: Archived, source: str) -> Iterator[str]:
    columns = columns_of(config)
    yield from (*head_lines(benchmark, source, columns), "", *_listed(config, benchmark), "")
    frame = frame_of_archived(config, benchmark)
    yield from summary_lines(frame, benchmark.experiments, writer_of(config).fullwidth, whole=True)
    record_look_at(_settings(config).folder / benchmark.id, frame, benchmark.experiments)
    if benchmark.interrupted:
        yield from ("", f"go on with: pytest --koderz --koderz-resume={benchmark.id}")


def _listed(config: pytest.Config, benchmark: Archived) -> Iterator[str]:
    """A line for each experiment that is asked for, and how many there are besides."""
    only, expression = config.option.koderz_only, config.option.keyword
    picked = marked(benchmark.experiments, only) if only else benchmark.experiments
    if expression:
        picked = tuple(one for one in picked if _is_named_by(expression, one))
    yield from experiment_lines(benchmark, columns_of(config), picked) if picked else ()
    if len(picked) < len(benchmark.experiments):
        asked = " ".join(filter(None, [only, f"-k '{expression}'" if expression else ""]))
        mark = SIMULATED if benchmark.simulated else ""
        yield f"{mark}{len(picked)} of {counted(len(benchmark.experiments), 'experiment')}: {asked}; below, of all"


def _is_named_by(expression: str, experiment: Experiment) -> bool:
    """As pytest's -k looks at its item. Raises UsageError."""
    said = [text.lower() for text in (name_of(experiment), experiment.problem_id, experiment.arm)]

    def is_said(name: str, /, **_: object) -> bool:
        return any(name.lower() in text for text in said)

    try:
        return Expression.compile(expression).evaluate(is_said)
    except SyntaxError as fault:
        raise UsageError(f"-k: '{expression}': {fault}") from None


def _prompts(config: pytest.Config, benchmark: Archived) -> str:
    """Where they are, which are too long for a story, and for a memory."""
    if _asks_cortex(config):
        return f"the prompts as they were sent stand in the journal {benchmark.id} alone"
    return "there each line `called` is a call, with its prompt as it was sent"


def frame_of_archived(config: pytest.Config, benchmark: Archived) -> Frame:
    """What it set out to do. What an earlier version did not record is what the settings say of its profile now."""
    head, folder = benchmark.head, _settings(config).folder / benchmark.id
    if head.definitions:
        frame = _recorded_frame(benchmark)
    else:
        frame = _frame_of_today(_settings_of_its_arms(config, head), benchmark)
    arms = head.arms or tuple(dict.fromkeys(one.arm for one in benchmark.experiments))
    return replace(with_plan(frame, folder), arms=arms, simulated=benchmark.simulated)


def _recorded_frame(benchmark: Archived) -> Frame:
    head = benchmark.head
    estimate = None
    if head.control_model is not None:
        estimate = estimate_control(head.control_model, head.control_price, TYPICAL_ANSWER)
    control, margin = head.control or "", head.margin or DEFAULT_MARGIN
    price, hours = head.purchase_price, head.purchase_hours
    return Frame(
        benchmark.id,
        head.arms,
        control,
        margin,
        estimate,
        local_rate=head.local_rate,
        wrong_accept=head.wrong_accept,
        definitions=head.definitions,
        purchase=None if price is None or hours is None else Purchase(price, hours),
        shard=head.part is not None,
        part=head.part or "",
    )


def _frame_of_today(settings: Settings, benchmark: Archived) -> Frame:
    """An arm is defined as it is now only where this is known to be as it was."""
    frame, head = frame_of(settings, benchmark.id), benchmark.head
    same = tuple(arm for arm in settings.arms if not benchmark.recorded.changes_of_arm(arm))
    margin = frame.margin if head.margin is None else head.margin
    return replace(frame, control=head.control or frame.control, margin=margin, definitions=same)


def _settings_of_its_arms(config: pytest.Config, head: Head) -> Settings:
    """Those of its profile, with the arms that it ran, whichever the profile has now."""
    settings = _settings(config)
    option = config.option
    option.koderz_profile = head.profile or option.koderz_profile
    for arms in (list(head.arms), []):
        option.koderz_arm = arms
        with suppress(UsageError):
            return settings_of(config, config.rootpath)
    # koderz.yaml has changed since: without a price of that time there is no estimate.
    return replace(settings, control_model=None, control_price=None)


def _recorded(config: pytest.Config, which: str) -> tuple[Archived, str]:
    """The benchmark that is *which* or holds it, from its journals, and where they are."""
    known: list[str] = []
    for folder in folders_in(_settings(config).folder):
        names = [folder.name, *experiments_in(folder)]
        if which in names:
            return archived(folder), str(folder)
        known += names
    raise UsageError(_unknown(which, known, f"the journals in {_settings(config).folder}"))


def _remembered(config: pytest.Config, which: str) -> tuple[Archived, str]:
    """The same from cortex alone."""
    settings = _settings(config)
    recalled = _recalled(settings, which)
    found = _benchmarks(recalled, settings)
    if not found:
        known = [name for one in _recalled(settings, "").experiments for name in (one.id, one.benchmark_id)]
        raise UsageError(_unknown(which, known, f"cortex (project {settings.cortex.project})"))
    source = f"cortex, project {settings.cortex.project}"
    return found[0], "; ".join([source, _left_out(recalled)] if recalled.unread else [source])


def _left_out(recalled: Recalled) -> str:
    return f"memories that could not be read: {len(recalled.unread)}, such as {recalled.unread[0]}"


def _benchmarks(recalled: Recalled, settings: Settings) -> list[Archived]:
    return by_benchmark(recalled.experiments, recalled.heads, [arm.name for arm in settings.arms])


def _recalled(settings: Settings, which: str) -> Recalled:
    server: dict[str, Any] = server_of(settings)
    if server["cortex_path"] is None and not server["database"].is_file():
        raise UsageError(f"--koderz-from cortex: there is no memory yet: {server['database']}")
    try:
        found = recall(which, **server)
    except MemoryUnavailable as fault:
        raise UsageError(f"--koderz-from cortex: {fault}") from None
    whole = (with_ledger(one) if one.status is Status.RUNNING else one for one in found.experiments)
    return replace(found, experiments=tuple(whole))


def _unknown(which: str, known: Iterable[str], place: str) -> str:
    near = most_like(which, filter(None, known), cutoff=0.7)
    hint = f"did you mean {near}?" if near else HOW_TO_LIST
    return f"--koderz-analyze: {which} is not in {place} ({hint})"


def _settings(config: pytest.Config) -> Settings:
    return config.stash[benchmark_key].settings


def _asks_cortex(config: pytest.Config) -> bool:
    return bool(config.option.koderz_from == "cortex")


def _printed(config: pytest.Config, lines: Iterable[str]) -> int:
    page_lines(config, lines)
    return int(pytest.ExitCode.OK)
