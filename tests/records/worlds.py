"""Records of every kind, drawn at random."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.money import Spending, Usage
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.records.codec import MAGNITUDES, MOST_WHOLE
from pytest_koderz.records.events import KINDS, About, Ended, Event, Head, Looked
from pytest_koderz.records.journal import Journal
from pytest_koderz.testing import RecordingListener

JOURNALS = Path(__file__).parent / "journals"
"""Of earlier versions."""


class Written(RecordingListener):
    """A Listener that keeps a journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self.journal = journal

    def called(self, experiment: Experiment, role: Role, prompt: Prompt, reply: Reply, spending: Any) -> None:
        self.journal.pytest_koderz_called(experiment, role, prompt, reply, spending)

    def spec_written(self, experiment: Experiment, spec: Any) -> None:
        self.journal.pytest_koderz_spec_written(experiment, spec)

    def iterated(self, experiment: Experiment, iteration: Any) -> None:
        self.journal.pytest_koderz_iterated(experiment, iteration)

    def checkpointed(self, experiment: Experiment, guidance: Any) -> None:
        self.journal.pytest_koderz_checkpointed(experiment, guidance)


_SCALARS: Mapping[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(1 - MOST_WHOLE, MOST_WHOLE - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    types.NoneType: st.none(),
    date: st.dates(),
    Decimal: st.decimals(-(10**18), 10**18, places=6) | st.sampled_from([Decimal("0E-8"), Decimal("1E+18")]),
}
assert Decimal("1E+18").adjusted() in MAGNITUDES


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a class, a union, a Literal or a generic, as the fields of a record are."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    if is_dataclass(kind):
        return _records(cast(type, kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    return _generics(kind)


def _generics(kind: Any) -> st.SearchStrategy[Any]:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (Union, types.UnionType):
        return st.one_of([values(each) for each in inner])
    if origin is tuple:
        return st.lists(values(inner[0]), max_size=2).map(tuple)
    assert issubclass(origin, Mapping)
    return st.dictionaries(st.text(max_size=3), values(inner[1]), max_size=2)


def events() -> st.SearchStrategy[Event]:
    """Any line of a journal."""
    return st.sampled_from(list(KINDS.values())).flatmap(_events_of)


def _events_of(kind: type) -> st.SearchStrategy[Event]:
    at = st.text(max_size=8)
    if kind is Head:
        return st.tuples(at, values(Head)).map(lambda pair: Event(pair[0], _said(pair[1], pair[0])))
    if kind is Looked:
        return st.tuples(at, values(Looked)).map(lambda pair: Event(*pair))
    return st.tuples(at, values(kind), values(About)).map(lambda parts: _about(*parts))


def _said(head: Head, at: str) -> Head:
    return Head(**{item.name: getattr(head, item.name) for item in fields(head)} | {"at": at})


def _about(at: str, what: Any, about: About) -> Event:
    if isinstance(what, Ended):
        one = what.record
        about = About(one.id, one.problem_id, one.arm, one.epoch, about.conditions)
    return Event(at, what, about)


def _records(kind: type) -> st.SearchStrategy[Any]:
    if kind is Iteration:
        return st.integers(1, 2).flatmap(_iterations)
    hints = get_type_hints(kind)
    needed = {item.name for item in fields(kind) if item.default is item.default_factory is MISSING}
    return st.fixed_dictionaries(
        {name: values(hint) for name, hint in hints.items() if name in needed},
        optional={item.name: values(hints[item.name]) for item in fields(kind) if item.name not in needed},
    ).map(lambda drawn: kind(**{name: _used(kind, name, value) for name, value in drawn.items()}))


def _used(kind: type, name: str, value: Any) -> Any:
    """Of what was used up there is never less than none."""
    amount = name in ("calls", "cost", "seconds", "gpu_seconds", "cancelled") if kind is Spending else kind is Usage
    return abs(value) if amount and value is not None else value


def _iterations(candidates: int) -> st.SearchStrategy[Iteration]:
    """With as many verdicts, writers and origins as candidates."""
    hints = get_type_hints(Iteration)
    side_by_side = {
        name: st.tuples(*[values(get_args(hints[name])[0])] * candidates)
        for name in ("candidates", "verdicts", "writers", "origins")
    }
    others = {name: values(hint) for name, hint in hints.items() if name not in side_by_side}
    return st.fixed_dictionaries(others | side_by_side).map(lambda drawn: Iteration(**drawn))
