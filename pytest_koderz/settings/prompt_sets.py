"""Prompts of a user's own: what koderz.yaml says of them, over the shipped ones."""

from __future__ import annotations

from dataclasses import fields
from typing import Protocol

from pytest_koderz.core.templates import FIELDS, SHIPPED, PromptSet, Template, fields_in
from pytest_koderz.files.nearest import nearest
from pytest_koderz.files.usage_error import UsageError

from .schema import PromptsEntry, TemplateEntry


class KeyPlace(Protocol):
    """`file:line: key` of a key within the set."""

    def __call__(self, *key_path: str) -> str: ...


def prompt_set(entry: PromptsEntry, at: KeyPlace) -> PromptSet:
    """Raises UsageError for a text that names what is no field, or not the task."""
    names = [item.name for item in fields(PromptSet)]
    return PromptSet(**{name: _template(name, getattr(entry, name), at) for name in names})


def _template(name: str, entry: TemplateEntry, at: KeyPlace) -> Template:
    shipped: Template = getattr(SHIPPED, name)
    text = shipped.text if entry.text is None else entry.text
    _check(name, text, at)
    return Template(shipped.system if entry.system is None else entry.system, text)


def _check(name: str, text: str, at: KeyPlace) -> None:
    try:
        named = fields_in(text)
    except ValueError as fault:
        raise UsageError(f"{at(name, 'text')}: {fault}") from None
    unknown = next((field for field in named if field not in FIELDS[name]), None)
    if unknown is not None:
        known = ", ".join(f"${field}" for field in FIELDS[name])
        near = nearest(unknown, FIELDS[name])
        raise UsageError(f"{at(name, 'text')}: there is no field ${unknown}{near}; there are {known}")
    if "task" not in named:
        raise UsageError(f"{at(name, 'text')}: lacks $task, without which nobody knows what to do")
