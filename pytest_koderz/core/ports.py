"""The edges of the core: what an experiment needs from the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from typing import Protocol

from .arm import Arm, Role
from .experiment import Advice, Experiment, Guidance, Spec
from .iteration import Candidate, Iteration, StopReason, Verdict
from .money import SPARSE, DeviceUse, Spending, Usage
from .problem import Problem, TestSet


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is sent. `problem_id` and `role` are not part of it: they say what it belongs to."""

    system: str
    stable: str
    """The part that stays the same through an experiment, worth caching; comes before `text`."""
    text: str
    problem_id: str
    role: Role
    seed: int = 0
    heat: float = 0.0
    """Added to the model's own temperature, to get away from repeating itself; 0 to 1."""
    model: str = ""
    """The name in koderz.yaml of the one that is asked, where several play the role; no part of it either."""

    @property
    def user(self) -> str:
        """The whole user message."""
        return "\n\n".join(part for part in (self.stable, self.text) if part)

    @property
    def digest(self) -> str:
        """The same for prompts that a model could not tell apart, seed and heat included."""
        parts = (self.system, self.stable, self.text, str(self.seed), str(self.heat))
        return sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()

    def rewritten(self, rewrite: Callable[[str], str]) -> Prompt:
        """The same with each of its texts rewritten."""
        return replace(self, system=rewrite(self.system), stable=rewrite(self.stable), text=rewrite(self.text))


@dataclass(frozen=True, slots=True)
class Taken:
    """What the loop took out of a candidate's reply, and what became of it where that is recorded."""

    candidate: Candidate | None
    """None: there was no code."""
    question: str = ""
    """What the model asked the reviewer."""
    verdict: Verdict | None = None
    """None: it is not judged yet."""
    tried: Iteration | None = None
    """The whole round. None: it has not come to its end."""


Made = Taken | Spec | Guidance
"""What the loop makes of a reply: of a candidate's, of a spec's, of a review."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer, whatever the back end."""

    text: str
    usage: Usage
    model_id: str
    """As the provider returned it."""
    stop_reason: StopReason = StopReason.END
    seconds: float = 0.0
    gpu_seconds: float | None = None
    """As the server reported them. None: it did not."""
    warnings: tuple[str, ...] = ()
    """What the user should know, such as a prompt that the server cut."""
    charged: Decimal | None = None
    """US dollars that it is known to have cost. None: what its tokens come to at the model's price."""
    place: str = ""
    """The server that answered, as it may be told. Empty: there was none, or it is not known."""
    ended: float | None = None
    """Seconds since 1970 at which the answer was there. None: not known."""
    counted: bool = field(default=True, metadata=SPARSE)
    """False of one that was cancelled before the server had told its tokens: as many as came, and perhaps more."""
    taken: Made | None = field(default=None, metadata=SPARSE)
    """What was made of it when it came, where it is played from a record. None: what its text gives."""

    @property
    def cancelled(self) -> bool:
        return self.stop_reason is StopReason.CANCELLED

    @property
    def uses(self) -> tuple[DeviceUse, ...]:
        """What it took of a device, where it is known when."""
        if not self.place or self.ended is None or not self.gpu_seconds:
            return ()
        return (DeviceUse(self.place, self.ended, self.gpu_seconds),)

    def __post_init__(self) -> None:
        # A record with half a character could be stored nowhere.
        object.__setattr__(self, "text", whole(self.text))

    def warned(self, *warnings: str) -> Reply:
        """The same, with more that the user should know."""
        return replace(self, warnings=(*self.warnings, *warnings))


def whole(text: str) -> str:
    """*text* without lone surrogates, which JSON can carry and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Model(Protocol):
    """Transport to a language model."""

    def complete(self, prompt: Prompt) -> Reply:
        """Answer *prompt*. Raises ModelUnavailable when no answer can be had; a refusal or a cut reply is a Reply."""
        ...


class Sandbox(Protocol):
    """The judge."""

    def __call__(self, problem: Problem, candidate: Candidate, tests: TestSet = "base") -> Verdict:
        """Run *candidate* against one set of the problem's tests. Raises SandboxFault when no verdict can be had."""
        ...


class Memory(Protocol):
    """What was learnt before. None means: nothing is known, or the memory cannot be asked."""

    def recall_spec(self, experiment: Experiment, problem: Problem, arm: Arm) -> Spec | None: ...

    def recall_iterations(self, experiment: Experiment, limit: int) -> Sequence[Iteration] | None:
        """The last *limit* iterations of *experiment*, oldest first."""
        ...

    def recall_guidance(self, experiment: Experiment) -> Sequence[Advice] | None:
        """What helped other experiments, on other problems, out of a failure like the latest of *experiment*."""
        ...


class Listener(Protocol):
    """Who is told of an experiment as it goes. Only `before_call` may raise, since it guards what is about
    to be spent; and any of them JournalFault, where what was paid for cannot be recorded.
    """

    def before_call(self, experiment: Experiment, role: Role, prompt: Prompt) -> None: ...
    def called(self, experiment: Experiment, role: Role, prompt: Prompt, reply: Reply, spending: Spending) -> None:
        """*spending* is what the call cost; the ledger of *experiment* holds it already."""
        ...

    def spec_written(self, experiment: Experiment, spec: Spec) -> None: ...
    def iterated(self, experiment: Experiment, iteration: Iteration) -> None: ...
    def advised(self, experiment: Experiment, advice: Advice) -> None: ...
    def checkpointed(self, experiment: Experiment, guidance: Guidance) -> None: ...


class Meter(Protocol):
    """Who counts what a call may cost beyond its answer. A back end that finds one in `meter` tells it."""

    def resend(self) -> None:
        """The last sending had no answer and may be billed, and another one is to follow. May raise OutOfBudget."""
        ...

    def unbilled(self) -> None:
        """The call has failed, and its last sending cannot be billed."""
        ...


meter: ContextVar[Meter | None] = ContextVar("meter", default=None)
"""The meter of the call under way; None: nobody counts."""


class Clock(Protocol):
    """Seconds from any fixed point."""

    def __call__(self) -> float: ...


Crew = Mapping[Role, Model]
"""The models of an arm, opened, by role."""
