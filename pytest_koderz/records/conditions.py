"""What must be the same for two records to be of one experiment: plain data, compared key by key, defaults left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from hashlib import sha256
from typing import Any

from pytest_koderz.core.arm import Arm, ModelSettings, Role
from pytest_koderz.core.place import FunctionPlace
from pytest_koderz.core.problem import Problem

from .codec import dumped

Condition = str | int | float | bool | tuple[str, ...] | None
Conditions = Mapping[str, Condition]

_PROBLEM = "problem"
_SWARM = "swarm"
_ROLES = {str(role) for role in Role}
TRANSPORT = ("price", "timeout", "patience", "hosts", "slots", "cutoff")
"""Of a model: how it is reached and billed, and what is known of it, which makes no difference to what it answers."""
IDENTITY, _SERVER = "identity", "server"
"""Of a model: what its servers said of it. Where they said nothing, or an earlier version did not ask, it is unknown
and no change. Of a server's other version `servers_unlike` tells: nothing is run anew for that.
"""
SORTING = ("categories", "published", "function")
"""Of a problem: how it is sorted, since when it is known and what it is like, which is no part of the task."""
_LEFT_OUT = {Problem: ("id", *SORTING), Arm: ("name", "prompts"), ModelSettings: TRANSPORT, FunctionPlace: ("root",)}
"""By kind. An experiment's id holds the problem's and the arm's name already."""
LONGEST = 40
"""Characters of a text that is told whole; of a longer one its digest is."""


def conditions_of(problem: Problem | None, arm: Arm) -> Conditions:
    """Such as `max_iterations` and `spec.model`. Without *problem* those that do not depend on it."""
    about = {} if problem is None else dict(_told(problem, f"{_PROBLEM}."))
    return {"prompt version": arm.prompt_set.version, **about, **dict(_told(arm))}


def conditions_of_role(conditions: Conditions, role: Role) -> Conditions:
    """Those that a model in that role answers under."""
    return {key: value for key, value in conditions.items() if key.startswith(f"{role}.")}


def digest_of(conditions: Conditions) -> str:
    """16 hex digits: the same for the same conditions."""
    return _digest(dumped(sorted(conditions.items())))


def unlike(recorded: Conditions, now: Conditions) -> tuple[str, ...]:
    """The keys that differ; those of a problem only where *now* has any."""
    about_problem = any(key.startswith(_PROBLEM) for key in now)
    before = {key: value for key, value in recorded.items() if about_problem or not key.startswith(_PROBLEM)}
    keys = [key for key in dict.fromkeys((*now, *before)) if before.get(key, MISSING) != now.get(key, MISSING)]
    return tuple(key for key in keys if key.split(".")[1:2] != [IDENTITY] or (key in before and key in now))


def changes(before: Conditions, now: Conditions) -> tuple[str, ...]:
    """What differs, each with its key and both values."""
    roles = [role for role in _ROLES if _plays(role, before) != _plays(role, now)]
    return (
        *(f"{role} was {_model(role, before)}, is {_model(role, now)}" for role in sorted(roles)),
        *(
            f"{key} was {_value(key, before)}, is {_value(key, now)}"
            for key in unlike(before, now)
            if key.partition(".")[0] not in roles
        ),
    )


def servers_unlike(before: Iterable[Arm], now: Iterable[Arm]) -> tuple[str, ...]:
    """The models whose servers were of another version, where both are known."""
    was, is_now = _servers(before), _servers(now)
    return tuple(
        f"the server of model '{name}' was {was[name]}, is {server}"
        for name, server in is_now.items()
        if was.get(name, server) != server
    )


def _servers(arms: Iterable[Arm]) -> Mapping[str, str]:
    return {model.name: model.identity[_SERVER] for arm in arms for _, model in arm.cast if _SERVER in model.identity}


def _told(value: Problem | Arm | ModelSettings | FunctionPlace, prefix: str = "") -> Iterator[tuple[str, Condition]]:
    for item in fields(value):
        found = getattr(value, item.name)
        if item.name in _LEFT_OUT[type(value)] or found == item.default:
            continue
        if isinstance(found, ModelSettings):
            yield from _told(found, f"{item.name}.")
        elif isinstance(found, FunctionPlace):
            yield from _told(found, f"{prefix}{item.name}.")
        elif item.name == _SWARM:
            for number, model in enumerate(found, start=2):
                yield from _told(model, f"{Role.LOCAL} {number}.")
        elif isinstance(found, Mapping):
            left_out = _SERVER if item.name == IDENTITY else None
            yield from ((f"{prefix}{item.name}.{key}", each) for key, each in sorted(found.items()) if key != left_out)
        else:
            yield f"{prefix}{item.name}", _short(found)


def _short(found: Any) -> Condition:
    if isinstance(found, str) and (len(found) > LONGEST or "\n" in found):
        return f"text {_digest(found)}"
    return str(found) if isinstance(found, str) else found


def _plays(role: str, conditions: Conditions) -> bool:
    return f"{role}.name" in conditions


def _model(role: str, conditions: Conditions) -> Condition:
    return conditions.get(f"{role}.name", "none")


def _value(key: str, conditions: Conditions) -> str:
    """What is left out is the default, which is unknown for a key that this version has not."""
    if key in conditions:
        return str(conditions[key])
    first, _, rest = key.partition(".")
    kind = Problem if first == _PROBLEM else ModelSettings if first in _ROLES else Arm
    default = next((item.default for item in fields(kind) if item.name == (rest or first)), MISSING)
    return "unset" if default is MISSING else str(default)


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
