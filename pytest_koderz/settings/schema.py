"""What may stand in koderz.yaml, and the words for what may not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Le

from pytest_koderz.core.arm import CheckpointPolicy, SpecPolicy
from pytest_koderz.core.iteration import FeedbackPolicy
from pytest_koderz.core.problem import Acceptance, GradingSet
from pytest_koderz.files.nearest import nearest
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.files.yaml_lines import KeyPath, Located

Positive = Annotated[int, Ge(1)]
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
    local: str
    spec: str | None = None
    checkpoint: str | None = None
    max_iterations: Positive | None = None
    """None: the profile's."""
    checkpoint_interval: Positive | None = None
    """None: the profile's."""
    feedback: FeedbackPolicy | None = None
    """None: the profile's."""
    candidates: Positive = 1
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileEntry(_Checked):
    arms: tuple[str, ...]
    models: dict[str, str]
    """Slots, as arms name them, and the models that fill them."""
    description: str = ""
    problems: str | int | None = None
    sample: str | int | None = None
    """How many of them are drawn at random, and from which seed: `50@7`. None: all."""
    epochs: Positive = 1
    jobs: Positive = 1
    """Experiments in flight in one process."""
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
    memory_mb: Annotated[int, Ge(64)] = 1024
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

_SECTIONS: Mapping[str, type[_Checked]] = {
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
        # What is missing may only be misspelt.
        errors = sorted(error.errors(), key=lambda each: each["type"] != _UNKNOWN_KEY)
        first = errors[0]
        beside = [each["loc"][-1] for each in errors if _are_missing_together(each, first)]
        raise UsageError(_words_of(source, first, " and ".join(map(str, beside)))) from None


_UNKNOWN_KEY = "unexpected_keyword_argument"


def _is(keys: str) -> str:
    return "are" if " and " in keys else "is"


def _are_missing_together(error: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """In the same place."""
    return bool(error["type"] == other["type"] == "missing" and error["loc"][:-1] == other["loc"][:-1])


def _words_of(source: Located, error: Mapping[str, Any], missing: str) -> str:
    """One line for a thing that pydantic found; *missing* are all keys that a place lacks."""
    loc: KeyPath = _path_in(source.plain, error["loc"])
    if not isinstance(source.plain, dict):
        return f"{source.path}:1: the file must hold keys such as `arms:`, not {type(source.plain).__name__}"
    if error["type"] == _UNKNOWN_KEY:
        known = [item.name for item in fields(_section_of(loc))]
        return f"{source.at(loc)}: no such key{nearest(str(loc[-1]), known)}"
    if error["type"] == "missing":
        return (
            f"{source.at(loc[:-1] if loc and loc[-1] == error['loc'][-1] else loc)}: {missing} {_is(missing)} missing"
        )
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
    if len(loc) > 3 and loc[0] == "prompts":
        return TemplateEntry
    return _SECTIONS[str(loc[0])] if len(loc) > 1 else FileEntry
