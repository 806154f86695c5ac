"""Puts a run together: its features in their order, each of which registers its object only where it is on."""

from __future__ import annotations

import pytest

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.files.usage_error import UsageError, permitted

from . import (
    auto_jobs,
    collection,
    compared_runs,
    cortex,
    executor,
    exports,
    first_run,
    gates,
    interruption,
    jobs,
    junit_totals,
    longest_first,
    look_record,
    outcome_selection,
    outputs,
    problem_annotations,
    recording,
    reports,
    settlement,
    spending_limit,
    stopping_rule,
    terminal,
    unsolved_lines,
    workers,
)
from .budget import check_budget
from .context import BenchmarkRun, open_run
from .providers import OurBackends, Providers, worker_number
from .rootdir import check_root
from .start_checks import check_models, check_servers, check_versions, prepare_models
from .summary_libraries import load_for_the_end
from .worker_messages import number_of_workers


def register(config: pytest.Config, *, spending: bool) -> None:
    """Add the features of a benchmark. *spending* is False for verbs that only look."""
    try:
        with permitted():
            _register(config, spending)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def _register(config: pytest.Config, spending: bool) -> None:
    check_versions()
    check_root(config)
    config.pluginmanager.register(OurBackends(), "koderz-backends")
    run = open_run(config, spending=spending)
    place, benchmark = worker_number(config), run.benchmark
    providers = Providers(run.settings, benchmark.problems, place, run.say, draws=run.draws, sleep=benchmark.sleep)
    run.register(providers, "providers")
    collection.register(run)
    if spending:
        _register_all(run)


def _register_all(run: BenchmarkRun) -> None:
    """Everything that can be refused is refused here, before anything is spent. Raises UsageError."""
    if run.settings.executor is None:
        check_models(run.settings)
    check_budget(run.settings)
    if not run.is_worker:
        load_for_the_end(run.settings)
    judge = "" if run.is_worker else _checked_judge(run)
    run = executor.register(run)
    compared = compared_runs.register(run)
    interruption.register(run)
    files = outputs.register(run)
    exported = exports.register(run)
    reports.register(run)
    workers.register(run)
    longest_first.register(run)
    books = settlement.register(run)
    place = recording.register(run)
    outcome_selection.register(run)
    spending_limit.register(run)
    memory = cortex.register(run)
    stopping = stopping_rule.register(run)
    limits = gates.register(run, stopping)
    problem_annotations.register(run, limits)
    jobs.register(run)
    auto_jobs.register(run)
    junit_totals.register(run)
    first_run.register(run)
    seen = look_record.register(run)
    ends = (compared, stopping, memory, limits, place, files, exported, seen)
    closing = [each for each in ends if each is not None]
    unsolved_lines.register(run)
    terminal.register(run, judge, memory, books, closing)
    if not run.is_worker:
        run.benchmark.refusals.forget()
        if run.settings.executor is None:
            prepare_models(run.settings, run.say)


def _checked_judge(run: BenchmarkRun) -> str:
    """The judge in words, once the servers of the models have answered; they need not where nothing will be asked.

    Who only lists needs no judge either.
    """
    settled = 0 if run.recorded is None else run.recorded.counts()[0]
    planned = run.recorded.heads[-1].items if run.recorded and run.recorded.heads else None
    if not run.config.option.collectonly and run.settings.executor is None and settled != planned:
        check_servers(run.settings, number_of_workers(run.config) or 1)
    try:
        return run.benchmark.sandbox_words()
    except (SandboxFault, UsageError) as fault:
        why = f"judge: {fault}" if isinstance(fault, SandboxFault) else str(fault)
        if run.config.option.collectonly:
            return f"cannot be had: {why}"
        raise UsageError(why) from None
