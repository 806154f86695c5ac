"""What the command line changes of koderz.yaml, in the file's own terms and under the file's own checks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_koderz.backends.backend import Registry
from pytest_koderz.core.arm import Role
from pytest_koderz.files.nearest import nearest
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.files.yaml_lines import KeyPath, Located, dotted, parse_yaml

from .schema import NAMED_SECTIONS, FileEntry


@dataclass(frozen=True, slots=True)
class Assignment:
    """One key of koderz.yaml with another value."""

    option: str
    """As the user gave it, which an error message begins with."""
    key_path: KeyPath
    value: Any

    def __str__(self) -> str:
        """As --koderz-set takes it."""
        return f"{dotted(self.key_path)}={_flow(self.value)}"


@dataclass(frozen=True, slots=True)
class Overridden(Located):
    """A file that was never written: its places are options."""

    assignments: tuple[Assignment, ...] = field(default=(), kw_only=True)

    def at(self, key_path: KeyPath) -> str:
        """The option, and the key of the file that it stands for."""
        found = [each for each in self.assignments if _touches(each.key_path, key_path)]
        option = found[-1].option if found else self.assignments[-1].option
        return f"{option}: {dotted(key_path)}"


def _touches(mine: KeyPath, other: KeyPath) -> bool:
    """Whether one is the other, or stands within it."""
    shorter = min(len(mine), len(other))
    return shorter > 0 and mine[:shorter] == other[:shorter]


def overridden(sources: Sequence[Located], assignments: Sequence[Assignment]) -> Overridden:
    """A file that holds what the assignments touch: each entry whole, as a named entry replaces another's."""
    plain: dict[str, Any] = {}
    for each in assignments:
        _assign(plain, sources, each)
    return Overridden(sources[0].path, plain, None, assignments=tuple(assignments))


def _assign(plain: dict[str, Any], sources: Sequence[Located], assignment: Assignment) -> None:
    *way, last = assignment.key_path
    whole = 2 if way and way[0] in NAMED_SECTIONS else 1
    here = plain
    for depth, key in enumerate(map(str, way), 1):
        if key not in here:
            here[key] = deepcopy(_found(sources, (*way[:depth],))) if depth >= whole else {}
        if here[key] is None:
            here[key] = {}
        if not isinstance(here[key], dict):
            raise UsageError(f"{assignment.option}: {dotted((*way[:depth],))} holds no keys")
        here = here[key]
    here[str(last)] = assignment.value


def _found(sources: Iterable[Located], key_path: KeyPath) -> Any:
    """What stands there in the first file that has it; nothing: an empty mapping."""
    for source in sources:
        plain = source.plain
        for key in key_path:
            plain = plain.get(key) if isinstance(plain, dict) else None
        if plain is not None:
            return plain
    return {}


def assigned(text: str, entry: FileEntry) -> Assignment:
    """`arms.koderz.candidates=4`: a key, and its value in YAML. Raises UsageError."""
    option = f"--koderz-set {text}"
    key, separator, value = text.partition("=")
    key = key.strip()
    if not separator or not key:
        raise UsageError(f"{option}: must be KEY=VALUE, such as arms.koderz.candidates=4")
    return Assignment(option, _path_of(key, entry), parse_yaml(Path(option), value).plain)


def _path_of(key: str, entry: FileEntry) -> KeyPath:
    """Its parts. A name may hold dots, as `models.gpt-4.1` does: the longest that there is counts."""
    section, _, rest = key.partition(".")
    names = getattr(entry, section) if section in NAMED_SECTIONS else ()
    name = max((name for name in names if rest == name or rest.startswith(f"{name}.")), key=len, default="")
    parts = [section, name, *rest[len(name) :].removeprefix(".").split(".")] if name else key.split(".")
    return tuple(part for part in parts if part)


def model_for_slot(text: str, profile: str, entry: FileEntry, backends: Registry) -> tuple[Assignment, ...]:
    """`local=qwen-coder`, or `local=ollama/qwen2.5-coder:32b`: a slot of the profile, and what fills it.

    A model that koderz.yaml does not know is defined by its back end and what that calls it, and `@http://host:port`
    where its server is another one than the environment's. Raises UsageError.
    """
    option = f"--koderz-model {text}"
    slot, separator, name = text.partition("=")
    if not separator or not slot or not name:
        raise UsageError(f"{option}: must be SLOT=MODEL, such as local=ollama/qwen2.5-coder:32b")
    slots = _slots_of(entry, profile)
    if slot not in slots:
        raise UsageError(f"{option}: no arm has a slot '{slot}'{nearest(slot, slots)}; slots: {', '.join(slots)}")
    filled = Assignment(option, ("profiles", profile, "models", slot), name)
    return (*_definition_of(option, name, entry, backends), filled)


def _definition_of(option: str, name: str, entry: FileEntry, backends: Registry) -> tuple[Assignment, ...]:
    if name in entry.models:
        return ()
    backend, separator, rest = name.partition("/")
    if not separator:
        near = nearest(name, entry.models)
        raise UsageError(f"{option}: no model named '{name}'{near}; or name one as backend/model")
    if backend not in backends and not backends.open_ended:
        raise UsageError(f"{option}: no back end named '{backend}'{nearest(backend, backends)}")
    model, at, host = rest.partition("@http")
    defined: dict[str, Any] = {"backend": backend, "model": model}
    if at:
        defined["hosts"] = [f"http{host}"]
    return (Assignment(option, ("models", name), defined),)


def _slots_of(entry: FileEntry, profile: str) -> list[str]:
    """The words that stand for a model in an arm or in the profile, and are no model's own name."""
    known = entry.profiles.get(profile)
    words = [word for arm in entry.arms.values() for role in Role for word in arm.words(role)]
    named = [word for word in words if word not in entry.models]
    return list(dict.fromkeys([*(known.models if known else ()), *named]))


def only(given: Mapping[KeyPath, tuple[str, Any]]) -> tuple[Assignment, ...]:
    """Those whose option was given."""
    return tuple(
        Assignment(f"{option} {value}", path, value) for path, (option, value) in given.items() if value is not None
    )


def _flow(value: Any) -> str:
    """In YAML, on one line, and read back as what it is."""
    return json.dumps(value, ensure_ascii=False, default=str)
