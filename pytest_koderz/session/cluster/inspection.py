"""Whether a machine comes to the same results as the client: versions, the judge's locks, and what models need."""

from __future__ import annotations

import platform
from dataclasses import dataclass, fields
from importlib.metadata import version

from pytest_koderz.core.errors import SandboxFault

from .far_world import workshop_of
from .orders import Terms


@dataclass(frozen=True, slots=True)
class Facts:
    python: str
    koderz: str
    judge: str = ""
    """Its levels. Empty: not asked for."""


_NAMES = {"python": "Python", "koderz": "pytest-koderz", "judge": "judge"}


def facts_here(terms: Terms) -> Facts:
    """Those of this process."""
    return Facts(platform.python_version(), version("pytest-koderz"), terms.judge)


def fault_here(terms: Terms, wanted: Facts) -> str:
    """For a worker: how it differs from the client. Empty: it is fit."""
    mine = Facts(platform.python_version(), version("pytest-koderz"), wanted.judge)
    fault = _difference(mine, wanted)
    if fault:
        return fault
    shop = workshop_of(terms)
    for model in terms.models:
        missing = shop.backends.of(model).fault_of(model, shop.environment)
        if missing:
            return f"model '{model.name}': {missing}"
    try:
        levels = getattr(shop.sandbox(), "levels", None)
    except SandboxFault as fault_of_judge:
        return f"judge: {fault_of_judge}"
    return _difference(Facts(mine.python, mine.koderz, words_of(levels)), wanted)


def words_of(levels: object) -> str:
    """What holds a candidate, as it is compared."""
    return "" if levels is None else f"{levels}"


def _difference(there: Facts, here: Facts) -> str:
    told = [
        f"{_NAMES[item.name]} {getattr(there, item.name)} there, {getattr(here, item.name)} here"
        for item in fields(Facts)
        if _counts(item.name, getattr(there, item.name)) != _counts(item.name, getattr(here, item.name))
    ]
    return "; ".join(told)


def _counts(name: str, value: str) -> str:
    """Of a version of Python what may change results."""
    return ".".join(value.split(".")[:2]) if name == "python" else value
