"""Prompts as data: texts with fields, which a user may replace by others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import sha256
from string import Template as StringTemplate

SHIPPED_VERSION = "1"
"""Changes with every change of a shipped text: experiments of different versions are not compared."""

STABLE = ("task", "spec")
"""Fields that are the same through an experiment."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "spec": ("task", "entry_point"),
    "candidate": ("task", "spec", "attempts", "guidance", "repeated", "asking", "entry_point"),
    "checkpoint": ("task", "attempts", "guidance", "question", "entry_point"),
    "fallback": ("task", "entry_point"),
}
"""By template, what may stand in it as `$field`. All but `entry_point` are sections, and empty where there is none."""


@dataclass(frozen=True, slots=True)
class Template:
    """What a role is told to be, and what it is asked. Paragraphs that come out empty are left out."""

    system: str
    text: str

    def rendered(self, values: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
        """What stays the same through an experiment, worth caching, and the paragraphs that follow.

        The first are the leading paragraphs up to the last that holds the task or the spec, as far as nothing stands
        before it that changes.
        """
        paragraphs = re.split(r"\n[ \t]*\n", self.text.strip("\n"))
        steady = 0
        for number, paragraph in enumerate(paragraphs, 1):
            named = fields_in(paragraph)
            if any(name not in (*STABLE, "entry_point") for name in named):
                break
            steady = number if any(name in STABLE for name in named) else steady
        filled = [StringTemplate(paragraph).substitute(values).strip() for paragraph in paragraphs]
        stable = "\n\n".join(paragraph for paragraph in filled[:steady] if paragraph)
        return stable, tuple(paragraph for paragraph in filled[steady:] if paragraph)


def fields_in(text: str) -> list[str]:
    """The names of the fields in *text*. Raises ValueError for a `$` that begins none; `$$` stands for one."""
    template = StringTemplate(text)
    if not template.is_valid():
        raise ValueError("a `$` that begins no field; write `$$` for one that is meant")
    return template.get_identifiers()


@dataclass(frozen=True)
class PromptSet:
    """The prompts of an arm."""

    spec: Template
    candidate: Template
    checkpoint: Template
    fallback: Template

    @cached_property
    def version(self) -> str:
        """The shipped texts' number; of others with 12 hex digits that belong to their content."""
        if self == SHIPPED:
            return SHIPPED_VERSION
        templates: list[Template] = [getattr(self, item.name) for item in fields(self)]
        texts = "\0".join(f"{template.system}\0{template.text}" for template in templates)
        return f"{SHIPPED_VERSION}-{sha256(texts.encode(errors='surrogatepass')).hexdigest()[:12]}"

    def __hash__(self) -> int:
        return hash(self.version)


CODE_SYSTEM = (
    "You are a careful Python programmer. Reply with one complete program in a single ```python block: "
    "the needed imports, any helper, and the whole function under the name that the task gives. No tests, no examples."
)
SPEC_SYSTEM = (
    "You write specifications for a programmer who is diligent but inexperienced. State what the function takes and "
    "returns, the rules in order, the edge cases, and an algorithm in plain words. Do not write the code itself."
)
CHECKPOINT_SYSTEM = (
    "You review a programmer's failed attempts at a task. Find what they have in common, name the wrong idea behind "
    "it, and say in a few sentences what to do differently. Do not write the solution, and do not repeat test values."
)

SHIPPED = PromptSet(
    spec=Template(SPEC_SYSTEM, "$task\n\nWrite the specification of `$entry_point`."),
    candidate=Template(
        CODE_SYSTEM,
        "$task\n\n$spec\n\n$attempts\n\n$guidance\n\n$repeated\nWrite the whole function `$entry_point`.\n$asking",
    ),
    checkpoint=Template(
        CHECKPOINT_SYSTEM, "$task\n\n$attempts\n\n$guidance\n\n$question\n\nWhat should the programmer do differently?"
    ),
    fallback=Template(CODE_SYSTEM, "$task\n\nWrite the whole function `$entry_point`."),
)

PROMPT_TEXTS = {"spec": SPEC_SYSTEM, "code": CODE_SYSTEM, "checkpoint": CHECKPOINT_SYSTEM}
"""What the roles are told to be by the shipped prompts, for the record."""
