"""The record of a run: its journal, and the specs that its arms share."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator

from pytest_koderz.records.journal import Journal

from .context import BenchmarkRun
from .head import definitions_of
from .shelf import Shelf


def register(run: BenchmarkRun) -> JournalPlace:
    # The head is still told how many items there are.
    head = ChainMap(run.head, definitions_of(run.settings), {"draws": run.draws})
    journal = Journal(run.folder, run.process, head, run.benchmark.run_key, run.benchmark.redaction)
    run.config.add_cleanup(journal.close)
    run.register(journal, "journal")
    shelf = Shelf(run.folder / "specs", run.benchmark.redaction)
    if run.recorded is not None and not run.is_worker and not run.config.option.collectonly:
        shelf.restore(run.recorded, run.settings.arms)
    run.config.add_cleanup(shelf.close)
    run.register(shelf, "shelf")
    return JournalPlace(run)


class JournalPlace:
    """Where users find it."""

    def __init__(self, run: BenchmarkRun) -> None:
        self._run = run

    def lines(self) -> Iterator[str]:
        yield f"journal: {self._run.shown(self._run.folder)}"
