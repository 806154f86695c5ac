"""Everything a benchmark needs to know, with the names of koderz.yaml resolved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pytest_koderz.backends.backend import Backend, CostRule, Registry
from pytest_koderz.backends.options import flat
from pytest_koderz.core.arm import Arm, CheckpointPolicy, ModelSettings, Role
from pytest_koderz.core.money import Price
from pytest_koderz.core.templates import PromptSet, fields_in
from pytest_koderz.datasets.sampling import sample_named
from pytest_koderz.files.nearest import nearest
from pytest_koderz.files.usage_error import Mistakes, UsageError
from pytest_koderz.files.yaml_lines import KeyPath, Located, dotted

from .cutoffs import CUTOFFS
from .overrides import Assignment
from .prices import FRONTIER_PROVIDER, PriceBook
from .prompt_sets import prompt_set
from .schema import MOST_EPOCHS, ArmEntry, CortexEntry, FileEntry, ModelEntry, ProfileEntry, PurchaseEntry, SandboxEntry

PATIENCE = 600.0
"""Seconds: time for a server to be started again and to load a large model, or for a network to come back."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line picks; None or empty: what koderz.yaml says."""

    profile: str | None = None
    arms: tuple[str, ...] = ()
    problems: str | None = None
    sample: str | None = None
    epochs: int | None = None
    jobs: int | Literal["auto"] | None = None
    executor: str | None = None
    json: str | None = None
    html: str | None = None
    markdown: str | None = None
    max_cost: Decimal | None = None
    models: tuple[str, ...] = ()
    """`slot=model`, each."""
    max_iterations: int | None = None
    checkpoint_interval: int | None = None
    feedback: str | None = None
    margin: float | None = None
    grade_on: str | None = None
    sets: tuple[str, ...] = ()
    """`key.path=value`, each: any other key of koderz.yaml."""
    looking: bool = False
    """Nothing will be run or priced: a price that is not known refuses nothing, as that of a server that is off."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a benchmark needs to know, names resolved."""

    path: Path
    """The koderz.yaml that was read."""
    profile: str
    description: str
    arms: tuple[Arm, ...]
    control: str
    """Name of the arm that the others are compared with, whether it runs or not."""
    control_model: str | None
    control_price: Price | None
    """At which the control is estimated where it does not run. None: no estimate."""
    problems: str | None
    """Selection of problems. None: all that the suites hold."""
    problems_at: str | None
    """Where a user's koderz.yaml selects them. None: nowhere; the choice is the command line's or a shipped profile's,
    and the latter leaves suites alone that hold none of it."""
    sample: str | None
    """`50@0`: how many of them are drawn at random, and from which seed. None: all."""
    epochs: int
    jobs: int
    """Experiments in flight in one process."""
    sandbox: SandboxEntry
    cortex: CortexEntry
    folder: Path
    margin: float
    local_rate: Decimal | None
    """US dollars per GPU-hour of one's own machines, for a second cost beside that of the tokens. None: not given."""
    purchase: PurchaseEntry | None
    """A GPU that may be bought. None: not given."""
    wrong_accept: Decimal | None
    """US dollars that it costs to take a wrong answer for a right one. None: not given."""
    json: Path | None
    html: Path | None
    markdown: Path | None
    max_cost: Decimal | None
    """US dollars that the benchmark may spend. None: no limit."""
    backends: Registry = field(repr=False)
    """All that there are, a plugin's among them."""
    environment: Mapping[str, str] = field(repr=False)
    """The process's environment with the .env file beside koderz.yaml beneath it. Holds secrets: never written."""
    overrides: tuple[str, ...] = ()
    """What the command line changed of koderz.yaml, as --koderz-set takes it."""
    executor: str | None = None
    """The cluster that runs the experiments. None: this process and those of pytest-xdist do."""
    leaves_jobs: bool = False
    """Whether nobody says how many `jobs`: 1, or as many as a cluster has room for."""
    chooses_jobs: bool = False
    """Whether `jobs` is chosen when a run begins."""
    why_jobs: str = ""
    """Why it is this number, where it was chosen. Empty: it was not."""
    stops_when_decided: bool = False
    """Whether no further problem is begun once there is a claim of the first arm."""

    @property
    def asks_servers(self) -> bool:
        """Whether the servers of the models are asked from this machine: workers of a cluster may reach others."""
        return self.executor in (None, "dask")

    @property
    def models(self) -> tuple[ModelSettings, ...]:
        """Every model that takes part, once."""
        return tuple({model.name: model for arm in self.arms for _, model in arm.cast}.values())

    def backend_of(self, model: ModelSettings) -> Backend:
        return self.backends.of(model)

    @property
    def simulated(self) -> bool:
        """True also where what a simulated model said is played back."""
        return any(self.backend_of(model).simulated(model) for model in self.models)

    @property
    def frontier(self) -> bool:
        """Whether a frontier model may take part."""
        return any(self.backend_of(model).frontier for model in self.models)


@dataclass(frozen=True, slots=True)
class Names:
    """The names that koderz.yaml defines, and where each stands."""

    sources: tuple[Located, ...]
    """The user's file before the shipped one."""
    entry: FileEntry
    backends: Registry
    prices: PriceBook
    environment: Mapping[str, str] = field(repr=False)
    assignments: tuple[Assignment, ...] = ()
    """What the command line changed of them."""
    rules: dict[str, CostRule] = field(default_factory=dict)
    """By model, of those that were asked for, since a server is asked once."""

    def settings(self, choice: Choice, root: Path) -> Settings:
        """Raises UsageError for names that are none."""
        self._check_names()
        name = choice.profile or self.entry.profile or ""
        profile = self._profile(name, choice)
        names = choice.arms or profile.arms
        arms = tuple(self._arm(arm, name, profile, chosen=bool(choice.arms)) for arm in dict.fromkeys(names))
        control_model, control_price = self._control(name, profile)
        problems = choice.problems if choice.problems is not None else profile.problems
        output, page = choice.json or profile.json, choice.html or profile.html
        summary, jobs = choice.markdown or profile.markdown, choice.jobs or profile.jobs
        return Settings(
            path=self.sources[0].path,
            profile=name,
            description=profile.description,
            arms=arms,
            control=self._control_arm(),
            control_model=control_model,
            control_price=control_price,
            problems=None if problems is None else str(problems),
            problems_at=None if choice.problems is not None else self._at_own("profiles", name, "problems"),
            sample=self._sample(name, profile, choice),
            epochs=_epochs(choice, profile),
            jobs=1 if jobs is None or jobs == "auto" else jobs,
            executor=choice.executor or profile.executor,
            leaves_jobs=jobs is None,
            chooses_jobs=jobs == "auto",
            sandbox=self.entry.sandbox or SandboxEntry(),
            cortex=self.entry.cortex or CortexEntry(),
            folder=root / (self.entry.folder or ".koderz"),
            margin=self.entry.margin or 0.05,
            local_rate=self.entry.local_rate,
            purchase=self.entry.purchase,
            wrong_accept=self.entry.wrong_accept,
            json=None if output is None else root / output,
            html=None if page is None else root / page,
            markdown=None if summary is None else root / summary,
            max_cost=profile.max_cost if choice.max_cost is None else choice.max_cost,
            backends=self.backends,
            environment=self.environment,
            overrides=tuple(map(str, self.assignments)),
            stops_when_decided=profile.stop == "decided",
        )

    def _sample(self, name: str, profile: ProfileEntry, choice: Choice) -> str | None:
        """Raises UsageError, with the option or the place in the file, for what is none."""
        wanted = profile.sample if choice.sample is None else choice.sample
        if wanted is None:
            return None
        try:
            return str(sample_named(str(wanted)))
        except UsageError as fault:
            where = self._at("profiles", name, "sample") if choice.sample is None else "--koderz-sample"
            raise UsageError(f"{where}: {str(fault).removeprefix('sample: ')}") from None

    def _at(self, *key_path: str | int) -> str:
        """`file:line: key` in the file that defines it, or the option that did."""
        option = self._option(key_path)
        if option is not None:
            return option
        source = next((source for source in self.sources if _defines(source, key_path)), self.sources[0])
        return source.at(key_path)

    def _at_own(self, *key_path: str) -> str | None:
        """The same in the user's file or words; None where the shipped one defines it."""
        own = self.sources[:-1]
        return self._option(key_path) or next(
            (source.at(key_path) for source in own if _defines(source, key_path)), None
        )

    def _option(self, key_path: KeyPath) -> str | None:
        """The last option that gave the key its value, or what it stands in."""
        given = [each for each in self.assignments if key_path[: len(each.key_path)] == each.key_path]
        return f"{given[-1].option}: {dotted(key_path)}" if given else None

    def _check_names(self) -> None:
        """Profiles name what there is, as do models, also those that take no part."""
        mistakes = Mistakes()
        for name, profile in self.entry.profiles.items():
            for arm in profile.arms:
                with mistakes.noted():
                    self._check_arm(arm, self._at("profiles", name, "arms"))
            for slot, model in profile.models.items():
                with mistakes.noted():
                    self._check_model(model, ("profiles", name, "models", slot))
        for name, entry in self.entry.models.items():
            for check in self._checks_of_model(name, entry):
                with mistakes.noted():
                    check()
        mistakes.tell()

    def _check_arm(self, name: str, where: str) -> None:
        if name not in self.entry.arms:
            raise UsageError(f"{where}: no arm named '{name}'{nearest(name, self.entry.arms)}")

    def _check_model(self, name: str, key_path: KeyPath) -> None:
        if name not in self.entry.models:
            raise UsageError(f"{self._at(*key_path)}: no model named '{name}'{nearest(name, self.entry.models)}")

    def _checks_of_model(self, name: str, entry: ModelEntry) -> Iterator[Callable[[], None]]:
        """Of its back end and each of its options."""
        yield partial(self._check_backend, name, entry)
        for option in entry.options:
            yield partial(self._check_option, name, entry, option)

    def _check_backend(self, name: str, entry: ModelEntry) -> None:
        if entry.backend not in self.backends and not self.backends.open_ended:
            what = f"no back end named '{entry.backend}'{nearest(entry.backend, self.backends)}"
            raise UsageError(f"{self._at('models', name, 'backend')}: {what}")

    def _check_option(self, name: str, entry: ModelEntry, option: str) -> None:
        model = ModelSettings(name, entry.backend, entry.model, options={option: entry.options[option]})
        try:
            self.backends.of(model).checked(model)
        except UsageError as fault:
            words = str(fault).removeprefix(f"models.{name}.options.{option}: ")
            raise UsageError(f"{self._at('models', name, 'options', option)}: {words}") from None

    def _profile(self, name: str, choice: Choice) -> ProfileEntry:
        if name in self.entry.profiles:
            return self.entry.profiles[name]
        where = "--koderz-profile" if choice.profile else self._at("profile")
        raise UsageError(f"{where}: no profile named '{name}'{nearest(name, self.entry.profiles)}")

    def _control_arm(self) -> str:
        name = self.entry.control or ""
        if name not in self.entry.arms:
            raise UsageError(f"{self._at('control')}: no arm named '{name}'{nearest(name, self.entry.arms)}")
        if self.entry.arms[name].recall_guidance:
            why = "the control must not profit from other arms' guidance"
            raise UsageError(
                f"{self._at('arms', name, 'recall_guidance')}: {why}; set it to false or name another control"
            )
        return name

    def _control(self, name: str, profile: ProfileEntry) -> tuple[str | None, Price | None]:
        """The model, as its publisher calls it, and the price at which a control is estimated."""
        model = profile.control_model
        if model is None:
            filler = profile.models.get("frontier")
            if filler is None:
                return None, None
            settings = self._model(filler)
            # Where `model` is a path, its publisher's name for it is that of its price.
            path = self.backends.of(settings).model_is_path
            return (self.entry.models[filler].priced_as if path else settings.model), settings.price
        entry = self.entry.models.get(model)
        if entry is not None:
            return entry.model, self._model_price(model)
        price = self.prices.listed(FRONTIER_PROVIDER, model)
        if price is None:
            where = self._at("profiles", name, "control_model")
            raise UsageError(f"{where}: no price is known for '{model}'{nearest(model, self.entry.models)}")
        return model, price

    def _arm(self, name: str, profile_name: str, profile: ProfileEntry, *, chosen: bool) -> Arm:
        self._check_arm(name, "--koderz-arm" if chosen else self._at("profiles", profile_name, "arms"))
        entry = self.entry.arms[name]
        models: dict[str, Any] = {
            role: self._filled(name, role, profile_name, profile) for role in Role if role is not Role.LOCAL
        }
        writers = [self._called(word, name, Role.LOCAL, profile_name, profile) for word in entry.words(Role.LOCAL)]
        self._check_swarm(name, writers)
        models |= {"local": writers[0], "swarm": tuple(writers[1:]), "candidates": len(writers)}
        given = {key: _given(key, entry, profile) for key in _ARM_KEYS}
        limits = {key: value for key, value in given.items() if value is not None}
        prompts = None if entry.prompts is None else self._prompts(name, entry.prompts)
        arm = Arm(name, **models | limits, grade_on=self.entry.grade_on or "base", prompts=prompts)
        self._check_asking(arm)
        if arm.beam > arm.candidates:
            what = f"{arm.beam} cannot go on of {arm.candidates}; set `candidates` to {arm.beam} or more"
            raise UsageError(f"{self._at('arms', name, 'beam')}: {what}")
        return arm

    def _prompts(self, arm: str, name: str) -> PromptSet:
        if name not in self.entry.prompts:
            where = self._at("arms", arm, "prompts")
            raise UsageError(f"{where}: no prompts named '{name}'{nearest(name, self.entry.prompts)}")
        return prompt_set(self.entry.prompts[name], lambda *key: self._at("prompts", name, *key))

    def _check_asking(self, arm: Arm) -> None:
        """A model that may ask must be told so."""
        if arm.checkpoint_policy is CheckpointPolicy.ASKED and "asking" not in fields_in(arm.prompt_set.candidate.text):
            where = self._at("arms", arm.name, "prompts")
            raise UsageError(f"{where}: the candidate's text lacks $asking, which `checkpoint_policy: asked` needs")

    def _filled(self, arm: str, role: Role, profile_name: str, profile: ProfileEntry) -> ModelSettings | None:
        """The model of a role: what fills the slot in the profile, else the model of that name."""
        word = getattr(self.entry.arms[arm], role)
        return None if word is None else self._called(word, arm, role, profile_name, profile)

    def _check_swarm(self, arm: str, writers: Sequence[ModelSettings]) -> None:
        names = [model.name for model in writers]
        if not names:
            raise UsageError(f"{self._at('arms', arm, 'local')}: must name a model, or several")
        if twice := [name for name in names if names.count(name) > 1]:
            what = f"names the model '{twice[0]}' twice; `candidates` says how many replies there are"
            raise UsageError(f"{self._at('arms', arm, 'local')}: {what}")

    def _called(self, word: str, arm: str, role: Role, profile_name: str, profile: ProfileEntry) -> ModelSettings:
        """The model that a word in that place means."""
        if word in profile.models:
            return self._model(profile.models[word])
        if word in self.entry.models:
            return self._model(word)
        near = nearest(word, [*profile.models, *self.entry.models])
        mine = self._at_own("profiles", profile_name, "models")
        if mine is not None and self._at_own("arms", arm) is None:
            raise UsageError(f"{mine}: slot '{word}' of arm '{arm}' is not filled{near}")
        what = f"no model named '{word}', and profile '{profile_name}' fills no such slot"
        raise UsageError(f"{self._at('arms', arm, role)}: {what}{near}")

    def _model(self, name: str) -> ModelSettings:
        entry, price = self.entry.models[name], self._model_price(name)
        if price is None and not self.entry.allow_unknown_price:
            unpriced = entry.priced_as or entry.model
            hint = f"add it under `prices: {unpriced}:`{self._free_at_home(entry)}, or set `allow_unknown_price: true`"
            if entry.backend not in self.backends:
                near = nearest(entry.backend, self.backends)
                hint = f"{hint}; its back end '{entry.backend}' must be a plugin's, ours has another name{near}"
            raise UsageError(f"{self._at('models', name)}: no price is known for '{unpriced}'; {hint}")
        shared = {item.name: getattr(entry, item.name) for item in fields(entry) if item.name != "priced_as"}
        waits = [each for each in (entry.patience, self.entry.patience, PATIENCE) if each is not None]
        cutoff = entry.cutoff or CUTOFFS.get(entry.model)
        changed = {"options": flat(entry.options), "patience": waits[0], "cutoff": cutoff}
        settings = ModelSettings(name=name, price=price, **shared | changed)
        if not self.backends.of(settings).model_is_path:
            return settings
        return replace(settings, model=str(self.sources[0].path.parent / entry.model))

    def _free_at_home(self, entry: ModelEntry) -> str:
        """What else may be said of a server that does not say whose it is."""
        settings = ModelSettings("", entry.backend, entry.model, hosts=entry.hosts)
        hint = " (`free` for a server of your own that does not answer now or does not say what it is)"
        return hint if self.backends.of(settings).cost_at is not None else ""

    def _model_price(self, name: str) -> Price | None:
        entry = self.entry.models[name]
        settings = ModelSettings(name, entry.backend, entry.model, hosts=entry.hosts)
        backend = self.backends.of(settings)
        known = entry.priced_as is not None or entry.model in self.prices.entries
        if backend.cost_at is None or known:
            return self.prices.of_model(entry, backend.cost)
        if name not in self.rules:
            self.rules[name] = backend.cost_at(settings, self.environment)
        return self.prices.of_model(entry, self.rules[name])


_ARM_KEYS = tuple(item.name for item in fields(ArmEntry) if item.name not in [*Role, "prompts"])


def _epochs(choice: Choice, profile: ProfileEntry) -> int:
    epochs = choice.epochs or profile.epochs
    if epochs > MOST_EPOCHS:
        raise UsageError(f"--koderz-epochs: {epochs} is more than {MOST_EPOCHS}")
    return epochs


def _given(key: str, arm: ArmEntry, profile: ProfileEntry) -> Any:
    """The value of an arm's key, else the profile's. None: neither has one, which leaves it to `Arm` itself."""
    own = getattr(arm, key)
    return getattr(profile, key, None) if own is None else own


def _defines(source: Located, key_path: KeyPath) -> bool:
    """Whether the section or the named entry that *key_path* leads into stands in this file."""
    plain = source.plain
    for key in key_path[:2]:
        plain = plain.get(key) if isinstance(plain, dict) else None
    return plain is not None
