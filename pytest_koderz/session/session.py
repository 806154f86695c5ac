"""A benchmark as pytest sees it: what is collected, how it is reported, what is shown at the end."""

from __future__ import annotations

import json
import secrets
import shlex
import sys
from collections import ChainMap, Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from _pytest.junitxml import xml_key

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.problem import Problem
from pytest_koderz.cortex import Cortex, Delivery, deliver_spools, open_cortex
from pytest_koderz.datasets.selection import select, select_known
from pytest_koderz.files.atomic import check_output, write_output
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.folder_lock import FolderLock
from pytest_koderz.records.journal import Journal
from pytest_koderz.records.reader import archived, in_order
from pytest_koderz.records.recorded import Recorded, read_folder
from pytest_koderz.reporters.header import arm_lines, frontier_line, price_line
from pytest_koderz.reporters.junit import suite_properties
from pytest_koderz.reporters.page import html_of
from pytest_koderz.reporters.progress import Progress
from pytest_koderz.reporters.results import results_of
from pytest_koderz.reporters.summary import SIMULATED, summary_lines
from pytest_koderz.settings.config import shipped_path

from .budget import Budget, check_budget
from .cortex import delivery_lines, server_of
from .gates import Gates
from .head import definitions_of, head_of
from .items import COMPLAINTS_ATTRIBUTE, ExperimentItem, Suite, benchmark_key, experiment_of, mark_report
from .jobs import Jobs, check_jobs
from .marks import FIXTURE
from .outcome_selection import Chosen
from .providers import FRONTIER_BACKENDS, Providers, worker_number
from .resume import resume, resume_lines
from .rootdir import check_root
from .runner import Benchmark
from .shelf import Shelf
from .start_checks import (
    SUITE_FOLDER,
    check_models,
    check_servers,
    choose_paths,
    frame_of,
    prepare_weights,
    schedule_one_by_one,
    settings_of,
)

DELIVERY_SECONDS = 30.0
"""How long the end of a session waits for cortex."""


def register(config: pytest.Config, *, spending: bool) -> None:
    """Add the plugins of a benchmark. *spending* is False for verbs that only look."""
    try:
        check_root(config)
        session = Session(config, spending)
        config.pluginmanager.register(session, "koderz-session")
        config.add_cleanup(session.close)
        if spending:
            session.prepare()
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


class Session:
    """One pytest session with --koderz: in the only process, in xdist's controller or in one of its workers."""

    def __init__(self, config: pytest.Config, spending: bool) -> None:
        self.config = config
        self.spending = spending
        told: dict[str, str] | None = getattr(config, "workerinput", {}).get("koderz")
        self.is_worker = told is not None
        self.root = Path(told["root"]) if told else config.rootpath
        self.id = told["benchmark"] if told else f"bench_{secrets.token_hex(4)}"
        self.recorded: Recorded | None = None
        """What the benchmark did before it was resumed. None: it is a new one."""
        if spending and config.getoption("koderz_resume") is not None:
            self.id, self.settings, self.recorded = resume(config, self.root)
        else:
            self.settings = settings_of(config, self.root)
        self.mark = SIMULATED if self.settings.simulated else ""
        self.benchmark = Benchmark(config, self.settings, self.id, self.recorded or Recorded())
        self.experiments: dict[str, Experiment] = {}
        """Ended ones by id, on the controller."""
        self.complaints: Counter[str] = Counter()
        self.head = self._head()
        """Of the journal, whose first line is written with the first event."""
        process = f"gw{worker_number(config)}" if self.is_worker else "main"
        whole = ChainMap(self.head, definitions_of(self.settings))
        self.journal = Journal(self.folder, process, whole, self.benchmark.run_key)
        self.lock = FolderLock(self.folder)
        self.sandbox = ""
        """The judge's levels, in words."""
        self.cortex: Cortex | None = None
        self.delivery: Delivery | None = None
        self.silent: set[str] = set()
        """xdist's workers that were started and have not told what they delivered."""
        self.mistake: str | None = None
        """On the controller: what a worker refuses to run for."""
        self.stopped = False
        """Whether the session ended before its last item, such as by -x."""
        self.written = False
        """Whether the results are, or could not be."""
        config.stash[benchmark_key] = self.benchmark
        config.pluginmanager.register(
            Providers(self.settings, self.benchmark.problems, worker_number(config), self._say), "koderz-providers"
        )
        given = config.args_source is pytest.Config.ArgsSource.ARGS
        self.paths = list(config.args) if given else []
        """As they were given."""
        choose_paths(config, self.root)

    @property
    def folder(self) -> Path:
        """Where this benchmark's journals lie."""
        return self.settings.folder / self.id

    def prepare(self) -> None:
        """Everything that can be refused is refused here, before anything is spent. Raises UsageError."""
        if not self.is_worker:
            self.lock.take()
            if self.recorded is not None:
                # Again, now that nobody writes any more: a worker may have outlived its killed controller.
                self.recorded = self.benchmark.recorded = read_folder(self.folder)
        check_models(self.settings)
        check_budget(self.settings)
        check_output("--koderz-json", self.settings.json)
        check_output("--koderz-html", self.settings.html)
        if not self.is_worker:
            self._check_servers()
            self.sandbox = self.benchmark.sandbox_words()
        register = self.config.pluginmanager.register
        register(self.journal, "koderz-journal")
        register(self._open_shelf(), "koderz-shelf")
        register(Chosen(), "koderz-chosen")
        if self.settings.max_cost is not None:
            register(self._open_budget(self.settings.max_cost), "koderz-budget")
        if self.settings.cortex.enabled:
            self.cortex = self._open_cortex()
            register(self.cortex, "koderz-cortex")
        self.gates = Gates(self.config, self.settings, self._in_order)
        if self.gates.given and not self.is_worker:
            register(self.gates, "koderz-gates")
        check_jobs(self.config, self.settings.jobs)
        if self.settings.jobs > 1 and not self.is_worker:
            register(Jobs(self.benchmark, self.settings.jobs), "koderz-jobs")
        if not self.is_worker:
            schedule_one_by_one(self.config)
            prepare_weights(self.settings, self._say)

    def _check_servers(self) -> None:
        """Unless nothing will be asked."""
        settled = 0 if self.recorded is None else self.recorded.counts()[0]
        planned = self.recorded.heads[-1].items if self.recorded and self.recorded.heads else None
        if not self.config.option.collectonly and settled != planned:
            check_servers(self.settings, self.config.getoption("numprocesses", default=None) or 1)

    def close(self) -> None:
        self.benchmark.close()
        self.journal.close()
        if self.cortex is not None:
            self.cortex.close()
        self.lock.release()

    def _open_shelf(self) -> Shelf:
        shelf = Shelf(self.folder / "specs")
        if self.recorded is not None and not self.is_worker:
            shelf.restore(self.recorded, self.settings.arms)
        return shelf

    def _open_budget(self, limit: Decimal) -> Budget:
        budget = Budget(self.settings, limit, self.folder / "budget.db")
        if self.recorded is not None and not self.is_worker:
            budget.carry_over(self.recorded)
        return budget

    def _open_cortex(self) -> Cortex:
        server = server_of(self.settings)
        if self.recorded is not None and not self.is_worker:
            # What the processes of the former run still owed; there may be fewer processes now.
            self.delivery = deliver_spools(self.folder, timeout=DELIVERY_SECONDS, **server)
        # Its first worker stands for the benchmark, the only process where there are none.
        distributed = self.config.getoption("numprocesses", default=None)
        head = self.head if worker_number(self.config) == 0 and (self.is_worker or not distributed) else None
        return open_cortex(spool=self.folder / f"{self.journal.path.stem}.spool", head=head, **server)

    # what is collected

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> Suite | None:
        named = parent.session.isinitpath(file_path)
        if file_path.suffix not in {".yaml", ".yml", ".jsonl"} or not (named or file_path.parent.name == SUITE_FOLDER):
            return None
        shipped = file_path.parent == shipped_path(SUITE_FOLDER)
        nodeid = f"{SUITE_FOLDER}/{file_path.name}" if shipped else None
        suite: Suite = Suite.from_parent(parent, path=file_path, nodeid=nodeid)
        return suite

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Narrow to the selected problems. A profile's own selection gives way to `-k`, to node ids, and to suites that
        were named and hold none of it; a shipped profile's to all suites that hold none of it.
        """
        ours = {item: item.problem for item in items if isinstance(item, ExperimentItem)}
        self.benchmark.problems.update({problem.id: problem for problem in ours.values()})
        asked = config.getoption("koderz_problems") is not None
        named = any("::" in arg for arg in config.args)
        if not ours or self.settings.problems is None or (named and not asked):
            return
        try:
            chosen = self._chosen(ours, self.settings.problems, strictly=asked)
        except UsageError as error:
            pointed = config.option.keyword or config.args_source is pytest.Config.ArgsSource.ARGS
            if asked or not pointed:
                where = "--koderz-problems" if asked else self.settings.problems_at
                self._refuse(items, f"{where}: {str(error).removeprefix('problems: ')}")
            return
        left_out = ours.keys() - chosen
        if left_out:
            config.hook.pytest_deselected(items=list(left_out))
            items[:] = [item for item in items if item not in left_out]

    def _chosen(self, ours: Mapping[ExperimentItem, Problem], wanted: str, *, strictly: bool) -> set[ExperimentItem]:
        """What is selected. What a profile selects may stand in suites that this run does not read."""
        if not strictly and self.settings.problems_at is None:
            # Shipped: written without knowledge of the user's suites.
            return {item for path in {item.path for item in ours} for item in _known_of(path, ours, wanted)}
        problems = tuple(self.benchmark.problems.values())
        known = () if strictly else select_known(problems, wanted)
        ids = {problem.id for problem in known or select(problems, wanted)}
        return {item for item, problem in ours.items() if problem.id in ids}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """How many there will be: without that nobody can tell later whether the benchmark came to its end."""
        marked = sum(FIXTURE in getattr(item, "fixturenames", ()) for item in session.items)
        ours = [item for item in session.items if isinstance(item, ExperimentItem)]
        self.head["items"] = marked + len(ours)
        lacking = {item.path for item in ours} - {item.path for item in ours if item.gradable}
        if lacking:
            what = f"no problem of {min(lacking).name} has the tests that `grade_on` asks for"
            self._refuse(session.items, f"{self.settings.path}: {what}; suites of humanevalplus and mbppplus do")

    def _refuse(self, items: list[pytest.Item], mistake: str) -> None:
        """Run nothing for a user's mistake that shows when all is collected. A worker tells the controller of it."""
        if not self.is_worker:
            raise pytest.UsageError(mistake)
        # Raised here, xdist would call it an internal error.
        items.clear()
        self.config.workeroutput["koderz_mistake"] = mistake  # type: ignore[attr-defined]  # xdist's

    # how it is reported

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        report: pytest.TestReport = yield  # type: ignore[assignment]  # pluggy sends the result in
        mark_report(item, report)
        return report  # type: ignore[return-value]  # what a wrapper returns is the hook's result

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        """Our words in pytest's own categories, so that its sections stay as they are."""
        experiment = None if report.when == "teardown" else experiment_of(report)
        if experiment is None or (report.outcome == "passed") is not experiment.solved:
            return None
        if report.outcome == "passed":
            return "passed", ".", (f"{self.mark}SOLVED", {"green": True})
        if report.when == "setup":
            return "error", "E", (f"{self.mark}INVALID", {"red": True})
        return ("failed", "F", (f"{self.mark}UNSOLVED", {"red": True})) if report.outcome == "failed" else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """On the controller: settle what a report carries, once."""
        experiment = None if self.is_worker else experiment_of(report)
        if experiment is None:
            return
        self.complaints.update(getattr(report, COMPLAINTS_ATTRIBUTE, {}))
        before = self.experiments.get(experiment.id)
        if before is not None:
            # Run again by a plugin such as pytest-rerunfailures: one experiment, and all of its attempts are paid for.
            experiment = experiment.after(before)
        self.experiments[experiment.id] = experiment
        self.benchmark.hooks.observe("pytest_koderz_finished", experiment=experiment)

    def pytest_koderz_ended(self, experiment: Experiment) -> None:
        if self.cortex is not None:
            self.cortex.store_result(experiment)

    # what is shown

    def pytest_report_header(self) -> list[str]:
        settings = self.settings
        if not self.spending:
            return []
        cortex = "off" if self.cortex is None else self.cortex.describe()
        lines = [
            f"profile {settings.profile}: {settings.description}".removesuffix(": "),
            *([] if self.recorded is None else resume_lines(self.recorded, settings, self.id)),
            *arm_lines(settings.arms),
            frontier_line(settings.arms, FRONTIER_BACKENDS),
            f"sandbox: {self.sandbox}; cortex: {cortex}",
            price_line(settings.arms),
        ]
        return [f"koderz: {self.mark}{line}" for line in lines if line]

    def pytest_sessionstart(self) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        several = self.settings.jobs > 1 or self.config.getoption("numprocesses", default=None)
        if reporter is not None and not self.is_worker and not several:
            self.config.pluginmanager.register(Progress(reporter, self._uncaptured, self.mark), "koderz-progress")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Before xdist sends a worker's output and before the JUnit file is written."""
        self.stopped = bool(session.shouldfail or session.shouldstop)
        if self.cortex is not None:
            self._add(self.cortex.deliver(DELIVERY_SECONDS))
        if self.is_worker and self.delivery is not None:
            self.config.workeroutput["koderz_delivery"] = asdict(self.delivery)  # type: ignore[attr-defined]  # xdist's
        if not self.is_worker:
            self._add_suite_properties()
        if self.mistake is not None:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            with self._uncaptured():
                print(f"ERROR: {self.mistake}", file=sys.stderr)  # noqa: T201 - as pytest says it where there is no xdist

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """xdist: what a worker must know of this benchmark."""
        self.silent.add(node.gateway.id)
        node.workerinput["koderz"] = {"benchmark": self.id, "root": str(self.root)}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """xdist: a worker that ended properly says what it delivered to cortex, or why it ran nothing."""
        output = getattr(node, "workeroutput", {})
        self.mistake = output.get("koderz_mistake", self.mistake)
        plain = output.get("koderz_delivery")
        if plain is not None:
            self.silent.discard(node.gateway.id)
            self._add(Delivery.of(plain))

    def _add(self, delivery: Delivery) -> None:
        self.delivery = delivery if self.delivery is None else self.delivery + delivery

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int | pytest.ExitCode
    ) -> None:
        interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
        experiments = self._in_order(self._left_by_workers() if interrupted else ())
        begun = experiments or (interrupted and any(self.folder.glob("*.jsonl")))
        if self.is_worker or not begun:
            return
        terminalreporter.section(f"{self.mark}koderz {self.id}")
        columns = terminalreporter._tw.fullwidth  # noqa: SLF001 - no public way
        figures = summary_lines(frame_of(self.settings, self.id), experiments, columns)
        for line in (*figures, *self._closing_lines(experiments)):
            terminalreporter.line(line)
        if interrupted or self.stopped or not all(one.status.settled for one in experiments):
            terminalreporter.line(f"go on with: {self._resuming()}")

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Where there was no terminal to have a summary, the results are written now."""
        if not self.is_worker and not self.written:
            self._write_results(self._in_order())

    def _write_results(self, experiments: tuple[Experiment, ...]) -> list[str]:
        """Write the files that were asked for, where there is anything to tell; lines that say where they are."""
        self.written = True
        lines: list[str] = []
        if experiments:
            frame, head = frame_of(self.settings, self.id), self._head()
            if self.settings.json is not None:
                results = results_of(frame, head, experiments)
                lines.append(self._write(self.settings.json, json.dumps(results, indent=1) + "\n"))
            if self.settings.html is not None:
                lines.append(self._write(self.settings.html, html_of(frame, head, experiments)))
        return lines

    def _write(self, path: Path, text: str) -> str:
        try:
            write_output(path, text)
        except OSError as fault:
            # The disk filled up since `check_output`; the experiments themselves are in the journal.
            return f"no results: {self._shown(path)}: {fault.strerror}; resume {self.id} to have them"
        return f"results: {self._shown(path)}"

    def _closing_lines(self, experiments: tuple[Experiment, ...]) -> Iterator[str]:
        yield ""
        for complaint, times in (self.complaints + self.benchmark.hooks.complaints).items():
            yield f"warning: {complaint}" if times == 1 else f"warning: {complaint} ({times} times)"
        said = self.config.hook.pytest_koderz_summary(config=self.config, experiments=experiments)
        for lines in said if experiments else ():
            yield from lines or []
        if self.delivery is not None:
            yield from delivery_lines(self.delivery, silent=len(self.silent))
        yield from self.gates.lines()
        yield f"journal: {self._shown(self.folder)}"
        yield from self._write_results(experiments)

    def _resuming(self) -> str:
        """The command that goes on with this benchmark; the journal does not say which suites were named."""
        settings = self.config.getoption("koderz_config")
        where = [f"--koderz-config={settings}"] if settings else []
        return shlex.join(["pytest", "--koderz", *self.paths, *where, "--koderz-resume"])

    def _in_order(self, others: Iterable[Experiment] = ()) -> tuple[Experiment, ...]:
        """What is known of all that began, on the controller; of *others* what it has not heard of."""
        known = {one.id: one for one in (*others, *self.benchmark.unreported())} | self.experiments
        return in_order(known.values(), [arm.name for arm in self.settings.arms])

    def _left_by_workers(self) -> list[Experiment]:
        """What the workers of xdist recorded in this session and, since it was interrupted, could not report."""
        if not self.config.getoption("numprocesses", default=None):
            return []
        before = self.recorded.experiments if self.recorded is not None else {}
        try:
            return [one for one in archived(self.folder).experiments if one.id not in before]
        except UsageError as fault:
            self.complaints[str(fault)] += 1
            return []

    def _add_suite_properties(self) -> None:
        """Totals for --junitxml; pytest has no public door for them outside of a test."""
        xml = self.config.stash.get(xml_key, None)
        if xml is not None:
            for name, value in suite_properties(self._head(), self._in_order()):
                xml.add_global_property(name, value)

    def _head(self) -> dict[str, Any]:
        """What a journal and the results say of how they came about."""
        return head_of(self.settings, self.id)

    def _uncaptured(self) -> AbstractContextManager[None]:
        capture = self.config.pluginmanager.get_plugin("capturemanager")
        return nullcontext() if capture is None else capture.global_and_fixture_disabled()

    def _say(self, text: str) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            with self._uncaptured():
                reporter.ensure_newline()
                reporter.write_line(f"koderz: {text}")

    def _shown(self, path: Path) -> Path:
        return path.relative_to(self.root) if path.is_relative_to(self.root) else path


def _known_of(suite: Path, items: Mapping[ExperimentItem, Problem], wanted: str) -> list[ExperimentItem]:
    """The items of a suite that *wanted* names; all where it names none."""
    here = {item: problem for item, problem in items.items() if item.path == suite}
    ids = {problem.id for problem in select_known(tuple(here.values()), wanted)}
    return [item for item, problem in here.items() if not ids or problem.id in ids]
