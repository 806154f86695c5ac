"""The world of an experiment that goes on: what its journal holds is not asked, judged, recalled or told again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.flight import place_in_record
from pytest_koderz.core.iteration import Candidate, Iteration, Verdict
from pytest_koderz.core.money import Spending
from pytest_koderz.core.ports import Crew, Listener, Made, Memory, Model, Prompt, Reply, Sandbox, Taken
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.files.secret_values import REDACTED

from .recorded import Past

NOT_WHOLE = f"judged as the record has it, with {REDACTED} in the place of a secret, not as the model wrote it"
"""Of a candidate whose verdict is not recorded, so that it must be judged now."""


def _unsaid(_: str) -> None:
    """Where nobody wants to hear of it."""


class ResumedWorld:
    """Stands between the loop and the world. With an empty past it changes nothing.

    The loop makes the same prompts of the same replies, so it comes by itself to where it was cut short. What a
    recorded reply cost enters the ledger again, since it was paid for; guards and observers do not hear of it, since
    they did the first time. What was made of it and judged then is not judged again.

    A prompt may be made of what is no longer there, since a secret was taken out of the record, or was in the task:
    until something was asked that is not recorded, a call is known from its place too. Then its prompt must be the
    recorded one, since another answer came before it; one that is not recorded is asked, whatever comes after it.
    """

    def __init__(
        self,
        past: Past,
        memory: Memory,
        tell: Listener,
        keep: Callable[[Experiment], None],
        say: Callable[[str], None] = _unsaid,
    ) -> None:
        """*keep* is given each record whose last call nobody else hears of; *say* what makes a verdict doubtful."""
        self.past = past
        self._memory = memory
        self._tell = tell
        self._keep = keep
        self._say = say
        self._replies = dict(past.replies)
        """What is left to be played: a reply that was cancelled is played once, since only its cost is in it."""
        self._order = {key: place for place, key in enumerate(past.replies)}
        self._went_on = False
        """Whether anything was asked that is not recorded."""
        self._judged: set[str] = set()
        self._recorded = {each.digest for one in past.iterations for each in one.candidates if each is not None}
        self._seconds_before = 0.0

    def crew(self, crew: Crew) -> Crew:
        return {role: _Recalling(model, role, self) for role, model in crew.items()}

    def sandbox(self, sandbox: Sandbox) -> Sandbox:
        """The same judge, which says of a candidate out of the record that it is not whole."""

        def judge(problem: Problem, candidate: Candidate, tests: TestSet = "base") -> Verdict:
            played = not self._went_on or candidate.digest in self._recorded
            if played and self.past.replies and REDACTED in candidate.source:
                self._say(NOT_WHOLE)
            return sandbox(problem, candidate, tests)

        return judge

    def clock(self) -> float:
        """Seconds, those of recorded calls and verdicts included."""
        return time.monotonic() + self._seconds_before

    def replayed(self, role: Role, prompt: Prompt) -> Reply | None:
        key = self._key(role, prompt)
        if key is None:
            self._went_on = True
            return None
        reply = self._replies[key]
        self._seconds_before += reply.seconds + self._seconds_judged(reply.taken)
        return reply

    def place(self, role: Role, prompt: Prompt) -> int | None:
        """Where in the order of the recorded answers that to *prompt* stands. None: it is not recorded."""
        key = self._key(role, prompt)
        return None if key is None else self._order[key]

    def _key(self, role: Role, prompt: Prompt) -> tuple[str, str] | None:
        """Of the recorded answer. None: there is none."""
        exact = (str(role), prompt.digest)
        if exact in self._replies:
            return exact
        placed = None if self._went_on else self.past.places.get((str(role), prompt.seed))
        return placed if placed in self._replies else None

    def _seconds_judged(self, made: Made | None) -> float:
        """A candidate that is repeated was judged once."""
        if not isinstance(made, Taken) or made.candidate is None or made.candidate.digest in self._judged:
            return 0.0
        self._judged.add(made.candidate.digest)
        return 0.0 if made.verdict is None else made.verdict.seconds

    # what the loop remembers

    def recall_spec(self, experiment: Experiment, problem: Problem, arm: Arm) -> Spec | None:
        """As it was decided then: what was paid for is not recalled, so that its cost is not lost."""
        if self.past.specs:
            return self.past.specs[0] if self.past.specs[0].recalled_from else None
        found = self._memory.recall_spec(experiment, problem, arm)
        return None if any(role == Role.SPEC for role, _ in self.past.replies) else found

    def recall_iterations(self, experiment: Experiment, limit: int) -> Sequence[Iteration] | None:
        """For a recorded checkpoint what was recalled then: the memory may answer otherwise now."""
        tried = len(experiment.iterations)
        recorded = [guidance for guidance in self.past.checkpoints if guidance.after_iteration == tried]
        if not recorded:
            return self._memory.recall_iterations(experiment, limit)
        return experiment.iterations[-recorded[0].recalled :] if recorded[0].recalled else None

    def recall_guidance(self, experiment: Experiment) -> Sequence[Advice] | None:
        """For a failure that the recorded run went on from, what it was given then, which may be nothing."""
        tried = len(experiment.iterations)
        recorded = [advice for advice in self.past.advice if advice.after_iteration == tried]
        went_on = any(iteration.number > tried for iteration in self.past.iterations)
        return recorded if recorded or went_on else self._memory.recall_guidance(experiment)

    # what the loop tells

    def before_call(self, experiment: Experiment, role: Role, prompt: Prompt) -> None:
        if self._key(role, prompt) is None:
            self._tell.before_call(experiment, role, prompt)

    def called(self, experiment: Experiment, role: Role, prompt: Prompt, reply: Reply, spending: Spending) -> None:
        key = self._key(role, prompt)
        if key is not None:
            self._keep(experiment)
            if reply.cancelled:
                del self._replies[key]
        else:
            self._tell.called(experiment, role, prompt, reply, spending)

    def spec_written(self, experiment: Experiment, spec: Spec) -> None:
        if spec not in self.past.specs:
            self._tell.spec_written(experiment, spec)

    def iterated(self, experiment: Experiment, iteration: Iteration) -> None:
        if iteration not in self.past.iterations:
            self._tell.iterated(experiment, iteration)

    def advised(self, experiment: Experiment, advice: Advice) -> None:
        if advice not in self.past.advice:
            self._tell.advised(experiment, advice)

    def checkpointed(self, experiment: Experiment, guidance: Guidance) -> None:
        if guidance not in self.past.checkpoints:
            self._tell.checkpointed(experiment, guidance)


@dataclass(frozen=True, slots=True)
class _Recalling:
    """A Model that is asked only what is not recorded."""

    model: Model
    role: Role
    world: ResumedWorld

    def complete(self, prompt: Prompt) -> Reply:
        return self.world.replayed(self.role, prompt) or self.model.complete(prompt)

    def place_in_record(self, prompt: Prompt) -> int | None:
        """What the model itself has recorded comes after what is played here."""
        place = self.world.place(self.role, prompt)
        if place is not None:
            return place
        later = place_in_record(self.model, prompt)
        return None if later is None else len(self.world.past.replies) + later
