"""Whether a run of the chosen profile could start here, and what to do where it could not."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

import pytest

from pytest_koderz.backends.backend import Finding
from pytest_koderz.core.errors import KoderzError, MemoryUnavailable
from pytest_koderz.core.ports import Sandbox
from pytest_koderz.cortex import probe, server_name
from pytest_koderz.datasets import load
from pytest_koderz.datasets.catalogue import DATASETS
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.reporters.header import price_line
from pytest_koderz.session.budget import check_budget
from pytest_koderz.session.cortex import server_of
from pytest_koderz.session.items import ExperimentItem, benchmark_key
from pytest_koderz.session.runner import Benchmark
from pytest_koderz.session.start_checks import fault_of
from pytest_koderz.settings import Settings

from .printing import print_lines

WIDTH = 80
ROOM, MUCH_ROOM = 64 << 20, 1 << 30
"""Bytes of disk that a run must find, and that leave nothing to worry about."""

LOCKS = {
    "landlock": "keeps candidates from files; Linux 6.2 or newer has it, unless it was switched off at boot",
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
        print_lines(config, finding_lines(word, text))
    verdict = f"cannot run here: {missing} missing" if missing else "can run here"
    print_lines(config, [f"profile '{benchmark.settings.profile}' {verdict}"])
    return int(pytest.ExitCode.TESTS_FAILED if missing else pytest.ExitCode.OK)


def finding_lines(word: str, text: str) -> list[str]:
    """Folded, but for what must be copied whole: an address or a path."""
    indent = " " * 8
    return wrap(f"{word:<8}{text}", WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _checks(session: pytest.Session, benchmark: Benchmark) -> Iterator[Finding]:
    settings = benchmark.settings
    yield "ok", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield from _judge(benchmark)
    yield from _models(settings)
    yield from _money(settings)
    yield from _cortex(settings)
    yield from _problems(session)
    yield from _disk(settings.folder)


def _judge(benchmark: Benchmark) -> Iterator[Finding]:
    try:
        judge = benchmark.sandbox()
        levels = getattr(judge, "levels", None)
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
    yield _verdict(judge)


def _verdict(judge: Sandbox) -> Finding:
    """Of a real problem: the known answer must pass, known cheats must fail."""
    from pytest_koderz.sandbox.preflight import preflight

    began = time.monotonic()
    try:
        problem = load("humaneval")[0]
    except UsageError as fault:
        return "note", f"judge: not tried, for want of a problem ({fault})"
    reason = preflight(judge, [problem])[problem.id]
    if reason is not None:
        return "missing", f"judge: no verdict of it would mean anything: {problem.id}: {reason}"
    passed = f"{problem.id}'s canonical solution passes, known exploits fail"
    return "ok", f"judge: {passed} ({time.monotonic() - began:.2f} s)"


def _models(settings: Settings) -> Iterator[Finding]:
    for model in settings.models:
        fault = fault_of(model, settings)
        if fault is not None:
            yield "missing", fault
            continue
        for word, text in settings.backend_of(model).findings(model, settings.environment):
            yield word, f"model {model.name} ({model.backend}): {text}"


def _money(settings: Settings) -> Iterator[Finding]:
    known = all(model.price is not None for model in settings.models)
    yield "ok" if known else "note", price_line(settings.arms)
    try:
        check_budget(settings)
    except UsageError as fault:
        yield "missing", str(fault)


def _cortex(settings: Settings) -> Iterator[Finding]:
    if not settings.cortex.enabled:
        yield "note", "cortex: off in koderz.yaml, so nothing is remembered or recalled"
        return
    try:
        server = server_of(settings)
        yield "ok", f"cortex: {server_name(**server)} starts, {server['database']}"
        fault = probe(**server)
        if fault is not None:
            yield "missing", f"cortex: {fault.removeprefix('cortex ')}"
        else:
            yield "ok", "cortex: a memory was stored, read back and forgotten"
    except UsageError as fault:
        yield "missing", str(fault)
    except MemoryUnavailable as fault:
        yield "note", f"{fault}; a run goes on without it, and owes it what --koderz-cortex-sync delivers later"


def _problems(session: pytest.Session) -> Iterator[Finding]:
    yield _selected(session)
    for dataset in DATASETS.values():
        if dataset.home is not None:
            yield _dataset(dataset.name)


def _selected(session: pytest.Session) -> Finding:
    try:
        session.perform_collect()
    except pytest.UsageError as fault:
        return "missing", f"problems: {fault}"
    chosen = [item for item in session.items if isinstance(item, ExperimentItem)]
    if session.testsfailed:
        return "missing", "problems: a suite cannot be read; what is wrong stands below"
    if not chosen:
        return "missing", "problems: none is selected; --koderz-list shows what there is"
    return "ok", f"problems: {len({item.problem.id for item in chosen})}, experiments: {len(chosen)}"


def _dataset(name: str) -> Finding:
    try:
        return "ok", f"dataset {name}: {len(load(name))} problems"
    except UsageError as fault:
        return "note", str(fault)


def _disk(folder: Path) -> Iterator[Finding]:
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    if not os.access(there, os.W_OK):
        yield "missing", f"{there} cannot be written; name another folder under `folder:` in koderz.yaml"
        return
    free = shutil.disk_usage(there).free
    words = f"disk: {free / (1 << 30):,.1f} GB free for {folder}"
    advice = "; make room, or name another folder under `folder:` in koderz.yaml"
    if free >= MUCH_ROOM:
        yield "ok", words
    else:
        yield "missing" if free < ROOM else "note", words + advice
