"""Experiments as JSON text and back."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_koderz.core.experiment import Experiment

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


def to_json(experiment: Experiment) -> str:
    """One line of JSON that holds the whole record; dollars are strings, so that no digit is lost."""
    return _adapter(Experiment).dump_json(experiment).decode()


def from_json(text: str) -> Experiment:
    """The experiment that `to_json` wrote. Raises ValueError for any other text."""
    experiment: Experiment = _adapter(Experiment).validate_json(text)
    return experiment


def plain(value: Hashable) -> Any:
    """A value of the core as dicts, lists and scalars."""
    return _adapter(type(value)).dump_python(value, mode="json")


def value_of(kind: type[T], plain_value: object) -> T:
    """The value that `plain` took apart. Raises ValueError for anything else."""
    value: T = _adapter(kind).validate_python(plain_value)  # type: ignore[arg-type]  # every class is hashable
    return value


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
