"""The shards of a benchmark as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_koderz.evidence.findings import Frame
from pytest_koderz.records.merging import ShardRecord, merge, shards_in
from pytest_koderz.records.reader import Archived, archived
from pytest_koderz.reporters.summary import SIMULATED, summary_lines
from pytest_koderz.reporters.text import counted
from pytest_koderz.session.items import benchmark_key
from pytest_koderz.session.look_record import record_look_at

from .analyze import frame_of_archived
from .printing import print_lines, writer_of
from .recorded_files import collected_for, write_files


def merge_shards(config: pytest.Config, session: pytest.Session) -> int:
    """--koderz-merge: several shards as one benchmark, its summary, and the files that its run would have written."""
    settings = config.stash[benchmark_key].settings
    shards = shards_in(map(Path, config.option.koderz_merge))
    folder = merge(shards, settings.folder)
    benchmark = archived(folder)
    frame = replace(frame_of_archived(config, benchmark), simulated=benchmark.simulated)
    written = list(write_files(config, benchmark, frame, collected_for(session)))
    print_lines(config, _lines(config, benchmark, frame, shards))
    print_lines(config, (*(f"results: {path}" for path in written), f"journal: {folder}"))
    record_look_at(folder, frame, benchmark.experiments)
    if benchmark.interrupted:
        print_lines(config, ("", f"go on with: pytest --koderz --koderz-resume={benchmark.id}"))
    return int(pytest.ExitCode.OK)


def _lines(config: pytest.Config, benchmark: Archived, frame: Frame, shards: tuple[ShardRecord, ...]) -> Iterator[str]:
    mark = SIMULATED if frame.simulated else ""
    yield f"{mark}koderz {benchmark.id}: {counted(len(shards), 'shard')}, merged"
    yield from ("", *summary_lines(frame, benchmark.experiments, writer_of(config).fullwidth, whole=_whole(config)), "")


def _whole(config: pytest.Config) -> bool:
    return bool(config.option.verbose > 0)
