"""One round of the loop: a candidate, its verdict, and what of the verdict the model is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from .money import SPARSE, Usage
from .problem import Isolation


class Outcome(StrEnum):
    """What became of a candidate."""

    PASSED = "passed"
    WRONG = "wrong"
    """An assertion failed."""
    CRASHED = "crashed"
    """It raised, exited, was killed or could not be loaded."""
    TIMED_OUT = "timed out"
    NO_CODE = "no code"
    """The reply held no code, so nothing was run."""
    UNTESTED = "untested"
    """There was nothing to hold it against, so it was taken as it came."""


class FeedbackPolicy(StrEnum):
    """How much of a verdict the local model is told. This is the only place that decides what leaks from the tests."""

    NONE = "none"
    OUTCOME = "outcome"
    VISIBLE = "visible"
    ASSERTION = "assertion"
    ALL = "all"


class StopReason(StrEnum):
    """Why a model stopped writing."""

    END = "end"
    MAX_TOKENS = "max tokens"
    """The reply was cut at the token limit."""
    CONTEXT = "context"
    """The model's context window was full."""
    REFUSAL = "refusal"
    CANCELLED = "cancelled"
    """It was stopped by us, since another reply of the iteration was accepted; what is there of it is no candidate."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """The code taken out of a reply: a whole module's source."""

    source: str

    @property
    def digest(self) -> str:
        """The same for candidates that differ in surrounding or trailing white space alone."""
        lines = (line.rstrip() for line in self.source.strip().splitlines())
        return sha256("\n".join(lines).encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known of one failed test. Each text is already cut to a length fit for a prompt; None means not known."""

    summary: str
    """One line, such as `IndexError: list index out of range (line 4)`."""
    assertion: str | None = None
    """The test's own line, such as `assert candidate([1.0, 2.0], 0.5) == False`."""
    explanation: str | None = None
    """The same with values, such as `assert True == False`."""
    exception: str | None = None
    """Type and message of what the candidate raised."""
    line: int | None = None
    """The line of the candidate's own source where it was raised, counted from 1."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sandbox's judgement of one candidate on one set of tests."""

    outcome: Outcome
    assertions_passed: int = 0
    assertions_total: int | None = None
    """Assertions that ran, each turn of a loop counted. None: the tests did not come so far as to tell."""
    failures: tuple[Failure, ...] = ()
    """The first comes first; only the first few are kept."""
    seconds: float = 0.0
    """Wall-clock seconds of the candidate, without waiting for a free child."""
    cpu_seconds: float | None = None
    peak_rss_bytes: int | None = None
    stdout: str = ""
    stderr: str = ""
    isolation: Isolation = "process-separated"
    locks: str = "none"
    """Which kernel locks held the child: `landlock+seccomp`, `partial` or `none`."""

    @property
    def passed(self) -> bool:
        """True only where every assertion ran and held."""
        return self.outcome is Outcome.PASSED

    @property
    def accepted(self) -> bool:
        """True where no test speaks against it: it passed, or there was none."""
        return self.passed or self.outcome is Outcome.UNTESTED

    @property
    def share(self) -> float:
        """The share of assertions that passed, from 0 to 1; 0 where that is not known."""
        return self.assertions_passed / self.assertions_total if self.assertions_total else 0.0

    @property
    def feedback(self) -> str:
        """The verdict in words, with the first failing assertion and its values."""
        return feedback_of(self, FeedbackPolicy.ASSERTION)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a candidate of a beam came of, and what the one that goes on from it is told."""

    parent: int | None
    """Index of the candidate of the iteration before that it goes on from. None: from none."""
    feedback: str = ""
    repeated: bool = False
    stop_reason: StopReason = StopReason.END


@dataclass(frozen=True, slots=True)
class Iteration:
    """One round: what the local model wrote and how it was judged.

    `candidates` and `verdicts` run side by side, one pair for each reply; a None candidate is a reply without code.
    """

    number: int
    """Counted from 1."""
    candidates: tuple[Candidate | None, ...]
    verdicts: tuple[Verdict, ...]
    feedback: str = ""
    """What the model is told of it: the best verdict, as far as the arm's policy allows."""
    repeated: bool = False
    """The best candidate had been tried before; it was not run again."""
    fallback: bool = False
    """The arm's fallback model wrote it, from the problem alone."""
    question: str = ""
    """What the model asked its reviewer. Empty: nothing."""
    stop_reason: StopReason = StopReason.END
    model_id: str = ""
    usage: Usage = Usage()
    cost: Decimal | None = None
    """US dollars. None: the price is not known."""
    seconds: float = 0.0
    """Of all its calls, also of those that were made at the same time."""
    writers: tuple[str, ...] = field(default=(), metadata=SPARSE)
    """By candidate, the name of the model that wrote it. Empty: the arm has only one that writes."""

    origins: tuple[Origin, ...] = field(default=(), metadata=SPARSE)
    """By candidate, where several of them go on. Empty: the best alone does."""

    cancelled: tuple[str, ...] = field(default=(), metadata=SPARSE)
    """The models whose replies were cut short when another one's was accepted, by name, once for each call; what was
    spent on them counts here too."""

    @property
    def tried(self) -> list[tuple[Candidate | None, Verdict, str]]:
        """Each candidate with its verdict and who wrote it; that is empty where only one model writes."""
        writers = self.writers or ("",) * len(self.candidates)
        return list(zip(self.candidates, self.verdicts, writers, strict=True))

    @property
    def writer(self) -> str:
        """Who wrote the best candidate; empty where only one model writes."""
        return self.writers[self.best] if self.writers else ""

    @property
    def best(self) -> int:
        """Index of the candidate that came furthest, the first of equals."""
        if len(self.verdicts) == 1:  # nearly always, and it is asked for in every figure
            return 0
        keys = [(verdict.passed, verdict.share, verdict.outcome is not Outcome.NO_CODE) for verdict in self.verdicts]
        return keys.index(max(keys))

    @property
    def candidate(self) -> Candidate | None:
        return self.candidates[self.best]

    @property
    def verdict(self) -> Verdict:
        return self.verdicts[self.best]

    @property
    def passed(self) -> bool:
        return self.verdict.passed

    @property
    def first_accepted(self) -> bool:
        """Whether the first of its candidates was."""
        return self.verdicts[0].accepted

    @property
    def accepted(self) -> bool:
        """Whether the loop ends with it: it passed, or there was nothing to test it by."""
        return self.verdict.accepted


def feedback_of(verdict: Verdict, policy: FeedbackPolicy, visible: Verdict | None = None) -> str:
    """What of *verdict* may be told under *policy*; empty where nothing may.

    *visible* is the verdict on the examples that the prompt itself shows; only the policy `visible` uses it.
    """
    match policy:
        case FeedbackPolicy.NONE:
            return ""
        case FeedbackPolicy.OUTCOME:
            return _HEADLINES[verdict.outcome]
        case FeedbackPolicy.VISIBLE:
            return _visible_words(verdict, visible)
        case FeedbackPolicy.ASSERTION:
            return _words(verdict, 1)
        case FeedbackPolicy.ALL:
            return _words(verdict, len(verdict.failures))


_HEADLINES = {
    Outcome.PASSED: "All tests passed.",
    Outcome.WRONG: "It returned a wrong answer.",
    Outcome.CRASHED: "It crashed.",
    Outcome.TIMED_OUT: "It took too long and was stopped.",
    Outcome.UNTESTED: "It was not tested.",
    Outcome.NO_CODE: "The reply held no Python code. Reply with the code in one ```python block.",
}


def _visible_words(verdict: Verdict, visible: Verdict | None) -> str:
    if visible is None or visible.passed:
        return "" if verdict.passed else "The examples of the task pass, but the task is not solved yet."
    return _words(visible, 1)


def _words(verdict: Verdict, most: int) -> str:
    lines = [_HEADLINES[verdict.outcome]]
    if verdict.assertions_total:
        lines.append(f"{verdict.assertions_passed} of {verdict.assertions_total} assertions passed.")
    for failure in verdict.failures[:most]:
        # What was asserted, with its values, says all that the summary would; what was raised is news.
        news = failure.summary if failure.exception or not failure.explanation else None
        lines += [text for text in (failure.assertion, failure.explanation, news) if text]
    return "\n".join(dict.fromkeys(lines))
