"""Fakes at the edges of the core: a model, a judge, a memory, a listener and a clock without any surprise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Candidate, Iteration, Outcome, Verdict
from pytest_koderz.core.money import Spending, Usage
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.problem import Problem, TestSet


class ScriptedModel:
    """A Model that gives *replies* one after the other, or what a function makes of the prompt.

    A text becomes a Reply with tokens of characters / 4; an exception is raised. `prompts` holds what it was asked.
    """

    def __init__(
        self,
        replies: Sequence[Reply | str | Exception] | Callable[[Prompt], Reply | str],
        model_id: str = "scripted",
    ) -> None:
        self.replies = replies
        self.model_id = model_id
        self.prompts: list[Prompt] = []

    def complete(self, prompt: Prompt) -> Reply:
        """The next reply. Raises IndexError after the last one: a test asked for more than it scripted."""
        self.prompts.append(prompt)
        reply = self.replies(prompt) if callable(self.replies) else self.replies[len(self.prompts) - 1]
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, Reply) else self._full(reply, prompt)

    def close(self) -> None:
        """There is nothing to close."""

    def _full(self, text: str, prompt: Prompt) -> Reply:
        return Reply(text, Usage((len(prompt.system) + len(prompt.user)) // 4, len(text) // 4), self.model_id)


class ScriptedSandbox:
    """A judge that runs nothing: it asks *judge*, or passes whatever holds the text *passing*."""

    def __init__(
        self, passing: str = "", judge: Callable[[Problem, Candidate, TestSet], Verdict] | None = None
    ) -> None:
        self.passing = passing
        self.judge = judge
        self.judged: list[Candidate] = []

    def __call__(self, problem: Problem, candidate: Candidate, tests: TestSet = "base") -> Verdict:
        self.judged.append(candidate)
        if self.judge is not None:
            return self.judge(problem, candidate, tests)
        passed = self.passing in candidate.source
        return Verdict(Outcome.PASSED if passed else Outcome.WRONG, int(passed), 1)


class NoMemory:
    """A Memory that knows nothing."""

    def recall_spec(self, experiment: Experiment, problem: Problem, arm: Arm) -> Spec | None:  # noqa: ARG002
        return None

    def recall_iterations(self, experiment: Experiment, limit: int) -> Sequence[Iteration] | None:  # noqa: ARG002
        return None

    def recall_guidance(self, experiment: Experiment) -> Sequence[Advice] | None:  # noqa: ARG002 - the Protocol's
        return None


@dataclass(slots=True)
class RecordingListener:
    """A Listener that remembers the names of what it was told, in order, with the values that came with them."""

    heard: list[tuple[str, object]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.heard]

    def before_call(self, experiment: Experiment, role: Role, prompt: Prompt) -> None:  # noqa: ARG002 - the Protocol's
        self.heard.append(("before_call", prompt))

    def called(  # the Protocol's
        self,
        experiment: Experiment,  # noqa: ARG002
        role: Role,  # noqa: ARG002
        prompt: Prompt,  # noqa: ARG002
        reply: Reply,
        spending: Spending,  # noqa: ARG002
    ) -> None:
        self.heard.append(("called", reply))

    def spec_written(self, experiment: Experiment, spec: Spec) -> None:  # noqa: ARG002 - the Protocol's
        self.heard.append(("spec_written", spec))

    def iterated(self, experiment: Experiment, iteration: Iteration) -> None:  # noqa: ARG002 - the Protocol's
        self.heard.append(("iterated", iteration))

    def advised(self, experiment: Experiment, advice: Advice) -> None:  # noqa: ARG002 - the Protocol's
        self.heard.append(("advised", advice))

    def checkpointed(self, experiment: Experiment, guidance: Guidance) -> None:  # noqa: ARG002 - the Protocol's
        self.heard.append(("checkpointed", guidance))


@dataclass(slots=True)
class FrozenClock:
    """A Clock that stands still until it is moved; its `sleep` moves it."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
