"""What the features of one pytest run with --koderz share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from pytest_koderz.evidence.findings import Frame
from pytest_koderz.records.folder_lock import FolderLock
from pytest_koderz.records.recorded import Recorded, read_folder
from pytest_koderz.reporters.summary import SIMULATED
from pytest_koderz.settings import Settings

from .auto_jobs import with_jobs
from .former_run import begin
from .head import head_of
from .items import benchmark_key
from .known_experiments import KnownExperiments
from .providers import worker_number
from .runner import Benchmark
from .secret_draws import draws_of
from .shards import check_same_shard, common_draws, part_of
from .speaking import say
from .start_checks import frame_of, identified
from .worker_messages import number_of_workers, told_by_controller


@dataclass(frozen=True)
class BenchmarkRun:
    """One pytest session: in the only process, in xdist's controller or in one of its workers."""

    config: pytest.Config
    root: Path
    is_worker: bool
    id: str
    settings: Settings
    recorded: Recorded | None
    """What the benchmark did before it was resumed. None: it is a new one."""
    benchmark: Benchmark
    """What runs the experiments of this process."""
    experiments: KnownExperiments
    head: dict[str, Any]
    """Of the journal, whose first line is written with the first event."""
    paths: tuple[str, ...]
    """Those of the command line, as they were given."""
    draws: str
    """The secret of what its tests draw."""
    picked: set[str] = field(default_factory=set)
    """Ids of the problems that the selection names, once all is collected. Empty: there was none."""
    places: dict[str, float] = field(default_factory=dict)
    """The drawn order: by problem its place. Empty: none is drawn."""

    @property
    def folder(self) -> Path:
        """Where this benchmark's journals lie."""
        return self.settings.folder / self.id

    @property
    def process(self) -> str:
        """The stem of the files that this process alone writes: `main`, or `gw0` of a worker."""
        return f"gw{worker_number(self.config)}" if self.is_worker else "main"

    @property
    def mark(self) -> str:
        """What stands before every line that is shown."""
        return SIMULATED if self.settings.simulated else ""

    @property
    def frame(self) -> Frame:
        """As far as it is laid down by now."""
        from .look_record import is_shard, with_plan

        frame = with_plan(frame_of(self.settings, self.id), self.folder)
        return replace(frame, shard=is_shard(self.config), part=part_of(self.config) or "")

    def with_settings(self, settings: Settings) -> BenchmarkRun:
        """The same as far as nothing was collected or recorded yet."""
        self.benchmark.settings = settings
        self.head.update(head_of(settings, self.id))
        return replace(self, settings=settings)

    def register(self, feature: object, name: str) -> None:
        self.config.pluginmanager.register(feature, f"koderz-{name}")

    def say(self, text: str) -> None:
        say(self.config, text)

    def shown(self, path: Path) -> Path:
        """*path* as users read it."""
        return path.relative_to(self.root) if path.is_relative_to(self.root) else path


class ClosingLines(Protocol):
    """A feature that has something to say at the end of the terminal summary."""

    def lines(self) -> Iterable[str]: ...


def open_run(config: pytest.Config, *, spending: bool) -> BenchmarkRun:
    """Settings, id and record of the run, in a folder that is its own from now on. Raises UsageError.

    Not *spending*: it only looks, and locks nothing.
    """
    told = told_by_controller(config)
    root = config.rootpath if told is None else Path(told["root"])
    benchmark_id, settings, recorded = begin(config, root, resuming=spending)
    benchmark_id = benchmark_id if told is None else told["benchmark"]
    if spending and not config.option.collectonly:
        settings = identified(settings)
        workers = number_of_workers(config)
        settings = with_jobs(settings, workers) if told is None else replace(settings, jobs=told["jobs"])
    # Who only lists what would be run writes nothing, and may do so in any folder.
    if spending and told is None and not config.option.collectonly:
        recorded = _locked(config, settings.folder / benchmark_id, recorded)
    if spending:
        check_same_shard(config, recorded)
    benchmark = Benchmark(config, settings, benchmark_id, recorded or Recorded())
    config.stash[benchmark_key] = benchmark
    config.add_cleanup(benchmark.close)
    return BenchmarkRun(
        config=config,
        root=root,
        is_worker=told is not None,
        id=benchmark_id,
        settings=settings,
        recorded=recorded,
        benchmark=benchmark,
        experiments=KnownExperiments(benchmark),
        head={**head_of(settings, benchmark_id), "part": part_of(config)},
        draws=draws_of(settings, recorded, common_draws(config, settings)) if told is None else told["draws"],
        paths=tuple(config.args) if config.args_source is pytest.Config.ArgsSource.ARGS else (),
    )


def _locked(config: pytest.Config, folder: Path, recorded: Recorded | None) -> Recorded | None:
    """Lock *folder* until the session ends; what is recorded there, read again now that nobody writes any more.

    A worker may have outlived its killed controller.
    """
    lock = FolderLock(folder)
    config.add_cleanup(lock.release)
    lock.take()
    return None if recorded is None else read_folder(folder)
