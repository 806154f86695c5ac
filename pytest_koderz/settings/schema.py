"""What may stand in koderz.yaml, and the words for what may not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Le

from pytest_koderz.core.arm import CheckpointPolicy, Role, SpecPolicy
from pytest_koderz.core.iteration import FeedbackPolicy
from pytest_koderz.core.problem import Acceptance, GradingSet
from pytest_koderz.files.nearest import most_like, nearest
from pytest_koderz.files.usage_error import Mistakes
from pytest_koderz.files.yaml_lines import KeyPath, Located

Positive = Annotated[int, Ge(1)]
MOST_EPOCHS = 10_000
"""Each of them makes an item of each problem."""
Candidates = Annotated[int, Ge(1), Le(1_000)]
"""All of a round are asked for at once."""
Patience = Annotated[float, Ge(0), Le(86_400)]
"""Seconds that a server without an answer is waited for."""


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
    patience: Patience | None = None
    """None: that of the file."""
    hosts: tuple[str, ...] = ()
    slots: Positive | None = None
    cutoff: date | None = None
    """Up to when its training data reach. None: as its publisher says, where that is known."""
    options: dict[str, Any] = field(default_factory=dict)
    """Checked by the back end, which knows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateEntry(_Checked):
    """What is left out is as shipped."""

    system: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptsEntry(_Checked):
    """What is left out is as shipped."""

    spec: TemplateEntry = TemplateEntry()
    candidate: TemplateEntry = TemplateEntry()
    checkpoint: TemplateEntry = TemplateEntry()
    fallback: TemplateEntry = TemplateEntry()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmEntry(_Checked):
    local: str | tuple[str, ...]
    """Several take turns in writing the candidates of an iteration."""
    spec: str | None = None
    checkpoint: str | None = None
    max_iterations: Positive | None = None
    """None: the profile's."""
    checkpoint_interval: Positive | None = None
    """None: the profile's."""
    feedback: FeedbackPolicy | None = None
    """None: the profile's."""
    candidates: Candidates | None = None
    """None: one of each local model."""
    beam: Positive = 1
    spread: Annotated[float, Ge(0), Le(1)] = 0.0
    attempts_shown: Annotated[int, Ge(0)] = 5
    reuse_spec: bool = False
    checkpoint_policy: CheckpointPolicy = CheckpointPolicy.INTERVAL
    fallback: str | None = None
    recall_guidance: bool = False
    accept_on: Acceptance = "base"
    spec_policy: SpecPolicy = SpecPolicy.EAGER
    max_reviews: Annotated[int, Ge(0)] | None = None
    """None: as many as fall due."""
    prompts: str | None = None
    """Name of a set. None: the shipped ones."""

    def words(self, role: Role) -> tuple[str, ...]:
        """What stands for the models of a role: slots or models' names."""
        word = getattr(self, role)
        return () if word is None else (word,) if isinstance(word, str) else tuple(word)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileEntry(_Checked):
    arms: tuple[str, ...]
    models: dict[str, str]
    """Slots, as arms name them, and the models that fill them."""
    description: str = ""
    problems: str | int | None = None
    sample: str | int | None = None
    """How many of them are drawn at random, and from which seed: `50@7`. None: all."""
    epochs: Annotated[int, Ge(1), Le(MOST_EPOCHS)] = 1
    jobs: Positive | Literal["auto"] | None = None
    """Experiments in flight in one process; `auto`: as many as the local models' servers have slots for. None: one, or
    as many as the cluster has threads.
    """
    executor: str | None = None
    """The cluster that runs the experiments. None: this process and those of pytest-xdist do."""
    max_iterations: Positive = 50
    checkpoint_interval: Positive = 5
    feedback: FeedbackPolicy = FeedbackPolicy.ASSERTION
    control_model: str | None = None
    """At whose list price the control is estimated where it did not run. None: the one that fills `frontier`."""
    json: str | None = None
    """Where the results are written."""
    html: str | None = None
    """Where they are written as a page."""
    markdown: str | None = None
    """Where the summary is written as Markdown."""
    max_cost: Annotated[Decimal, Gt(0)] | None = None
    """US dollars that a benchmark may spend. None: no limit."""
    stop: Literal["decided"] | None = None
    """When no further problem is begun. None: when there is none left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxEntry(_Checked):
    timeout: Annotated[float, Gt(0), Le(3600)] = 5.0
    memory_mb: Annotated[int, Ge(64), Le(1 << 20)] = 1024
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CortexEntry(_Checked):
    enabled: bool = True
    project: str = "koderz"


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseEntry(_Checked):
    price: Annotated[Decimal, Gt(0)]
    """US dollars of a GPU."""
    hours: Annotated[Decimal, Gt(0), Le(744)]
    """A month, for which it would be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry(_Checked):
    """A whole koderz.yaml. None: not given here."""

    profile: str | None = None
    control: str | None = None
    profiles: dict[str, ProfileEntry] = field(default_factory=dict)
    arms: dict[str, ArmEntry] = field(default_factory=dict)
    models: dict[str, ModelEntry] = field(default_factory=dict)
    prompts: dict[str, PromptsEntry] = field(default_factory=dict)
    prices: dict[str, PriceEntry | Literal["free"]] = field(default_factory=dict)
    allow_unknown_price: bool | None = None
    sandbox: SandboxEntry | None = None
    cortex: CortexEntry | None = None
    folder: str | None = None
    margin: Annotated[float, Gt(0), Le(1)] | None = None
    grade_on: GradingSet | None = None
    local_rate: Annotated[Decimal, Gt(0)] | None = None
    patience: Patience | None = None
    purchase: PurchaseEntry | None = None
    wrong_accept: Annotated[Decimal, Gt(0)] | None = None

    def over(self, other: FileEntry) -> FileEntry:
        """This file on top of *other*: named entries are added or replaced, single values win where given."""
        merged: dict[str, Any] = {}
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            merged[item.name] = {**theirs, **mine} if isinstance(mine, dict) else theirs if mine is None else mine
        return FileEntry(**merged)


NAMED_SECTIONS = ("profiles", "arms", "models", "prompts", "prices")
"""Those that hold entries under names of the user's own."""

SECTIONS: Mapping[str, type[_Checked]] = {
    "profiles": ProfileEntry,
    "arms": ArmEntry,
    "models": ModelEntry,
    "prompts": PromptsEntry,
    "prices": PriceEntry,
    "sandbox": SandboxEntry,
    "cortex": CortexEntry,
    "purchase": PurchaseEntry,
}


def entry_of(source: Located) -> FileEntry:
    """A whole file, checked but for its names. Raises UsageError with line and key."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(FileEntry).validate_python({} if source.plain is None else source.plain)
    except ValidationError as error:
        found = [_Fault(_path_in(source.plain, each["loc"]), each) for each in error.errors()]
        Mistakes([*_told(source, sorted(found, key=lambda fault: source.line_of(fault.path)))]).tell()
        raise


_UNKNOWN_KEY = "unexpected_keyword_argument"


@dataclass(frozen=True, slots=True)
class _Fault:
    """A thing that pydantic found."""

    path: KeyPath
    """As far as it stands in the file; of a missing key, where it should."""
    error: Mapping[str, Any]

    @property
    def key(self) -> str:
        return str(self.error["loc"][-1])

    @property
    def kind(self) -> str:
        return str(self.error["type"])


def _told(source: Located, found: Sequence[_Fault]) -> Iterator[str]:
    """A line for each place, with all keys that it lacks."""
    told: set[KeyPath] = set()
    for fault in found:
        missing = _missing_at(fault.path, found) if fault.kind == "missing" else []
        if fault.path in told or _is_other_choice(fault, found) or (fault.kind == "missing" and not missing):
            continue
        told.add(fault.path)
        yield _words_of(source, fault, missing)


def _is_other_choice(fault: _Fault, found: Iterable[_Fault]) -> bool:
    """Whether it only says that the value is no such word as could stand there as well, such as `free`."""
    others = (other.path for other in found if other is not fault)
    return fault.kind == "literal_error" and any(path[: len(fault.path)] == fault.path for path in others)


def _missing_at(place: KeyPath, found: Iterable[_Fault]) -> list[str]:
    """The keys that it lacks, but for those that may only be misspelt."""
    known = [item.name for item in fields(_section_of((*place, "")))]
    unknown = [fault.key for fault in found if fault.kind == _UNKNOWN_KEY and fault.path[:-1] == place]
    meant = {most_like(key, known) for key in unknown}
    return [fault.key for fault in found if (fault.kind, fault.path) == ("missing", place) and fault.key not in meant]


def _words_of(source: Located, fault: _Fault, missing: Sequence[str]) -> str:
    """One line for it; *missing* are all keys that its place lacks."""
    loc, error = fault.path, fault.error
    if not isinstance(source.plain, dict):
        return f"{source.path}:1: the file must hold keys such as `arms:`, not {type(source.plain).__name__}"
    if fault.kind == _UNKNOWN_KEY:
        known = [item.name for item in fields(_section_of(loc))]
        return f"{source.at(loc)}: no such key{nearest(fault.key, known)}"
    if missing:
        return f"{source.at(loc)}: {_listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    if error["type"] == "dataclass_type":
        return f"{source.at(loc)}: {_wanted_at(loc)}, not {error['input']!r}"
    message = error["msg"][0].lower() + error["msg"][1:]
    return f"{source.at(loc)}: {message}, not {error['input']!r}"


def _wanted_at(loc: KeyPath) -> str:
    """What must stand where a section's mapping does not."""
    items = fields(SECTIONS[str(loc[0])])
    needed = [item.name for item in items if item.default is MISSING and item.default_factory is MISSING]
    keys = _listed(needed or [f"keys such as {items[0].name}"])
    return f"must be {'`free` or ' if loc[0] == 'prices' else ''}a mapping with {keys}"


def _listed(names: Sequence[str]) -> str:
    """`input, output and source`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _path_in(plain: object, loc: Iterable[str | int]) -> KeyPath:
    """The part of *loc* that stands in the file; pydantic adds names of union members."""
    path: list[str | int] = []
    for key in loc:
        if (isinstance(plain, dict) and key in plain) or (isinstance(plain, list) and isinstance(key, int)):
            plain = plain[key]  # type: ignore[index]  # checked in the line above, by kind
            path.append(key)
    return tuple(path)


def _section_of(loc: KeyPath) -> type[_Checked]:
    if len(loc) > 3 and loc[0] == "prompts":
        return TemplateEntry
    return SECTIONS[str(loc[0])] if len(loc) > 1 else FileEntry
