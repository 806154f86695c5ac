"""Whether a run of the chosen profile could start here, and what to do where it could not."""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from secrets import token_hex

import pytest

from pytest_koderz.backends.backend import Backend, Finding
from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.errors import KoderzError, MemoryUnavailable
from pytest_koderz.core.ports import Sandbox
from pytest_koderz.core.problem import Problem
from pytest_koderz.cortex import probe, server_name
from pytest_koderz.datasets import load
from pytest_koderz.datasets.catalogue import DATASETS
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.folder_lock import FolderLock
from pytest_koderz.records.reader import folders_in, last_written
from pytest_koderz.reporters.fixed_width import wrapped
from pytest_koderz.reporters.header import price_line
from pytest_koderz.reporters.summary import WIDTH
from pytest_koderz.reporters.text import counted
from pytest_koderz.session.budget import check_budget
from pytest_koderz.session.collection import collection_of
from pytest_koderz.session.cortex import server_of
from pytest_koderz.session.gates import check_gates
from pytest_koderz.session.items import ExperimentItem, benchmark_key
from pytest_koderz.session.outputs import check_outputs
from pytest_koderz.session.runner import Benchmark
from pytest_koderz.session.start_checks import check_versions, fault_of
from pytest_koderz.session.summary_libraries import load_for_the_end
from pytest_koderz.settings import Settings

from .printing import columns_of, print_lines

ROOM, MUCH_ROOM = 64 << 20, 1 << 30
"""Bytes of disk that a run must find, and that leave nothing to worry about."""

OFF = 3600
"""Seconds that a clock may be behind: the disk of another machine has that one's times."""

TRIES = 3
"""Problems of one mode that are tried before it is called missing: one may have a fault of its own."""

LOCKS = {
    "landlock": "keeps candidates from files, but for a folder to write in; Linux 5.13 or newer has it, unless boot"
    " options or a container close it",
    "seccomp": "keeps candidates from the network and from other processes; Linux on x86-64 or ARM64 has it",
    "rlimits": "bounds memory, files and time; a limit of this shell or container is in the way",
    "no_new_privs": "keeps candidates from gaining rights; any Linux has it",
    "capabilities": "takes root's rights from candidates; any Linux has it",
}
"""By layer: what it is for, and where there is one."""


def examine(config: pytest.Config, session: pytest.Session) -> int:
    """--koderz-doctor: a line for each check; 0 where nothing is missing. Nothing is spent or stays stored."""
    benchmark = config.stash[benchmark_key]
    missing = 0
    for word, text in _checks(session, benchmark):
        missing += word == "missing"
        print_lines(config, finding_lines(word, text, columns_of(config)))
    verdict = f"cannot run here: {missing} missing" if missing else "can run here"
    print_lines(config, [f"profile '{benchmark.settings.profile}' {verdict}"])
    return int(pytest.ExitCode.TESTS_FAILED if missing else pytest.ExitCode.OK)


def finding_lines(word: str, text: str, columns: int = WIDTH) -> list[str]:
    """Folded, but for what must be copied whole: an address or a path."""
    return wrapped(f"{word:<8}{text}", columns, later=" " * 8, whole_words=True)


def _checks(session: pytest.Session, benchmark: Benchmark) -> Iterator[Finding]:
    settings = benchmark.settings
    selection, problems = _selected(session)
    yield "ok", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield of_the_clock(settings.folder, time.time())
    yield from _judge(benchmark, problems)
    yield from of_a_start(settings, session.config)
    yield from of_memory(settings)
    yield selection
    yield from _datasets(dataset.name for dataset in DATASETS.values() if dataset.home is not None)
    yield from _disk(settings.folder)


def of_the_clock(folder: Path, now: float) -> Finding:
    """By what was written before *now*, in seconds since 1970: how far ahead it is, nothing here can tell."""
    told = f"the clock says {_moment(now)}"
    written = [Path(__file__).stat().st_mtime, *map(last_written, folders_in(folder)[:1])]
    if now > max(written) - OFF:
        return "ok", told
    why = "certificates of https are not valid yet, and later runs count as earlier ones"
    return "note", f"{told}, but files here were written on {_moment(max(written))}; set it, since {why}"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M %Z")


def of_a_start(settings: Settings, config: pytest.Config) -> Iterator[Finding]:
    """By the checks that a run makes before its first call."""
    yield from _refused(check_versions)
    yield from _refused(partial(load_for_the_end, settings))
    yield from _models(settings)
    yield from _money(settings)
    yield from _refused(partial(check_gates, config, settings.arms[0]))
    yield from _refused(partial(check_outputs, settings))
    yield from _refused(partial(_try_to_record, settings.folder))


def _refused(check: Callable[[], None]) -> Iterator[Finding]:
    """What a run would be refused for."""
    try:
        check()
    except UsageError as fault:
        yield "missing", str(fault)


def _try_to_record(folder: Path) -> None:
    """What is made for it is removed. Raises UsageError."""
    lock = FolderLock(folder / f"bench_{token_hex(4)}")
    lock.take()
    lock.release()


def of_the_judge(benchmark: Benchmark) -> Iterator[Finding]:
    """What holds candidates here."""
    try:
        levels = getattr(benchmark.sandbox(), "levels", None)
    except (KoderzError, UsageError) as fault:
        yield "missing", f"judge: {fault}"
        return
    if levels is None:
        yield "note", "judge: of your own; which locks it has is not known"
    else:
        yield "ok", f"judge: {levels.isolation}, {levels.host}"
        for lock, about in LOCKS.items():
            yield (
                ("note", f"lock {lock} is not there: it {about}") if lock in levels.missing else ("ok", f"lock {lock}")
            )


def _judge(benchmark: Benchmark, problems: Sequence[Problem]) -> Iterator[Finding]:
    findings = list(of_the_judge(benchmark))
    yield from findings
    if any(word == "missing" for word, _ in findings):
        return
    try:
        modes = _modes(problems or [load("humaneval")[0]])
    except UsageError as fault:
        yield "note", f"judge: not tried, for want of a problem ({fault})"
        return
    for mode, examples in modes.items():
        yield _verdict(benchmark.sandbox(), mode, examples)


def _modes(problems: Sequence[Problem]) -> dict[str, list[Problem]]:
    """A few problems of each way of judging that the selection needs; one with modules is a way of its own."""
    from pytest_koderz.sandbox.crossing import stays_inside

    modes: dict[str, list[Problem]] = {}
    for problem in problems:
        isolation = "in-process" if stays_inside(problem, problem.tests) else problem.isolation
        modes.setdefault(", with ".join([isolation, *sorted(problem.requires)]), []).append(problem)
    return {mode: examples[:TRIES] for mode, examples in modes.items()}


def _verdict(judge: Sandbox, mode: str, examples: Sequence[Problem]) -> Finding:
    """Of real problems, until one can be judged: its known answer must pass, known cheats must fail."""
    from pytest_koderz.sandbox.preflight import preflight

    began = time.monotonic()
    reasons: dict[str, str] = {}
    for problem in examples:
        reason = preflight(judge, [problem])[problem.id]
        if reason is None:
            passes = "" if problem.canonical_solution is None else "canonical solution passes, "
            seconds = time.monotonic() - began
            return "ok", f"judge: {mode}: {problem.id}: {passes}known exploits fail ({seconds:.2f} s)"
        reasons[problem.id] = reason
    name, reason = next(iter(reasons.items()))
    return "missing", f"judge: {mode}: no verdict would mean anything: {name}: {reason}{_cure_of(reason)}"


def _cure_of(reason: str) -> str:
    """What to do, where a lock or a module is what lacks."""
    if "is not installed" in reason:
        return "; install it beside pytest, or leave these problems out of the selection"
    if "without landlock" in reason:
        return f"; it {LOCKS['landlock']}: use such a system, or leave these problems out of the selection"
    return ""


def _models(settings: Settings) -> Iterator[Finding]:
    for model in settings.models:
        fault = fault_of(model, settings)
        if fault is not None:
            yield "missing", fault
            continue
        for word, text in _of_backend(settings.backend_of(model), model, settings):
            yield word, f"model {model.name} ({model.backend}): {text}"


def _of_backend(backend: Backend, model: ModelSettings, settings: Settings) -> Iterator[Finding]:
    findings = list(backend.findings(model, settings.environment))
    yield from findings
    sound = all(word != "missing" for word, _ in findings)
    fault = backend.window_fault(model, settings.environment) if sound else None
    if fault is not None:
        yield "missing", fault


def _money(settings: Settings) -> Iterator[Finding]:
    known = all(model.price is not None for model in settings.models)
    yield "ok" if known else "note", price_line(settings.arms)
    yield from _refused(partial(check_budget, settings))


def of_memory(settings: Settings) -> Iterator[Finding]:
    if not settings.cortex.enabled:
        yield "note", "cortex: off in koderz.yaml, so nothing is remembered or recalled"
        return
    try:
        server = server_of(settings)
        yield "ok", f"cortex: {server_name(**server)} starts, {server['database']}"
        fault = probe(**server)
        if fault is not None:
            # The embedded server refuses nothing but where its file is damaged.
            cure = f"; move {server['database']} away, and a new one is begun" if server["cortex_path"] is None else ""
            yield "missing", f"cortex: {fault.removeprefix('cortex ')}{cure}"
        else:
            yield "ok", "cortex: a memory was stored, read back and forgotten"
    except UsageError as fault:
        yield "missing", str(fault)
    except MemoryUnavailable as fault:
        yield "note", f"{fault}; a run goes on without it, and owes it what --koderz-cortex-sync delivers later"


def _selected(session: pytest.Session) -> tuple[Finding, list[Problem]]:
    """What is selected, in words, and each problem of it once."""
    try:
        session.perform_collect()
    except pytest.UsageError as fault:
        return ("missing", f"problems: {fault}"), []
    chosen = [item for item in session.items if isinstance(item, ExperimentItem)]
    problems = {item.problem.id: item.problem for item in chosen}
    if session.testsfailed:
        first, *others = collection_of(session.config).faults or ["what is collected cannot be read"]
        more = f"; {counted(len(others), 'further line')} of what is wrong below" if others else ""
        return ("missing", f"problems: {first}{more}"), []
    if not chosen:
        return ("missing", "problems: none is selected; --koderz-list shows what there is"), []
    return ("ok", f"problems: {len(problems)}, experiments: {len(chosen)}"), list(problems.values())


def _datasets(names: Iterable[str]) -> Iterator[Finding]:
    """Those that are not here are named together: a run that selects one of them says itself where to get it."""
    absent = []
    for name in names:
        try:
            yield "ok", f"dataset {name}: {len(load(name))} problems"
        except UsageError:
            absent.append(name)
    if absent:
        yield "note", f"datasets that are not on this machine: {', '.join(absent)}; `--koderz-guide problems` has more"


def _disk(folder: Path) -> Iterator[Finding]:
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    words = f"disk: {free / (1 << 30):,.1f} GB free for {folder}"
    advice = "; make room, or name another folder under `folder:` in koderz.yaml"
    if free >= MUCH_ROOM:
        yield "ok", words
    else:
        yield "missing" if free < ROOM else "note", words + advice
