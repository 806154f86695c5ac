"""A condition of the experiment, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from .iteration import FeedbackPolicy
from .money import Price
from .problem import Acceptance, GradingSet
from .templates import SHIPPED, PromptSet


class CheckpointPolicy(StrEnum):
    """When a checkpoint is due."""

    INTERVAL = "interval"
    """After every `checkpoint_interval` failed iterations."""
    PLATEAU = "plateau"
    """When the best share of passed assertions has not risen for `checkpoint_interval` iterations."""
    ASKED = "asked"
    """When the model that writes asks for it, by a line of its reply that begins with `ASK_LINE`."""


class SpecPolicy(StrEnum):
    """When a spec is written."""

    EAGER = "eager"
    """Before the first iteration."""
    LAZY = "lazy"
    """After the first failure, so that what is solved at once costs none."""


class Role(StrEnum):
    """Who a model is in the loop."""

    SPEC = "spec"
    LOCAL = "local"
    CHECKPOINT = "checkpoint"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A model as koderz.yaml names it. None means: leave it to the back end or the server."""

    name: str
    backend: str
    model: str
    """What the back end calls it, such as `claude-opus-5-5` or `qwen2.5-coder:7b`."""
    price: Price | None = None
    """None: not known. A model that costs nothing has a Price of zeros."""
    temperature: float | None = None
    max_tokens: int = 4096
    """The most tokens of one reply."""
    context_tokens: int | None = None
    """The context window to plan prompts for."""
    timeout: float = 600.0
    """Seconds to wait for one reply."""
    patience: float = 0.0
    """Seconds to wait for a server that does not answer, before what needs it is invalid; koderz.yaml's is longer."""
    hosts: tuple[str, ...] = ()
    """Base URLs of the servers; empty: the back end's own default or environment variable."""
    slots: int | None = None
    """Calls that each of the servers answers at once. None: as it says itself, else as many as fall to it."""
    cutoff: date | None = None
    """Up to when its training data reach at least. None: not known."""
    options: Mapping[str, str | int | float | bool | tuple[str, ...]] = field(default_factory=dict)
    """What only this back end knows; it refuses what it does not."""
    identity: Mapping[str, str] = field(default_factory=dict)
    """What its servers said when the benchmark began: of the weights behind its name, and of themselves as `server`.
    Empty: they said nothing.
    """


@dataclass(frozen=True, slots=True)
class Arm:
    """One condition: which model plays which role, for how long, and what it is told."""

    name: str
    local: ModelSettings
    spec: ModelSettings | None = None
    """None: no spec is written; the local model works from the problem itself."""
    checkpoint: ModelSettings | None = None
    """None: nobody reviews."""
    max_iterations: int = 50
    checkpoint_interval: int = 5
    """Iterations from one checkpoint to the next, as the policy counts them."""
    checkpoint_policy: CheckpointPolicy = CheckpointPolicy.INTERVAL
    fallback: ModelSettings | None = None
    """Answers once, from the problem alone, when `max_iterations` have not solved it. None: nobody does."""
    feedback: FeedbackPolicy = FeedbackPolicy.ASSERTION
    candidates: int = 1
    """Replies asked for at the same time in one iteration."""
    swarm: tuple[ModelSettings, ...] = ()
    """Further local models, which take turns with `local` in writing the candidates."""
    beam: int = 1
    """Candidates of an iteration that go on, each as a line of its own; 1: all that follow know the best of each."""
    spread: float = 0.0
    """Added to the temperature of the last of an iteration's candidates, and evenly less to those before; the first
    has none of it."""
    attempts_shown: int = 5
    """How many of the latest attempts stand in a prompt, at most; 0 makes the tries independent."""

    reuse_spec: bool = False
    """Take the spec that the same model wrote before for the same problem, where the memory has one."""
    recall_guidance: bool = False
    """Offer, after the first failure, what helped out of a failure like it on another problem."""
    grade_on: GradingSet = "base"
    """Which tests decide whether an experiment is solved."""
    accept_on: Acceptance = "base"
    """Which tests iterations are judged on, and may end the loop or hand over. `base`: an oracle, which nobody has who
    has to solve the problem. Otherwise the grading tests say nothing until the end, and then once."""
    spec_policy: SpecPolicy = SpecPolicy.EAGER
    max_reviews: int | None = None
    """Checkpoints of an experiment. None: as many as fall due."""
    prompts: PromptSet | None = None
    """None: the shipped ones."""

    @property
    def prompt_set(self) -> PromptSet:
        return self.prompts or SHIPPED

    def may_review(self, reviews: int) -> bool:
        """Whether there may be another checkpoint after so many."""
        return self.checkpoint is not None and (self.max_reviews is None or reviews < self.max_reviews)

    def may_ask(self, reviews: int) -> bool:
        """Whether the model that writes is told that it may ask for one."""
        return self.checkpoint_policy is CheckpointPolicy.ASKED and self.may_review(reviews)

    @property
    def writers(self) -> tuple[ModelSettings, ...]:
        """The local models, in the order of their turns."""
        return (self.local, *self.swarm)

    def writer(self, turn: int) -> ModelSettings:
        """Who writes the candidate of a turn, where turns are counted from 0 through all iterations."""
        return self.writers[turn % len(self.writers)]

    def players(self, role: Role) -> tuple[ModelSettings, ...]:
        """The models that play *role*; empty where none does."""
        return tuple(model for each, model in self.cast if each is role)

    @property
    def is_local_alone(self) -> bool:
        """Whether one model does all there is to do."""
        return len(self.cast) == 1

    @property
    def cast(self) -> tuple[tuple[Role, ModelSettings], ...]:
        """Every model with its role, also where several play one."""
        more = ((Role.LOCAL, model) for model in self.swarm)
        return (*self.models.items(), *more)

    def asked(self, role: Role, name: str = "") -> ModelSettings:
        """The model of *role* that is called *name* in koderz.yaml; the first of them where that is empty."""
        return next(model for model in self.players(role) if name in ("", model.name))

    def model_of(self, role: Role) -> ModelSettings | None:
        return {
            Role.SPEC: self.spec,
            Role.LOCAL: self.local,
            Role.CHECKPOINT: self.checkpoint,
            Role.FALLBACK: self.fallback,
        }[role]

    @property
    def models(self) -> Mapping[Role, ModelSettings]:
        """The roles that this arm fills, each with the first of its models."""
        return {role: model for role in Role if (model := self.model_of(role)) is not None}
