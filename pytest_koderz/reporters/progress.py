"""Live progress of the experiment under way, in the terminal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from pytest_koderz.core.experiment import Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Iteration

from .text import detail, dollars, tokens, verdict_words

CLEAR = "\x1b[K"
SAVE, RESTORE = "\x1b7", "\x1b8"


class Progress:
    """With -v a line for every step under the item's own; else, on a terminal, one status that is overwritten."""

    def __init__(
        self, reporter: pytest.TerminalReporter, uncaptured: Callable[[], AbstractContextManager[None]], mark: str
    ) -> None:
        """*uncaptured* gives a context in which the terminal can be reached; *mark* stands before every line."""
        self.reporter = reporter
        self.uncaptured = uncaptured
        self.mark = mark
        self.status_shown = False
        self.lines_shown = False

    def pytest_koderz_spec_written(self, experiment: Experiment, spec: Spec) -> None:
        origin = f"{spec.model_id}, recalled from {spec.recalled_from}" if spec.recalled_from else spec.model_id
        self._step(experiment, f"spec by {origin}: {tokens(spec.usage)}, {dollars(spec.cost)}")

    def pytest_koderz_iterated(self, experiment: Experiment, iteration: Iteration) -> None:
        sign = "+" if iteration.accepted else "-"
        words = detail(iteration.verdict)
        failure = "" if iteration.accepted or not words else f": {words}"
        self._step(experiment, f"{sign} iteration {iteration.number}: {verdict_words(iteration)}{failure}")

    def pytest_koderz_checkpointed(self, experiment: Experiment, guidance: Guidance) -> None:
        source = f"{guidance.recalled} attempts from cortex" if guidance.recalled else "the loop's own record"
        self._step(
            experiment, f"checkpoint {guidance.number} by {guidance.model_id}, on {source}: {dollars(guidance.cost)}"
        )

    def pytest_koderz_ended(self) -> None:
        """Wipe the status away before pytest writes the outcome."""
        if self.status_shown:
            self._write(CLEAR)
            self.status_shown = False
        if self.lines_shown:
            # pytest's own mark for "something else was written": it then writes the item's name again.
            self.reporter.currentfspath = -2
            self.lines_shown = False

    def _step(self, experiment: Experiment, text: str) -> None:
        if self.reporter.verbosity > 0:
            self.lines_shown = True
            self._write("\n" + self._cut(f"    {self.mark}{text}", self.reporter._tw.fullwidth))  # noqa: SLF001
        elif self.reporter.isatty and self.reporter.verbosity == 0:
            self._status(f" {self.mark}{experiment.problem_id} {dollars(experiment.ledger.cost)} {text}")

    def _status(self, text: str) -> None:
        # After the dots, with the cursor put back: the next dot overwrites it.
        room = self.reporter._tw.fullwidth - self.reporter._tw.width_of_current_line - 1  # noqa: SLF001 - no public way
        self._write(f"{SAVE}{CLEAR}{self._cut(text, room)}{RESTORE}")
        self.status_shown = True

    def _cut(self, text: str, room: int) -> str:
        line = " ".join(text.splitlines())
        return line if len(line) <= room else line[: max(room - 3, 0)] + "..."

    def _write(self, text: str) -> None:
        with self.uncaptured():
            writer = self.reporter._tw  # noqa: SLF001 - TerminalReporter.write would count a status as the line's width
            writer._file.write(text)  # noqa: SLF001
            writer.flush()
