"""A back end as one object: what anyone wants to know of one stands in it, and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.errors import ModelRefused, ModelUnavailable
from pytest_koderz.core.flight import place_in_record
from pytest_koderz.core.ports import Model, Prompt, Reply
from pytest_koderz.core.problem import Problem
from pytest_koderz.files.usage_error import UsageError

from .http.hosts import Service, shown
from .http.retry import silent
from .options import Option, checked
from .redaction import Redactor

Environment = Mapping[str, str]

Finding = tuple[Literal["ok", "note", "missing"], str]
"""`missing` is what keeps a model from answering, and says what to do about it."""


@dataclass(frozen=True, slots=True)
class CostRule:
    """What a model costs where koderz.yaml gives no price for it. A model for which neither knows one has none."""

    provider: str = ""
    """Under which name the price list knows the back end. Empty: under none."""
    own_machine: bool = False
    """It runs on the user's own machine, so that its dollars are 0."""
    elsewhere: bool = False
    """It is asked at another place than the provider's, so that its name says nothing of its price; only the name in
    `priced_as` does.
    """


OWN_MACHINE = CostRule(own_machine=True)
NOT_LISTED = CostRule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a model may need of the process that it is opened in."""

    environment: Environment = field(default_factory=dict, repr=False)
    """Holds secrets."""
    worker: int = 0
    """K in a worker gwK of pytest-xdist."""
    problems: Mapping[str, Problem] = field(default_factory=dict)
    """What was collected, by id."""
    notify: Callable[[str], None] = silent
    """Takes what is to be said while the user waits."""
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Identity:
    """What servers say of a model that they answer for."""

    weights: Mapping[str, str] = field(default_factory=dict)
    """Such as their `digest` and `quantization`; several where servers hold several under one name."""
    server: str = ""
    """Kind and version."""

    @property
    def told(self) -> Mapping[str, str]:
        """As a model's settings hold it."""
        return {**self.weights, **({"server": self.server} if self.server else {})}

    def __add__(self, other: Identity) -> Identity:
        names = dict.fromkeys([*self.weights, *other.weights])
        weights = {name: _either(self.weights.get(name, ""), other.weights.get(name, "")) for name in names}
        return Identity(weights, _either(self.server, other.server))


def _either(one: str, other: str) -> str:
    return ", ".join(dict.fromkeys(each for text in (one, other) for each in text.split(", ") if each))


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Transport to a kind of language model. What has no default here, no back end can do without saying."""

    name: str
    """As a model's `backend:` in koderz.yaml."""
    service: Service | None
    """Where its servers and its key are named; what is secret of that is taken out of all that a model says.
    None: it asks nobody.
    """
    options: Mapping[str, Option] | None
    """What may stand under a model's `options:`. None: not known, so nothing is checked."""
    cost: CostRule
    frontier: bool
    """Whether a frontier model may stand behind it."""
    simulated: Callable[[ModelSettings], bool]
    """Whether what the model says is made up, so that all that is shown of it is marked."""
    requirements: Callable[[ModelSettings, Environment], str | None]
    """One line that says what is wrong or missing, such as a key; None where nothing is. Asks no server."""
    findings: Callable[[ModelSettings, Environment], Iterable[Finding]]
    """What --koderz-doctor can see of a model that has what it requires, without asking anything that costs."""
    cost_at: Callable[[ModelSettings, Environment], CostRule] | None = None
    """The rule where it depends on the servers; asks them where it must, and waits for none. None: `cost` holds."""
    open: Callable[[ModelSettings, Surroundings], Model]
    """The model, whose options and requirements were checked. Raises UsageError."""
    why_unreachable: Callable[[ModelSettings, Environment, int], str | None] = lambda *_: None
    """Why no call of so many workers can be answered, asked before others are paid to work for the model; None where
    nothing of the kind is known.
    """
    slots_at: Callable[[ModelSettings, Environment, str], int | None] = lambda *_: None
    """How many calls the server at that base URL answers at once, as it says. None: it does not."""
    window_at: Callable[[ModelSettings, Environment, str], int | None] = lambda *_: None
    """Tokens of a prompt and its reply for which the server at that base URL says it has room. None: it does not."""
    identity: Callable[[ModelSettings, Environment], Identity] = lambda *_: Identity()
    """What its servers say of the model now. A server that does not answer says nothing."""
    prepare: Callable[[ModelSettings, Callable[[str], None]], object] = lambda *_: None
    """Fetches what several workers would otherwise fetch at once, with a line to the user. Raises UsageError."""
    model_is_path: bool = False
    """A model's `model:` is a path from the folder of koderz.yaml; its publisher's name for it is its `priced_as:`."""

    def checked(self, settings: ModelSettings) -> ModelSettings:
        """*settings* with options of the kinds that are wanted. Raises UsageError for any other."""
        return settings if self.options is None else replace(settings, options=checked(settings, self.options))

    def slots_of(self, settings: ModelSettings, environment: Environment) -> Mapping[str, int | None]:
        """By base URL how many calls each of its servers answers at once, as it is set or as they say; None: neither.
        Empty: it asks none. Raises UsageError for servers that are none.
        """
        urls = () if self.service is None else self.service.urls(settings, environment)
        return {url: settings.slots or self.slots_at(settings, environment, url) for url in urls}

    def window_fault(self, settings: ModelSettings, environment: Environment) -> str | None:
        """That prompts are planned for a larger window than one of its servers has; None where none says so."""
        planned = settings.context_tokens
        if self.service is None or planned is None:
            return None
        for url in self.service.urls(settings, environment):
            window = self.window_at(settings, environment, url)
            if window is not None and window < planned:
                more = f"`context_tokens: {planned}` is more than the {window} tokens that {shown(url)} has"
                return f"{more} for a prompt and its reply; write {window}, or give the server a larger window"
        return None

    def fault_of(self, settings: ModelSettings, environment: Environment) -> str | None:
        """What is wrong with options or requirements; None where nothing is."""
        try:
            return self.requirements(self.checked(settings), environment)
        except UsageError as fault:
            return str(fault)

    def opened(self, settings: ModelSettings, surroundings: Surroundings) -> Model:
        """The model of *settings*, without a secret in its errors. Raises UsageError for what is wrong with it."""
        settings = self.checked(settings)
        fault = self.requirements(settings, surroundings.environment)
        if fault is not None:
            raise UsageError(fault)
        model = self.open(settings, surroundings)
        redact = self.service.redactor(settings, surroundings.environment) if self.service else Redactor()
        return RedactedModel(model, redact) if redact else model


class RedactedModel:
    """A Model that neither tells nor repeats a secret beside its answer's text: another one, which is asked."""

    def __init__(self, model: Model, redact: Redactor) -> None:
        self._model = model
        self._redact = redact

    def complete(self, prompt: Prompt) -> Reply:
        try:
            return self._redact.reply(self._model.complete(self._redact.prompt(prompt)))
        except ModelUnavailable as fault:
            words = self._redact(str(fault))
            if words == str(fault):
                raise
            if isinstance(fault, ModelRefused):
                raise ModelRefused(words, lasting=fault.lasting) from None
            raise ModelUnavailable(words) from None

    def place_in_record(self, prompt: Prompt) -> int | None:
        return place_in_record(self._model, self._redact.prompt(prompt))

    def admit(self) -> None:
        """Wait for a server that is known to be out. Raises ModelUnavailable when patience has run out."""
        getattr(self._model, "admit", _nothing)()

    def close(self) -> None:
        getattr(self._model, "close", _nothing)()


def _nothing() -> None:
    """What a model does not have, it need not do."""


def always(settings: ModelSettings) -> bool:  # noqa: ARG001 - for any of them
    """For `simulated`."""
    return True


def never(settings: ModelSettings) -> bool:  # noqa: ARG001 - for any of them
    """For `simulated`."""
    return False


def nothing_required(settings: ModelSettings, environment: Environment) -> None:
    """For `requirements`."""


def ready(text: str) -> Callable[[ModelSettings, Environment], Iterable[Finding]]:
    """For `findings`, where nothing can be looked at: *text* says so."""

    def findings(settings: ModelSettings, environment: Environment) -> Iterable[Finding]:  # noqa: ARG001
        return [("ok", text)]

    return findings


class Registry(Mapping[str, Backend]):
    """Back ends by name. Raises UsageError where two have the same."""

    def __init__(self, backends: Iterable[Backend], *, open_ended: bool = False) -> None:
        self._backends: dict[str, Backend] = {}
        self.open_ended = open_ended
        """Whether a plugin opens models by `pytest_koderz_open_model`, of whose back ends only it knows the names."""
        for each in backends:
            if each.name in self._backends:
                raise UsageError(f"there are two back ends named '{each.name}'; rename the plugin's")
            self._backends[each.name] = each

    def __getitem__(self, name: str) -> Backend:
        return self._backends[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._backends)

    def __len__(self) -> int:
        return len(self._backends)

    def of(self, settings: ModelSettings) -> Backend:
        """The back end of a model; where none of that name is registered, one of which nothing is known."""
        return self.get(settings.backend) or _of_a_hook(settings.backend)


def _of_a_hook(name: str) -> Backend:
    """What `pytest_koderz_open_model` may open under this name."""
    return Backend(
        name=name,
        service=None,
        options=None,
        cost=NOT_LISTED,
        frontier=True,
        simulated=never,
        requirements=nothing_required,
        findings=lambda *_: [("note", "its back end is opened by a plugin's hook, and not looked into")],
        open=_unknown,
    )


def _unknown(settings: ModelSettings, surroundings: Surroundings) -> Model:  # noqa: ARG001 - as any `open`
    raise UsageError(f"models.{settings.name}: no back end named '{settings.backend}'")
