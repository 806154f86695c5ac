"""The experiment: one loop for every arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from traceback import extract_tb

from .arm import Arm, CheckpointPolicy, ModelSettings, Role, SpecPolicy
from .audit import leaks_in
from .beam import kept, line_to
from .cost_bound import bound_of
from .errors import InfrastructureError, OutOfBudget
from .experiment import Experiment, Guidance, Spec, Status, spec_seed
from .extract import candidate_of
from .flight import Flight, parted
from .iteration import Candidate, FeedbackPolicy, Iteration, Origin, Outcome, Verdict, feedback_of
from .money import Spending, Usage, cost_of, total
from .ports import Clock, Crew, Listener, Memory, Prompt, Reply, Sandbox, Taken
from .problem import Problem, TestSet
from .prompts import checkpoint_prompt, fallback_prompt, next_prompt, question_in, room_of, spec_prompt
from .withdrawal import Withdrawal


def solve(
    start: Experiment,
    problem: Problem,
    arm: Arm,
    crew: Crew,
    sandbox: Sandbox,
    memory: Memory,
    tell: Listener,
    clock: Clock,
) -> Experiment:
    """Let the local model work on *problem* until a candidate passes or the arm's iterations are spent.

    Returns *start* with all that happened. It ends *skipped* when a guard refuses a call, and *invalid* when the
    infrastructure, a plugin or we ourselves fail; what was spent until then stays in the ledger.
    """
    work = _Work(replace(start, accept_on=arm.accept_on), problem, arm, crew, sandbox, memory, tell)
    began = clock()
    try:
        while work.unsolved and work.iterations_left:
            if work.spec_due:
                work.specify()
            work.iterate()
            if work.advice_due:
                work.take_advice()
            if work.checkpoint_due:
                work.review()
        if work.unsolved and arm.fallback is not None:
            work.fall_back()
        work.grade()
    except OutOfBudget as refusal:
        return work.record.ended(Status.SKIPPED, clock() - began, str(refusal))
    except InfrastructureError as fault:
        return work.record.ended(Status.INVALID, clock() - began, str(fault))
    except Exception as fault:  # noqa: BLE001 - whatever it is, what was paid for must not be lost
        return work.record.ended(Status.INVALID, clock() - began, _described(fault))
    verdict = work.record.verdict
    solved = work.record.accepted and verdict is not None and verdict.passed
    return work.record.ended(Status.SOLVED if solved else Status.UNSOLVED, clock() - began)


def _described(fault: Exception) -> str:
    """The exception in one line, with the place where it was raised."""
    frames = extract_tb(fault.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(fault).__name__}: {fault}{place}"


@dataclass(frozen=True, slots=True)
class _Trial:
    """One reply of an iteration and what became of it."""

    reply: Reply
    cost: Decimal | None
    candidate: Candidate | None
    verdict: Verdict
    repeated: bool
    prompt: Prompt


@dataclass(slots=True)
class _Work:
    """One experiment under way. `record` holds what has happened so far, whatever is raised next."""

    record: Experiment
    problem: Problem
    arm: Arm
    crew: Crew
    sandbox: Sandbox
    memory: Memory
    tell: Listener
    judged: dict[str, Verdict] = field(default_factory=dict)

    @property
    def unsolved(self) -> bool:
        return not (self.record.iterations and self.record.iterations[-1].accepted)

    @property
    def iterations_left(self) -> int:
        return self.arm.max_iterations - len(self.record.iterations)

    @property
    def spec_due(self) -> bool:
        """Once, before the first iteration or after it."""
        first = 1 if self.arm.spec_policy is SpecPolicy.LAZY else 0
        return self.arm.spec is not None and self.record.spec is None and len(self.record.iterations) == first

    @property
    def reviews_left(self) -> bool:
        return self.arm.may_review(len(self.record.checkpoints))

    @property
    def checkpoint_due(self) -> bool:
        """As the arm's policy has it, unless nothing would follow that could use the guidance."""
        if not self.reviews_left or not self.unsolved or self.iterations_left <= 0:
            return False
        if self.arm.checkpoint_policy is CheckpointPolicy.ASKED:
            return bool(self.record.iterations[-1].question)
        if self.arm.checkpoint_policy is CheckpointPolicy.PLATEAU:
            return self._stalled
        return len(self.record.iterations) % self.arm.checkpoint_interval == 0

    @property
    def _stalled(self) -> bool:
        """None of the latest iterations, all of them after the last checkpoint, came further than those before."""
        shares, latest = [iteration.verdict.share for iteration in self.record.iterations], self.arm.checkpoint_interval
        reviewed = self.record.checkpoints[-1].after_iteration if self.record.checkpoints else 0
        if len(shares) - reviewed < latest or len(shares) == latest:
            return False
        return max(shares[-latest:]) <= max(shares[:-latest])

    @property
    def advice_due(self) -> bool:
        """After a failure, until there is any, or the frontier's own guidance."""
        known = self.record.advice or self.record.checkpoints
        return self.arm.recall_guidance and not known and self.unsolved and self.iterations_left > 0

    def specify(self) -> None:
        """Phase 1."""
        spec = self.memory.recall_spec(self.record, self.problem, self.arm)
        spec = self._asked_for_spec() if spec is None else self._audited(spec)
        self.record = self.record.with_spec(spec)
        self.tell.spec_written(self.record, spec)

    def _asked_for_spec(self) -> Spec:
        seed = spec_seed(self.problem.id, self.record.epoch)
        reply, spending = self._ask(spec_prompt(self.problem, seed, self.arm.prompt_set))
        return reply.taken if isinstance(reply.taken, Spec) else self._audited(spec_of(reply, spending.cost))

    def iterate(self) -> None:
        """Phase 2, once: ask, judge, keep what the model will be told."""
        parents = self._parents()
        asked = {self._candidate_prompt(turn, parent): parent for turn, parent in enumerate(parents)}
        tried = self._trials(list(asked))
        answered = [trial for trial in tried if not trial.reply.cancelled]
        self._keep(_recorded_of(answered) or self._told(self._made_of(tried, asked)))

    def _made_of(self, tried: Sequence[_Trial], asked: Mapping[Prompt, int | None]) -> Iteration:
        trials = [trial for trial in tried if not trial.reply.cancelled]
        made = _iteration_of(len(self.record.iterations) + 1, trials)
        made = self._with_cancelled(made, [trial for trial in tried if trial.reply.cancelled])
        if self.arm.swarm:
            made = replace(made, writers=tuple(trial.prompt.model for trial in trials))
        if self.arm.beam > 1:
            made = replace(made, origins=tuple(self._origin(trial, asked[trial.prompt]) for trial in trials))
        if self.arm.checkpoint_policy is CheckpointPolicy.ASKED:
            made = replace(made, question=taken_from(trials[made.best].reply, self.problem).question)
        return made

    def fall_back(self) -> None:
        """One more iteration, by the fallback model, which is shown the problem and nothing of what was tried."""
        seed, room = self._seed(Role.FALLBACK), room_of(self.arm.models[Role.FALLBACK])
        prompt = fallback_prompt(self.problem, self.arm, room, seed)
        trial = self._tried(prompt, *self._ask(prompt))
        made = replace(_iteration_of(len(self.record.iterations) + 1, [trial]), fallback=True)
        self._keep(_recorded_of([trial]) or self._told(made))

    def grade(self) -> None:
        """The last candidate is judged by the grading tests, where these are not those that it was iterated on.

        After the base tests only what has passed them is; after others also what they refused, to know their worth.
        """
        tests = self.arm.grade_on if self.problem.source_of(self.arm.grade_on) is not None else "base"
        refused = self.unsolved and self.arm.accept_on == "base"
        candidate = None if refused or not self.record.iterations else self.record.iterations[-1].candidate
        if candidate is not None and tests != self.arm.accept_on:
            self.record = self.record.with_graded(self.sandbox(self.problem, candidate, tests))

    def take_advice(self) -> None:
        """What the memory knows of failures like the latest."""
        tried = len(self.record.iterations)
        for known in self.memory.recall_guidance(self.record) or ():
            advice = replace(known, after_iteration=tried, leaks=self._leaks(known.text))
            self.record = self.record.with_advice(advice)
            self.tell.advised(self.record, advice)

    def _told(self, iteration: Iteration) -> Iteration:
        """*iteration* with what the model is told of it."""
        return replace(iteration, feedback=self._feedback(iteration.candidate, iteration.verdict))

    def _keep(self, iteration: Iteration) -> None:
        self.record = self.record.with_iteration(iteration)
        self.tell.iterated(self.record, iteration)

    def _audited(self, spec: Spec) -> Spec:
        return replace(spec, leaks=self._leaks(spec.text), after_iteration=len(self.record.iterations))

    def _leaks(self, text: str) -> tuple[str, ...]:
        return leaks_in(text, self.problem, self.sandbox)

    def _trials(self, prompts: Sequence[Prompt]) -> list[_Trial]:
        """What became of *prompts*, judged as the answers come. Those that are recorded come first, as they had come;
        the others are asked at the same time, unless a recorded one was accepted. One that was cancelled for a reply
        which is not accepted now is asked again.
        """
        if len(prompts) == 1:
            return [self._tried(prompts[0], *self._ask(prompts[0]))]
        recorded, others = parted(self.crew[Role.LOCAL], prompts)
        trials = [self._tried(prompt, *self._ask(prompt)) for prompt in recorded]
        if any(trial.verdict.accepted for trial in trials):
            return trials
        again = [trial.prompt for trial in trials if trial.reply.cancelled]
        return [*trials, *self._flown([*others, *again])]

    def _flown(self, prompts: Sequence[Prompt]) -> list[_Trial]:
        """With the first that is accepted the others are cancelled; whoever answered in full is judged all the same.

        Raises a call's fault, or what refused one, when all that was asked is entered in the ledger.
        """
        flight = Flight(self.crew[Role.LOCAL], Withdrawal() if len(prompts) > 1 else None)
        try:
            refusal = self._take_off(flight, prompts)
            trials = [self._landed(flight, prompt, reply) for prompt, reply in flight.landed()]
        except Exception:
            for prompt, reply in flight.late():
                self._entered(prompt, reply)
            raise
        if refusal is not None:
            raise refusal
        return trials

    def _landed(self, flight: Flight, prompt: Prompt, reply: Reply) -> _Trial:
        trial = self._tried(prompt, *self._entered(prompt, reply))
        if trial.verdict.accepted:
            flight.cancel()
        return trial

    def _take_off(self, flight: Flight, prompts: Sequence[Prompt]) -> Exception | None:
        """Ask as many as nobody refuses; the refusal of the next one."""
        for prompt in prompts:
            try:
                self.tell.before_call(self.record, prompt.role, prompt)
            except (OutOfBudget, InfrastructureError) as refusal:
                return refusal
            flight.start(prompt)
        return None

    def _tried(self, prompt: Prompt, reply: Reply, spending: Spending) -> _Trial:
        taken = taken_from(reply, self.problem)
        candidate, known = taken.candidate, taken.verdict
        repeated = candidate is not None and candidate.digest in self.judged
        if candidate is not None and known is not None:
            self.judged.setdefault(candidate.digest, known)
        return _Trial(reply, spending.cost, candidate, known or self._judge(candidate), repeated, prompt)

    def review(self) -> None:
        """Phase 3: the frontier looks at the attempts that the memory recalls, or else at the loop's own record."""
        limit = self.arm.checkpoint_interval
        recalled = self.memory.recall_iterations(self.record, limit)
        attempts = self.record.iterations[-limit:] if recalled is None else recalled
        prompt = checkpoint_prompt(
            self.problem, self.record, attempts, self._seed(Role.CHECKPOINT), self.arm.prompt_set
        )
        guidance = self._guidance_of(*self._ask(prompt), recalled=len(recalled or ()))
        self.record = self.record.with_checkpoint(guidance)
        self.tell.checkpointed(self.record, guidance)

    def _guidance_of(self, reply: Reply, spending: Spending, recalled: int) -> Guidance:
        if isinstance(reply.taken, Guidance):
            return reply.taken
        return Guidance(
            number=len(self.record.checkpoints) + 1,
            after_iteration=len(self.record.iterations),
            text=reply.text.strip(),
            model_id=reply.model_id,
            recalled=recalled,
            usage=reply.usage,
            cost=spending.cost,
            seconds=reply.seconds,
            leaks=self._leaks(reply.text),
            stop_reason=reply.stop_reason,
        )

    def _ask(self, prompt: Prompt) -> tuple[Reply, Spending]:
        """The reply and what it cost, entered in the ledger before anything else can fail.

        The cost is worked out here, once, and carried from here on.
        """
        self.tell.before_call(self.record, prompt.role, prompt)
        return self._entered(prompt, self.crew[prompt.role].complete(prompt))

    def _entered(self, prompt: Prompt, reply: Reply) -> tuple[Reply, Spending]:
        settings = self.arm.asked(prompt.role, prompt.model)
        times = (reply.seconds, reply.gpu_seconds, reply.uses)
        cost = _charge(prompt, reply, settings)
        spending = Spending(prompt.role, settings.name, 1, reply.usage, cost, *times, cancelled=int(reply.cancelled))
        self.record = replace(self.record, ledger=self.record.ledger + spending)
        self.tell.called(self.record, prompt.role, prompt, reply, spending)
        return reply, spending

    def _with_cancelled(self, iteration: Iteration, cut: Sequence[_Trial]) -> Iteration:
        """*iteration* with what was spent on the replies that were not waited for."""
        if not cut:
            return iteration
        return replace(
            iteration,
            usage=sum((trial.reply.usage for trial in cut), iteration.usage),
            cost=total([iteration.cost, *(trial.cost for trial in cut)]),
            seconds=sum((trial.reply.seconds for trial in cut), iteration.seconds),
            cancelled=tuple(self.arm.asked(Role.LOCAL, trial.prompt.model).name for trial in cut),
        )

    def _parents(self) -> list[int | None]:
        """By turn, which candidate of the last iteration it goes on from. None: from the whole record."""
        if self.arm.beam == 1 or not self.record.iterations:
            return [None] * self.arm.candidates
        lines = kept(self.record.iterations[-1], self.arm.beam)
        return [lines[turn % len(lines)] for turn in range(self.arm.candidates)]

    def _origin(self, trial: _Trial, parent: int | None) -> Origin:
        told = self._feedback(trial.candidate, trial.verdict)
        return Origin(parent, told, trial.repeated, trial.reply.stop_reason)

    def _candidate_prompt(self, turn: int, parent: int | None) -> Prompt:
        writer = self.arm.writer(len(self.record.iterations) * self.arm.candidates + turn)
        seed, room = self._seed(Role.LOCAL, turn), room_of(writer)
        iterations = self.record.iterations if parent is None else line_to(self.record.iterations, parent)
        record = replace(self.record, iterations=iterations)
        prompt = next_prompt(self.problem, record, self.arm, room, seed, turn)
        return replace(prompt, model=writer.name) if self.arm.swarm else prompt

    def _judge(self, candidate: Candidate | None) -> Verdict:
        """The verdict on *candidate*; one that was judged before is not run again."""
        if candidate is None:
            return Verdict(Outcome.NO_CODE)
        tests = self._loop_tests
        if tests is None:
            return Verdict(Outcome.UNTESTED)
        if candidate.digest not in self.judged:
            self.judged[candidate.digest] = self.sandbox(self.problem, candidate, tests)
        return self.judged[candidate.digest]

    @property
    def _loop_tests(self) -> TestSet | None:
        """What iterations are judged on. None: on nothing, since the arm says so or the prompt shows no example."""
        if self.arm.accept_on == "base":
            return "base"
        return "visible" if self.arm.accept_on == "visible" and self.problem.visible is not None else None

    def _feedback(self, candidate: Candidate | None, verdict: Verdict) -> str:
        visible = None
        if self.arm.feedback is FeedbackPolicy.VISIBLE and candidate and self.problem.visible:
            visible = self.sandbox(self.problem, candidate, "visible")
        return feedback_of(verdict, self.arm.feedback, visible)

    def _seed(self, role: Role, turn: int = 0) -> int:
        """A seed for one call: it differs between calls and is the same in every run of this experiment."""
        text = f"{self.record.seed} {role} {len(self.record.iterations)} {turn}"
        return int(sha256(text.encode()).hexdigest()[:8], 16) & 0x7FFFFFFF


def _charge(prompt: Prompt, reply: Reply, settings: ModelSettings) -> Decimal | None:
    """US dollars; of a call that was cancelled before its server told what it had written, the most that it can be."""
    if reply.charged is not None or settings.price is None:
        return reply.charged
    return cost_of(reply.usage, settings.price) if reply.counted else bound_of(prompt, settings, settings.price)


def taken_from(reply: Reply, problem: Problem) -> Taken:
    """What is recorded that it gave; else what its text gives. What was cancelled gives nothing."""
    if reply.cancelled:
        return Taken(None)
    if isinstance(reply.taken, Taken):
        return reply.taken
    return Taken(candidate_of(reply.text, problem), question_in(reply.text))


def spec_of(reply: Reply, cost: Decimal | None) -> Spec:
    """The spec that *reply* holds, for US dollars *cost*."""
    return Spec(
        reply.text.strip(),
        reply.model_id,
        reply.usage,
        cost,
        reply.seconds,
        reply.gpu_seconds,
        stop_reason=reply.stop_reason,
    )


def _recorded_of(trials: Sequence[_Trial]) -> Iteration | None:
    """The whole iteration, where it is recorded that just these came to it. None: it is not."""
    taken = [trial.reply.taken for trial in trials]
    rounds = [each.tried if isinstance(each, Taken) else None for each in taken]
    first = rounds[0]
    whole = first is not None and len(first.verdicts) == len(trials) and all(each is first for each in rounds)
    return first if whole else None


def _iteration_of(number: int, trials: Sequence[_Trial]) -> Iteration:
    iteration = Iteration(
        number,
        candidates=tuple(trial.candidate for trial in trials),
        verdicts=tuple(trial.verdict for trial in trials),
        usage=sum((trial.reply.usage for trial in trials), Usage()),
        cost=total(trial.cost for trial in trials),
        seconds=sum(trial.reply.seconds for trial in trials),
    )
    best = trials[iteration.best]
    reply = best.reply
    return replace(iteration, model_id=reply.model_id, repeated=best.repeated, stop_reason=reply.stop_reason)
