"""What a journal's lines say, as typed values, and how a line is written and read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.money import Price, Spending
from pytest_koderz.core.ports import Reply
from pytest_koderz.files.secret_values import NO_SECRETS, Redaction
from pytest_koderz.files.usage_error import UsageError

from .codec import MOST_BYTES, Malformed, dumped, parsed, plain, value_of
from .conditions import Conditions
from .earlier_journals import upgraded

VERSION = 3
"""Of the lines' format. 1 had neither `began` nor `conditions`, 2 had digests for conditions and no definitions."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a benchmark says of itself, first in each journal. What an earlier version did not say has its default."""

    id: str = ""
    profile: str | None = None
    arms: tuple[str, ...] = ()
    simulated: bool = False
    models: Mapping[str, str] = field(default_factory=dict)
    """By name the back end and what that calls it."""
    servers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By a model's name what its servers said of its weights and of themselves, where they said anything."""
    problems: str | None = None
    """Their selection. None: all that the suites hold."""
    epochs: int | None = None
    control: str | None = None
    margin: float | None = None
    grade_on: str | None = None
    max_cost: Decimal | None = None
    settings: str = ""
    """A digest of what leads to the same experiments."""
    prompt_version: str = ""
    pytest_koderz: str = ""
    python: str = ""
    items: int | None = None
    """How many experiments there will be. None: it was not known yet."""
    sample: str | None = None
    """How many problems were drawn, and from which seed: `50@0`. None: all that were selected."""
    planned: int | None = None
    """How many problems there will be. None: it was not known yet."""
    selection: str | None = None
    """Which these are, in words, where they are not all."""
    part: str | None = None
    """Which shard of how many it is: `2/8`. None: the whole."""
    whole: int | None = None
    """How many problems all shards have together."""
    at: str = ""
    """ISO 8601, UTC: when it said so."""

    definitions: tuple[Arm, ...] = ()
    """Of the arms; empty where they are not known."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """The fixed texts of the prompts, by name."""
    control_model: str | None = None
    control_price: Price | None = None
    """At which a control that does not run is estimated. None: no estimate."""
    local_rate: Decimal | None = None
    purchase_price: Decimal | None = None
    """US dollars of a GPU that may be bought."""
    purchase_hours: Decimal | None = None
    """GPU-hours a month for which it would be used."""
    wrong_accept: Decimal | None = None
    """US dollars that it costs to take a wrong answer for a right one."""
    timeout: float | None = None
    """Seconds that a candidate may run."""
    memory_mb: int | None = None
    strict: bool | None = None
    """Whether a judge that lacks a lock is refused."""
    draws: str | None = None
    """A secret from which all tests draw what they draw. None: they drew what everybody knows."""
    overrides: tuple[str, ...] = ()
    """What the command line changed of koderz.yaml, as --koderz-set takes it."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A summary was read; claims at later ones are made at a level that pays for it."""

    problems: int
    """On which the first arm was compared with the control."""
    planned: int
    """How many there were to be."""
    decided: str = ""
    """The claim that it ended in, after which no further problem is begun. Empty: there was none, or nobody asked."""


@dataclass(frozen=True, slots=True)
class Began:
    """An experiment begins, or goes on."""

    started: str
    """ISO 8601, UTC."""
    under: Conditions
    """In version 2 digests."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt as it is kept. Who only goes on needs no more than its digest."""

    digest: str
    system: str = ""
    user: str = ""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Called:
    """A call to a model was answered."""

    role: Role
    prompt: Asked
    reply: Reply
    spending: Spending
    """What it cost, worked out when it was made."""


@dataclass(frozen=True, slots=True)
class SpecWritten:
    spec: Spec


@dataclass(frozen=True, slots=True)
class Iterated:
    iteration: Iteration


@dataclass(frozen=True, slots=True)
class Advised:
    advice: Advice


@dataclass(frozen=True, slots=True)
class Checkpointed:
    guidance: Guidance


@dataclass(frozen=True, slots=True)
class Ended:
    record: Experiment


Happening = Head | Looked | Began | Called | SpecWritten | Iterated | Advised | Checkpointed | Ended

KINDS: Mapping[str, type[Happening]] = {
    "benchmark": Head,
    "looked": Looked,
    "began": Began,
    "called": Called,
    "spec_written": SpecWritten,
    "iterated": Iterated,
    "advised": Advised,
    "checkpointed": Checkpointed,
    "ended": Ended,
}
OF_THE_WHOLE = ("benchmark", "looked")
"""Of no experiment alone."""
_NAMES = {kind: name for name, kind in KINDS.items()}


@dataclass(frozen=True, slots=True)
class About:
    """Which experiment an event is of."""

    experiment: str
    problem: str
    arm: str
    epoch: int = 1
    conditions: str = ""
    """The same for events of the experiment under the same conditions."""


@dataclass(frozen=True, slots=True)
class Event:
    """A line of a journal."""

    at: str
    """ISO 8601, UTC."""
    what: Happening
    about: About | None = None
    """None: it is of the whole benchmark."""
    version: int = VERSION
    place: str = field(default="", compare=False)
    """`file:line`."""


_STAMP = ("v", "event", "at")
_ABOUT = tuple(item.name for item in fields(About))


def line_of(event: Event, redact: Redaction = NO_SECRETS) -> bytes:
    """The event as its line, without secrets. Raises Malformed for what could not be read again."""
    stamp = {"v": VERSION, "event": _NAMES[type(event.what)], "at": event.at}
    about = {} if event.about is None else plain(event.about)
    told = {**stamp, **about, **plain(event.what)} | stamp
    content = f"{dumped(redact.of_plain(told) if redact else told)}\n".encode()
    if len(content) > MOST_BYTES:
        raise Malformed(f"more than {MOST_BYTES >> 20} MiB")
    return content


def event_of(values: object, place: str = "") -> Event:
    """The event that a line's JSON tells. Raises Malformed, and UsageError for a newer version's."""
    if not isinstance(values, dict):
        raise Malformed("is no line of a journal")
    version, name, at = (values.get(key) for key in _STAMP)
    if type(version) is not int or version > VERSION:
        newer = f"was written by a newer version of pytest-koderz (format {version!r}, this one reads up to {VERSION})"
        raise UsageError(f"{place}: {newer}")
    if not isinstance(name, str) or name not in KINDS or not isinstance(at, str):
        raise Malformed("is no line of a journal")
    told = upgraded(version, name, {key: value for key, value in values.items() if key not in _STAMP})
    about = None
    if name == "benchmark":
        told["at"] = at
    elif name not in OF_THE_WHOLE:
        about = value_of(About, {key: told.pop(key) for key in _ABOUT if key in told})
    what = value_of(KINDS[name], told)
    if isinstance(what, Ended) and (what.record.id, what.record.arm) != (about and (about.experiment, about.arm)):
        raise Malformed("record: is of another experiment")
    return Event(at, what, about, version, place)


def journals_in(folder: Path) -> list[Path]:
    """In the order of their names. A pipe, a device or a folder is none, whatever its name: it may never end."""
    return sorted(path for path in folder.glob("*.jsonl") if path.is_file())


def events_in(path: Path) -> Iterator[Event]:
    """The events of one journal. Raises UsageError, with file and line, for what cannot be one of ours.

    A torn last line is what a killed process leaves, and is passed over.
    """
    torn = ""
    for place, line in _lines(path):
        if torn:
            raise UsageError(f"{torn}: is no line of a journal; remove it to go on without what it held")
        try:
            values = parsed(line)
        except Malformed:
            torn = place
            continue
        try:
            yield event_of(values, place)
        except Malformed as fault:
            raise UsageError(f"{place}: {fault}; remove it to go on without what it held") from None


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each line that has an end, with its place."""
    number = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(MOST_BYTES + 1):
                number += 1
                if line.endswith(b"\n"):
                    yield f"{path}:{number}", line
                elif len(line) > MOST_BYTES:
                    raise UsageError(f"{path}:{number}: is longer than {MOST_BYTES >> 20} MiB")
    except OSError as fault:
        raise UsageError(f"{path}: {fault.strerror or fault}") from None


def head_of_journal(path: Path) -> Head | None:
    """What the journal says first; None where it is not there yet. Raises UsageError."""
    first = next(events_in(path), None)
    return first.what if first is not None and isinstance(first.what, Head) else None
