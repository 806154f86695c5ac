"""What a benchmark came to, as the first thing on its page: the summary's own words, a block for each comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_koderz.evidence.compare import Claim
from pytest_koderz.evidence.findings import Findings, Frame

from .claim_lines import verdict_lines


@dataclass(frozen=True, slots=True)
class Sentence:
    """A finding, and what stands beneath it."""

    head: str
    details: tuple[str, ...]

    @property
    def claim(self) -> Claim | None:
        """For its colour. None: nothing is claimed."""
        return next((claim for claim in Claim if f": {claim.upper()}" in self.head), None)

    @property
    def parts(self) -> tuple[str, str, str]:
        """The head as what stands before its claim, the claim's word, and what stands behind it."""
        if self.claim is None:
            return self.head, "", ""
        before, _, behind = self.head.rpartition(f": {self.claim.upper()}")
        return f"{before}: ", self.claim.upper(), behind


def sentences_of(frame: Frame, findings: Findings) -> Iterator[Sentence]:
    """The first one is what the benchmark was run for."""
    block: list[str] = []
    for line in verdict_lines(frame, findings):
        if block and not line.startswith(" "):
            yield sentence_of(block)
            block = []
        block.append(line.strip())
    if block:
        yield sentence_of(block)


def sentence_of(lines: Sequence[str]) -> Sentence:
    """The first of *lines* is the finding."""
    return Sentence(lines[0], tuple(lines[1:]))
