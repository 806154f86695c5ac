"""With -v a line for every step of the experiment under way, under the item's own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from pytest_koderz.core.experiment import Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.files.visible_text import visible

from .fixed_width import fitting
from .text import detail, dollars, tokens, verdict_words


class Progress:
    """For a process that runs one experiment after the other."""

    def __init__(
        self,
        reporter: pytest.TerminalReporter,
        uncaptured: Callable[[], AbstractContextManager[None]],
        mark: str,
        shown: Callable[[str], str] = visible,
    ) -> None:
        """*uncaptured* gives a context in which the terminal can be reached; *mark* stands before every line, each of
        which is written as *shown* has it.
        """
        self.reporter = reporter
        self.uncaptured = uncaptured
        self.mark = mark
        self.shown = shown
        self.lines_shown = False

    def pytest_koderz_spec_written(self, experiment: Experiment, spec: Spec) -> None:  # noqa: ARG002 - a hook's
        origin = f"{spec.model_id}, recalled from {spec.recalled_from}" if spec.recalled_from else spec.model_id
        self._step(f"spec by {origin}: {tokens(spec.usage)}, {dollars(spec.cost)}")

    def pytest_koderz_iterated(self, experiment: Experiment, iteration: Iteration) -> None:  # noqa: ARG002 - a hook's
        sign = "+" if iteration.accepted else "-"
        words = detail(iteration.verdict)
        failure = "" if iteration.accepted or not words else f": {words}"
        self._step(f"{sign} iteration {iteration.number}: {verdict_words(iteration)}{failure}")

    def pytest_koderz_checkpointed(self, experiment: Experiment, guidance: Guidance) -> None:  # noqa: ARG002 - a hook's
        source = f"{guidance.recalled} attempts from cortex" if guidance.recalled else "the loop's own record"
        self._step(f"checkpoint {guidance.number} by {guidance.model_id}, on {source}: {dollars(guidance.cost)}")

    def pytest_koderz_ended(self) -> None:
        if self.lines_shown:
            # pytest's own mark for "something else was written": it then writes the item's name again.
            self.reporter.currentfspath = -2
            self.lines_shown = False

    def _step(self, text: str) -> None:
        self.lines_shown = True
        with self.uncaptured():
            writer = self.reporter._tw  # noqa: SLF001 - TerminalReporter.write would count it as the line's width
            writer._file.write("\n" + self._line(f"    {self.mark}{text}", writer.fullwidth))  # noqa: SLF001
            writer.flush()

    def _line(self, text: str, columns: int) -> str:
        return fitting(self.shown(" ".join(text.splitlines())), columns)
