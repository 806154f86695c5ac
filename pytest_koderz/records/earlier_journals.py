"""Journals of versions 1 and 2: their lines in today's shape, and the digests that they hold for conditions.

fcd54d8 was the last to write version 2. What is computed here is computed over the fields that it knew, so that a later
field with its default makes no difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from hashlib import sha256
from typing import Any

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.templates import SHIPPED_VERSION

from .codec import Malformed
from .conditions import IDENTITY, SORTING, TRANSPORT, Conditions

FIRST_WITH_DATA = 3
"""The version from which conditions are data."""

_PROBLEM = (
    *("id", "prompt", "entry_point", "tests", "preamble", "visible", "plus", "canonical_solution", "dataset"),
    *("isolation", "requires"),
)
_ARM = (
    *("name", "local", "spec", "checkpoint", "max_iterations", "checkpoint_interval", "checkpoint_policy", "fallback"),
    *("feedback", "candidates", "attempts_shown", "reuse_spec", "recall_guidance", "grade_on"),
)
_MODEL = ("name", "backend", "model", "temperature", "max_tokens", "context_tokens", "options")


def upgraded(version: int, name: str, values: dict[str, Any]) -> dict[str, Any]:
    """What a line of an earlier version says, as today's would. Raises Malformed."""
    if version >= FIRST_WITH_DATA or name != "called":
        return values
    reply = values.get("reply")
    if not isinstance(reply, dict):
        raise Malformed("must be an object", ("reply",))
    cost = values.pop("cost", None)
    told = {key: reply.get(key) for key in ("usage", "seconds", "gpu_seconds")}
    # The name in koderz.yaml was not written: the ledger of the experiment has it.
    return {**values, "spending": {"role": values.get("role"), "model": "", "calls": 1, "cost": cost, **told}}


def digests_of(problem: Problem | None, arm: Arm) -> Conditions:
    """By the name of each condition what version 2 wrote for it."""
    models = {str(role): model for role, model in arm.models.items()}
    return {
        **({} if problem is None else {"problem": _digest(_shown(_known(problem, _PROBLEM, SORTING)))}),
        "prompt version": SHIPPED_VERSION,
        "arm": _digest(repr({name: each for name, each in _known(arm, _ARM).items() if name not in models})),
        **{f"{role} model": digest_of_model(model) for role, model in models.items()},
    }


def digest_of_model(model: ModelSettings) -> str:
    told = _known(model, _MODEL, left_out=(*TRANSPORT, IDENTITY))
    return _digest(repr(told | {"options": sorted(model.options.items())}))


def _known(value: Problem | Arm | ModelSettings, names: Sequence[str], left_out: Sequence[str] = ()) -> dict[str, Any]:
    """The fields that version 2 knew, and of later ones those that are set: it cannot have run under these."""
    later = [item for item in fields(value) if item.name not in (*names, *left_out)]
    told = {name: getattr(value, name) for name in names}
    return told | {item.name: found for item in later if (found := getattr(value, item.name)) != item.default}


def _shown(told: Mapping[str, object]) -> str:
    """As a dataclass with these fields shows itself."""
    return f"Problem({', '.join(f'{name}={each!r}' for name, each in told.items())})"


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
