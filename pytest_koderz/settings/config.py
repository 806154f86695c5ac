"""koderz.yaml, the environment and the command line, read into one checked value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Le

from pytest_koderz.backends import NAMES, backend
from pytest_koderz.backends.options import checked
from pytest_koderz.core.arm import Arm, CheckpointPolicy, ModelSettings, Role
from pytest_koderz.core.iteration import FeedbackPolicy
from pytest_koderz.core.money import Price
from pytest_koderz.core.problem import GradingSet
from pytest_koderz.files.nearest import nearest
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.files.yaml_lines import KeyPath, Located, read_yaml

FREE_BACKENDS = ("embedded", "ollama", "simulated")
"""What runs on the user's own machines; its dollars are 0 unless `prices` or `priced_as` says otherwise."""

PROVIDERS = {"anthropic": "anthropic", "openai": "openai"}
"""Under which name the price list knows a back end."""

Positive = Annotated[int, Ge(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """A section of the file: no key but its fields."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceEntry(_Checked):
    input: Annotated[Decimal, Ge(0)]
    output: Annotated[Decimal, Ge(0)]
    as_of: date
    source: str
    cache_write: Annotated[Decimal, Ge(0)] | None = None
    """None: as `input`."""
    cache_read: Annotated[Decimal, Ge(0)] | None = None
    """None: as `input`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry(_Checked):
    backend: str
    model: str
    priced_as: str | None = None
    """Name of the model whose price it takes. None: its own."""
    temperature: Annotated[float, Ge(0), Le(2)] | None = None
    max_tokens: Positive = 4096
    context_tokens: Positive | None = None
    timeout: Annotated[float, Gt(0), Le(86_400)] = 600.0
    hosts: tuple[str, ...] = ()
    options: dict[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmEntry(_Checked):
    local: str
    spec: str | None = None
    checkpoint: str | None = None
    max_iterations: Positive | None = None
    """None: the profile's."""
    checkpoint_interval: Positive | None = None
    """None: the profile's."""
    feedback: FeedbackPolicy = FeedbackPolicy.ASSERTION
    candidates: Positive = 1
    attempts_shown: Annotated[int, Ge(0)] = 5
    reuse_spec: bool = False
    checkpoint_policy: CheckpointPolicy = CheckpointPolicy.INTERVAL
    fallback: str | None = None
    recall_guidance: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileEntry(_Checked):
    arms: tuple[str, ...]
    models: dict[str, str]
    """Slots, as arms name them, and the models that fill them."""
    description: str = ""
    problems: str | int | None = None
    epochs: Positive = 1
    jobs: Positive = 1
    """Experiments in flight in one process."""
    max_iterations: Positive = 50
    checkpoint_interval: Positive = 5
    control_model: str | None = None
    """At whose list price the control is estimated where it did not run. None: the one that fills `frontier`."""
    json: str | None = None
    """Where the results are written."""
    html: str | None = None
    """Where they are written as a page."""
    max_cost: Annotated[Decimal, Gt(0)] | None = None
    """US dollars that a benchmark may spend. None: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxEntry(_Checked):
    timeout: Annotated[float, Gt(0), Le(3600)] = 5.0
    memory_mb: Annotated[int, Ge(64)] = 1024
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CortexEntry(_Checked):
    enabled: bool = True
    project: str = "koderz"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry(_Checked):
    """A whole koderz.yaml. None: not given here."""

    profile: str | None = None
    control: str | None = None
    profiles: dict[str, ProfileEntry] = field(default_factory=dict)
    arms: dict[str, ArmEntry] = field(default_factory=dict)
    models: dict[str, ModelEntry] = field(default_factory=dict)
    prices: dict[str, PriceEntry | Literal["free"]] = field(default_factory=dict)
    allow_unknown_price: bool | None = None
    sandbox: SandboxEntry | None = None
    cortex: CortexEntry | None = None
    folder: str | None = None
    margin: Annotated[float, Gt(0), Le(1)] | None = None
    grade_on: GradingSet | None = None
    local_rate: Annotated[Decimal, Gt(0)] | None = None

    def over(self, other: FileEntry) -> FileEntry:
        """This file on top of *other*: named entries are added or replaced, single values win where given."""
        merged: dict[str, Any] = {}
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            merged[item.name] = {**theirs, **mine} if isinstance(mine, dict) else theirs if mine is None else mine
        return FileEntry(**merged)


_SECTIONS: Mapping[str, type[_Checked]] = {
    "profiles": ProfileEntry,
    "arms": ArmEntry,
    "models": ModelEntry,
    "prices": PriceEntry,
    "sandbox": SandboxEntry,
    "cortex": CortexEntry,
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line picks; None or empty: what koderz.yaml says."""

    profile: str | None = None
    arms: tuple[str, ...] = ()
    problems: str | None = None
    epochs: int | None = None
    jobs: int | None = None
    json: str | None = None
    html: str | None = None
    max_cost: Decimal | None = None


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
    epochs: int
    jobs: int
    """Experiments in flight in one process."""
    sandbox: SandboxEntry
    cortex: CortexEntry
    folder: Path
    margin: float
    local_rate: Decimal | None
    """US dollars per GPU-hour of one's own machines, for a second cost beside that of the tokens. None: not given."""
    json: Path | None
    html: Path | None
    max_cost: Decimal | None
    """US dollars that the benchmark may spend. None: no limit."""
    environment: Mapping[str, str] = field(repr=False)
    """The process's environment with the .env file beside koderz.yaml beneath it. Holds secrets: never written."""

    @property
    def models(self) -> tuple[ModelSettings, ...]:
        """Every model that takes part, once."""
        return tuple({model.name: model for arm in self.arms for model in arm.models.values()}.values())

    @property
    def digest(self) -> str:
        """The same for settings that lead to the same experiments: arms with their models, limits, seeds."""
        return sha256(repr((self.arms, self.sandbox, self.epochs)).encode()).hexdigest()[:16]

    @property
    def simulated(self) -> bool:
        """True also where what a simulated model said is played back."""
        from pytest_koderz.backends.replay import plays_simulated

        return any(model.backend == "simulated" or plays_simulated(model) for model in self.models)


def shipped_path(name: str) -> Path:
    """A file or folder that is shipped with the package: in a wheel inside of it, in a checkout beside it."""
    package = Path(__file__).parents[1]
    inside = package / name
    return inside if inside.exists() else package.parent / name


def load_settings(
    path: Path | None, root: Path, environment: Mapping[str, str], choice: Choice, *, plugins: bool = False
) -> Settings:
    """Read *path* (None: koderz.yaml in *root*, else the shipped one). Raises UsageError, one line each.

    *plugins* tells that someone else offers back ends too, whose names only he knows.
    """
    own = path or _own_file(root)
    sources = [read_yaml(shipped_path("koderz.yaml"))]
    if own is not None and own.resolve() != sources[0].path.resolve():
        sources.insert(0, read_yaml(own))
    entry = _entry_of(sources[-1])
    if len(sources) > 1:
        entry = _entry_of(sources[0]).over(entry)
    folder = sources[0].path.parent if own is not None else root
    secrets = {**_dotenv(folder / ".env"), **environment}
    return _Names(tuple(sources), entry, plugins).settings(choice, root, secrets)


def _own_file(root: Path) -> Path | None:
    if (root / "koderz.yaml").is_file():
        return root / "koderz.yaml"
    if (root / "koderz.yml").is_file():
        raise UsageError(f"{root / 'koderz.yml'}: is not read under this name; call it koderz.yaml")
    return None


def _dotenv(path: Path) -> dict[str, str]:
    from dotenv import dotenv_values

    try:
        return {key: value for key, value in dotenv_values(path).items() if value} if path.is_file() else {}
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"{path}: cannot be read: {getattr(fault, 'strerror', None) or 'not UTF-8 text'}") from None


def _entry_of(source: Located) -> FileEntry:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(FileEntry).validate_python({} if source.plain is None else source.plain)
    except ValidationError as error:
        # What is missing may only be misspelt.
        errors = sorted(error.errors(), key=lambda each: each["type"] != _UNKNOWN_KEY)
        raise UsageError(_words_of(source, errors[0])) from None


_UNKNOWN_KEY = "unexpected_keyword_argument"


def _words_of(source: Located, error: Mapping[str, Any]) -> str:
    """One line for a thing that pydantic found."""
    loc: KeyPath = _path_in(source.plain, error["loc"])
    if not isinstance(source.plain, dict):
        return f"{source.path}:1: the file must hold keys such as `arms:`, not {type(source.plain).__name__}"
    if error["type"] == _UNKNOWN_KEY:
        known = [item.name for item in fields(_section_of(loc))]
        return f"{source.at(loc)}: no such key{nearest(str(loc[-1]), known)}"
    if error["type"] == "missing":
        return f"{source.at(loc[:-1] if loc and loc[-1] == error['loc'][-1] else loc)}: {error['loc'][-1]} is missing"
    if error["type"] == "dataclass_type":
        return f"{source.at(loc)}: {_wanted_at(loc)}, not {error['input']!r}"
    message = error["msg"][0].lower() + error["msg"][1:]
    return f"{source.at(loc)}: {message}, not {error['input']!r}"


def _wanted_at(loc: KeyPath) -> str:
    """What must stand where a section's mapping does not."""
    items = fields(_SECTIONS[str(loc[0])])
    needed = [item.name for item in items if item.default is MISSING and item.default_factory is MISSING]
    *first, last = needed or [f"keys such as {items[0].name}"]
    keys = f"{', '.join(first)} and {last}" if first else last
    return f"must be {'`free` or ' if loc[0] == 'prices' else ''}a mapping with {keys}"


def _path_in(plain: object, loc: Iterable[str | int]) -> KeyPath:
    """The part of *loc* that stands in the file; pydantic adds names of union members."""
    path: list[str | int] = []
    for key in loc:
        if (isinstance(plain, dict) and key in plain) or (isinstance(plain, list) and isinstance(key, int)):
            plain = plain[key]  # type: ignore[index]  # checked in the line above, by kind
            path.append(key)
    return tuple(path)


def _section_of(loc: KeyPath) -> type[_Checked]:
    return _SECTIONS[str(loc[0])] if len(loc) > 1 else FileEntry


@dataclass(frozen=True, slots=True)
class _Names:
    """The names that koderz.yaml defines, and where each stands."""

    sources: tuple[Located, ...]
    """The user's file before the shipped one."""
    entry: FileEntry
    plugins: bool
    """Whether someone else offers back ends too."""

    def settings(self, choice: Choice, root: Path, environment: Mapping[str, str]) -> Settings:
        self._check_profiles()
        self._check_models()
        name = choice.profile or self.entry.profile or ""
        profile = self._profile(name, choice)
        names = choice.arms or profile.arms
        arms = tuple(self._arm(arm, name, profile, chosen=bool(choice.arms)) for arm in dict.fromkeys(names))
        control_model, control_price = self._control(name, profile)
        problems = choice.problems if choice.problems is not None else profile.problems
        output, page = choice.json or profile.json, choice.html or profile.html
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
            epochs=choice.epochs or profile.epochs,
            jobs=choice.jobs or profile.jobs,
            sandbox=self.entry.sandbox or SandboxEntry(),
            cortex=self.entry.cortex or CortexEntry(),
            folder=root / (self.entry.folder or ".koderz"),
            margin=self.entry.margin or 0.05,
            local_rate=self.entry.local_rate,
            json=None if output is None else root / output,
            html=None if page is None else root / page,
            max_cost=profile.max_cost if choice.max_cost is None else choice.max_cost,
            environment=environment,
        )

    def _at(self, *key_path: str | int) -> str:
        """`file:line: key` in the file that defines it."""
        source = next((source for source in self.sources if _defines(source, key_path)), self.sources[0])
        return source.at(key_path)

    def _at_own(self, *key_path: str) -> str | None:
        """The same in the user's file; None where the shipped one defines it."""
        own = self.sources[:-1]
        return next((source.at(key_path) for source in own if _defines(source, key_path)), None)

    def _check_profiles(self) -> None:
        """Each names what there is, also those that do not run."""
        for name, profile in self.entry.profiles.items():
            for arm in profile.arms:
                self._check_arm(arm, self._at("profiles", name, "arms"))
            for slot, model in profile.models.items():
                self._check_model(model, ("profiles", name, "models", slot))

    def _check_arm(self, name: str, where: str) -> None:
        if name not in self.entry.arms:
            raise UsageError(f"{where}: no arm named '{name}'{nearest(name, self.entry.arms)}")

    def _check_model(self, name: str, key_path: KeyPath) -> None:
        if name not in self.entry.models:
            raise UsageError(f"{self._at(*key_path)}: no model named '{name}'{nearest(name, self.entry.models)}")

    def _check_models(self) -> None:
        """Back ends and their options are known, also those of models that take no part."""
        for name, entry in self.entry.models.items():
            if entry.backend in NAMES:
                self._check_options(name, entry)
            elif not self.plugins:
                what = f"no back end named '{entry.backend}'{nearest(entry.backend, NAMES)}"
                raise UsageError(f"{self._at('models', name, 'backend')}: {what}")

    def _check_options(self, name: str, entry: ModelEntry) -> None:
        for option, value in entry.options.items():
            model = ModelSettings(name, entry.backend, entry.model, options={option: value})
            try:
                checked(model, backend(entry.backend).OPTIONS)
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
            # What is played back stands in a file; its publisher's name for it is that of its price.
            played = settings.backend == "replay"
            return (self.entry.models[filler].priced_as if played else settings.model), settings.price
        entry = self.entry.models.get(model)
        if entry is not None:
            return entry.model, self._price(entry)
        price = self._listed_price("anthropic", model)
        if price is None:
            where = self._at("profiles", name, "control_model")
            raise UsageError(f"{where}: no price is known for '{model}'{nearest(model, self.entry.models)}")
        return model, price

    def _arm(self, name: str, profile_name: str, profile: ProfileEntry, *, chosen: bool) -> Arm:
        self._check_arm(name, "--koderz-arm" if chosen else self._at("profiles", profile_name, "arms"))
        entry = self.entry.arms[name]
        models = {role: self._filled(name, role, profile_name, profile) for role in Role}
        local = models[Role.LOCAL]
        assert local is not None  # noqa: S101 - ArmEntry.local is required
        return Arm(
            name,
            local=local,
            spec=models[Role.SPEC],
            checkpoint=models[Role.CHECKPOINT],
            fallback=models[Role.FALLBACK],
            max_iterations=entry.max_iterations or profile.max_iterations,
            checkpoint_interval=entry.checkpoint_interval or profile.checkpoint_interval,
            feedback=entry.feedback,
            candidates=entry.candidates,
            attempts_shown=entry.attempts_shown,
            reuse_spec=entry.reuse_spec,
            checkpoint_policy=entry.checkpoint_policy,
            recall_guidance=entry.recall_guidance,
            grade_on=self.entry.grade_on or "base",
        )

    def _filled(self, arm: str, role: str, profile_name: str, profile: ProfileEntry) -> ModelSettings | None:
        """The model of a role: what fills the slot in the profile, else the model of that name."""
        word = getattr(self.entry.arms[arm], role)
        if word is None:
            return None
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
        entry = self.entry.models[name]
        price = self._price(entry)
        if price is None and not self.entry.allow_unknown_price:
            unpriced = entry.priced_as or entry.model
            hint = f"add it under `prices: {unpriced}:`, or set `allow_unknown_price: true`"
            if entry.backend not in NAMES:
                near = nearest(entry.backend, NAMES)
                hint = f"{hint}; its back end '{entry.backend}' must be a plugin's, ours has another name{near}"
            raise UsageError(f"{self._at('models', name)}: no price is known for '{unpriced}'; {hint}")
        shared = {item.name: getattr(entry, item.name) for item in fields(entry) if item.name != "priced_as"}
        if entry.backend == "replay":
            shared["model"] = str(self.sources[0].path.parent / entry.model)
        return ModelSettings(name=name, price=price, **shared)

    def _price(self, entry: ModelEntry) -> Price | None:
        """From `prices`, else the price list; a model on the user's own machine costs nothing. None: not known."""
        ref = entry.priced_as or entry.model
        if entry.priced_as is None and entry.model not in self.entry.prices and entry.backend in FREE_BACKENDS:
            return _free("runs on your own machine")
        return self._listed_price(PROVIDERS.get(entry.backend, "anthropic" if entry.priced_as else ""), ref)

    def _listed_price(self, provider: str, model: str) -> Price | None:
        own = self.entry.prices.get(model)
        if own == "free":
            return _free("koderz.yaml")
        if own is not None:
            write, read = own.cache_write, own.cache_read
            return Price(
                own.input,
                own.output,
                own.input if write is None else write,
                own.input if read is None else read,
                own.as_of,
                own.source,
            )
        from .prices import price_of

        return price_of(provider, model, _today()) if provider else None


def _defines(source: Located, key_path: KeyPath) -> bool:
    """Whether the section or the named entry that *key_path* leads into stands in this file."""
    plain = source.plain
    for key in key_path[:2]:
        plain = plain.get(key) if isinstance(plain, dict) else None
    return plain is not None


def _free(source: str) -> Price:
    zero = Decimal(0)
    return Price(zero, zero, zero, zero, _today(), source)


def _today() -> date:
    return datetime.now(UTC).date()
